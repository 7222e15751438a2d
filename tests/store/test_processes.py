"""Several processes on one database, and processes that are killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smaker.core.clock import SystemClock
from smaker.core.models import TaskState
from smaker.core.ports import Change
from smaker.store.reader import Reader
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock

Child = Callable[..., "subprocess.Popen[str]"]

BEGIN = """
import asyncio, json, sys
from pathlib import Path
from smaker.core.clock import SystemClock
from smaker.core.events import NewEvent
from smaker.core.models import Step, StepKind
from smaker.core.ports import Change
from smaker.store.sql import open_store
clock = SystemClock()
home = Path(sys.argv[1])
"""

EMIT = (
    BEGIN
    + """
async def main():
    store = await open_store(home, clock=clock)
    print("ready", flush=True); sys.stdin.readline()
    async def produce(name):
        for count in range(20):
            await store.emit("p1", [NewEvent(kind="step.command", message=f"{sys.argv[2]}.{name}.{count}")])
    await asyncio.gather(*(produce(name) for name in range(25)))
    await store.close()
asyncio.run(main())
"""
)

CLAIM = (
    BEGIN
    + """
async def main():
    store = await open_store(home, clock=clock)
    print("ready", flush=True); sys.stdin.readline()
    done = []
    async def work(name):
        while (task := await store.claim(f"{sys.argv[2]}.{name}", capabilities=(), lease_s=30)) is not None:
            done.append([task.id, task.attempt])
            await asyncio.sleep(0.005)
    await asyncio.gather(*(work(name) for name in range(3)))
    await store.close()
    print(json.dumps(done))
asyncio.run(main())
"""
)

WRITE = (
    BEGIN
    + """
def told(*what):
    print(json.dumps(what), flush=True)
async def main():
    store = await open_store(home, clock=clock)
    assert store.recovered_from is None, store.damage
    task = await store.claim("child", capabilities=(), lease_s=30, project="p1")
    assert task is not None
    known = await store.steps("p1", "t1")
    async def ledger():
        for index in range(len(known) + 1, 100_000):
            blob = await store.put_blob(f"{index}".encode() * (10 if index % 5 else 10_000))
            told("blob", blob)
            step = Step(id=f"t1.{index}", project="p1", task="t1", index=index, kind=StepKind.COMMAND, title="x",
                        attempt=task.attempt, input_sha="0" * 64, started_at=clock.now())
            await store.begin_step(step)
            told("begun", index)
            done = step.model_copy(update={"finished_at": clock.now(), "output": {"blob": blob}})
            events = await store.finish_step(done, [NewEvent(kind="step.command", message=f"step {index}")])
            told("event", events[0].seq, events[0].message)
    async def emit(name):
        count = 0
        while True:
            count += 1
            (event,) = await store.emit("p1", [NewEvent(kind="step.command", message=f"{task.attempt}.{name}.{count}")])
            told("event", event.seq, event.message)
    async def change():
        while True:
            events = await store.apply("p1", Change(events=(NewEvent(kind="project.state", message="changed"),)))
            told("event", events[0].seq, events[0].message)
    await asyncio.gather(ledger(), change(), *(emit(name) for name in range(3)))
