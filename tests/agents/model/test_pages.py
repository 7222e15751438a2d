"""Software with pages is tried in a real browser: what it finds is mended, and paths through the pages are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.web.paths import PATHS_FILE, read_paths
from smaker.core.commands import AddStep, RunStage
from smaker.core.mending import held_by
from smaker.core.models import ProjectState, Severity, Stage

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.timeout(240)]

SERVER = '''import html
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ITEMS = []
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Shopping list</title><link rel="icon" href="data:,"></head>
<body><main><h1>Shopping list</h1>
<form method="post" action="/add" onsubmit="this.querySelector('button').disabled = true">
<label>Title <input name="title" required maxlength="80"></label> <button>Add</button></form>
<ul aria-label="Items">{items}</ul></main></body></html>"""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        if urllib.parse.urlsplit(self.path).path != "/":
            return self.answer(404, "<!doctype html><html lang=en><title>None</title><main><h1>None</h1></main>")
        shown = "".join(f"<li>{html.escape(item)}</li>" for item in SHOWN)
        self.answer(200, PAGE.replace("{items}", shown))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        title = urllib.parse.parse_qs(body).get("title", [""])[0].strip()
        if title:
            ITEMS.append(title[:80])
        self.send_response(303)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, status, text):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
'''
GOOD = SERVER.replace("in SHOWN", "in ITEMS")
BAD = SERVER.replace("in SHOWN", "in ITEMS[1:]")
TESTS = """import pytest

import serve


@pytest.mark.requirement("R1")
def test_the_page_has_a_form():
    assert "Shopping list" in serve.PAGE
    assert "<form" in serve.PAGE
"""
PLAN: dict[str, Any] = {
    "name": "Shopping list",
    "slug": "shopping",
    "summary": "A list of what to buy.",
    "kind": "web",
    "profile": "python",
    "requirements": [{"text": "A page on which items can be added, and are listed.", "lines": "1"}],
    "interfaces": ["serve.py PORT"],
    "modules": [{"name": "whole", "title": "The page"}],
    "launch": {"argv": ["python", "serve.py", "{port}"], "port": 8123, "health": "/"},
    "scenarios": [{"name": "Add an item", "requirements": ["R1"], "steps": ["open /", "add Milk", "see Milk listed"]}],
}
ADDING = {
    "actions": [
        {"kind": "fill", "target": {"role": "textbox", "name": "Title"}, "value": "Milk"},
        {"kind": "click", "target": {"role": "button", "name": "Add"}},
        {"kind": "text", "target": {"role": "list", "name": "Items"}, "value": "Milk"},
    ],
    "done": True,
    "taken": [1, 2, 3],
}
WRONG = {"wrong": {"expected": "Milk is listed", "seen": "the list stays empty"}}
PROMPT = "A web page with a shopping list: items can be added, and are listed."


@pytest.fixture
def pages(script: Any, file: Any) -> Any:
    """A script of a shopping list, from a server and what a visitor says."""

    def made(server: str, *said: Any, **more: Any) -> Any:
        return script(
            planner=[json.dumps(PLAN)],
            coder=[file("serve.py", server)],
            tester=[file("tests/acceptance/test_list.py", TESTS)],
            visitor=[json.dumps(entry) for entry in said],
            **more,
        )

    return made


async def test_a_path_that_works_is_kept_and_taken_again(shop: Any, pages: Any) -> None:
    async with shop(pages(GOOD, ADDING)) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        assert [task.stage for task in build.tasks][-1] is Stage.WEB
        workspace = await opened.local.workspaces.ensure(build.project)
        kept = read_paths(await workspace.read(PATHS_FILE, tree=await workspace.head()))
        assert [(path.name, path.requirements, len(path.actions)) for path in kept] == [("Add an item", ("R1",), 3)]
        assert opened.script.asked.count("visitor") == 1
        test = (await workspace.read("tests/web/test_add_an_item.py", tree=await workspace.head())).decode()
        assert "def test_add_an_item(page: Page) -> None:" in test
        assert "Milk" in test
        asked = next(asked.text for asked in opened.server.requests if "You visit software" in asked.text)
        assert 'textbox "Title"' in asked, "it is told the page as a screen reader would"
        assert "def do_GET" not in asked, "visitors see no code"
        assert "serve.py PORT" not in asked, "nor the parts of the plan that are for others"
        shots = [one for one in await opened.local.store.artifacts(build.project.id) if one.kind == "screenshot"]
        assert shots
        table = await opened.local.control.trace(build.project.id)
        assert table.holds, "keeping a path leaves the proof as it is"
        assert [(row.requirement, [(path.name, path.reason) for path in row.paths]) for row in table.rows] == [
            ("R1", [("Add an item", "")])
        ]
        replayed = await opened.local.replay(build.project.id)
        assert replayed.equal
        folder = Path(build.project.workspace)
        (folder / "serve.py").write_text(GOOD + "\n# by hand\n")
        (row,) = (await opened.local.control.trace(build.project.id)).rows
        assert [path.reason for path in row.paths] == ["the files changed since it was taken"]
        (folder / PATHS_FILE).write_text("[{")
        (row,) = (await opened.local.control.trace(build.project.id)).rows
        assert row.paths == ()


async def test_what_a_visitor_finds_wrong_is_mended_with_no_hint(shop: Any, pages: Any, file: Any) -> None:
    script = pages(BAD, ADDING, WRONG, ADDING, fixer=[file("serve.py", GOOD)])
    async with shop(script) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        stages = [task.stage for task in sorted(build.tasks, key=lambda task: task.finished_at)]
        assert stages[-4:] == [Stage.WEB, Stage.FIX, Stage.RUN, Stage.WEB]
        mending = next(asked.text for asked in opened.server.requests if "You mend software" in asked.text)
        assert "Add an item: the list stays empty" in mending
        again = [asked.text for asked in opened.server.requests if "You visit software" in asked.text][1]
        assert "this did not: text list “Items” 'Milk'" in again


async def test_a_step_that_is_not_tested_is_told_now_and_later(shop: Any, pages: Any) -> None:
    never = {"kind": "hidden", "target": {"role": "button", "name": "Put"}}
    actions = [never, *ADDING["actions"]]
    silent = {key: value for key, value in (ADDING | {"actions": actions}).items() if key != "taken"}
    said = {"done": True, "taken": [1, 2], "untested": [{"step": 3, "why": "it needs a printer"}]}
    async with shop(pages(GOOD, silent, said)) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        again = [asked.text for asked in opened.server.requests if "You visit software" in asked.text][1]
        assert "Not the end yet: neither in `taken` nor in `untested`: step 1, 2, 3; hidden button “Put” shows" in again
        assert "shows nothing: it was there at no other step either; of that role there are: 'Add'." in again
        assert "Answers left: 7." in again
        warning = "Add an item: not tested in a browser: see Milk listed (it needs a printer)"
        assert await told(opened, build) == [warning]
        assert next(task for task in build.tasks if task.stage is Stage.WEB).state.value == "done"
        await opened.local.control.steer(build.project.id, RunStage(stage=Stage.WEB))
        await opened.drive(build.project)
        assert await told(opened, build) == [warning] * 2
        assert opened.script.asked.count("visitor") == 2


async def test_a_path_that_is_disputed_is_taken_again_and_no_file_is_bent_to_it(shop: Any, pages: Any) -> None:
    misread = {"wrong": {"expected": "Milk is red", "seen": "Milk is listed, in black"}}
    dispute = '<dispute path="add an item">No words ask for a colour.</dispute>'
    async with shop(pages(GOOD, misread, ADDING, fixer=[dispute])) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        stages = [task.stage for task in sorted(build.tasks, key=lambda task: task.finished_at)]
        assert stages[-4:] == [Stage.WEB, Stage.FIX, Stage.RUN, Stage.WEB]
        again = [asked.text for asked in opened.server.requests if "You visit software" in asked.text][1]
        assert "No words ask for a colour." in again
        assert "Milk is listed, in black" in again
        workspace = await opened.local.workspaces.ensure(build.project)
        kept = read_paths(await workspace.read(PATHS_FILE, tree=await workspace.head()))
        assert [path.name for path in kept] == ["Add an item"]
        assert (await opened.local.replay(build.project.id)).equal


@pytest.mark.timeout(480)
async def test_a_kept_path_that_the_words_outgrew_is_replaced(shop: Any, script: Any, file: Any) -> None:
    grown = {
        **PLAN,
        "requirements": [*PLAN["requirements"], {"text": "The list is called Groceries.", "lines": "1-9"}],
    }
    more = (
        TESTS
        + """

@pytest.mark.requirement("R2")
def test_the_list_has_its_name():
    assert 'aria-label="Groceries"' in serve.PAGE
"""
    )
    again = json.loads(json.dumps(ADDING).replace("Items", "Groceries"))
    words = script(
        planner=[json.dumps(PLAN), json.dumps(grown)],
        coder=[file("serve.py", GOOD), file("serve.py", GOOD.replace('"Items"', '"Groceries"'))],
        tester=[file("tests/acceptance/test_list.py", text) for text in (TESTS, more)],
        visitor=[json.dumps(ADDING), json.dumps(again)],
        fixer=['<dispute path="Add an item">The list is called Groceries now.</dispute>'],
    )
    async with shop(words) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        await opened.local.control.steer(build.project.id, AddStep(text="The list is called Groceries."))
        build = await opened.drive(build.project)
        assert build.project.state is ProjectState.READY, build.project.error
        told_again = [asked.text for asked in opened.server.requests if "You visit software" in asked.text][1]
        assert "The list is called Groceries now." in told_again
        assert "text list “Items” 'Milk'" in told_again
        workspace = await opened.local.workspaces.ensure(build.project)
        tree = await workspace.head()
        (kept,) = read_paths(await workspace.read(PATHS_FILE, tree=tree))
        assert [action.target.name for action in kept.actions if action.target] == ["Title", "Add", "Groceries"]
        assert b"Groceries" in await workspace.read("tests/web/test_add_an_item.py", tree=tree)
        mending = next(asked.text for asked in opened.server.requests if "You mend software" in asked.text)
        since = mending.partition("# What changed since it was last found well")[2]
        assert '+<ul aria-label="Groceries">' in since
        assert (await opened.local.replay(build.project.id)).equal


async def told(opened: Any, build: Any) -> list[str]:
    """The warnings of the browser."""
    events = await opened.local.store.events(build.project.id)
    found = [event for event in events if event.kind == "finding"]
    return [event.message for event in found if event.data.get("severity") == Severity.WARNING]


async def test_where_there_is_no_browser_it_is_told_and_stops_nothing(
    shop: Any, pages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smaker.browser.programs._INSTALLED", ())
    monkeypatch.setattr("smaker.browser.programs._ON_PATH", ())
    async with shop(pages(GOOD, ADDING)) as opened:
        build = await opened.build(PROMPT, web=True)
        assert build.project.state is ProjectState.READY, build.project.error
        events = await opened.local.store.events(build.project.id)
        missing = [event for event in events if event.kind == "finding" and "Not tried in a browser" in event.message]
        assert len(missing) == 1
        assert missing[0].data["severity"] == Severity.WARNING
        assert held_by(build.tasks, Stage.WEB) == "", "nobody says that paths can be taken"
        assert "visitor" not in opened.script.asked


async def test_software_without_pages_is_not_tried(shop: Any) -> None:
    async with shop() as opened:
        build = await opened.build(web=True)
        assert not any(task.stage is Stage.WEB for task in build.tasks)
