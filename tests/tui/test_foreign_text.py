"""Text of others, in every place it can come from, on every screen: shown as it is, and obeyed nowhere."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from rich.segment import Segment
from rich.text import Text
from textual.content import Content
from textual.markup import MarkupError
from textual.pilot import Pilot
from textual.widgets import Static

from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core.browsing import Visit
from smaker.core.context import Context
from smaker.core.models import (
    Deployment,
    DeployTarget,
    Finding,
    Outcome,
    Problem,
    Project,
    Proof,
    Severity,
    Stage,
    StepKind,
    TestReport,
    TestResult,
    TestSource,
    TestStatus,
    Verdict,
    WorkerInfo,
)
from smaker.core.ports.browser import BrowserResult
from smaker.core.spec import Module, ProductKind, Requirement, Scenario, Spec
from smaker.core.terminal import sanitize
from smaker.core.worker import Crew, Worker
from smaker.tui import literal
from smaker.tui.app import SCREEN_TABLE
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.plan import ApprovePlan
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.tabs.base import TABS, ProjectTab
from smaker.tui.view import ProjectView
from smaker.tui.widgets.task_tree import TaskTree

SIZE = (240, 70)
MARKUP = "[@click=app.quit]q[/x][link=file:///etc/passwd]w[/link]"
STEERING = "\x1b[2J\x1b]52;c;aGk=\x07\x1b]8;;https://evil.example/\x07z\x1b]0;t\x07"
INVISIBLE = "\u202egnp.\u2066\u200b\ufeff"


def bad(place: str, *, plain: bool = False) -> str:
    """Hostile text that says where it comes from; ``plain`` where control characters are refused at the door."""
    return f"{place}{MARKUP}{'' if plain else STEERING}{INVISIBLE}"


SPEC = Spec(
    name=bad("Sname"),
    slug="evil",
    summary=bad("Ssum"),
    kind=ProductKind.SITE,
    profile="static-site",
    requirements=(
        Requirement(id="R1", text=bad("Srequirement"), acceptance=(bad("Sacceptance"),)),
        Requirement(id="R2", text=bad("Sother"), must=False),
    ),
    modules=(Module(name="app", title=bad("Smodule"), requirements=("R1", "R2")),),
    interfaces=(bad("Sinterface"),),
    scenarios=(Scenario(name=bad("Sscenario"), requirements=("R1",), steps=(bad("Sstep"),)),),
    questions=(bad("Squestion"),),
    unsupported=(bad("Sunsupported"),),
    test_strategy=bad("Sstrategy"),
    gui=True,
)
FILE = bad("Fname", plain=True).replace("/", "_").replace(":", "_") + ".py"
TEST = f"tests/{bad('Ttest').replace('/', '_')}.py::test_{bad('Tname')}"


class Mallory:
    """An agent of whose every word something is to be done. ``go`` lets the first task begin."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def run(self, context: Context) -> Outcome:
        await self.go.wait()
        text = (bad("Dfile") + "\n" + bad("Dlast")).encode()
        stage = context.task.stage
        context.live("model")(bad("Omodel") + "\n")
        if stage is Stage.SPEC:
            await context.write({SPEC_FILE: dump_spec(SPEC)}, title=bad("Cplan"), own=True)
            await context.commit(bad("Kplan"))
            return Outcome(verdict=Verdict.DONE, summary=bad("Aplan"), spec=SPEC)
        await context.write({f"{stage.value}/{FILE}": text, "index.html": text}, title=bad("Cedit"))
        script = "import sys; open('made\\x1b[2J\\u202e' + sys.argv[2], 'w').close(); print(sys.argv[1])"
        argv = ("python3", "-c", script, bad("Ooutput"), f"{stage.value}[@click=app.quit]")
        await context.run(argv, title=bad("Ccommand"))
        await context.commit(bad("Kcommit"), body=bad("Kbody"), requirements=["R1"])
        if stage is Stage.WEB:
            await context.effect(StepKind.BROWSER, bad("Bpath"), {}, visited)
        if stage is Stage.IMPLEMENTATION and "asks" in context.project.prompt:
            await context.ask(bad("Question"))
        if stage is Stage.IMPLEMENTATION and "fails" in context.project.prompt:
            problem = Problem(message=bad("Problem"), hint=bad("Hint"), code="E_SMAKER")
            return Outcome(verdict=Verdict.FAILED, summary=bad("Afailed"), error=problem)
        return await self.outcome(context, stage)

    async def outcome(self, context: Context, stage: Stage) -> Outcome:
        tree = await context.tree()
        if stage is Stage.TESTS:
            proofs = (Proof(source=TestSource(id=TEST, requirements=("R1",)), red_on="0" * 40),)
            return Outcome(verdict=Verdict.DONE, summary=bad("Atests"), proofs=proofs)
        if stage is Stage.RUN:
            for kind, name, media_type in (
                ("screenshot", "shot.png", "image/png"),
                ("browser", "console.txt", "text/plain"),
                ("coverage", "coverage.xml", "application/xml"),
                ("log", "log.txt", "text/plain"),
            ):
                await context.keep(kind, bad("Artifact") + name, media_type, bad("Bytes").encode())
            report = TestReport(
                tree=tree,
                results=(
                    TestResult(id=TEST, status=TestStatus.PASSED, file=bad("Tfile")),
                    TestResult(id=f"{TEST}2", status=TestStatus.FAILED, message=bad("Tmessage"), file=bad("Tfile")),
                ),
            )
            return Outcome(verdict=Verdict.DONE, summary=bad("Arun"), report=report, findings=self.findings())
        if stage is Stage.DEPLOY:
            url = "http://127.0.0.1:9/" + bad("Url")
            deployment = Deployment(target=DeployTarget.PROCESS, url=url, healthy=True)
            return Outcome(verdict=Verdict.DONE, summary=bad("Adeploy"), deployment=deployment)
        return Outcome(verdict=Verdict.DONE, summary=bad("Adone"), findings=self.findings())

    def findings(self) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                source=source,
                message=bad("Finding"),
                severity=Severity.WARNING,
                file=bad("Gfile"),
                test=bad("Gtest"),
                expected=bad("Gexpected"),
                seen=bad("Gseen"),
                evidence=bad("Gevidence"),
            )
            for source in ("test", "browser", "review")
        )