asyncio.run(main())
"""
)


def go(*children: subprocess.Popen[str]) -> None:
    for process in children:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in children:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=40)
    assert process.returncode == 0, errors
    return out


async def test_two_processes_number_events_without_a_gap(
    store: SqlStore, home: Path, records: Any, child: Child
) -> None:
    await store.create(records.project(), Change(events=(records.event("first"),)))
    children = [child(EMIT, home, name) for name in ("a", "b")]
    await asyncio.to_thread(go, *children)
    for _ in range(50):
        await store.emit("p1", [records.event("here")])
    for process in children:
        await asyncio.to_thread(finish, process)
    found = await store.events("p1", limit=5000)
    assert [event.seq for event in found] == list(range(1, 1 + 1 + 2 * 25 * 20 + 50))
    assert len({event.message for event in found}) == 2 + 2 * 25 * 20
    for name in ("a.0.", "b.7.", "a.24."):
        own = [int(event.message.rpartition(".")[2]) for event in found if event.message.startswith(name)]
        assert own == list(range(20))


async def test_two_processes_never_claim_the_same_task(store: SqlStore, home: Path, records: Any, child: Child) -> None:
    await store.create(records.project(), Change(tasks=tuple(records.task(f"t{n}") for n in range(1, 201))))
    children = [child(CLAIM, home, name) for name in ("a", "b")]
    await asyncio.to_thread(go, *children)
    claimed: list[list[Any]] = []
    for process in children:
        share = json.loads((await asyncio.to_thread(finish, process)).splitlines()[-1])
        assert share, "both got some"
        claimed.extend(share)
    assert sorted(claimed) == sorted([f"t{n}", 1] for n in range(1, 201))
    assert {task.state for task in (await store.build("p1")).tasks} == {TaskState.RUNNING}


async def test_a_kill_in_the_middle_of_writes_loses_nothing_acknowledged(
    home: Path, records: Any, child: Child
) -> None:
    """Six kills at random moments, each process going on from where the one before was killed."""
    store = await open_store(home, clock=SystemClock())
    await store.create(records.project(), Change(tasks=(records.task(),)))
    await store.close()
    random.seed(20)
    seqs: dict[int, str] = {}
    blobs: set[str] = set()
    begun: set[int] = set()
    for life in range(6):
        process = child(WRITE, home)
        assert process.stdout is not None
        for _ in range(random.randrange(5, 120)):
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            note(json.loads(line), seqs, blobs, begun)
        os.kill(process.pid, signal.SIGKILL)
        for line in process.communicate()[0].splitlines():
            if line.endswith("]"):
                note(json.loads(line), seqs, blobs, begun)

        store = await open_store(home, clock=SystemClock())
        assert store.recovered_from is None, store.damage
        events = await store.events("p1", limit=100_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert {event.seq: event.message for event in events if event.seq in seqs} == seqs
        steps = await store.steps("p1")
        assert begun <= {step.index for step in steps}
        finished = [f"step {step.index}" for step in steps if step.finished_at]
        assert finished == [event.message for event in events if event.message.startswith("step")]
        for blob in blobs:
            assert await store.get_blob(blob)
        (task,) = (await store.build("p1")).tasks
        assert task.attempt == life + 1
        await store.release("p1", "t1", task.attempt)
        await store.close()
    assert len(seqs) > 60
    assert not [path for path in home.rglob("*.new-*") if time.time() - path.stat().st_mtime > 60]


def note(line: list[Any], seqs: dict[int, str], blobs: set[str], begun: set[int]) -> None:
    match line:
        case ["event", int(seq), str(message)]:
            seqs[seq] = message
        case ["blob", str(name)]:
            blobs.add(name)
        case ["begun", int(index)]:
            begun.add(index)
        case _:
            raise AssertionError(line)


async def test_the_reader_sees_what_another_process_has_committed(
    store: SqlStore, home: Path, records: Any, child: Child
) -> None:
    await store.create(records.project(), Change())
    process = child(EMIT, home, "a")
    await asyncio.to_thread(go, process)
    with Reader(home) as reader:
        seen = 0
        while process.poll() is None or seen < 500:
            found = await asyncio.to_thread(reader.events, "p1", after=seen)
            assert [event.seq for event in found] == list(range(seen + 1, seen + 1 + len(found)))
            seen += len(found)
    finish(process)
    assert seen == 500


async def test_a_lease_outlives_its_process_and_then_ends(home: Path, records: Any, clock: FrozenClock) -> None:
    store = await open_store(home, clock=clock)
    await store.create(records.project(), Change(tasks=(records.task(),)))
    clock.advance(1000)
    await store.claim("w1", capabilities=(), lease_s=30)
    await store.close()
    store = await open_store(home, clock=clock)
    clock.advance(29)
    assert await store.claim("w2", capabilities=(), lease_s=30) is None
    clock.advance(2)
    second = await store.claim("w2", capabilities=(), lease_s=30)
    assert second is not None
    assert second.attempt == 2
    await store.close()


async def test_after_a_reboot_all_leases_have_ended(home: Path, records: Any, clock: FrozenClock) -> None:
    store = await open_store(home, clock=clock)
    await store.create(records.project(), Change(tasks=(records.task(),)))
    clock.advance(1000)
    await store.claim("w1", capabilities=(), lease_s=30)
    await store.close()
    rebooted = FrozenClock(clock.now())  # its monotonic clock starts again
    store = await open_store(home, clock=rebooted)
    second = await store.claim("w2", capabilities=(), lease_s=30)
    assert second is not None
    assert second.attempt == 2
    await store.close()
