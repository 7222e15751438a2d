"""The dashboard and the project screen: what is there, what happens, on small and large terminals."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Select, Static, TabbedContent

from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.tabs.log import LogTab
from smaker.tui.widgets.stream import Stream
from smaker.tui.widgets.task_tree import TaskTree

SMALL, LARGE = (80, 24), (140, 45)


def rows(app: Any) -> list[list[str]]:
    table = app.screen.query_one("#projects", DataTable)
    return [[str(value) for value in table.get_row_at(index)] for index in range(table.row_count)]


def test_the_first_paint_needs_neither_models_nor_the_engine() -> None:
    code = "import sys, smaker.tui.app; print('pydantic' in sys.modules, 'sqlalchemy' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "False"]


async def test_an_empty_home_says_so(desk: Any) -> None:
    async with desk.shown() as pilot:
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        assert "no project yet" in str(pilot.app.screen.query_one("#nothing", Static).render())


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_finished_project_is_shown_with_its_figures(built: Any, size: tuple[int, int]) -> None:
    async with built.shown(size) as pilot:
        await built.until(pilot, lambda: rows(pilot.app)[0][3] == "4/4")
        state, name, stages, _, tests, _, _ = rows(pilot.app)[0]
        assert (state, name, stages) == ("✓ READY", "Landing page", "✓✓✓✓✓")
        assert tests.endswith("✓")


async def test_a_tab_that_is_left_stays_left(desk: Any) -> None:
    """The focus was in it: were it handed to a neighbour there, that would bring the tab back."""
    await desk.project()
    async with desk.shown(LARGE) as pilot:
        app = pilot.app
        await pilot.press("enter")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        tabs = app.screen.query_one("#right", TabbedContent)
        shown: list[str] = []

        def note(name: str) -> None:
            shown.append(name)

        app.screen.watch(tabs, "active", note, init=False)
        for key, place in (
            ("3", "#diff-steps"),
            ("4", "#history-steps"),
            ("3", "#diff-steps"),
            ("4", "#history-steps"),
        ):
            await pilot.press(key)
            await desk.until(
                pilot, lambda place=place: app.focused is not None and app.focused in app.screen.query(place)
            )
            await pilot.pause(0.3)
        assert shown == ["tab-diff", "tab-history"] * 2


@pytest.mark.sandbox
@pytest.mark.node
async def test_filter_and_sort(built: Any) -> None:
    async with built.shown() as pilot:
        app = pilot.app
        await pilot.press("slash", *"landing")
        assert len(rows(app)) == 1
        await pilot.press("x")
        assert rows(app) == []
        await pilot.press("escape")
        await built.until(pilot, lambda: len(rows(app)) == 1)
        assert app.screen.query_one("#filter", Input).value == ""
        await pilot.press("s")
        assert "newest first" in str(app.screen.query_one("#summary", Static).render())


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_project_has_its_tasks_their_steps_and_its_log(built: Any, size: tuple[int, int]) -> None:
    async with built.shown(size) as pilot:
        app = pilot.app
        await pilot.press("enter")
        await built.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        stream = app.screen.query_one("#stream", Stream)
        await built.until(pilot, lambda: "t5.1 check" in "\n".join(stream.lines))
        tree = app.screen.query_one("#tasks", TaskTree)
        assert [str(stage.label).split()[1] for stage in tree.root.children] == [
            "spec",
            "skeleton",
            "implementation",
            "tests",
            "run",
        ]
        for told in ("Stays on this task.", "Follows the running task."):
            await pilot.press("f")
            await built.until(pilot, lambda told=told: told in [note.message for note in app._notifications])
        in_sight = range(tree.scroll_offset.y, tree.scroll_offset.y + tree.scrollable_content_region.height)
        assert tree.cursor_line in in_sight, "it is the newest task, the last line"
        both = size == LARGE
        right = app.screen.query_one("#right", TabbedContent)
        assert (bool(right.region.width), tree.region.width > 0) == (both, True)
        await pilot.press(str([pane.id for pane in right.query("TabPane")].index("tab-log") + 1))
        await built.until(pilot, lambda: app.screen.query(LogTab) and app.screen.query_one("#log-events", Stream).lines)
        assert (right.region.width > 0, tree.region.width > 0) == (True, both)
        events = app.screen.query_one("#log-events", Stream)
        assert "project.created" in events.lines[0]
        assert any("TESTING → READY" in line for line in events.lines)
        events.scroll_home(animate=False)
        await pilot.press("k")
        kinds = app.screen.query_one("#log-kinds", Select)
        await built.until(pilot, lambda: kinds.expanded)
        await pilot.press("escape")
        await built.until(pilot, lambda: kinds.has_focus and not kinds.expanded)
        await pilot.press("k")
        await built.until(pilot, lambda: kinds.expanded)
        await pilot.press("down", "enter")
        await built.until(
            pilot, lambda: events.has_focus and not any("project.created" in line for line in events.lines)
        )
        await pilot.press("k")
        await built.until(pilot, lambda: kinds.expanded)
        await pilot.press("up", "enter")
        await built.until(pilot, lambda: events.has_focus and any("project.created" in line for line in events.lines))
        await pilot.press("end")
        await built.until(pilot, lambda: events.is_vertical_scroll_end)
        await pilot.press("slash", *"acceptance")
        await built.until(pilot, lambda: all("cceptance" in line for line in events.lines if line))
        await pilot.press("escape")
        if not both:
            assert isinstance(app.screen, ProjectScreen), "on a narrow terminal the first leads to the tasks"
            await pilot.press("escape")
        await built.until(pilot, lambda: isinstance(app.screen, Dashboard))


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(120)
async def test_a_build_is_seen_as_it_goes(desk: Any) -> None:
    project = await desk.project()
    async with desk.shown() as pilot:
        app = pilot.app
        await desk.until(pilot, lambda: rows(app) and rows(app)[0][0] == "‖ STOPPED")
        failed: list[Any] = []
        desk.services.builder.start(project, failed.append)
        await pilot.press("enter")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        stream = app.screen.query_one("#stream", Stream)
        await desk.until(pilot, lambda: any("TAP" in line or "✔" in line for line in stream.lines), 90)
        await desk.until(pilot, lambda: "READY" in str(app.screen.query_one("#summary", Static).render()))
        assert not failed
        await pilot.press("escape")
        activity = app.screen.query_one("#activity", Stream)
        await desk.until(pilot, lambda: any("TESTING → READY" in line for line in activity.lines))
        assert desk.services.builder.running() == frozenset()


async def test_what_another_terminal_makes_and_deletes_is_seen(desk: Any) -> None:
    async with desk.shown() as pilot:
        await pilot.press("escape")
        project = await desk.project()
        await desk.until(pilot, lambda: len(rows(pilot.app)) == 1)
        await pilot.press("enter")
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, ProjectScreen))
        await desk.services.forget(project, True)
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        assert rows(pilot.app) == []


async def test_a_project_that_is_deleted_while_its_screen_is_made_is_left(desk: Any) -> None:
    project = await desk.project()
    async with desk.shown() as pilot:
        app = pilot.app
        await desk.until(pilot, lambda: len(rows(app)) == 1)
        app.open_project(project)
        app.feed._listed([])  # in this very moment
        app.on_opening_app_moved()
        await desk.services.forget(project, True)
        await desk.until(pilot, lambda: isinstance(app.screen, Dashboard) and not rows(app))
