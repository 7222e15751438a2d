"""The app is killed in mid-build: started again it shows everything, one key goes on, no answer is paid twice."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.core.events import Event
from smaker.testing import Asked, Say, ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(240)]

PLAN = {
    "name": "Sum",
    "slug": "sum",
    "summary": "Adds numbers.",
    "kind": "library",
    "profile": "node",
    "requirements": [{"text": "sum(a, b) adds two numbers.", "lines": "1"}],
    "interfaces": ["require('./') is the function sum(a, b)"],
    "modules": [{"name": "whole", "title": "The module"}],
}
TEST = """const test = require("node:test");
const assert = require("node:assert/strict");

test("R1: adds", () => {
  assert.equal(require("../../")(2, 3), 5);
});
"""
CODE = "".join(f"// line {number} of what is said at leisure\n" for number in range(60))
ANSWERS = {
    "You plan software": Say(json.dumps(PLAN)),
    "You write software from a plan": Say(
        f'<file path="index.js">\n{CODE}module.exports = (a, b) => a + b;\n</file>', pause_s=0.05
    ),
    "You write acceptance tests": Say(f'<file path="tests/acceptance/sum.test.js">\n{TEST}</file>'),
}


def answer(asked: Asked) -> Say:
    return next(said for mark, said in ANSWERS.items() if mark in asked.text)


def pids(folder: Path) -> list[int]:
    """The processes of the app."""
    pattern = f"^{re.escape(sys.executable)} -m smaker.*{re.escape(str(folder))}"
    ran = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(word) for word in ran.stdout.split()]


async def test_killed_in_mid_build(tmux: Any, open_desk: Any, tmp_path: Path) -> None:
    home, config = tmp_path / "home", tmp_path / "config.yaml"
    async with ScriptedModelServer(answer) as server:
        providers = {"local": {"model": "scripted", "base_url": server.url}}
        config.write_text(yaml.safe_dump({"llm": {"mode": "local", "providers": providers}}))
        desk = await open_desk(home)
        project = await desk.project("sum(a, b) adds two numbers.")
        command = f"'{sys.executable}' -m smaker --config '{config}' --home '{home}'"

        first = tmux((140, 45))
        first.type(command)
        await asyncio.to_thread(first.until, "STOPPED")
        first.keys("Enter")
        await asyncio.to_thread(first.until, "STOPPED.*sum")
        first.keys("r")
        await asyncio.to_thread(first.until, r"line 2\d of what is said at leisure", 60)
        (app,) = pids(tmp_path)
        os.kill(app, signal.SIGKILL)
        await asyncio.to_thread(first.until, "Killed")
        first.close()
        before = [event async for event in desk.services.control.events(project) if isinstance(event, Event)]
        assert (await desk.snapshot(project)).holder is None

        second = tmux((140, 45))
        second.type(command)
        shown = await asyncio.to_thread(second.until, "‖ STOPPED +Sum")
        assert "Not connected" not in shown
        second.keys("Enter")
        shown = await asyncio.to_thread(second.until, r"t3 The module")
        assert re.search(r"✓ spec 1/1", shown), shown
        second.keys("r")
        await asyncio.to_thread(second.until, "✓ READY", 120)
        second.keys("q")
        await asyncio.to_thread(second.until, "ready> *$")
        assert pids(tmp_path) == []

        asked = Counter(json.dumps(request.body) for request in server.requests)
        assert len(asked) == len(ANSWERS)
        assert asked.total() - len(asked) <= 1, "an answer that was there was paid again"
    events = [event async for event in desk.services.control.events(project) if isinstance(event, Event)]
    assert events[: len(before)] == before
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
