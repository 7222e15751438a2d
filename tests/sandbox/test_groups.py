"""Control groups where they can be had, and the processes that start boxes in them."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command
from smaker.sandbox import cgroup
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.cgroup import Group, Groups
from smaker.sandbox.limits import Limits
from smaker.sandbox.nursery import Nurseries, Nursery

pytestmark = pytest.mark.sandbox


@pytest.fixture
def groups() -> Groups:
    found = cgroup.find(Limits())
    if found is None:
        pytest.skip("this user cannot make control groups here")
    return found


def test_bounds_are_written_and_the_group_goes(groups: Groups) -> None:
    group = groups.make(Limits(memory_mb=123, processes=45))
    texts = [path.read_text().strip() for folder in group.folders for path in folder.glob("*max*")]
    texts += [path.read_text().strip() for folder in group.folders for path in folder.glob("memory.limit_in_bytes")]
    if groups.processes:
        assert "45" in texts
    if groups.memory:
        assert str(123 << 20) in texts
    assert group.members() == set()
    assert group.out_of_memory() == 0
    group.remove()
    assert not any(folder.exists() for folder in group.folders)
    group.remove()


def test_what_a_killed_smaker_left_is_swept(groups: Groups) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = [parent / f"smaker-{gone.pid}-1" for parent, _ in groups.parents]
    mine = groups.make(Limits())
    for folder in left:
        folder.mkdir()
    assert cgroup.find(Limits()) is not None
    assert not any(folder.exists() for folder in left)
    assert all(folder.exists() for folder in mine.folders)
    mine.remove()


def test_a_machine_without_groups_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cgroup, "_mounts", list)
    assert cgroup.find(Limits()) is None
    monkeypatch.setattr(cgroup, "_candidates", lambda: [((tmp_path / "missing", True),), ((tmp_path, True),)])
    assert cgroup.find(Limits()) is None, "a folder that is no control group bounds nothing"


def test_version_two_is_looked_for_beside_our_own_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that has processes cannot have bounded children; the one above it can, where it is delegated."""
    point = Path("/sys/fs/cgroup")
    monkeypatch.setattr(cgroup, "_mounts", lambda: [("cgroup2", "/", point, {"rw"})])
    monkeypatch.setattr(cgroup, "_own", lambda: {"": "/user.slice/user@1.service/app.slice/term.scope"})
    above = point / "user.slice/user@1.service/app.slice"
    assert cgroup._candidates() == [((above / "term.scope", True),), ((above, True),)]


def test_bounds_of_version_two_are_its_own_words(tmp_path: Path) -> None:
    names = [name for name, _ in cgroup._bounds(True, Limits(memory_mb=2))]
    assert names == ["pids.max", "memory.max", "memory.swap.max"]


async def test_nurseries_are_used_again_and_end_with_their_owner(groups: Groups) -> None:
    nurseries = Nurseries(groups, Limits())
    first, second = await nurseries.take(), await nurseries.take()
    folders = [*first.group.folders, *second.group.folders]
    nurseries.give_back(first)
    assert await nurseries.take() is first
    nurseries.give_back(first)
    nurseries.give_back(second)
    del nurseries
    assert not any(folder.exists() for folder in folders)


async def test_a_nursery_that_died_is_replaced(groups: Groups) -> None:
    nurseries = Nurseries(groups, Limits())
    first = await nurseries.take()
    nurseries.give_back(first)
    for pid in first.group.members():
        os.kill(pid, 9)
    for _ in range(500):
        if not first.idle:
            break
        await asyncio.sleep(0.01)
    second = await nurseries.take()
    assert second is not first
    assert not any(folder.exists() for folder in first.group.folders)
    second.close()


async def test_a_group_that_cannot_be_entered_is_told(tmp_path: Path) -> None:
    nursery = Nursery(Group((tmp_path / "no-such-group",)))
    with pytest.raises(SandboxUnavailable, match="could not be entered"):
        await nursery.ready()
    nursery.close()
    with pytest.raises(SandboxUnavailable, match="No control group"):
        await Nurseries(Groups(((tmp_path / "missing", True),), memory=True, processes=True), Limits()).take()


async def test_descriptors_keep_their_numbers(groups: Groups) -> None:
    nurseries = Nurseries(groups, Limits())
    nursery = await nurseries.take()
    pipes = [os.pipe() for _ in range(12)]
    out_read, out_write = os.pipe()
    keep = [write for _, write in pipes]
    script = "; ".join(f"import os; os.write({number}, b'{number}')" for number in keep)
    argv = [sys.executable, "-c", f"{script}; print(sorted(map(int, os.listdir('/proc/self/fd'))))"]
    program = nursery.launch(argv, {}, output=out_write, stdin=None, keep=keep)
    for descriptor in (out_write, *keep):
        os.close(descriptor)
    for read, write in pipes:
        assert os.read(read, 9) == str(write).encode()
        os.close(read)
    said = b""
    while data := os.read(out_read, 4096):
        said += data
    listed = [int(number) for number in said.decode().strip(" []\n").split(",")]
    assert set(listed) - {0, 1, 2} - set(keep) <= {max(set(range(3, 300)) & set(listed) - set(keep))}
    os.close(out_read)
    program.close()
    nurseries.give_back(nursery)


async def test_a_program_that_cannot_start_is_told_by_the_nursery(groups: Groups) -> None:
    nursery = await Nurseries(groups, Limits()).take()
    with pytest.raises(SandboxUnavailable, match="/no/such/program"):
        nursery.launch(["/no/such/program"], {}, output=1, stdin=None, keep=())
    nursery.close()
    with pytest.raises(SandboxUnavailable, match="could not be started"):
        nursery.launch(["/bin/true"], {}, output=1, stdin=None, keep=())


async def test_no_process_and_no_group_is_left(groups: Groups, workspace: Path) -> None:
    def present() -> set[Path]:
        return {path for parent, _ in groups.parents for path in parent.glob(f"smaker-{os.getpid()}-*")}

    before = present()  # sandboxes of earlier tests may go at any moment, so numbers cannot be compared
    sandbox = BwrapSandbox()
    await asyncio.gather(*(sandbox.run(Command(argv=("true",), workspace=workspace)) for _ in range(3)))
    made = present() - before
    assert made
    del sandbox
    for _ in range(200):
        if not made & present():
            return
        gc.collect()
        await asyncio.sleep(0.01)
    assert not made & present()


async def test_boxes_in_groups_cost_no_grace_period(
    groups: Groups, workspace: Path, command: Callable[..., Command]
) -> None:
    """To move a process into a group takes ten milliseconds; a box is born in one."""
    times: dict[bool, list[float]] = {True: [], False: []}
    sandboxes = {groups: BwrapSandbox(control_groups=groups) for groups in times}
    for _ in range(12):
        for groups_used, sandbox in sandboxes.items():
            await asyncio.sleep(0.03)  # a grace period ends
            started = time.perf_counter()
            await sandbox.run(command("true"))
            times[groups_used].append(time.perf_counter() - started)
    assert min(times[True]) < min(times[False]) + 0.008
