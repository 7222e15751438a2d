"""From nothing to a build: the first run, a prompt with everything that can be chosen, an existing repository."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, Select, Static, TextArea

from smaker.core.models import DeployTarget, Gate
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.new_project import NewProjectScreen
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.welcome import WelcomeScreen
from smaker.tui.widgets.tick import Tick


def repository(folder: Path) -> Path:
    folder.mkdir()
    (folder / "README.md").write_text("# Mine\n")
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=me", "-c", "user.email=me@example.org", "commit", "-qm", "first"),
    ):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    return folder


async def on(desk: Any, pilot: Any, kind: type) -> Any:
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, kind) and pilot.app.screen.is_mounted)
    return pilot.app.screen


@pytest.mark.sandbox
@pytest.mark.timeout(120)
@pytest.mark.parametrize("size", [(80, 24), (140, 45)])
async def test_the_first_run_finds_what_is_there_and_one_enter_builds(desk: Any, size: tuple[int, int]) -> None:
    async with desk.shown(size) as pilot:
        screen = await on(desk, pilot, WelcomeScreen)
        assert screen.query_one("#sample", TextArea).has_focus
        checks = screen.query_one("#checks", Static)
        await desk.until(pilot, lambda: "✓ git" in str(checks.render()))
        assert "sandbox" in str(checks.render())
        await pilot.press("enter")
        shown = await on(desk, pilot, ProjectScreen)
        assert desk.services.builder.running() == {shown.project_id}
        project = (await desk.snapshot(shown.project_id)).project
        assert (project.mode, project.prompt) == ("offline", desk.services.sample)
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)
        await desk.services.builder.pause_all()


async def test_everything_that_can_be_chosen_is_kept(desk: Any, tmp_path: Path) -> None:
    async with desk.shown() as pilot:
        await on(desk, pilot, WelcomeScreen)
        await pilot.press("ctrl+n")
        screen = await on(desk, pilot, NewProjectScreen)
        profile = screen.query_one("#profile", Select)
        await desk.until(pilot, lambda: profile.value == "" and len(profile._options) > 3)
        screen.query_one("#prompt", TextArea).text = "a landing page\nwith a contact form"
        screen.query_one("#name", Input).value = "Mine [b]"
        screen.query_one("#folder", Input).value = str(tmp_path / "there")
        profile.value = "static-site"
        screen.query_one("#deploy", Select).value = "process"
        screen.query_one("#gate-plan", Tick).value = True
        screen.query_one("#web", Tick).value = True
        await pilot.press("ctrl+b")
        await pilot.pause()
        pilot.app.screen.query_one("#max_cost_usd", Input).value = "3"
        await pilot.press("enter")
        await on(desk, pilot, NewProjectScreen)
        await desk.until(pilot, lambda: "3 US dollars" in str(screen.query_one("#budget", Static).render()))
        await pilot.press("ctrl+s")
        shown = await on(desk, pilot, ProjectScreen)
        project = (await desk.snapshot(shown.project_id)).project
        assert project.prompt == "a landing page\nwith a contact form"
        assert (project.name, project.workspace) == ("Mine [b]", str(tmp_path / "there"))
        assert (project.profile, project.deploy, project.gates) == ("static-site", DeployTarget.PROCESS, (Gate.PLAN,))
        assert project.web and project.budget.max_cost_usd == 3
        await desk.services.builder.pause_all()


async def test_what_cannot_be_built_is_said_and_the_prompt_is_kept(desk: Any) -> None:
    async with desk.shown() as pilot:
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)
        await pilot.press("n")
        screen = await on(desk, pilot, NewProjectScreen)
        await pilot.press("ctrl+s")
        await desk.until(pilot, lambda: any("empty" in note.message for note in pilot.app._notifications))
        screen.query_one("#prompt", TextArea).text = "a page"
        screen.query_one("#mode", Select).value = "openai"
        await pilot.press("ctrl+s")
        await desk.until(pilot, lambda: any("OPENAI_API_KEY" in note.message for note in pilot.app._notifications))
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)
        await pilot.press("n")
        again = await on(desk, pilot, NewProjectScreen)
        assert again.query_one("#prompt", TextArea).text == "a page"
        assert await desk.services.control.projects() == []


async def test_an_existing_repository_is_taken(desk: Any, tmp_path: Path) -> None:
    folder = repository(tmp_path / "repository")
    async with desk.shown() as pilot:
        await pilot.press("escape")
        await on(desk, pilot, Dashboard)
        await pilot.press("n")
        screen = await on(desk, pilot, NewProjectScreen)
        screen.query_one("#prompt", TextArea).text = "add a page"
        screen.query_one("#adopt", Input).value = str(folder)
        await pilot.press("ctrl+s")
        await desk.until(
            pilot, lambda: isinstance(pilot.app.screen, ProjectScreen) or bool(pilot.app._notifications), 20
        )
        said = [note.message for note in pilot.app._notifications]
        adopted = await desk.services.control.projects()
        assert adopted or any("offline" in text or "stack" in text for text in said), said
        await desk.services.builder.pause_all()
