"""Killed in the middle of a visit in a real browser: nothing runs on, nothing is left, and it is made again, unpaid."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smaker.testing import ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.browser, pytest.mark.node, pytest.mark.timeout(400)]

PROMPT = "A web page on which items can be added, and are listed."
SERVER = """const http = require("node:http");

const items = [];
const shown = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
exports.page = () => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>List</title>
<link rel="icon" href="data:,"></head><body><main><h1>List</h1>
<form method="post" action="/add" onsubmit="this.querySelector('button').disabled = true">
<label>Title <input name="title" required maxlength="80"></label> <button>Add</button></form>
<ul aria-label="Items">${items.map((item) => `<li>${shown(item)}</li>`).join("")}</ul></main></body></html>`;

function answer(response, status, text, headers = {}) {
  response.writeHead(status, { "Content-Type": "text/html; charset=utf-8", ...headers }).end(text);
}

if (require.main === module) {
  http.createServer((request, response) => {
    if (request.method === "GET") return answer(response, request.url === "/" ? 200 : 404, exports.page());
    let body = "";
    request.on("data", (part) => { body += part; });
    request.on("end", () => {
      const title = (new URLSearchParams(body).get("title") ?? "").trim().slice(0, 80);
      if (title) items.push(title);
      answer(response, 303, "", { Location: "/" });
    });
  }).listen(Number(process.argv[2]), "127.0.0.1");
}
"""
TEST = """const test = require("node:test");
const assert = require("node:assert/strict");

test("R1: there is a form", () => {
  assert.match(require("../../server.js").page(), /<form/);
});
"""
PLAN = {
    "name": "List",
    "slug": "list",
    "summary": "A list.",
    "kind": "web",
    "profile": "node",
    "requirements": [{"text": "A page on which items can be added, and are listed.", "lines": "1"}],
    "interfaces": ["server.js PORT"],
    "modules": [{"name": "whole", "title": "The page"}],
    "launch": {"argv": ["node", "server.js", "{port}"], "port": 8123, "health": "/"},
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
ANSWERS = {
    "You plan software": json.dumps(PLAN),
    "You write software from a plan": f'<file path="server.js">\n{SERVER}</file>',
    "You write acceptance tests": f'<file path="tests/acceptance/list.test.js">\n{TEST}</file>',
    "You visit software": json.dumps(ADDING),
}
VISITS = {"the pages are looked around in": 2, "a model's actions are tried": 4}
"""By the number of the browser; the first only shows that there is one."""
if os.environ.get("CI"):
    del VISITS["the pages are looked around in"]


def answer(asked: Any) -> str:
    return next(text for mark, text in ANSWERS.items() if mark in asked.text)


def processes() -> dict[int, tuple[int, bytes]]:
    """All there are: parent and command line by their ids."""
    found: dict[int, tuple[int, bytes]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat, line = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
            except OSError:  # it ended meanwhile
                continue
            found[int(entry.name)] = (int(stat.rpartition(")")[2].split()[1]), line)
    return found


def is_browser(line: bytes) -> bool:
    """Whether a command line is that of a whole browser, not of one of its parts."""
    return b"--remote-debugging-pipe" in line and b"--type=" not in line


def below(root: int) -> dict[int, bytes]:
    """The processes that ``root`` started, and those that they did."""
    there = processes()
    family = {root}
    while more := {one for one, (parent, _) in there.items() if parent in family} - family:
        family |= more
    return {one: there[one][1] for one in family - {root} if one in there}


class Builder:
    """Runs the program with a home and a folder for temporary files of its own."""

    def __init__(self, home: Path, temporary: Path, url: str) -> None:
        self.home = home
        self.temporary = temporary
        home.mkdir()
        self._config = home / "smaker.yaml"
        self._config.write_text(
            json.dumps({"llm": {"mode": "local", "providers": {"local": {"model": "scripted", "base_url": url}}}})
        )

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "smaker", "--config", str(self._config), *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={
                **os.environ,
                "SMAKER_HOME": str(self.home),
                "SMAKER_BROWSER__ENABLED": "true",
                "SMAKER_LIMITS__MAX_PARALLEL_TASKS": "1",
                "TMPDIR": str(self.temporary),
            },
            start_new_session=True,
        )

    async def __call__(self, *words: str) -> Any:
        process = await self.start(*words)
        output, errors = await process.communicate()
        assert b"Traceback" not in errors, errors.decode()
        return json.loads(output)

    async def git(self, project: str, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("git", "-C", str(self.home / "projects" / project), *words), stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0].decode()


async def at_browser(process: asyncio.subprocess.Process, number: int) -> dict[int, bytes]:
    """Wait until a build has its ``number``-th browser at work; return all that runs below it."""
    seen: set[int] = set()
    while process.returncode is None:
        family = below(process.pid)
        there = processes()
        seen |= {
            one
            for one, line in family.items()
            if is_browser(line) and one in there and not is_browser(there.get(there[one][0], (0, b""))[1])
        }
        if len(seen) >= number and any(b"--type=renderer" in line for line in family.values()):
            return family
        await asyncio.sleep(0.02)
    raise AssertionError("the build ended before it had so many browsers")


async def gone(family: dict[int, bytes]) -> None:
    """Wait until none of the processes is there any more."""
    until = time.monotonic() + 20
    left = family
    while left and time.monotonic() < until:
        there = processes()
        left = {one: line for one, line in left.items() if there.get(one, (0, b""))[1] == line and line}
        await asyncio.sleep(0.1)
    assert not left, [line.replace(b"\0", b" ")[:100] for line in left.values()]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="vk-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def building(home: Path, temporary: Path) -> AsyncIterator[tuple[Builder, ScriptedModelServer]]:
    async with ScriptedModelServer(answer) as server:
        yield Builder(home, temporary, server.url), server


async def test_killed_in_a_visit(tmp_path: Path, temporary: Path) -> None:
    async with building(tmp_path / "whole", temporary) as (build, server):
        status = await build("init", PROMPT)
        assert status["state"] == "READY", status["error"]
        tree = await build.git(status["id"], "rev-parse", "HEAD^{tree}")
        calls = len(server.requests)
        assert calls == len(ANSWERS)
    for name, number in VISITS.items():
        async with building(tmp_path / str(number), temporary) as (build, server):
            process = await build.start("init", PROMPT)
            family = await at_browser(process, number)
            assert sum(b"server.js" in line for line in family.values()), "the software is up"
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            await gone(family)
            listed = await build("list")
            status = await build("resume", listed[0]["id"])
            assert status["state"] == "READY", (name, status["error"])
            assert await build.git(status["id"], "rev-parse", "HEAD^{tree}") == tree, name
            asked = Counter(json.dumps(request.body) for request in server.requests)
            assert set(asked.values()) == {1}, f"paid twice, killed while {name}"
            assert len(asked) == calls
            assert [path.name for path in temporary.iterdir()] == [], name
            assert [*(build.home / "state").glob("checkouts/*/*")] == [], name
            left = [one for one, (_, line) in processes().items() if str(build.home).encode() in line]
            assert left == [], name
