"""What the record says is there before the engine; what is asked for meanwhile is done when it comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static

from smaker.core.commands import Pause
from smaker.core.errors import Unavailable
from smaker.core.models import Desired
from smaker.tui.opening import Coming
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.new_project import NewProjectScreen
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.welcome import WelcomeScreen
from smaker.tui.widgets.stream import Stream
from smaker.wiring.reader import FirstLook


def table(app: Any) -> DataTable[Any]:
    return app.screen.query_one("#projects", DataTable)


def footer(app: Any) -> set[str]:
    return {shown.binding.action for shown in app.screen.active_bindings.values() if shown.binding.show}


@pytest.mark.sandbox
@pytest.mark.node
async def test_projects_figures_activity_and_keys_are_there_before_the_engine(built: Any) -> None:
    comes = asyncio.Event()
    app = built.app(comes)
    async with app.run_test(size=(140, 45)) as pilot:
        await built.until(pilot, lambda: table(app).row_count and table(app).get_row_at(0)[3].plain == "4/4")
        await built.until(pilot, lambda: any("READY" in line for line in app.screen.query_one(Stream).lines))
        assert not app.connected
        assert {"add_step", "app.new"} <= footer(app)
        assert str(app.screen.query_one("#summary", Static).render()).endswith("1 project")
        before = app.export_screenshot()
        comes.set()
        await built.until(pilot, lambda: app.connected)
        await pilot.pause(0.3)
        assert app.export_screenshot() == before


async def test_what_needs_no_engine_is_done_without_it(desk: Any) -> None:
    await desk.project("a landing page")
    await desk.project("a poll")
    app = desk.app(asyncio.Event())
    async with app.run_test(size=(140, 45)) as pilot:
        await desk.until(pilot, lambda: table(app).row_count == 2)
        await pilot.press("slash", *"poll")
        await desk.until(pilot, lambda: table(app).row_count == 1)
        assert app.screen.query_one("#filter", Input).value == "poll"
        await pilot.press("enter", "question_mark")
        await desk.until(pilot, lambda: not isinstance(app.screen, Dashboard))
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(app.screen, Dashboard))
        await pilot.press("q")
        await desk.left(pilot)


@pytest.mark.parametrize(("key", "screen"), [("n", NewProjectScreen), ("enter", ProjectScreen)])
async def test_a_screen_that_is_asked_for_comes_with_the_engine(desk: Any, key: str, screen: type) -> None:
    await desk.project()
    comes = asyncio.Event()
    app = desk.app(comes)
    async with app.run_test(size=(140, 45)) as pilot:
        await desk.until(pilot, lambda: table(app).row_count == 1)
        await pilot.press(key)
        await pilot.pause(0.2)
        assert isinstance(app.screen, Dashboard)
        comes.set()
        await desk.until(pilot, lambda: isinstance(app.screen, screen))


async def test_a_build_that_is_paused_early_is_paused(desk: Any) -> None:
    project = await desk.project()
    comes = asyncio.Event()
    app = desk.app(comes)
    async with app.run_test(size=(140, 45)) as pilot:
        await desk.until(pilot, lambda: "pause" in footer(app))
        await pilot.press("p")
        await pilot.pause(0.2)
        assert (await desk.snapshot(project)).project.desired == "run"
        comes.set()
        await desk.until(pilot, lambda: app.feed.views[project].status == "PAUSED")


async def test_the_engine_is_loaded_once_the_projects_are_shown(desk: Any) -> None:
    await desk.project()
    app, rows = desk.app(), list[int]()
    connect = app._connect

    async def seen() -> Any:
        rows.append(table(app).row_count)
        return await connect()

    app._connect = seen
    async with app.run_test() as pilot:
        await desk.until(pilot, lambda: app.connected)
    assert rows == [1]


async def test_a_home_without_projects_is_said_by_the_engine_alone(desk: Any) -> None:
    comes = asyncio.Event()
    app = desk.app(comes)
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.pause(0.5)
        assert "opening" in str(app.screen.query_one("#nothing", Static).render())
        comes.set()
        await desk.until(pilot, lambda: isinstance(app.screen, WelcomeScreen))


async def test_a_record_that_cannot_be_read_waits_for_the_engine(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.project()

    def unreadable(*_: object) -> None:
        raise Unavailable("not now")

    monkeypatch.setattr("smaker.store.reader.Reader.projects", unreadable)
    comes = asyncio.Event()
    app = desk.app(comes)
    async with app.run_test(size=(140, 45)) as pilot:
        await pilot.pause(0.3)
        assert not app.watching
        comes.set()
        await desk.until(pilot, lambda: table(app).row_count == 1)


async def test_events_go_on_without_a_gap_when_the_engine_comes(desk: Any) -> None:
    project = await desk.project()
    coming = Coming()
    look = FirstLook(desk.local.home, coming)
    heard: list[int] = []

    async def listen() -> None:
        async for event in look.events(project, follow=True):
            heard.append(event.seq)  # noqa: PERF401  it is looked at meanwhile

    listening = asyncio.ensure_future(listen())
    await asyncio.wait_for(coming.wanted.wait(), 10)
    recorded = await desk.local.store.events(project)
    assert heard == [event.seq for event in recorded] != []
    coming.arrive(desk.services.control)
    await desk.services.control.steer(project, Pause())
    await asyncio.wait_for(listening, 20)
    assert (await desk.snapshot(project)).project.desired is Desired.PAUSE
    assert heard == [event.seq for event in await desk.local.store.events(project)]
    assert len(heard) > len(recorded)
