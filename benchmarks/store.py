"""The store's figures: durable events per second, how flat their cost is, and what one awaited step costs.

`python -m benchmarks.store` prints one JSON object. Times depend on the machine and its neighbours: trust the ratios,
which are of runs side by side. ``--events`` is how large the flatness run grows.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from smaker.core.clock import SystemClock
from smaker.core.events import NewEvent
from smaker.core.models import Project, Stage, Step, StepKind, Task, TaskState
from smaker.core.ports import Change
from smaker.store.reader import Reader
from smaker.store.sql import SqlStore, open_store

CLOCK = SystemClock()
EVENT = NewEvent(
    kind="step.command", message="$ pytest -q → exit 0", task="t12", data={"step": "t12.3", "exit_code": 0}
)
PROJECTS = 10
PRODUCERS = 1000
ROUNDS = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    print(json.dumps(measure(parser.parse_args().events)))  # noqa: T201


def figures(*, quick: bool) -> list[Figure]:
    """P8, in the shape of the table."""
    found: dict[str, Any] = measure(1_000, rounds=1, producers=50) if quick else measure(1_000_000)
    grown: dict[str, Any] = found["flatness"]
    floor = found["floor_one_commit_each_per_s"]
    return [
        Figure(
            "P8", "durable events a second, 1,000 producers", found["events_per_s"], "/s", floor,
            "sqlite3, one commit each", 50_000, of="value", at_least=True, detail=found,
        ),
        Figure(
            "P8", "the same, ten events at a time", found["events_per_s_in_tens"], "/s", floor,
            "sqlite3, one commit each", 50_000, of="value", at_least=True,
        ),
        Figure(
            "P8", f"cost of an event at {events_in_words(grown)} events beside 1,000", grown["ratio_last_to_first"],
            "times", bound=1.1, of="value",
        ),
    ]  # fmt: skip


def events_in_words(grown: dict[str, Any]) -> str:
    """How many events there were in the end."""
    return f"{int(list(grown['us_per_event'])[-1]):,}"


def measure(events: int = 300_000, *, rounds: int = ROUNDS, producers: int = PRODUCERS) -> dict[str, object]:
    """Return all figures. Takes some 20 seconds for 300,000 events."""
    gc.freeze()  # as a program does that has loaded what it needs: a full collection then walks only what is new
    try:
        with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
            return asyncio.run(_measure(Path(folder), events, rounds, producers))
    finally:
        gc.unfreeze()


async def _measure(folder: Path, events: int, rounds: int, producers: int) -> dict[str, object]:
    home = folder / "home"
    store = await _filled(home)
    try:
        floor = [_floor(folder / f"floor-{number}.db", producers // 2) for number in range(rounds)]
        singles = [await _produce(store, producers, 5, 1) for _ in range(rounds)]
        tens = [await _produce(store, producers // 5, 5, 10) for _ in range(rounds)]
        begin, finish = await _steps(store, producers // 5)
        figures: dict[str, object] = {
            "floor_one_commit_each_per_s": round(max(floor)),
            "events_per_s": round(max(singles)),
            "events_per_s_median": round(statistics.median(singles)),
            "events_per_s_in_tens": round(max(tens)),
            "ratio_to_floor": round(max(singles) / max(floor), 1),
            "begin_step_ms": begin,
            "finish_step_ms": finish,
            "emit_ms": await _latency(lambda _: store.emit("p0", [EVENT]), producers // 5),
            "build_ms": await _latency(lambda _: store.build("p0"), producers // 5),
            "put_small_blob_ms": await _latency(lambda n: store.put_blob(os.urandom(2000) + bytes(n)), producers // 10),
            "put_large_blob_ms": await _latency(
                lambda n: store.put_blob(os.urandom(100_000) + bytes(n)), producers // 20
            ),
        }
        figures["flatness"] = await _flatness(store, events)
    finally:
        await store.close()
    figures["database_mb"] = round((home / "smaker.db").stat().st_size / 1e6, 1)
    figures["open_ms"] = await _opening(home)
    figures["reader_ms"] = _reading(home)
    return figures


async def _filled(home: Path) -> SqlStore:
    store = await open_store(home, clock=CLOCK)
    for number in range(PROJECTS):
        of = f"p{number}"
        task = Task(id="t1", project=of, stage=Stage.TESTS, title="t", agent="a", state=TaskState.READY)
        project = Project(id=of, name="n", prompt="p", workspace="/w", created_at=CLOCK.now())
        await store.create(project, Change(tasks=(task,)))
        await store.claim("bench", capabilities=(), lease_s=3600, project=of)
    return store


def _floor(path: Path, count: int) -> float:
    """Rows per second by the standard library, each committed alone."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE events (project TEXT, seq INTEGER, body TEXT, PRIMARY KEY (project, seq))")
    body = EVENT.model_dump_json()
    begun = time.perf_counter()
    for seq in range(count):
        connection.execute("INSERT INTO events VALUES (?, ?, ?)", ("p", seq, body))
    seconds = time.perf_counter() - begun
    connection.close()
    return count / seconds


