"""What a model does beside writing: programs that run beside its commands, lists of files, questions to its user."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.model.listing import MOST, listed
from smaker.agents.model.tools import Toolbox
from smaker.cli.views import status_dict, summary_text
from smaker.core.clock import SystemClock
from smaker.core.commands import Reply
from smaker.core.models import Gate, ProjectState
from smaker.core.pipeline import waiting_for
from smaker.core.ports import Role, ToolCall
from smaker.store.sql import open_store
from smaker.testing import Say, ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

SERVER = """import http.server
class Page(http.server.SimpleHTTPRequestHandler):
    pass
print("ready", flush=True)
http.server.HTTPServer(("127.0.0.1", int(__import__("os").environ["PORT"])), Page).serve_forever()
"""
CURL = "python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:8000/hello.txt').read())\""


def said(*calls: tuple[str, dict[str, Any]], native: bool = True) -> Any:
    """An answer that calls tools, as a model with tools of its own does, or in plain text."""
    if native:
        made = (ToolCall(id=f"c{n}", name=name, arguments=json.dumps(given)) for n, (name, given) in enumerate(calls))
        return Say("", calls=tuple(made))
    return "\n".join(f'<tool name="{name}">{json.dumps(given)}</tool>' for name, given in calls)


def last_told(opened: Any, role: str = "You write software") -> str:
    """What that role was last sent."""
    return [asked.text for asked in opened.server.requests if role in asked.text][-1]


@pytest.mark.parametrize("native", [True, False], ids=["native", "text"])
async def test_a_model_talks_to_the_server_it_started(
    shop: Any, script: Any, good: str, file: Any, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [
        file("server.py", SERVER)
        + file("hello.txt", "hello\n")
        + said(("start_process", {"command": "exec python3 server.py"}), native=False)
        if not native
        else Say(
            file("server.py", SERVER) + file("hello.txt", "hello\n"),
            calls=(
                ToolCall(id="a", name="start_process", arguments=json.dumps({"command": "exec python3 server.py"})),
            ),
        ),
        said(("run_command", {"command": CURL}), ("read_output", {}), native=native),
        said(
            ("start_process", {"command": "true", "port": 8001, "name": "wrong"}),
            ("stop_process", {}),
            ("stop_process", {}),
            ("run_command", {"command": CURL}),
            native=native,
        ),
        file("roman.py", good),
    ]
    async with shop(script(coder=answers)) as opened:
        if not native:
            traits = opened.local.models.for_role(Role.CODE_GENERATION).traits.model_copy(update={"tools": False})
            monkeypatch.setattr("smaker.core.asking.Asking.traits", lambda _, role: traits)
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        told = last_told(opened)
        assert "ready\n(it runs and listens on port 8000)" in told
        assert "b'hello\\n'\n(exit code 0)" in told.replace("\\\\", "\\")
        assert '"GET /hello.txt HTTP/1.1" 200 -\n(it runs)' in told
        assert "(it has ended: exit code 0)" in told
        assert "(no new output)\n(stopped)" in told
        assert "There is no process 'server'. None is running." in told
        assert "Connection refused" in told
        assert bool([asked for asked in opened.server.requests if asked.body.get("tools")]) == native
        assert (await opened.local.replay(build.project.id)).equal


async def test_what_a_model_left_running_ends_before_its_work_is_looked_at(
    shop: Any, script: Any, good: str, file: Any
) -> None:
    meddling = "mkdir -p tests/acceptance; while :; do echo x > tests/acceptance/test_x.py; echo y > y.txt; done"
    answers = [
        said(("start_process", {"command": meddling, "port": 0, "name": "meddler"})),
        file("roman.py", good),
    ]
    async with shop(script(coder=answers)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        titles = [step.title for step in await opened.local.store.steps(build.project.id)]
        assert titles.index("stop meddler") < titles.index(
            "put back tests/acceptance/test_x.py", titles.index("stop meddler")
        )
        assert not (Path(build.project.workspace) / "tests/acceptance/test_x.py").exists()
        assert (await opened.local.replay(build.project.id)).equal


async def test_files_are_listed(shop: Any, script: Any, good: str, file: Any) -> None:
    answers = [
        Say(
            file("a/b/one.txt", "12345\n") + file(".env", "KEY=1\n"),
            calls=(ToolCall(id="l", name="list_files", arguments="{}"),),
        ),
        said(
            ("list_files", {"folder": "./a/"}), ("list_files", {"folder": "../.."}), ("list_files", {"folder": ".git"})
        ),
        file("roman.py", good),
    ]
    async with shop(script(coder=answers)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        told = last_told(opened)
        assert "a/b/one.txt (6)" in told
        assert ".env" in told
        assert ".smaker/" not in told.partition("list_files")[2]
        assert "There is no file in '../..'" in told
        assert "There is no file in '.git'" in told


def test_long_lists_are_folded() -> None:
    sizes: dict[str, int | None] = {f"src/part{n}/file{m}.py": 1000 + m for n in range(20) for m in range(30)}
    sizes |= {"README.md": 5, "logo.png": None}
    assert listed(sizes).splitlines()[:3] == ["README.md (5)", "logo.png", "src/part0/ (30 files)"]
    assert listed(sizes, "src/part3").splitlines()[0] == "src/part3/file0.py (1,000)"
    assert listed(sizes, "src/part") == ""
    flat: dict[str, int | None] = {f"{n:05}.txt": n for n in range(3_000)}
    assert listed(flat).splitlines()[-1] == "… and 2,800 more"
    assert len(listed(flat).splitlines()) == MOST + 1
    assert listed({}) == ""


async def test_the_tools_are_told_in_few_words(shop: Any) -> None:
    """They are sent with every question of the coder and the fixer."""
    described = Toolbox(None).described()  # type: ignore[arg-type]
    assert len(json.dumps([tool.model_dump(mode="json") for tool in described])) < 3_400
    assert {tool.name for tool in described} == {
        *("list_files", "read_file", "search_files", "run_command", "ask_user"),
        *("start_process", "read_output", "stop_process"),
    }


ASKING = ("ask_user", {"question": "Which\ncase?\n  waits  nothing", "default": "Upper  case"})


async def test_where_nobody_is_asked_the_default_holds_and_is_told(
    shop: Any, script: Any, good: str, file: Any
) -> None:
    async with shop(script(coder=[said(ASKING), file("roman.py", good)])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert "it is told to the user: Upper case" in last_told(opened)
        snapshot = await opened.local.control.snapshot(build.project.id)
        assert status_dict(snapshot)["questions"] == ["Which case? waits nothing Taken: Upper case"]
        assert "  open   Which case? waits nothing Taken: Upper case\n" in summary_text(snapshot)


async def test_where_questions_are_a_gate_the_task_waits(shop: Any, script: Any, good: str, file: Any) -> None:
    serve = ("start_process", {"command": "python3 -m http.server --bind 127.0.0.1 $PORT"})
    answers = [said(serve), said(ASKING), said(("read_output", {})), file("roman.py", good)]
    async with shop(script(coder=answers)) as opened:
        build = await opened.build(gates=(Gate.QUESTIONS,))
        waiting = waiting_for(build)
        assert waiting is not None
        assert waiting.question == "Which case? waits nothing"
        snapshot = await opened.local.control.snapshot(build.project.id)
        assert "  asks   Which case? waits nothing\n" in summary_text(snapshot)
        calls = opened.script.asked.count("coder")
        await opened.local.control.steer(build.project.id, Reply(text="lower, please"))
        build = await opened.drive(build.project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert "The user says: lower, please" in last_told(opened)
        assert "(it runs)" in last_told(opened), "what ran when it asked runs again"
        assert opened.script.asked.count("coder") == calls + 2, "what was answered is not asked again"
        snapshot = await opened.local.control.snapshot(build.project.id)
        assert status_dict(snapshot)["questions"] == []


async def test_the_plans_questions_wait_for_the_user_where_they_are_a_gate(
    shop: Any, script: Any, plan: dict[str, Any]
) -> None:
    asking = {
        **plan,
        "questions": [{"question": "Lower\ncase too?", "taken": "no"}, {"question": "Zero?", "taken": "N"}],
    }
    settled = {**plan, "interfaces": [*plan["interfaces"], "lower case is read"], "questions": asking["questions"][1:]}
    async with shop(script(planner=[json.dumps(asking), json.dumps(settled)])) as opened:
        build = await opened.build(gates=(Gate.QUESTIONS,))
        waiting = waiting_for(build)
        assert waiting is not None and waiting.question is not None
        assert waiting.question.startswith("(1) Lower case too? Taken: no (2) Zero? Taken: N ")
        assert build.project.spec is None
        await opened.local.control.steer(build.project.id, Reply(text="Yes to the first"))
        build = await opened.drive(build.project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert "Yes to the first" in last_told(opened, "You plan software")
        assert build.project.spec is not None
        assert "lower case is read" in build.project.spec.interfaces
        assert build.project.spec.questions == ("Zero? Taken: N",)
    async with shop(script(planner=[json.dumps(asking)]), home="agreeing") as opened:
        build = await opened.build(gates=(Gate.QUESTIONS,))
        await opened.local.control.steer(build.project.id, Reply(text="Yes."))
        build = await opened.drive(build.project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("planner") == 1, "a yes needs no other plan"


class Smaker:
    """The program as its user starts it."""

    def __init__(self, home: Path, url: str) -> None:
        self.home = home
        home.mkdir()
        llm = {"mode": "local", "providers": {"local": {"model": "scripted", "base_url": url}}}
        (home / "smaker.yaml").write_text(json.dumps({"llm": llm}))

    async def __call__(self, *words: str, **variables: str) -> tuple[int, Any]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "smaker", "--config", str(self.home / "smaker.yaml"), *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "SMAKER_HOME": str(self.home), "SMAKER_LIMITS__MAX_PARALLEL_TASKS": "1", **variables},
            start_new_session=True,
        )
        output, errors = await process.communicate()
        assert b"Traceback" not in errors, errors.decode()
        return process.returncode or 0, json.loads(output) if output.strip() else None


async def boundary(home: Path, project: str) -> int:
    """How many steps end until the first command has."""
    store = await open_store(home, clock=SystemClock())
    steps = sorted(await store.steps(project), key=lambda step: step.started_at)
    await store.close()
    return 1 + next(number for number, step in enumerate(steps) if step.title == CURL[:120])


async def test_killed_beside_its_server_and_asked_by_the_command_line(
    script: Any, good: str, file: Any, prompt: str, shop: Any, tmp_path: Path
) -> None:
    serve = ("start_process", {"command": "echo hello > hello.txt; exec python3 -m http.server --bind 127.0.0.1 $PORT"})
    answers = [said(serve), said(("run_command", {"command": CURL}), ("read_output", {})), said(ASKING)]
    init = ("init", prompt, "--approve", "questions")
    async with ScriptedModelServer(script(coder=[*answers, file("roman.py", good)])) as server:
        whole = Smaker(tmp_path / "whole", server.url)
        code, status = await whole(*init)
        assert code == 3, "it asks"
        assert status["asks"]["text"] == "Which case? waits nothing"
        number = await boundary(whole.home, status["id"])
        code, status = await whole("answer", status["id"], "Upper")
        assert (code, status["state"]) == (0, "READY"), status["error"]
        assert status["questions"] == []
    async with ScriptedModelServer(made := script(coder=[*answers, file("roman.py", good)])) as server:
        killed = Smaker(tmp_path / "killed", server.url)
        code, _ = await killed(*init, SMAKER_CRASH_AT=f"step.done:{number}")
        assert code == -signal.SIGKILL
        assert await gone(killed.home)
        _, found = await killed("list")
        code, status = await killed("resume", found[0]["id"])
        assert (code, status["asks"]["text"]) == (3, "Which case? waits nothing"), status["error"]
        assert made.asked.count("coder") == 3, "nothing is paid twice"
        told = [asked.text for asked in server.requests if "You write software" in asked.text][-1]
        assert "b'hello\\n'\n(exit code 0)" in told, "the server runs again for the command that is done again"
        assert '"GET /hello.txt HTTP/1.1" 200' in told
        code, status = await killed("answer", found[0]["id"], "Upper")
        assert (code, status["state"]) == (0, "READY"), status["error"]
        assert await gone(killed.home)


async def gone(home: Path) -> bool:
    """Whether no box holds a folder of this home any more, soon."""
    for _ in range(100):
        found = False
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = entry.read_bytes()
                found = found or (str(home).encode() in words and b"bwrap" in words)
        if not found:
            return True
        await asyncio.sleep(0.05)
    return False