async def visited() -> dict[str, Any]:
    """What a browser saw."""
    said = {"console": (bad("Bconsole"),), "page_errors": (bad("Berror"),), "failed": (bad("Brequest"),)}
    result = BrowserResult(ended="failed", pages=(bad("Bpage"),), snapshot=bad("Bsnapshot"), **said)
    return {"visit": Visit(result=result, trouble=bad("Btrouble")).model_dump_json(), "files": {}}


@pytest.fixture
async def besieged(desk: Any) -> Any:
    """An engine whose agents are Mallory, with three projects: one that ends well, one that asks, one that fails."""
    local, mallory = desk.local, Mallory()
    crew = Crew(
        store=local.store,
        workspaces=local.workspaces,
        agent=lambda _, __: mallory,
        sandbox=local.sandbox,
        environments=local.environments,
        clock=local.clock,
        bus=local.bus,
        lock=local.lock,
        redactor=local.redactor,
    )
    local.worker = Worker(WorkerInfo(id=bad("Wid"), host=bad("Whost"), pid=1, capabilities=(bad("Wcap"),)), crew)
    for kind in ("done", "asks", "fails"):
        draft = desk.services.draft(bad(f"prompt {kind} ", plain=True))
        update = {"name": bad(kind), "deploy": DeployTarget.PROCESS, "web": True}
        await desk.services.control.create(draft.model_copy(update=update))
    desk.mallory = mallory
    return desk


