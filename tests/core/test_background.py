"""Background processes of a task: steps of its ledger, alive no longer than it, and there again when it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from smaker.agents.inspection import inspect_proofs
from smaker.core.bus import Bus
from smaker.core.clock import SystemClock
from smaker.core.commands import Cancel, Pause, Reply, Resume
from smaker.core.context import Context
from smaker.core.control import NewProject
from smaker.core.engine import Desk, Engine
from smaker.core.errors import NotFound, SmakerError, UsageError
from smaker.core.models import Gate, Outcome, StepKind, TaskState, Verdict, WorkerInfo
from smaker.core.ports import Build
from smaker.core.replay import replay_project
from smaker.core.secrets import Redactor, find_secret
from smaker.core.worker import Crew, Worker
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.store.sql import SqlStore, open_store
from smaker.testing import Canaries, NoEnvironments
from smaker.workspace import FileLock, GitWorkspaces

pytestmark = pytest.mark.sandbox

What = Callable[[Context], Awaitable[None]]

SERVER = """
import http.server, os, sys
print("begun with", open("page.txt").read(), flush=True)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open("seen.txt", "a").write(self.path + "\\n")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open("page.txt", "rb").read())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Page).serve_forever()
"""
SERVE = ("python3", "-c", SERVER)
FOR_EVER = ("sh", "-c", "echo up; sleep 1000")
SEEN = ("cat", "seen.txt")


def get(port: int = 8000) -> tuple[str, ...]:
    code = f"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}/x', timeout=5).read().decode())"
    return ("python3", "-c", code)


async def serve(context: Context, name: str = "web", port: int = 8000) -> str:
    return (await context.start(SERVE, name=name, port=port, variables={"PORT": str(port)})).output


@dataclass
class Doing:
    """An agent that does one thing; ``fresh`` are its contexts."""

    what: What
    contexts: list[Context] = field(default_factory=list)

    async def run(self, context: Context) -> Outcome:
        self.contexts.append(context)
        await context.write({"page.txt": b"one"}, title="write")
        await self.what(context)
        await context.commit("done")
        return Outcome(verdict=Verdict.DONE, summary="done")


@dataclass
class House:
    engine: Engine
    worker: Worker
    store: SqlStore
    agent: Doing
    workspaces: GitWorkspaces
    id: str
    home: Path

    async def drive(self) -> Build:
        return await asyncio.wait_for(self.worker.drive(self.id), 50)

    async def titles(self) -> list[str]:
        return [step.title for step in await self.store.steps(self.id) if step.kind is StepKind.PROCESS]


@asynccontextmanager
async def house(home: Path, what: What, *gates: Gate) -> AsyncGenerator[House]:
    clock, bus, lock = SystemClock(), Bus(), FileLock(home)
    workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
    store = await open_store(home, clock=clock)
    agent = Doing(what)
    desk = Desk(home=home, store=store, workspaces=workspaces, clock=clock, bus=bus, lock=lock, inspect=inspect_proofs)
    crew = Crew(
        store=store,
        workspaces=workspaces,
        agent=lambda _, __: agent,
        sandbox=BwrapSandbox(),
        environments=NoEnvironments(),
        clock=clock,
        bus=bus,
        lock=lock,
        redactor=Redactor(),
    )
    engine = Engine(desk)
    worker = Worker(WorkerInfo(id="w", host="h", pid=1, capabilities=()), crew, lease_s=3)
    try:
        project = await engine.create(NewProject(prompt="p", workspace=home / "files", gates=gates))
        yield House(engine, worker, store, agent, workspaces, project.id, home)
    finally:
        await store.close()


def boxes(home: Path) -> list[str]:
    """Command lines of the processes whose box holds a folder of this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home) in words and "bwrap" in words:
                found.append(words)
    return found


async def test_a_process_is_started_reached_heard_and_stopped(tmp_path: Path) -> None:
    said: list[str] = []

    async def what(context: Context) -> None:
        said.append(await serve(context))
        assert context.running == ("web",)
        said.append((await context.run(get())).output)
        assert await context.read("seen.txt") == b"/x\n", "a command's step takes in what the process wrote"
        look = await context.output_of("web")
        assert look.running
        said.append(look.output)
        look = await context.stop("web")
        assert (look.running, look.exit_code, context.running) == (False, None, ())
        assert (await context.run(get())).exit_code != 0

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error
        assert said[:2] == ["begun with one\n", "one\n"]
        assert '"GET /x HTTP/1.1" 200' in said[2]
        assert await at.titles() == [f"start web: {' '.join(SERVE)} (port 8000)"[:500], "look at web", "stop web"]
        events = [event for event in await at.store.events(at.id, limit=100) if event.kind == "step.process"]
        assert [event.message.rpartition(" → ")[2] for event in events] == ["runs", "runs", "stopped"]
    assert boxes(tmp_path) == []


