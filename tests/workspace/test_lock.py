"""Locks: left-over ones are healed, held ones respected; one process drives a project."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import InUse, WorkspaceError
from smaker.workspace import FileLock, health, refs
from smaker.workspace.repository import GitWorkspace


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A left-over lock is one of this many seconds."""
    monkeypatch.setattr(health, "STALE_S", 0.3)
    monkeypatch.setattr(refs, "_LEFT_OVER_S", 0.3)


LOCKS = ["index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", LOCKS)
async def test_a_left_over_lock_is_healed(built: GitWorkspace, make: Any, commit: Any, git: Any, name: str) -> None:
    lock = built.path / ".git" / name
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    workspace = await make().open(built.path)
    assert not lock.exists()
    checkout = await workspace.checkout("t1")
    await commit(checkout, {"new": b"x"}, "t1.1")
    lock.touch()  # and one that is fresh, while it is open
    await workspace.integrate("t1")
    assert git("status", "--porcelain") == ""


@pytest.mark.usefixtures("impatient")
async def test_a_lock_on_a_tasks_ref_is_healed(built: GitWorkspace, commit: Any) -> None:
    checkout = await built.checkout("t1")
    (built.path / ".git/refs/smaker/tasks/t1.lock").touch()
    await commit(checkout, {"new": b"x"}, "t1.1")
    await built.integrate("t1")


@pytest.mark.usefixtures("impatient")
async def test_a_lock_of_a_living_git_is_respected(built: GitWorkspace, make: Any, commit: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"new": b"x"}, "t1.1")
    lock = built.path / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    living = await asyncio.create_subprocess_exec("git", "cat-file", "--batch", cwd=built.path, stdin=subprocess.PIPE)
    try:
        await make().open(built.path)  # looking is allowed
        with pytest.raises(WorkspaceError, match=f"pid {living.pid}") as raised:
            await built.integrate("t1")
        assert str(lock) in raised.value.hint
        assert lock.exists()
    finally:
        await living.communicate(b"")
    await built.integrate("t1")


HOLDER = """
import sys, time
from pathlib import Path
from smaker.workspace.lock import FileLock
FileLock(Path(sys.argv[1])).acquire("p1")
print("held", flush=True)
time.sleep(60)
"""


def test_a_project_is_driven_by_one_process(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    assert lock.holder("p1") is None
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        name = f"pid {holder.pid} on {socket.gethostname()}"
        assert lock.holder("p1") == name
        with pytest.raises(InUse, match=name) as raised:
            lock.acquire("p1")
        assert raised.value.code == "E_IN_USE"
        lock.acquire("p2")
        lock.release("p2")
    finally:
        holder.kill()
        holder.communicate()
    assert lock.holder("p1") is None
    lock.acquire("p1")
    with pytest.raises(InUse):
        FileLock(tmp_path).acquire("p1")  # nor twice in one process
    grandchild = subprocess.Popen(["sleep", "30"])
    lock.release("p1")
    FileLock(tmp_path).acquire("p1")  # no program that was started keeps it
    grandchild.kill()
    grandchild.wait()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "victim").write_text("x")
    (tmp_path / "locks" / "p1.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(WorkspaceError):
        FileLock(tmp_path).acquire("p1")
    assert (tmp_path / "victim").read_text() == "x"
    for name in ("../x", "a/b", "", "a\0"):
        with pytest.raises(WorkspaceError):
            FileLock(tmp_path).acquire(name)
