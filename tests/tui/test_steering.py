"""Steering builds by keys: from the list of projects, from a project's screen, by the palette."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Input, OptionList, Static, TextArea

from smaker.core.commands import AddStep, Cancel
from smaker.core.models import Desired, Gate, ProjectState, TaskState
from smaker.core.ports import Change
from smaker.core.queue import queued
from smaker.tui.screens.budget import BudgetForm
from smaker.tui.screens.confirm import Confirm
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.dialogs import OneOf, Show, Words
from smaker.tui.screens.help import HelpScreen
from smaker.tui.screens.plan import ApprovePlan
from smaker.tui.screens.plan_editor import PlanEditor
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.queue import QueueScreen
from smaker.tui.screens.review import Review


async def state(desk: Any, project: str) -> Any:
    return (await desk.snapshot(project)).project


async def on(desk: Any, pilot: Any, kind: type) -> Any:
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, kind))
    return pilot.app.screen


async def seen(desk: Any, pilot: Any, project: str, status: str) -> None:
    """Wait until the app shows a status."""
    views = pilot.app.feed.views
    await desk.until(pilot, lambda: project in views and views[project].facts and views[project].status == status)


async def palette(desk: Any, pilot: Any, words: str) -> None:
    """Choose what the palette finds first."""
    await pilot.press("ctrl+p", *words)
    found = pilot.app.screen.query_one(OptionList)
    await desk.until(pilot, lambda: found.option_count and str(found.get_option_at_index(0).prompt).startswith(words))
    found.highlighted = 0
    await pilot.press("enter")


async def write(pilot: Any, text: str) -> None:
    """Replace what a dialog's text says, and send it."""
    pilot.app.screen.query_one("#words", TextArea).text = text
    await pilot.press("ctrl+s")


async def test_pause_and_resume_ask_nothing_and_cancel_does(desk: Any) -> None:
    project = await desk.project()
    async with desk.shown() as pilot:
        await seen(desk, pilot, project, "STOPPED")
        await pilot.press("p")
        await seen(desk, pilot, project, "PAUSED")
        assert (await state(desk, project)).desired is Desired.PAUSE
        await pilot.press("x")
        await on(desk, pilot, Confirm)
        assert pilot.app.focused.id == "no"
        await pilot.press("right")
        assert pilot.app.focused.id == "yes"
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)
        assert (await state(desk, project)).desired is Desired.PAUSE
        await pilot.press("x", "y")
        await seen(desk, pilot, project, "FAILED")
        assert (await state(desk, project)).error.code == "E_CANCELLED"


async def test_a_project_is_deleted_only_after_a_question(desk: Any) -> None:
    project = await desk.project()
    async with desk.shown() as pilot:
        await seen(desk, pilot, project, "STOPPED")
        await pilot.press("X")
        await on(desk, pilot, OneOf)
        await pilot.press("escape")
        assert (await state(desk, project)).id == project
        await pilot.press("X")
        await on(desk, pilot, OneOf)
        await pilot.press("enter")
        await desk.until(pilot, lambda: not pilot.app.feed.views)


async def test_a_budget_is_raised(desk: Any) -> None:
    project = await desk.project()
    async with desk.shown() as pilot:
        await seen(desk, pilot, project, "STOPPED")
        await pilot.press("p")
        await seen(desk, pilot, project, "PAUSED")
        await pilot.press("b")
        form = await on(desk, pilot, BudgetForm)
        form.query_one("#max_cost_usd", Input).value = "12.5"
        form.set_focus(None)  # as after a click beside the fields
        await pilot.press("enter")
        await desk.until(pilot, lambda: pilot.app.feed.views[project].project.budget.max_cost_usd == 12.5)
        assert (await state(desk, project)).desired is Desired.RUN


