"""What the feed reads: builds that somebody drives are followed, of others the newest, and nothing again and again."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from smaker.core.events import NewEvent
from smaker.core.ports import Change
from smaker.tui import app as app_module
from smaker.tui import feed as feed_module
from smaker.tui.feed import Feed
from smaker.tui.widgets.stream import Stream


@pytest.fixture
def reads(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the record was read, by what was read."""
    count: Counter[str] = Counter()
    read = desk.local.store._read

    async def counted(query: Any) -> Any:
        count[getattr(query, "func", query).__name__] += 1
        return await read(query)

    monkeypatch.setattr(desk.local.store, "_read", counted)
    return count


async def emit(desk: Any, project: str, *messages: str) -> None:
    """Something happens in another process: it is recorded, and the bus here does not hear of it."""
    build = await desk.local.store.build(project)
    events = tuple(NewEvent(kind="finding", message=message) for message in messages)
    await desk.local.store.apply(project, Change(events=events), revision=build.project.revision)


def activity(pilot: Any) -> list[str]:
    return [line.split("  ")[-1] for line in pilot.app.screen.query_one("#activity", Stream).lines if line]


def told(pilot: Any) -> str:
    return "\n".join(note.message for note in pilot.app._notifications)


async def test_builds_that_nobody_drives_are_not_polled(desk: Any, reads: Counter[str]) -> None:
    for _ in range(30):
        await desk.project()
    reads.clear()
    async with desk.shown() as pilot:
        feed: Feed = pilot.app.feed
        await desk.until(pilot, lambda: all(view.status == "STOPPED" for view in feed.views.values()))
        await desk.until(pilot, lambda: all(task.done() for task in feed._following.values()))
        assert len({event.project for event in feed.activity}) == feed_module.NEWEST
        reads.clear()
        await asyncio.sleep(2.5)
        assert set(reads) <= {"projects"}, "and where to list them takes long, not even that often"
        assert reads.total() <= 3
        await desk.until(pilot, lambda: reads["projects"])


async def test_one_look_that_takes_long_does_not_blind_it(
    desk: Any, open_desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "REST_S", 1.5)
    project = await desk.project()
    other = await open_desk(desk.local.home)
    look, looks = desk.services.control.projects, Counter[str]()

    async def slow_at_first() -> Any:
        looks["projects"] += 1
        await asyncio.sleep(3 if looks["projects"] == 1 else 0)
        return await look()

    monkeypatch.setattr(desk.services.control, "projects", slow_at_first)
    async with desk.shown() as pilot:
        await emit(other, project, "elsewhere")
        await desk.until(pilot, lambda: activity(pilot)[-1:] == ["elsewhere"], 20)


async def test_a_build_that_another_process_takes_up_is_followed_and_let_go(
    desk: Any, open_desk: Any, reads: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "QUIET_S", 0.5)
    project = await desk.project()
    other = await open_desk(desk.local.home)
    async with desk.shown() as pilot:
        view = pilot.app.feed.views[project]
        await desk.until(pilot, lambda: view.status == "STOPPED" and view.seq)
        other.local.lock.acquire(project)
        await emit(other, project, "taken up")
        await desk.until(pilot, lambda: view.holder is not None)
        await desk.until(pilot, lambda: not pilot.app.feed._following[project].done())
        monkeypatch.setattr(feed_module, "LIST_S", 60.0)
        await asyncio.sleep(1.2)  # by then the last look at the list has begun
        await emit(other, project, "still there")
        await desk.until(pilot, lambda: view.events[-1].message == "still there")
        monkeypatch.setattr(feed_module, "LIST_S", 1.0)
        pilot.app.feed.refresh()
        other.local.lock.release(project)  # as when it is killed: nothing is recorded
        await desk.until(pilot, lambda: view.status == "STOPPED" and pilot.app.feed._following[project].done())
        await emit(other, project, "a last word")
        await desk.until(pilot, lambda: activity(pilot)[-1] == "a last word")
        reads.clear()
        await asyncio.sleep(1.5)
        assert set(reads) <= {"projects"}


async def test_what_happens_while_the_past_is_read_is_new(desk: Any) -> None:
    project = await desk.project()
    moved, new = asyncio.Event(), list[str]()
    feed = Feed(desk.services.control, moved.set)
    await emit(desk, project, "just now")
    running = asyncio.ensure_future(feed.run())
    try:
        async with asyncio.timeout(20):
            while len(feed.activity) < 2:
                await moved.wait()
                moved.clear()
                new += [event.message for event in feed.take().events]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert new == ["just now"]


async def test_what_happened_before_is_there_in_order(desk: Any) -> None:
    one, two = await desk.project(), await desk.project()
    for number in range(15):
        await emit(desk, one, f"one {number}")
        await emit(desk, two, f"two {number}")
    async with desk.shown() as pilot:
        wanted = [f"{name} {number}" for number in range(15) for name in ("one", "two")]
        await desk.until(pilot, lambda: activity(pilot)[-30:] == wanted)
        assert len(pilot.app.feed.activity) <= 2 * feed_module.NEWEST
        assert told(pilot) == ""


async def test_a_build_goes_on_wherever_it_can(desk: Any, open_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ENDING_S", 0.5)
    project = await desk.project()
    other = await open_desk(desk.local.home)
    async with desk.shown() as pilot:
        app = pilot.app
        await desk.until(pilot, lambda: app.feed.views[project].status == "STOPPED")
        other.local.lock.acquire(project)
        app.drive(project)
        await desk.until(pilot, lambda: "goes on with it." in told(pilot))
        assert desk.services.builder.running() == frozenset()

        app.drive(project)
        started: list[str] = []
        await desk.until(pilot, desk.services.builder.running)
        monkeypatch.setattr(desk.services.builder, "start", lambda of, _: started.append(of))
        other.local.lock.release(project)  # it was about to end
        await desk.until(pilot, lambda: started == [project])
        assert "error" not in {note.severity for note in app._notifications}