async def _produce(store: SqlStore, producers: int, rounds: int, burst: int) -> float:
    """Events per second from many producers, each of which waits until its own are durable."""

    async def produce(project: str) -> None:
        for _ in range(rounds):
            await store.emit(project, [EVENT] * burst)

    begun = time.perf_counter()
    await asyncio.gather(*(produce(f"p{number % PROJECTS}") for number in range(producers)))
    return producers * rounds * burst / (time.perf_counter() - begun)


async def _flatness(store: SqlStore, events: int) -> dict[str, object]:
    """Cost of an event, and of reading a project's last 50, while the table grows: the best of five runs each."""
    marks = [mark for mark in (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000) if mark <= events]
    stored = sum([await _last(store, f"p{number}") for number in range(PROJECTS)])
    insert: dict[str, float] = {}
    read: dict[str, float] = {}
    for mark in marks:
        while stored < mark:
            stored += 10_000
            await _produce(store, 100, 10, 10)
        costs = [1e6 / await _produce(store, 100, 5, 10) for _ in range(5)]
        stored += 25_000
        last = await _last(store, "p0")
        insert[str(mark)] = round(min(costs), 1)
        read[str(mark)] = (await _latency(lambda _, last=last: store.events("p0", after=last - 50), 50))["p50"]
    costs = list(insert.values())
    return {"us_per_event": insert, "last_50_ms": read, "ratio_last_to_first": round(costs[-1] / costs[0], 2)}


async def _last(store: SqlStore, project: str) -> int:
    (event,) = await store.emit(project, [EVENT])
    return event.seq


async def _steps(store: SqlStore, count: int) -> tuple[dict[str, float], dict[str, float]]:
    def step(index: int) -> Step:
        return Step(
            id=f"t1.{index}",
            project="p0",
            task="t1",
            index=index,
            kind=StepKind.COMMAND,
            title="pytest -q",
            attempt=1,
            input_sha="0" * 64,
            started_at=CLOCK.now(),
        )

    def done(index: int) -> Step:
        return step(index).model_copy(
            update={"finished_at": CLOCK.now(), "output": {"exit_code": 0, "output": "." * 500}}
        )

    begin = await _latency(lambda index: store.begin_step(step(index)), count)
    return begin, await _latency(lambda index: store.finish_step(done(index), [EVENT]), count)


async def _latency(call: Callable[[int], Awaitable[object]], count: int) -> dict[str, float]:
    """Milliseconds of calls one after the other."""
    times: list[float] = []
    for number in range(1, count + 1):
        begun = time.perf_counter()
        await call(number)
        times.append((time.perf_counter() - begun) * 1000)
    times.sort()
    return {"p50": round(times[count // 2], 3), "p95": round(times[int(count * 0.95)], 3)}


async def _opening(home: Path) -> float:
    times: list[float] = []
    for _ in range(5):
        begun = time.perf_counter()
        store = await open_store(home, clock=CLOCK)
        times.append((time.perf_counter() - begun) * 1000)
        await store.close()
    return round(statistics.median(times), 1)


def _reading(home: Path) -> float:
    times: list[float] = []
    for _ in range(5):
        begun = time.perf_counter()
        with Reader(home) as reader:
            reader.build(reader.projects()[0].id)
        times.append((time.perf_counter() - begun) * 1000)
    return round(statistics.median(times), 1)


if __name__ == "__main__":
    main()