async def test_steps_wait_in_a_queue_that_can_be_changed(desk: Any) -> None:
    project = await desk.project()
    for text in ("[b]first", "second", "third"):
        await desk.services.control.steer(project, AddStep(text=text))

    async def waiting() -> list[str]:
        return [str(task.payload["instruction"]) for task in queued((await desk.snapshot(project)).tasks)]

    async with desk.shown() as pilot:
        await seen(desk, pilot, project, "STOPPED")
        await pilot.press("o")
        screen = await on(desk, pilot, QueueScreen)
        listed = screen.query_one("#queue", OptionList)
        await desk.until(pilot, lambda: listed.option_count == 3)
        assert str(listed.get_option_at_index(0).prompt) == "1. [b]first"
        await pilot.press("d")
        await desk.until(pilot, lambda: str(listed.get_option_at_index(1).prompt) == "2. [b]first")
        assert await waiting() == ["second", "[b]first", "third"]
        await pilot.press("x")
        await desk.until(pilot, lambda: listed.option_count == 2)
        assert await waiting() == ["second", "third"]
        await pilot.press("z")
        await desk.until(pilot, lambda: listed.option_count == 3)
        assert await waiting() == ["second", "third", "[b]first"]
        await pilot.press("u", "u")
        await desk.until(pilot, lambda: str(listed.get_option_at_index(0).prompt) == "1. [b]first")
        await pilot.press("shift+down")
        await desk.until(pilot, lambda: str(listed.get_option_at_index(1).prompt) == "2. [b]first")
        await pilot.press("shift+up")
        await desk.until(pilot, lambda: str(listed.get_option_at_index(0).prompt) == "1. [b]first")
        await pilot.press("delete")
        await desk.until(pilot, lambda: listed.option_count == 2)
        assert await waiting() == ["second", "third"]
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)


