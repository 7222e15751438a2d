"""A build by a model, killed at every boundary between two effects: nothing is lost, no answer is paid twice."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from smaker.testing import ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(600)]

SHARDS = 3
EVERY = 6 if os.environ.get("CI") else 1  # all boundaries take five minutes
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
EDIT = "<<<<<<< SEARCH\nmodule.exports = (a, b) => a - b;\n=======\nmodule.exports = (a, b) => a + b;\n>>>>>>> REPLACE"
ANSWERS = {
    "You plan software": json.dumps(PLAN),
    "You write software from a plan": '<file path="index.js">\nmodule.exports = (a, b) => a - b;\n</file>',
    "You write acceptance tests": f'<file path="tests/acceptance/sum.test.js">\n{TEST}</file>',
    "You mend software": f'<edit path="index.js">\n{EDIT}\n</edit>',
}


def answer(asked: Any) -> str:
    return next(text for mark, text in ANSWERS.items() if mark in asked.text)


class Builder:
    """Runs the program against the server, one task at a time, so that its boundaries come in one order."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        self._environment = {
            **os.environ,
            "SMAKER_HOME": str(home),
            "SMAKER_LIMITS__MAX_PARALLEL_TASKS": "1",
        }
        home.mkdir()
        self._config = home / "smaker.yaml"
        self._config.write_text(
            json.dumps({"llm": {"mode": "local", "providers": {"local": {"model": "scripted", "base_url": url}}}})
        )

    async def __call__(self, *words: str, crash: int = 0) -> tuple[int, Any]:
        extra = {"SMAKER_CRASH_AT": f"*:{crash}"} if crash else {}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "smaker", "--config", str(self._config), *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**self._environment, **extra},
            start_new_session=True,
        )
        output, errors = await process.communicate()
        assert b"Traceback" not in errors, errors.decode()
        return process.returncode or 0, json.loads(output) if output.strip() else None

    async def git(self, project: str, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *("git", "-C", str(self.home / "projects" / project), *words), stdout=asyncio.subprocess.PIPE
        )
        return (await process.communicate())[0].decode()


async def whole(home: Path) -> tuple[str, int]:
    """The tree of the build that nobody kills, and how often it asks."""
    async with ScriptedModelServer(answer) as server:
        build = Builder(home, server.url)
        code, status = await build("init", "sum(a, b) adds two numbers.")
        assert (code, status["state"]) == (0, "READY"), status["error"]
        return await build.git(status["id"], "rev-parse", "HEAD^{tree}"), len(server.requests)


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_killed_at_every_boundary(shard: int, tmp_path: Path) -> None:
    tree, calls = await whole(tmp_path / "whole")
    assert calls == 4
    boundary = shard + 1
    while True:
        async with ScriptedModelServer(answer) as server:
            build = Builder(tmp_path / f"at{boundary}", server.url)
            code, status = await build("init", "sum(a, b) adds two numbers.", crash=boundary)
            if code == 0:
                assert boundary > 40, "the build has passed so few boundaries that none can have been marked"
                return
            assert code == -signal.SIGKILL
            _, listed = await build("list")
            if listed:
                code, status = await build("resume", listed[0]["id"])
                assert (code, status["state"]) == (0, "READY"), (boundary, status["error"])
                assert await build.git(status["id"], "rev-parse", "HEAD^{tree}") == tree, boundary
                asked = Counter(json.dumps(request.body) for request in server.requests)
                assert len(asked) == calls
                assert sum(asked.values()) - calls <= 1, f"paid twice, killed at boundary {boundary}"
        boundary += SHARDS * EVERY