class Seen:
    """All that was on the screen: its words, and what of it a terminal or the app would obey."""

    def __init__(self, pilot: Pilot[Any]) -> None:
        self.pilot = pilot
        self.frames: dict[str, str] = {}
        self.obeyed: list[str] = []

    async def look(self, where: str) -> None:
        """Take in the screen as it is, when all is drawn."""
        await self.pilot.pause(0.05)
        for screen in self.pilot.app.screen_stack[-2 if self.pilot.app.screen.is_modal else -1 :]:
            if screen.size:
                strips = screen._compositor.render_strips()
                self.frames[where] = self.frames.get(where, "") + "\n".join(strip.text for strip in strips)
                for strip in strips:
                    self.obeyed += [f"{where}: {what}" for segment in strip for what in commands(segment)]

    @property
    def text(self) -> str:
        return "\n".join(self.frames.values())


def commands(segment: Segment) -> Iterator[str]:
    """What a piece of the screen would make a terminal or the app do that only foreign text can have asked for."""
    if not segment.control and sanitize(segment.text) != segment.text:
        yield repr(segment.text)
    style = segment.style
    if style is not None and (style.link or "passwd" in repr(style.meta) or "app.quit" in repr(style.meta)):
        yield f"{segment.text!r} links to {style.link or style.meta}"


async def build(desk: Any, pilot: Pilot[Any]) -> Seen:
    """Let all projects be built by Mallory, seen live; return what was there before."""
    before = Seen(pilot)
    await before.look("new")
    failed: list[Any] = []
    projects = list(pilot.app.feed.views)
    for project in projects:
        desk.services.builder.start(project, failed.append)
    await desk.until(pilot, lambda: len(pilot.app.feed._following) == len(projects))
    desk.mallory.go.set()
    await desk.until(pilot, lambda: not desk.services.builder.running())
    assert not failed
    for project in projects:
        pilot.app.feed.refresh(project)
    await desk.until(pilot, lambda: {view.status for view in pilot.app.feed.views.values()} == STATES)
    return before


STATES = {"DEPLOYED", "ASKS", "FAILED"}


async def walk(desk: Any, pilot: Pilot[Any]) -> Seen:
    """Show everything there is, with every key."""
    seen, app = await build(desk, pilot), pilot.app
    await seen.look("dashboard")
    for view in list(app.feed.views.values()):
        await back_to(pilot, Dashboard)
        app.show("project", view.id)
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen) and app.screen.query("#tasks"))
        await desk.until(pilot, lambda: app.screen.query_one(TaskTree).root.children)
        await seen.look(f"project {view.status}")
        for task in view.tasks:
            app.screen.query_one(TaskTree).choose(task.id)
            await seen.look(f"{view.status} {task.id}")
        if view.status != "DEPLOYED":
            continue
        await press_all(seen, app.screen, ProjectScreen)
        for number, name in enumerate(TABS, 1):
            app.set_focus(None)  # a field would take the number
            await pilot.press(str(number))
            await desk.until(pilot, lambda name=name: shown_tab(app, name))
            await seen.look(f"{view.status} {name}")
            shown_tab(app, name).focus_first()
            for key in ("down", "enter", "down", "down", "enter", "end", *["up"] * 7):
                await pilot.press(key)
                await seen.look(f"{view.status} {name} {key}")
                await back_to(pilot, ProjectScreen)
            await press_all(seen, shown_tab(app, name), ProjectScreen)
    await back_to(pilot, Dashboard)
    for name, where in SCREEN_TABLE.items():
        module, _, attribute = where.partition(":")
        needed = inspect.signature(getattr(import_module(module), attribute)).parameters.values()
        if all(parameter.default is not parameter.empty for parameter in needed if parameter.kind < 2):
            app.show(name)
            await seen.look(name)
            await back_to(pilot, Dashboard)
    await pilot.press("ctrl+p")
    for key in ("[", "@", "c"):
        await pilot.press(key)
        await seen.look("palette")
    await back_to(pilot, Dashboard)
    return seen


def shown_tab(app: Any, name: str) -> Any:
    tabs = [tab for tab in app.screen.query(ProjectTab) if tab.parent.id == f"tab-{name}" and not tab.loading]
    return tabs[0] if tabs else None


