"""A full disk: said clearly, nothing torn, and all goes on when there is space again."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from smaker.core.errors import StorageError
from smaker.store.faults import explain

LEVELS = [0, 4, 16, 40, 64, 100, 200, 400, 800, 1500]  # KiB free

IN_A_SMALL_DISK = """
import asyncio, json, sqlite3, sys
from contextlib import closing
from pathlib import Path
from smaker.core.clock import SystemClock
from smaker.core.errors import StorageError
from smaker.core.events import NewEvent
from smaker.core.models import Project, Stage, Step, StepKind, Task, TaskState
from smaker.core.ports import Change
from smaker.store.sql import open_store

disk = Path(sys.argv[1])
clock = SystemClock()
ballast = disk / "ballast"

def leave(free):
    "Fill the disk until only `free` bytes are left."
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass
        file.truncate(max(0, file.tell() - free))

async def fill(store, told):
    "Write until the disk is full; return the error."
    async def events():
        count = 0
        while True:
            count += 1
            (event,) = await store.emit("p1", [NewEvent(kind="step.command", message="x" * 2000)])
            told["events"].append(event.seq)
    async def ledger():
        index = max(told["steps"], default=0)
        while True:
            index += 1
            blob = await store.put_blob(str(index).encode() * (40 if index % 2 else 20_000))
            told["blobs"].append(blob)
            step = Step(id=f"t1.{index}", project="p1", task="t1", index=index, kind=StepKind.COMMAND, title="x",
                        attempt=1, input_sha="0" * 64, started_at=clock.now())
            await store.begin_step(step)
            await store.finish_step(step.model_copy(update={"finished_at": clock.now(), "output": {"b": "y" * 3000}}))
            told["steps"].append(index)
    outcomes = await asyncio.gather(events(), ledger(), return_exceptions=True)
    return outcomes

async def check(store, told):
    events = await store.events("p1", limit=100_000)
    assert [event.seq for event in events] == list(range(1, len(events) + 1)), "gap"
    assert set(told["events"]) <= {event.seq for event in events}, "lost events"
    finished = {step.index for step in await store.steps("p1") if step.finished_at}
    assert set(told["steps"]) <= finished, "lost steps"
    for blob in told["blobs"]:
        await store.get_blob(blob)

async def level(home, free):
    told = {"events": [], "steps": [], "blobs": []}
    store = await open_store(home, clock=clock)
    await store.create(
        Project(id="p1", name="n", prompt="x", workspace="/w", created_at=clock.now()),
        Change(tasks=(Task(id="t1", project="p1", stage=Stage.SPEC, title="t", agent="a", state=TaskState.READY),)),
    )
    await store.claim("w", capabilities=(), lease_s=30)
    leave(free)
    errors = await fill(store, told)
    for error in errors:
        assert isinstance(error, StorageError), repr(error)
        assert error.code == "E_DISK_FULL", (error.message, error.__cause__)
        assert "disk is full" in error.message and "smaker resume" in error.hint
    await check(store, told)  # still readable while the disk is full
    ballast.unlink()
    await store.emit("p1", [NewEvent(kind="step.command", message="again")])
    await store.put_blob(b"z" * 100_000)
    await check(store, told)
    await store.close()
    assert not list(home.rglob("*.new-*")), "left over"
    store = await open_store(home, clock=clock)
    assert store.recovered_from is None, store.damage
    await check(store, told)
    await store.close()
    with closing(sqlite3.connect(home / "smaker.db")) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return len(told["events"])

async def start(home):
    "A home cannot be made on a full disk, and can be when there is space."
    leave(0)
    try:
        await open_store(home, clock=clock)
        raise AssertionError("opened")
    except StorageError as error:
        assert error.code == "E_DISK_FULL", (error.message, error.__cause__)
    ballast.unlink()
    store = await open_store(home, clock=clock)
    assert store.recovered_from is None, store.damage
    await store.close()

async def main():
    import shutil
    answers = {}
    for free in json.loads(sys.argv[2]):
        home = disk / f"home-{free}"
        answers[free] = await level(home, free * 1024)
        shutil.rmtree(home)
    await start(disk / "new")
    print(json.dumps(answers))

asyncio.run(main())
"""


@pytest.mark.sandbox
def test_ten_levels_of_a_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    disk = ["--size", str(4 << 20), "--tmpfs", str(small)]
    command = ["bwrap", "--dev-bind", "/", "/", *disk, "--", sys.executable, "-c"]
    ran = subprocess.run(
        [*command, IN_A_SMALL_DISK, str(small), json.dumps(LEVELS)],
        check=False,
        capture_output=True,
        text=True,
        timeout=50,
        cwd=Path(__file__).parents[2],
    )
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout)
    assert len(answers) == len(LEVELS)
    assert answers["1500"] > answers["0"]


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "E_DISK_FULL"),
        (errno.EDQUOT, "E_DISK_FULL"),
        (errno.EACCES, "E_READ_ONLY"),
        (errno.EROFS, "E_READ_ONLY"),
        (errno.EIO, "E_STORAGE"),
    ],
)
def test_what_the_system_says_is_put_in_words(tmp_path: Path, number: int, code: str) -> None:
    error = explain(OSError(number, "what the system says"), tmp_path / "smaker.db")
    assert isinstance(error, StorageError)
    assert (error.code, bool(error.hint)) == (code, True)
    assert "smaker.db" in error.message
