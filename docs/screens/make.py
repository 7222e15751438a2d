"""Draw every screen of the terminal app from recorded builds (`make screens`): ``python docs/screens/make.py [TO]``.

The builds in examples/ are laid into a home of their own, with the times they were made at; no model, network or
sandbox is needed, and the same version draws the same pictures.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

os.environ |= {"TZ": "UTC", "TEXTUAL_ANIMATIONS": "none", "SMAKER_LOG": ""}
time.tzset()

from textual.pilot import Pilot  # noqa: E402
from textual.widgets import Input, TextArea  # noqa: E402

from smaker.agents.evidence.junit import parse_junit  # noqa: E402
from smaker.config import load_settings  # noqa: E402
from smaker.core.checked import Checked  # noqa: E402
from smaker.core.events import NewEvent  # noqa: E402
from smaker.core.models import StepKind, TestReport, WorkerInfo  # noqa: E402
from smaker.core.ports import Change  # noqa: E402
from smaker.core.rebuilding import build_again  # noqa: E402
from smaker.core.recording import read  # noqa: E402
from smaker.core.secrets import find_secret  # noqa: E402
from smaker.store.sql import open_store  # noqa: E402
from smaker.testing import FrozenClock  # noqa: E402
from smaker.tui import runners  # noqa: E402
from smaker.tui.app import SmakerApp  # noqa: E402
from smaker.tui.screens import dashboard, workers  # noqa: E402
from smaker.tui.services import Services  # noqa: E402
from smaker.tui.tabs.base import TABS, ProjectTab  # noqa: E402
from smaker.wiring import open_local  # noqa: E402
from smaker.wiring.driving import Builds  # noqa: E402
from smaker.wiring.reader import FirstLook  # noqa: E402
from smaker.wiring.terminal import build_services  # noqa: E402
from smaker.workspace import GitWorkspaces  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ("spreadsheet", "game2048", "agenda")
SHOWN = "game2048"
NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
LARGE, SMALL = (132, 40), (80, 24)
CHECKS = (
    Checked(name="git", state="ok", detail="2.39.5"),
    Checked(name="sandbox", state="ok", detail="strong (bwrap)"),
    Checked(name="browser", state="ok", detail="chromium"),
    Checked(name="models", state="missing", detail="no key is set: builds go on by rules and blueprints", remedy=""),
)


class Now(datetime):
    """The time at which the pictures are drawn."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        """Return it."""
        return NOW.astimezone(tz)


# --- the builds -------------------------------------------------------------------------------------------------------


async def lay(home: Path, names: Sequence[str]) -> dict[str, str]:
    """Lay recorded builds into a home; their ids by name."""
    made: dict[str, str] = {}
    for name in names:
        recording, blobs = read(ROOT / "examples" / f"{name}.smaker")
        project, clock = recording.project, FrozenClock(recording.project.created_at)
        folder = home / "projects" / project.id
        workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
        await build_again(recording, blobs, workspaces=workspaces, folder=folder)
        workspace = await workspaces.open(folder)
        commits = {commit.trailers.get("Smaker-Step", ""): commit for commit in await workspace.history()}
        steps = [
            step.model_copy(update={"commit": commits[step.id].sha}) if step.id in commits else step
            for step in recording.steps
        ]
        store = await open_store(home, clock=clock)
        for data in blobs.values():
            await store.put_blob(data)
        head = next(iter(commits.values()))
        junit = [
            str(files["reports/junit.xml"])
            for step in steps
            if step.kind is StepKind.COMMAND and isinstance(files := (step.output or {}).get("files"), dict)
            if "reports/junit.xml" in files
        ]
        dialect: Literal["pytest", "node"] = "pytest" if str(project.profile).startswith("python") else "node"
        results = parse_junit(blobs[junit[-1]], dialect=dialect, tests=[proof.source for proof in project.proofs])
        begun = NewEvent(kind="project.created", message=f"{project.name}: created")
        await store.create(
            project.model_copy(update={"workspace": str(folder)}), Change(tasks=recording.tasks, events=(begun,))
        )
        await store.add_steps(project.id, steps)
        for step in steps:
            clock.jump(((step.finished_at or step.started_at) - clock.now()).total_seconds())
            event = NewEvent(kind=f"step.{step.kind.value}", message=step.title, task=step.task)  # type: ignore[arg-type]
            await store.emit(project.id, (event,))
        ended = NewEvent(kind="project.state", message="TESTING → READY", data={"state": "READY"})
        await store.apply(project.id, Change(report=TestReport(tree=head.tree, results=results), events=(ended,)))
        await store.close()
        made[name] = project.id
    return made


# --- the pictures -----------------------------------------------------------------------------------------------------


@dataclass
class Studio:
    """The app on a screen of its own, and where pictures of it go."""

    pilot: Pilot[Any]
    folder: Path
    project: str

    @property
    def app(self) -> Any:
        """The app."""
        return self.pilot.app

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait until something is there."""
        async with asyncio.timeout(20):
            while not holds():
                await self.pilot.pause(0.02)
        await self.pilot.pause(0.1)

    async def draw(self, name: str) -> None:
        """Write what is shown now to ``name``.svg."""
        for field in self.app.screen.query("Input, TextArea"):
            if isinstance(field, Input | TextArea):
                field.cursor_blink = False
                if isinstance(field, TextArea):
                    field._line_cache.clear()  # drawn in either half of its blinking
                field.refresh()
        self.app.clear_notifications()
        await self.pilot.pause(0.2)
        drawn = self.app.export_screenshot(title="smaker")
        (self.folder / f"{name}.svg").write_text(re.sub(r"terminal-\d+", "terminal", drawn), "utf-8")

    async def open(self, tab: str = "") -> None:
        """Show the project, with a tab of it."""
        self.app.open_project(self.project)
        await self.until(lambda: self.app.screen.query("#tasks") and self.app.screen.query_one("#tasks").root.children)
        if tab:
            await self.pilot.press(str(1 + list(TABS).index(tab)))
        await self.until(lambda: [found for found in self.app.screen.query(ProjectTab) if not found.loading])
        await self.pilot.pause(0.5)