async def test_what_does_not_come_up_says_why(tmp_path: Path) -> None:
    async def what(context: Context) -> None:
        broken = ("python3", "-c", "print('no such table'); raise SystemExit(3)")
        look = await context.start(broken, name="broken", port=8000)
        assert (look.running, look.exit_code, look.output) == (False, 3, "no such table\n")
        look = await context.start(broken, name="broken")
        assert (look.running, look.exit_code) == (False, 3)
        look = await context.start(FOR_EVER, name="deaf", port=8000, timeout_s=0.5)
        assert (look.running, look.exit_code, look.output) == (False, None, "up\n")
        assert context.running == ()

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error


async def test_there_are_few_and_each_has_its_name_and_port(tmp_path: Path) -> None:
    async def what(context: Context) -> None:
        for unknown in (context.stop, context.output_of):
            with pytest.raises(NotFound, match="no process 'web'"):
                await unknown("web")
        await serve(context)
        with pytest.raises(UsageError, match="running already"):
            await context.start(FOR_EVER, name="web")
        with pytest.raises(UsageError, match="port 8000"):
            await context.start(FOR_EVER, name="other", port=8000)
        await serve(context, "second", 8001)
        assert "one" in (await context.run(get(8001))).output
        look = await context.start(("sh", "-c", "sleep 1.3; echo bye; exit 4"), name="third")
        assert look.running
        with pytest.raises(UsageError, match="no more than 3"):
            await context.start(FOR_EVER, name="fourth")
        await asyncio.sleep(1)
        look = await context.output_of("third")
        assert (look.running, look.exit_code, look.output) == (False, 4, "bye\n")
        assert context.running == ("web", "second")
        onward = await context.start((*get(8001)[:2], get(8001)[2] + "; u.time.sleep(99)"), name="fourth")
        printed = onward.output
        for _ in range(10):
            if printed:
                break
            await asyncio.sleep(1)
            printed = (await context.output_of("fourth")).output
        assert printed == "one\n", "a process reaches those that were started before it"

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error
    assert boxes(tmp_path) == [], "what nobody stopped ends with the task"


@pytest.mark.attack("C46")
async def test_a_process_gets_no_more_than_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canaries: Canaries
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-Zx81kQm2Lw9Rt4Vb7Ny3Hc6Jd5Gf0Ps")
    outside = tmp_path / "outside.txt"
    script = (
        "env; ls -A / /home ~; tr '\\0' '\\n' < /proc/1/environ; echo sk-proj-Qx81kQm2Lw9Rt4Vb7Ny3Hc6Jd5Gf0Ps; "
        f"touch {outside}; echo x > .smaker/spec.yaml; ls -A .git; ip -o link | wc -l; "
        "python3 -c 'import socket; socket.create_connection((\"1.1.1.1\", 53), 2)'; sleep 99"
    )
    seen: list[str] = []

    async def what(context: Context) -> None:
        commands = await context.run(("sh", "-c", script.replace("sleep 99", "true")))
        look = await context.start(
            ("sh", "-c", script), name="curious", variables={"LD_PRELOAD": "/x.so", "MINE": "yes"}
        )
        seen.extend([commands.output, look.output])

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error
    command, process = (
        "\n".join(sorted(line for line in text.splitlines() if not line.startswith(("MINE=", "PWD", "OLDPWD", "_="))))
        for text in seen
    )
    assert process == command
    assert "MINE=yes" in seen[1]
    assert "LD_PRELOAD" not in seen[1]
    assert "sk-proj" not in "".join(seen)
    assert not outside.exists()


async def test_after_a_kill_what_ran_runs_again_and_no_step_is_done_twice(tmp_path: Path) -> None:
    reached, outputs = asyncio.Event(), []

    async def what(context: Context) -> None:
        outputs.append(await serve(context))
        await context.start(FOR_EVER, name="idle")
        await context.stop("idle")
        outputs.append((await context.run(get())).output)
        await context.write({"page.txt": b"two"}, title="write")
        if len(at.agent.contexts) == 1:
            assert len(boxes(tmp_path)) > 0
            reached.set()
            await asyncio.sleep(99)
        outputs.append((await context.run(get())).output)
        outputs.append((await context.output_of("web")).output)
        outputs.append((await context.run(SEEN)).output)

    async with house(tmp_path, what) as at:
        driving = asyncio.create_task(at.worker.drive(at.id))
        await asyncio.wait_for(reached.wait(), 30)
        driving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await driving
        assert boxes(tmp_path) == []
        del outputs[:]
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error
        assert outputs[:3] == ["begun with one\n", "one\n", "two\n"]
        assert outputs[3].startswith("begun with two\n"), "it was started again, on the files as they are"
        assert outputs[4] == "/x\n/x\n"
        assert sum(title.startswith("start web") for title in await at.titles()) == 1
    assert boxes(tmp_path) == []


