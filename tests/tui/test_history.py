"""The History tab: who committed what and for how much; diffs, going back, going on elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static, TextArea

from smaker.core.models import Desired
from smaker.core.ports import Change
from smaker.core.rebuilding import build_again
from smaker.core.recording import read
from smaker.tui.going_back import Preview
from smaker.tui.screens.fork import ForkDialog
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.review import Review
from smaker.tui.widgets.diff_view import DiffView
from smaker.tui.widgets.task_tree import TaskTree

RECORD = Path(__file__).parents[1] / "recordings" / "katas.smaker"
IDS = (r"\b[0-9a-f]{40}\b", r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture
async def recorded(desk: Any, tmp_path: Path) -> tuple[Any, str]:
    """An engine, and in it the record of a build by a model."""
    recording, blobs = read(RECORD)
    folder = tmp_path / "katas"
    await build_again(recording, blobs, workspaces=desk.local.workspaces, folder=folder)
    store, project = desk.local.store, recording.project.model_copy(update={"workspace": str(folder)})
    await store.create(project, Change(tasks=recording.tasks, events=recording.finished))
    await store.add_steps(project.id, recording.steps)
    for data in blobs.values():
        await store.put_blob(data)
    return desk, project.id


def rows(tab: Any) -> list[list[str]]:
    table = tab.query_one("#history-steps", DataTable)
    return [[str(value) for value in table.get_row_at(index)] for index in range(table.row_count)]


def told(app: Any) -> str:
    return str(app.screen.query_one("#told Static", Static).render())


async def review(desk: Any, pilot: Any) -> Review:
    """The review that comes next, once its diff is there."""
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, Review))
    view = pilot.app.screen.query_one(DiffView)
    await desk.until(pilot, lambda: view.row_count or "…" not in view._said)
    return pilot.app.screen


async def test_what_a_model_did_and_for_how_much(recorded: Any, go: Any, screen_is: Any) -> None:
    desk, project = recorded
    async with desk.shown() as pilot:
        tab = await go(pilot, "history", project)
        listed = rows(tab)
        assert [row[1] for row in listed] == ["run", "implement", "tests", "skeleton", "spec"]
        assert [bool(row[4]) for row in listed] == [False, True, True, False, True]
        assert listed[4][3] == "local/desk"
        assert "tokens" in str(tab.query_one("#history-sum", Static).render())
        await pilot.press("down")
        about = str(tab.query_one("#history-about", Static).render())
        assert "agent coder, local/desk" in about and "for R1" in about
        screen_is(pilot, tab, "history", *IDS)
        await pilot.press("c")
        assert pilot.app.clipboard == tab.chosen.sha
        await pilot.press("enter")
        shown = await review(desk, pilot)
        assert "katas/__init__.py" in shown.query_one(DiffView).patch.files[0].path
        await pilot.press("y")
        assert pilot.app.screen is shown, "nothing is asked, so there is no yes"
        await pilot.press("n", "v", "escape")
        assert isinstance(pilot.app.screen, ProjectScreen)


async def test_a_fork_may_have_another_model_but_only_one_there_is(recorded: Any, go: Any) -> None:
    desk, project = recorded
    async with desk.shown((80, 24)) as pilot:
        app = pilot.app
        tab = await go(pilot, "history", project)
        await pilot.press("ctrl+end", "k")
        await desk.until(pilot, lambda: isinstance(app.screen, ForkDialog))
        assert "from t1.4" in str(app.screen.query_one(".question", Static).render())
        app.screen.query_one("#fork-model", Input).value = "nobody/x"
        await pilot.press("ctrl+s")
        assert "No provider 'nobody'" in str(app.screen.query_one(".told", Static).render())
        app.screen.query_one("#fork-model", Input).value = "openai/gpt-4.1"
        await pilot.press("ctrl+s")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen) and app.screen.project_id != project)
        made = (await desk.snapshot(app.screen.project_id)).project
        assert (made.model, made.name) == ("openai/gpt-4.1", "Katas (fork)")
        assert next(task.title for task in (await desk.snapshot(made.id)).tasks if not task.state.ended) == "Skeleton"
        assert tab.project_id == project


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(120)
async def test_rewind_shows_what_goes_asks_and_saves_edits_aside(own: Any, go: Any, screen_is: Any) -> None:
    desk, project = own
    folder = Path((await desk.snapshot(project)).project.workspace)
    (folder / "notes.txt").write_text("my own\n")
    async with desk.shown() as pilot:
        app = pilot.app
        tab = await go(pilot, "history", project)
        before = rows(tab)
        tab.query_one("#history-steps", DataTable).move_cursor(row=len(before) - 2)
        await pilot.press("u")
        await review(desk, pilot)
        assert "3 commits go from main" in told(app) and "To be done again:" in told(app)
        screen_is(pilot, app.screen, "rewind")
        await pilot.press("escape")
        assert rows(tab) == before
        await pilot.press("u")
        await review(desk, pilot)
        await pilot.press("y")
        await desk.until(pilot, lambda: isinstance(app.screen, Review) and "edits in the project" in told(app))
        shown = await review(desk, pilot)
        assert [file.path for file in shown.query_one(DiffView).patch.files] == ["notes.txt"]
        await pilot.press("escape")
        assert (folder / "notes.txt").exists() and (folder / "index.html").exists()
        await pilot.press("u")
        await review(desk, pilot)
        await pilot.press("y")
        await desk.until(pilot, lambda: isinstance(app.screen, Review) and "edits in the project" in told(app))
        await review(desk, pilot)
        await pilot.press("y")
        await desk.until(pilot, lambda: len(rows(tab)) == 2)
        assert not (folder / "notes.txt").exists()
        now = await desk.snapshot(project)
        assert now.project.desired is Desired.PAUSE
        assert [task.title for task in now.tasks if not task.state.ended] == [
            "The site",
            "Acceptance tests",
            "Run the tests",
        ]
        tree = app.screen.query_one(TaskTree)
        folded = [node for stage in tree.root.children for node in stage.children if "cancelled" in str(node.label)]
        assert [(str(node.label), node.is_expanded, len(node.children)) for node in folded] == [
            ("- 1 cancelled", False, 1)
        ] * 3
        assert tree.cursor_node is not None and tree.cursor_node.data == now.tasks[-1].id
        await pilot.press("ctrl+home", "u")
        await desk.until(pilot, lambda: any("there already" in note.message for note in app._notifications))


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(180)
async def test_a_fork_with_words_is_built_and_shown(own: Any, go: Any) -> None:
    desk, project = own
    async with desk.shown() as pilot:
        app = pilot.app
        await go(pilot, "history", project)
        await pilot.press("k")
        await desk.until(pilot, lambda: isinstance(app.screen, ForkDialog))
        assert not app.screen.query("#fork-model"), "no model goes on with what rules planned"
        app.screen.query_one("#fork-words", TextArea).text = "add a pricing table"
        await pilot.press("ctrl+s")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen) and app.screen.project_id != project)
        made = app.screen.project_id
        await desk.until(pilot, lambda: app.feed.views[made].status == "READY", 150)
        snapshot = await desk.snapshot(made)
        assert any("pric" in entry.text.lower() for entry in snapshot.project.spec.requirements)
        commits = await desk.services.control.history(made)
        step = next(commit for commit in reversed(commits) if "pricing" in commit.subject)
        undone = Preview.of(snapshot, commits, step.parent or "")
        assert undone.undone == ("add a pricing table",)
        assert not undone.again and not undone.paused