async def test_a_question_is_answered_and_a_gate_refused(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project, store = await desk.project(), desk.local.store
    started: list[str] = []
    monkeypatch.setattr(desk.services.builder, "start", lambda of, _: started.append(of))

    async def block(question: str | None) -> None:
        build = await store.build(project)
        task = build.tasks[0].model_copy(update={"state": TaskState.BLOCKED, "question": question})
        await store.apply(project, Change(tasks=(task,)), revision=build.project.revision)

    async with desk.shown() as pilot:
        await block("Which [b]colour[/]?")
        await seen(desk, pilot, project, "ASKS")
        await pilot.press("w")
        words = await on(desk, pilot, Words)
        assert "Which [b]colour[/]?" in str(words.query_one(".question", Static).render())
        await write(pilot, "blue")
        await desk.until(pilot, lambda: started == [project])
        assert [answer.text for answer in (await store.build(project)).answers] == ["blue"]
        await block(None)
        await seen(desk, pilot, project, "WAITS")
        await pilot.press("j")
        await on(desk, pilot, Words)
        await write(pilot, "not like that")
        await desk.until(pilot, lambda: len(started) == 2)
        assert (await store.build(project)).answers[-1].text == "not like that"


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(180)
async def test_a_plan_is_rejected_then_approved_and_the_plan_of_a_step_edited(desk: Any) -> None:
    made = await desk.services.control.create(
        desk.services.draft("a landing page with a contact form").model_copy(update={"gates": (Gate.PLAN,)})
    )
    async with desk.shown((80, 24)) as pilot:
        app = pilot.app
        await seen(desk, pilot, made.id, "STOPPED")
        await pilot.press("enter")
        await on(desk, pilot, ProjectScreen)
        await pilot.press("r")
        await seen(desk, pilot, made.id, "WAITS")
        await desk.until(pilot, lambda: "approval" in str(app.screen.query_one("#banner", Static).render()))
        await pilot.press("a")
        shown = await on(desk, pilot, ApprovePlan)
        assert "R1" in "\n".join(str(static.render()) for static in shown.query(Static))
        await pilot.press("j")
        await on(desk, pilot, Words)
        await pilot.press("ctrl+s")
        assert "empty" in str(app.screen.query_one(".told", Static).render()), "no words are no reason"
        await write(pilot, "add a pricing table")
        await desk.until(pilot, lambda: len(app.feed.views[made.id].tasks) > 5)
        await seen(desk, pilot, made.id, "WAITS")
        await pilot.press("a", "a")
        await seen(desk, pilot, made.id, "READY")
        before = len(app.feed.views[made.id].tasks)
        await pilot.press("plus")
        await on(desk, pilot, Words)
        await write(pilot, "add a section with questions and answers")
        await desk.until(pilot, lambda: len(app.feed.views[made.id].tasks) > before)
        await seen(desk, pilot, made.id, "WAITS")
        await pilot.press("a")
        await on(desk, pilot, ApprovePlan)
        await pilot.press("e")
        editor = (await on(desk, pilot, PlanEditor)).query_one(TextArea)
        editor.text = editor.text.replace("summary: ", "summary: Kindly, ", 1)
        await pilot.press("ctrl+s")
        await on(desk, pilot, Review)
        await pilot.press("y")
        await seen(desk, pilot, made.id, "READY")
        project = await state(desk, made.id)
        assert project.state is ProjectState.READY
        assert project.spec.summary.startswith("Kindly, ")


@pytest.mark.sandbox
@pytest.mark.node
async def test_tests_and_a_browser_are_begun_by_a_key(own: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    desk, project = own
    started: list[str] = []
    monkeypatch.setattr(desk.services.builder, "start", lambda of, _: started.append(of))

    async def begun() -> list[str]:
        return [task.stage.value for task in (await desk.snapshot(project)).tasks if not task.state.ended]

    async with desk.shown() as pilot:
        await seen(desk, pilot, project, "READY")
        pilot.app.show("project", project)
        await on(desk, pilot, ProjectScreen)
        await pilot.press("t")
        await desk.until(pilot, lambda: len(started) == 1)
        assert await begun() == ["run"]
        await desk.services.control.steer(project, Cancel())
        await pilot.press("T")
        await desk.until(pilot, lambda: len(started) == 2)
        assert await begun() == ["web"]


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(120)
async def test_the_palette_has_the_verbs_that_make_sense(built: Any) -> None:
    async with built.shown() as pilot:
        app = pilot.app
        project = next(iter(app.feed.views))
        await seen(built, pilot, project, "READY")
        await palette(built, pilot, "replay")
        screen = await on(built, pilot, Show)
        await built.until(pilot, lambda: "equal" in str(screen.query_one("#later", Static).render()))
        await pilot.press("escape")
        for words, wanted in (("export", Words), ("restart", OneOf), ("doctor", Show), ("profiles", Show)):
            await palette(built, pilot, words)
            await on(built, pilot, wanted)
            await pilot.press("escape")
            await on(built, pilot, Dashboard)
        await pilot.press("R")
        screen = await on(built, pilot, OneOf)
        assert "Do again, in new tasks." in str(screen.query_one(".question", Static).render())
        offered = [str(option.prompt) for option in screen.query_one(OptionList)._options]
        assert any("From tests on" in text for text in offered)
        assert not any("From deploy on" in text for text in offered), "it has no target"
        await pilot.press("escape")
        await on(built, pilot, Dashboard)
        await pilot.press("D")
        screen = await on(built, pilot, OneOf)
        assert "Where should it run?" in str(screen.query_one(".question", Static).render())
        await pilot.press("escape")
        await on(built, pilot, Dashboard)
        await pilot.press("plus")
        await on(built, pilot, Words)
        await pilot.press("question_mark", "f1", "f1")
        await on(built, pilot, HelpScreen)
        assert "Back" in str(app.screen.query_one("#keys", Static).render()), "the keys of where the user is"
        await pilot.press("escape")
        screen = await on(built, pilot, Words)
        assert screen.query_one(TextArea).text == "?", "there it is text"
        await pilot.press("escape")
        await on(built, pilot, Dashboard)
        await pilot.press("plus")
        screen = await on(built, pilot, Words)
        assert screen.query_one(TextArea).text == "?", "it was not thrown away"
        await pilot.press("escape")
        await on(built, pilot, Dashboard)
        await pilot.press("R")
        await on(built, pilot, OneOf)
        await pilot.press("question_mark")
        await on(built, pilot, HelpScreen)
        await pilot.press("escape", "escape")
        await on(built, pilot, Dashboard)
        await pilot.press("question_mark")
        await pilot.pause()
        keys = str(app.screen.query_one("#keys", Static).render())
        assert "Add step" in keys and "Palette" in keys.title()
        assert "Approve" not in keys, "there is nothing to approve"