async def large(studio: Studio) -> None:
    """Every screen on a large terminal."""
    press = studio.pilot.press
    await studio.draw("dashboard")
    for name in ("new", "settings", "workers"):
        studio.app.show(name)
        await studio.pilot.pause(0.8)
        await studio.draw(name)
        await press("escape")
    await press("question_mark")
    await studio.draw("help")
    await press("escape", "ctrl+p")
    await studio.pilot.pause(0.8)
    await studio.draw("palette")
    await press("escape")
    await studio.open()
    await studio.draw("project")
    await press("plus", *"Undo the last move")
    await studio.draw("add-step")
    await press("escape")
    for tab in TABS:
        await studio.open(tab)
        await press(*{"spec": ["down", "down"], "files": ["end"], "diff": ["down", "down"]}.get(tab, []))
        await studio.pilot.pause(0.5)
        await studio.draw(tab)
    await studio.open("history")
    await press("down", "down", "u")
    await studio.pilot.pause(0.8)
    await studio.draw("rewind")


async def small(studio: Studio) -> None:
    """The same app on the smallest terminal, light."""
    studio.app.theme = "textual-light"
    await studio.draw("small-dashboard")
    await studio.open()
    await studio.draw("small-project")
    await studio.open("tests")
    await studio.draw("small-tests")


async def light(studio: Studio) -> None:
    """A light one."""
    studio.app.theme = "textual-light"
    await studio.open("diff")
    await studio.pilot.press("down", "down")
    await studio.pilot.pause(0.5)
    await studio.draw("light")


async def first(studio: Studio) -> None:
    """The first run."""
    await studio.until(lambda: "chromium" in str(studio.app.screen.query_one("#checks").render()))
    await studio.draw("welcome")


async def show(
    home: Path, size: tuple[int, int], act: Callable[[Studio], Awaitable[None]], folder: Path, project: str
) -> None:
    """Open the app over a home and have its pictures drawn."""
    file = home / "config.yaml"

    def load(**overrides: object) -> Any:
        return load_settings(user_file=file, environ={}, overrides=dict(overrides))

    async def checkup() -> Sequence[Checked]:
        return CHECKS

    async def registered() -> Sequence[WorkerInfo]:
        seen = NOW - timedelta(seconds=3)
        return (WorkerInfo(id="build-7", host="build-7", pid=1, capabilities=("browser",), seen_at=seen),)

    async with AsyncExitStack() as opened:
        local = await opened.enter_async_context(open_local(home, load().settings))
        builds = Builds(local, load)
        opened.push_async_callback(builds.close)
        made = build_services(local, builds, file, load)
        made.settings.file = Path("~/.config/smaker/config.yaml")  # type: ignore[misc]
        services = replace(made, checkup=checkup, workers=registered)

        async def connect() -> Services:
            return services

        app = SmakerApp(connect, partial(FirstLook, home), "~/.local/share/smaker")
        app.animation_level = "none"
        async with app.run_test(size=size) as pilot:
            studio = Studio(pilot, folder, project)
            await studio.until(lambda: app.connected and app.feed.ready)
            await studio.until(lambda: all(view.facts for view in app.feed.views.values()))
            await studio.pilot.pause(0.5)
            await act(studio)


async def main(folder: Path) -> None:
    """Draw everything into a folder."""
    for module in (dashboard, workers):
        module.datetime = Now  # type: ignore[attr-defined]
    runners.os = type("os", (), {"getpid": staticmethod(lambda: 4711)})  # type: ignore[assignment]
    runners.socket = type("socket", (), {"gethostname": staticmethod(lambda: "desk")})  # type: ignore[assignment]
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="smaker-screens-") as place:
        home = Path(place) / "home"
        made = await lay(home, RECORDS)
        for size, act in ((LARGE, large), (SMALL, small), (LARGE, light)):
            await show(home, size, act, folder, made[SHOWN])
        await show(Path(place) / "empty", LARGE, first, folder, "")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).parent))