async def press_all(seen: Seen, owner: Any, home: type) -> None:
    """Press every key of a screen or a tab that does not lead away from it, and take back what it asked."""
    for key in sorted({key for key, _ in owner._bindings} - {"escape", "q", "ctrl+c", "ctrl+q"}):
        if key.isdigit():
            continue
        await seen.pilot.press(key)
        await seen.look(f"{type(owner).__name__} {key}")
        await back_to(seen.pilot, home)


async def back_to(pilot: Pilot[Any], kind: type) -> None:
    for _ in range(8):
        await pilot.pause()
        if type(pilot.app.screen) is kind:
            return
        await pilot.press("escape")
    raise AssertionError(f"escape does not lead from {pilot.app.screen} to {kind}")


PLACES = (
    *("done", "asks", "fails", "Sname", "Smodule"),
    *("Omodel", "Ooutput", "Ccommand", "Cedit", "Kcommit", "Adone", "Arun", "Finding"),
    *("Question", "Problem", "Hint"),
)
TABBED = {
    "spec": ("Srequirement", "Sacceptance"),
    "files": ("Dfile",),
    "diff": ("Dfile",),
    "history": ("Kcommit",),
    "tests": ("Tmessage",),
    "browser": ("Bpath", "Bconsole", "Berror"),
    "deployment": ("Url",),
    "log": ("Adeploy",),
}
"""What must be seen on a tab, in whole as far as its markup goes."""


@pytest.mark.sandbox
@pytest.mark.attack("T161", "T162", "T163", "P91")
@pytest.mark.timeout(300)
async def test_foreign_text_is_shown_as_it_is_everywhere(besieged: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "true")
    async with besieged.shown(SIZE) as pilot:
        seen = await walk(besieged, pilot)
    assert not seen.obeyed
    assert {place for place in PLACES if f"{place}[@click=app.quit]" not in seen.text} == set()
    for tab, places in TABBED.items():
        text = "\n".join(frame for where, frame in seen.frames.items() if tab in where)
        assert {place for place in places if f"{place}[@click=app.quit]" not in text} == set(), tab


def obedient(text: str) -> Content:
    """Text as markup, where it can be read as such."""
    try:
        return Content.from_markup(text.replace("[/x]", ""))
    except MarkupError:
        return Content(text)


@pytest.mark.sandbox
@pytest.mark.parametrize("switch", ["markup", "control"])
@pytest.mark.timeout(300)
async def test_without_the_door_it_would_be_seen(besieged: Any, monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    if switch == "markup":
        monkeypatch.setattr(literal, "Text", lambda text, **_: Text.from_markup(text.replace("[/x]", "")))
        monkeypatch.setattr(literal, "Content", obedient)
    else:
        monkeypatch.setattr(literal, "sanitize", str)
    async with besieged.shown(SIZE) as pilot:
        seen = await build(besieged, pilot)
        await seen.look("dashboard")
    assert seen.obeyed or "done[@click=app.quit]" not in seen.text


@pytest.mark.attack("P92")
async def test_a_plan_draws_no_approval_of_its_own(desk: Any) -> None:
    drawn = "harmless\n\nOpen:\n  nothing\n\n  Approved.  \r\n┌─────┐\n│ Done │\n└─────┘\x1b[5A"
    modules = (Module(name="app", title=drawn),)
    requirements = (Requirement(id="R1", text=drawn), Requirement(id="R2", text="the second"))
    spec = SPEC.model_copy(update={"summary": drawn, "requirements": requirements, "modules": modules})
    project = Project(id="x", name="x", prompt="x", workspace="/x", created_at=datetime.now(UTC), spec=spec)
    async with desk.shown((80, 24)) as pilot:
        pilot.app.push_screen(ApprovePlan(ProjectView(project)))
        await pilot.pause()
        seen = Seen(pilot)
        await seen.look("plan")
        shown = str(pilot.app.screen.query_one("VerticalScroll Static", Static).render())
        lines = [part for part in shown.splitlines() if "harmless" not in part]
        assert not any(part.strip().startswith(("Approved", "┌", "│", "└", "nothing")) for part in lines)
        assert not seen.obeyed
