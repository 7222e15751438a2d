"""The Deployment tab: a real deployment as a process, its health and output; stop, deploy, roll back."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList, Static

from smaker.tui import outside
from smaker.tui.screens.confirm import Confirm
from smaker.tui.widgets.stream import Stream


def state(tab: Any) -> str:
    return str(tab.query_one("#deployment-state", Static).render())


def told(pilot: Any) -> str:
    return "\n".join(note.message for note in pilot.app._notifications)


def commit(files: Path) -> None:
    user = ["-c", "user.name=u", "-c", "user.email=u@v"]
    for words in (["add", "NOTES.md"], [*user, "commit", "-qm", "notes [/x]"]):
        subprocess.run(["git", "-C", str(files), *words], check=True)


async def test_nothing_is_deployed(desk: Any, go: Any) -> None:
    await desk.project()
    async with desk.shown((80, 24)) as pilot:
        tab = await go(pilot, "deployment")
        await desk.until(pilot, lambda: "nothing is deployed" in state(tab))
        await pilot.press("v", "c", "s")
        await desk.until(pilot, lambda: told(pilot).count("Nothing is deployed.") == 3)
        await pilot.press("z")
        await desk.until(pilot, lambda: "no earlier deployment" in told(pilot))


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a supervisor outlives who started it
async def test_deploy_watch_roll_back_and_stop(
    own: tuple[Any, str], go: Any, screen_is: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, project = own
    async with desk.shown() as pilot:
        app, settled = pilot.app, ("READY", "DEPLOYED")

        async def deployed(times: int) -> None:
            def done() -> bool:
                view = app.feed.views[project]
                made = [task for task in view.tasks if task.stage.value == "deploy" and task.state.value == "done"]
                return len(made) == times and view.status in settled

            await desk.until(pilot, done)
            await desk.until(pilot, lambda: "✓ healthy" in state(tab))

        tab = await go(pilot, "deployment", project)
        await pilot.press("D")
        await desk.until(pilot, lambda: app.screen.query(OptionList))
        await pilot.press("enter")
        await deployed(1)
        url = (await desk.services.deployments.current(project)).url
        assert url in state(tab) and "as a process  pid" in state(tab)
        output = tab.query_one("#deployment-output", Stream)
        log = desk.local.deployer.log(project)
        with log.open("a") as out:
            out.write("GET /\x1b[2J 200\n" + "x" * 10_000 + "\n")
        await desk.until(pilot, lambda: any("GET /\\x1b[2J 200" in line for line in output.lines))
        assert max(map(len, output.lines)) <= 2_000
        screen_is(pilot, tab, "deployment", r"http\S+", r"pid \d+")
        await pilot.press("end", "c")
        assert app.clipboard == url
        opened: list[str] = []
        monkeypatch.setattr(outside, "show", lambda what: not opened.append(what))
        await pilot.press("v")
        assert opened == [url]

        files = Path((await desk.snapshot(project)).project.workspace)
        (before, *_) = await desk.services.control.history(project)
        (files / "NOTES.md").write_text("mine\n")
        await asyncio.to_thread(commit, files)
        await pilot.press("D")
        await desk.until(pilot, lambda: app.screen.query(OptionList))
        await pilot.press("enter")
        await deployed(2)
        await pilot.press("z")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        assert "notes [/x]" in str(app.screen.query_one("#detail Static", Static).render())
        await pilot.press("y")
        await deployed(3)
        assert (await desk.services.control.history(project))[0] == before
        assert not (files / "NOTES.md").exists()

        await pilot.press("s")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n")
        assert "✓ healthy" in state(tab)
        await pilot.press("s")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("left", "enter")
        await desk.until(pilot, lambda: "nothing is deployed" in state(tab))
        assert await desk.services.deployments.current(project) is None


def test_only_where_there_is_a_screen_something_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("open", "xdg-open"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert outside.viewer({}, "linux") is None
    assert outside.viewer({"DISPLAY": ":0"}, "linux") == str(tmp_path / "xdg-open")
    assert outside.viewer({}, "darwin") == str(tmp_path / "open")
    assert not outside.show("http://127.0.0.1:1/"), "the test has no screen"
    monkeypatch.setattr(outside, "viewer", lambda: str(tmp_path / "open"))
    assert not outside.show("file:///etc/passwd") and not outside.show("--help")
    assert outside.show("http://127.0.0.1:1/")
