"""The Browser tab: what was recorded of visits, their pictures, and a try in a real browser."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static, Tree

from smaker.core.browsing import Printed, Visit
from smaker.core.events import NewEvent
from smaker.core.models import Finding, Severity, Stage, Step, StepKind, Task, TaskState
from smaker.core.ports import Change
from smaker.core.ports.browser import Action, BrowserResult, Played, Target
from smaker.core.spec import Requirement, Scenario, Spec
from smaker.tui import outside

HOSTILE = "[@click=app.quit]boo[/x]\x1b]52;c;eA==\x07"
GOTO, SEND = Action(kind="goto", value="/"), Action(kind="click", target=Target(role="button", name="Send"))


def picture() -> bytes:
    head = struct.pack(">IIBBBBB", 40, 20, 8, 2, 0, 0, 0)
    data = zlib.compress((b"\0" + b"\xff\x00\x00" * 40) * 20)
    chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + name + d + b"crc!" for name, d in chunks)


def words(tab: Any, part: str = "detail Static") -> str:
    return str(tab.query_one(f"#browser-{part}", Static).render())


def labels(tree: Tree[Any]) -> list[str]:
    return [str(node.label) for group in tree.root.children for node in (group, *group.children)]


async def with_visits(desk: Any) -> str:
    """A project that was tried in a browser: one path well, one not."""
    project, store = await desk.project(), desk.local.store
    now = desk.local.clock.now()
    sha = await store.put_blob(picture())
    well = BrowserResult(ended="done", steps=(Played(action=GOTO, ok=True, url="/", screenshot="p1.png"),), seconds=2)
    bad = BrowserResult(
        ended="failed",
        steps=(
            Played(action=GOTO, ok=True, url="/"),
            Played(action=SEND, ok=False, url="/contact", seen=f"nothing of that name {HOSTILE}", snapshot="- main"),
        ),
        console=("Uncaught TypeError", "Uncaught TypeError"),
        failed=("GET /api 500",),
        page_errors=(HOSTILE,),
    )
    look = BrowserResult(ended="done", pages=("/", "/contact"))
    visits = {
        "look around": (Visit(result=look), {}),
        "visit: Send: try": (Visit(result=bad), {}),
        "Send the form": (Visit(result=bad, log=(Printed(at=0, text="500 POST /api\n"),)), {}),
        "See the prices": (Visit(result=well), {"p1.png": sha, "gone.png": "f" * 64, "trace.zip": sha}),
        "come up": (Visit(trouble="it does not listen"), {}),
    }
    steps: list[Step] = []
    for number, (name, (visit, files)) in enumerate(visits.items(), 1):
        text = visit.model_dump_json(exclude_defaults=True)
        kept = {"blob": await store.put_blob(text.encode())} if number % 2 else text
        steps.append(
            Step(
                id=f"t2.{number}",
                project=project,
                task="t2",
                index=number,
                kind=StepKind.BROWSER,
                title=name,
                attempt=1,
                input_sha="0" * 64,
                started_at=now,
                finished_at=now,
                output={"visit": kept, "files": files},
            )
        )
    task = Task(id="t2", project=project, stage=Stage.WEB, title="Try it", agent="web", state=TaskState.DONE)
    spec = Spec.model_validate(
        {"name": "Shop", "slug": "shop", "profile": "static-site", "summary": "", "kind": "site"}
        | {"requirements": [Requirement(id="R4", text="Messages can be sent").model_dump()]}
        | {"scenarios": [Scenario(name="Send the form", requirements=("R4",)).model_dump()]}
    )
    wrong = Finding(source="browser", message="Send the form: cannot be sent", seen="500", evidence="the console")
    odd = Finding(source="browser", message=HOSTILE, severity=Severity.WARNING)
    found = [
        NewEvent(
            kind="finding", message=one.message, task="t2", data=one.model_dump(mode="json", exclude_defaults=True)
        )
        for one in (wrong, odd)
    ]
    await store.apply(project, Change(tasks=(task,), spec=spec, events=tuple(found)))
    await store.add_steps(project, steps)
    return project


async def test_what_was_seen(desk: Any, go: Any, screen_is: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await with_visits(desk)
    async with desk.shown() as pilot:
        tab = await go(pilot, "browser")
        tree = tab.query_one("#browser-tree", Tree)
        await desk.until(pilot, lambda: tree.root.children)
        assert words(tab, "head") == "1 of 2 paths can be taken  ·  2 pages seen  ·  ✗ 1 finding"
        told = labels(tree)
        assert told[0] == "paths (2)"
        assert told[1] == "✗ Send the form  cannot be taken  R4  2 steps  0.0s"
        assert told[2].startswith("✓ See the prices  1 step ")
        assert told[3:5] == ["findings (2)", "✗ Send the form: cannot be sent"]
        assert told[6:8] == [
            "console errors and failed requests (3)",
            "! page error: [@click=app.quit]boo[/x]\\x1b]52;c;eA==\\x07",
        ]
        assert told[-1] == "✗ come up: it does not listen"
        screen_is(pilot, tab, "browser")
        await pilot.press("down", "down", "down")
        await desk.until(pilot, lambda: "seen: nothing of that name [@click" in words(tab))
        assert "2. click button “Send”" in words(tab) and "- main" in words(tab) and "\x1b" not in words(tab)
        await pilot.press("c")
        assert "seen: nothing of that name" in pilot.app.clipboard
        await pilot.press("v")
        await desk.until(pilot, lambda: any("Choose a picture" in note.message for note in pilot.app._notifications))
        while "See the prices" not in str(tree.cursor_node.label):
            await pilot.press("down")
        await pilot.press("enter", "down")
        await desk.until(pilot, lambda: "▀▀▀▀▀▀▀▀▀▀" in words(tab))
        assert "#ff0000 on #ff0000" in {
            str(span.style) for span in tab.query_one("#browser-detail Static").content.spans
        }
        await pilot.press("v")
        await desk.until(pilot, lambda: pilot.app.clipboard.endswith(".png"))
        assert Path(pilot.app.clipboard).read_bytes() == picture()
        opened: list[str] = []
        monkeypatch.setattr(outside, "show", lambda what: not opened.append(what))
        await pilot.press("v")
        await desk.until(pilot, lambda: opened == [pilot.app.clipboard])


async def test_a_picture_that_is_gone_says_so(desk: Any, go: Any) -> None:
    await with_visits(desk)
    async with desk.shown((80, 24)) as pilot:
        tab = await go(pilot, "browser")
        tree = tab.query_one("#browser-tree", Tree)
        await desk.until(pilot, lambda: tree.root.children)
        await pilot.press("end", "up", "enter")
        assert str(tree.cursor_node.label) == "pictures (2)"
        await pilot.press("down", "down")
        await desk.until(pilot, lambda: "See the prices/gone.png\n✗" in words(tab))
        await pilot.press("v")
        await desk.until(pilot, lambda: pilot.app._notifications)


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.browser
@pytest.mark.timeout(240)
async def test_it_is_tried_in_a_browser_now(own: tuple[Any, str], go: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, project = own
    monkeypatch.setenv("SMAKER_BROWSER__ENABLED", "true")
    async with desk.shown() as pilot:
        tab = await go(pilot, "browser", project)
        await desk.until(pilot, lambda: "was not tried in a browser yet" in words(tab, "head"))
        await pilot.press("T")
        await desk.until(pilot, lambda: "being tried" in words(tab, "head"))
        await desk.until(pilot, lambda: " seen" in words(tab, "head") and "being" not in words(tab, "head"), 200)
        assert (await desk.snapshot(project)).project.state.value == "READY"
