"""What is written together stands or falls alone."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import Conflict, Fenced, NotFound, StorageError
from smaker.core.ports import Change
from smaker.store import lane
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock


async def commits(store: SqlStore, home: Path) -> int:
    with sqlite3.connect(home / "smaker.db") as connection:
        (number,) = connection.execute("SELECT number FROM commits").fetchone()
    connection.close()
    return number


async def test_what_is_asked_at_once_is_committed_at_once(store: SqlStore, home: Path, records: Any) -> None:
    await store.create(records.project(), Change())
    before = await commits(store, home)
    await asyncio.gather(*(store.emit("p1", [records.event()]) for _ in range(500)))
    assert await commits(store, home) - before <= 3


async def test_refusals_in_a_batch_are_their_callers_alone(store: SqlStore, home: Path, records: Any) -> None:
    await store.create(records.project(), Change(tasks=(records.task(),)))
    before = await commits(store, home)
    outcomes = await asyncio.gather(
        store.emit("p1", [records.event("1")]),
        store.emit("nope", [records.event()]),
        store.apply("p1", Change(events=(records.event("2"),)), revision=7),
        store.begin_step(records.step(1)),
        store.emit("p1", [records.event("3")]),
        return_exceptions=True,
    )
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [list, NotFound, Conflict, Fenced, list]
    assert [event.message for event in await store.events("p1")] == ["1", "3"]
    assert await commits(store, home) - before <= 2


async def test_a_failure_in_a_batch_is_its_callers_alone(store: SqlStore, records: Any) -> None:
    await store.create(records.project(), Change())
    torn = Change(tasks=(records.task("t1"), records.task("t1")), events=(records.event("torn"),))
    outcomes = await asyncio.gather(
        *(store.emit("p1", [records.event(str(number))]) for number in range(5)),
        store.apply("p1", torn),
        *(store.emit("p1", [records.event(str(number))]) for number in range(5, 10)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, StorageError) for outcome in outcomes] == [False] * 5 + [True] + [False] * 5
    events = await store.events("p1")
    assert [(event.seq, event.message) for event in events] == [(number + 1, str(number)) for number in range(10)]


async def test_a_defect_of_ours_is_not_called_a_failure_of_the_disk(store: SqlStore, records: Any) -> None:
    await store.create(records.project(), Change())
    with pytest.raises(ValueError, match="'x7' is not the id of a task"):
        await store.begin_step(records.step(1).model_copy(update={"task": "x7"}))
    assert len(await store.emit("p1", [records.event()])) == 1


async def test_callers_who_gave_up_trouble_nobody(store: SqlStore, records: Any) -> None:
    await store.create(records.project(), Change())
    calls = [asyncio.create_task(store.emit("p1", [records.event(str(number))])) for number in range(100)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(outcome, list) for outcome in outcomes) == 50
    events = await store.events("p1")
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {event.message for event in events} >= {str(number) for number in range(1, 100, 2)}


async def test_closing_writes_what_is_waiting(home: Path, clock: FrozenClock, records: Any) -> None:
    store = await open_store(home, clock=clock)
    await store.create(records.project(), Change())
    calls = [asyncio.create_task(store.emit("p1", [records.event()])) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert [events[0].seq for events in await asyncio.gather(*calls)] == list(range(1, 51))
    with pytest.raises(StorageError, match="closed"):
        await store.emit("p1", [records.event()])
    store = await open_store(home, clock=clock)
    assert len(await store.events("p1")) == 50
    await store.close()


async def test_the_loop_goes_on_while_the_disk_works(store: SqlStore, records: Any) -> None:
    await store.create(records.project(), Change())
    late = 0.0

    async def tick() -> None:
        nonlocal late
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            late = max(late, time.perf_counter() - before - 0.005)

    ticking = asyncio.create_task(tick())
    for _ in range(20):
        await store.emit("p1", [records.event("x" * 5000)] * 50)
    ticking.cancel()
    assert late < 0.25


async def test_a_database_locked_for_too_long_is_named(
    home: Path, clock: FrozenClock, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane, "BUSY_S", 0.1)
    store = await open_store(home, clock=clock)
    await store.create(records.project(), Change())
    other = sqlite3.connect(home / "smaker.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = await asyncio.gather(*(store.emit("p1", [records.event()]) for _ in range(20)), return_exceptions=True)
    assert {getattr(outcome, "code", None) for outcome in outcomes} == {"E_BUSY"}
    assert await store.events("p1") == []
    other.execute("ROLLBACK")
    other.close()
    assert [event.seq for event in await store.emit("p1", [records.event()])] == [1]
    await store.close()


async def test_a_build_is_read_once_per_revision(store: SqlStore, records: Any) -> None:
    await store.create(records.project(), Change(tasks=(records.task(),)))
    first = await store.build("p1")
    assert await store.build("p1") is first
    await store.claim("w", capabilities=(), lease_s=30)
    second = await store.build("p1")
    assert second.task("t1").attempt == 1
    await store.heartbeat("p1", "t1", 1, lease_s=300)
    third = await store.build("p1")
    assert third.task("t1").lease_until != second.task("t1").lease_until
    await store.delete("p1")
    await store.create(records.project(), Change())
    assert (await store.build("p1")).tasks == ()
