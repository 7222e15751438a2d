"""What no test had seen is mended, and then a test shows it: red on the files before the fix, green after it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smaker.core.models import ProjectState, Stage

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

SERVER = """import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from roman import to_roman


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        body = to_roman({number}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Answer).serve_forever()
"""
SEEN = """import importlib

import pytest

import serve


@pytest.mark.requirement("R1")
def test_the_server_has_a_number_to_show():
    importlib.reload(serve)
    assert serve.to_roman(serve.NUMBER) == "X"
"""
BLIND = SEEN.replace("serve.to_roman(serve.NUMBER)", "serve.to_roman(10)")


@pytest.fixture
def started(plan: dict[str, Any]) -> str:
    """A plan whose software is a server."""
    launch = {"argv": ["python", "serve.py", "{port}"], "port": 8123, "health": "/"}
    return json.dumps({**plan, "kind": "api", "launch": launch})


@pytest.fixture
def broken(good: str, file: Any) -> str:
    """Software whose server answers nothing: the number it shows has no numeral."""
    return file("roman.py", good) + file("serve.py", "NUMBER = 0\n" + SERVER.replace("{number}", "NUMBER"))


@pytest.fixture
def mended(file: Any) -> str:
    """Its server as it should be."""
    return file("serve.py", "NUMBER = 10\n" + SERVER.replace("{number}", "NUMBER"))


async def test_what_no_test_had_seen_gets_one(
    shop: Any, script: Any, started: str, broken: str, mended: str, file: Any, tests: str
) -> None:
    roman, seen = file("tests/acceptance/test_roman.py", tests), file("tests/acceptance/test_server.py", SEEN)
    blind = file("tests/acceptance/test_server.py", BLIND)
    answers = script(planner=[started], coder=[broken], tester=[roman, blind, seen], fixer=[mended])
    async with shop(answers) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        stages = [task.stage for task in sorted(build.tasks, key=lambda task: task.finished_at)]
        assert stages[-4:] == [Stage.RUN, Stage.FIX, Stage.TESTS, Stage.RUN]
        coded = next(task.commit for task in build.tasks if task.stage is Stage.IMPLEMENTATION)
        proof = next(proof for proof in build.project.proofs if "test_server" in proof.source.id)
        history = [commit.sha for commit in await opened.local.control.history(build.project.id)]
        assert proof.red_on in history, "seen red on a commit of the project"
        assert history.index(proof.red_on) <= history.index(coded), "that has the work of the coder"
        told = [asked.text for asked in opened.server.requests if "It was found and is mended" in asked.text]
        assert "`python serve.py {port}`, / " in told[0]
        assert "passes there" in told[-1], "a test that passes on the files before the fix shows nothing"
        assert (await opened.local.replay(build.project.id)).equal


async def test_where_no_test_can_show_it_none_is_added(
    shop: Any, script: Any, started: str, broken: str, mended: str, file: Any, tests: str
) -> None:
    roman = file("tests/acceptance/test_roman.py", tests)
    answers = script(planner=[started], coder=[broken], tester=[roman, "No test can."], fixer=[mended])
    async with shop(answers) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("tester") == 2