async def test_one_that_does_not_come_up_again_has_ended(tmp_path: Path) -> None:
    async def what(context: Context) -> None:
        await context.start(("sh", "-c", "test -e broken && exit 5; echo up; sleep 99"), name="once")
        await context.write({"broken": b""}, title="break it")
        if len(at.agent.contexts) == 1:
            raise asyncio.CancelledError
        look = await context.output_of("once")
        assert (look.running, look.exit_code) == (False, 5)

    async with house(tmp_path, what) as at:
        await at.drive()
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error


@pytest.mark.parametrize("end", ["fails", "breaks", "waits", "pauses", "is cancelled"])
async def test_nothing_is_left_however_a_task_ends(tmp_path: Path, end: str) -> None:
    async def what(context: Context) -> None:
        await serve(context)
        await context.start(FOR_EVER, name="idle")
        assert len(boxes(tmp_path)) >= 2
        if end == "fails":
            raise SmakerError("no")
        if end == "breaks":
            raise ValueError("no")
        if end == "waits":
            await context.ask("Which?")
        await at.engine.steer(at.id, Pause() if end == "pauses" else Cancel())
        if end == "is cancelled":
            await asyncio.sleep(30)  # the heartbeat stops it
        await context.write({"more.txt": b""}, title="the next step")

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert boxes(tmp_path) == []
        state = {"waits": TaskState.BLOCKED, "pauses": TaskState.READY, "is cancelled": TaskState.CANCELLED}
        assert build.tasks[0].state is state.get(end, TaskState.FAILED)
        if end == "waits":
            at.agent.what = check_answer
            await at.engine.steer(at.id, Reply(text="this"))
            assert (await at.drive()).tasks[0].state is TaskState.DONE
        if end == "pauses":
            at.agent.what = go_on
            await at.engine.steer(at.id, Resume())
            assert (await at.drive()).tasks[0].state is TaskState.DONE
    assert boxes(tmp_path) == []


async def go_on(context: Context) -> None:
    await serve(context)
    await context.start(FOR_EVER, name="idle")
    assert "one" in (await context.run(get())).output


async def check_answer(context: Context) -> None:
    await serve(context)
    await context.start(FOR_EVER, name="idle")
    assert await context.ask("Which?") == "this"
    assert "one" in (await context.run(get())).output


async def test_a_replay_starts_nothing_and_comes_to_the_same_files(tmp_path: Path) -> None:
    """Though a process wrote between the steps, and beside an edit."""

    async def what(context: Context) -> None:
        await context.start(
            ("sh", "-c", "echo up; while :; do date +%N > tick.txt; sleep 0.01; done"), name="writer", port=None
        )
        before = await context.read("tick.txt")
        await asyncio.sleep(0.1)
        assert await context.read("tick.txt") == before, "files are read as the last step left them"
        await context.write({"page.txt": b"two"}, title="edit")
        await context.commit("with what it wrote")
        await asyncio.sleep(0.1)
        await context.write({"page.txt": b"three"}, title="edit")
        await context.stop("writer")

    async with house(tmp_path, what) as at:
        build = await at.drive()
        assert build.tasks[0].state is TaskState.DONE, build.tasks[0].error
        replayed = await replay_project(
            at.id,
            store=at.store,
            workspaces=at.workspaces,
            scratch=GitWorkspaces(tmp_path / "scratch", clock=SystemClock(), scan=find_secret),
            folder=tmp_path / "again",
            agent=lambda _, __: at.agent,
            clock=SystemClock(),
        )
        assert replayed.equal


async def test_questions_are_asked_only_where_they_are_a_gate(tmp_path: Path) -> None:
    answers: list[str] = []

    async def what(context: Context) -> None:
        answers[:] = [await context.ask("Which colour?", default="blue"), await context.ask("Delete it?")]

    async with house(tmp_path / "free", what) as at:
        build = await at.drive()
        assert build.tasks[0].question == "Delete it?", "the first was answered by its default"
        await at.engine.steer(at.id, Reply(text="yes"))
        assert (await at.drive()).tasks[0].state is TaskState.DONE
        assert answers == ["blue", "yes"]
        told = [event.message for event in await at.store.events(at.id, limit=99) if event.kind == "step.question"]
        assert told == ["Which colour? Taken: blue", "Delete it?"]
    async with house(tmp_path / "gated", what, Gate.QUESTIONS) as at:
        for question, answer in (("Which colour?", "red"), ("Delete it?", "no")):
            assert (await at.drive()).tasks[0].question == question
            await at.engine.steer(at.id, Reply(text=answer))
        assert (await at.drive()).tasks[0].state is TaskState.DONE
        assert answers == ["red", "no"]
