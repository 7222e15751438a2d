"""A whole build in a process of its own, to be killed: real store, git, pipeline and ledger; a scripted sandbox.

``python builder.py HOME`` begins a build, or goes on with the one that is there, and prints how it ended as JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from smaker.agents.inspection import inspect_proofs
from smaker.agents.offline.coder import OfflineCoder
from smaker.agents.offline.fixer import OfflineFixer
from smaker.agents.offline.tester import OfflineTester
from smaker.agents.runner import Runner
from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core import faults
from smaker.core.bus import Bus
from smaker.core.clock import SystemClock
from smaker.core.commands import Resume
from smaker.core.context import Context
from smaker.core.control import NewProject
from smaker.core.engine import Desk, Engine
from smaker.core.models import Desired, Outcome, StepKind, Verdict, WorkerInfo
from smaker.core.ports import Agent, Command, CommandResult
from smaker.core.secrets import find_secret
from smaker.core.spec import Entity, Module, ProductKind, Requirement, Spec
from smaker.core.worker import Crew, Worker
from smaker.profiles import Catalog
from smaker.store.sql import open_store
from smaker.testing import NoEnvironments, ScriptedSandbox
from smaker.workspace import FileLock, GitWorkspaces

PROFILE = {
    "profile.yaml": """
name: tiny
title: Tiny
description: A profile with nothing to install.
kind: library
operations: [create]
test: [check]
format: [[tidy]]
""",
    "template/README.md": "# Tiny\n",
    "template/.gitignore": "reports/\n",
    "blueprint/entity/{{ entity.name }}.txt.jinja": "{{ entity.name }}\n",
    "blueprint/project/all.txt.jinja": "{% for entity in spec.entities %}{{ entity.name }}\n{% endfor %}",
    "acceptance/project/tests/acceptance/test_all.py": (
        "import pytest\n\n\n"
        '@pytest.mark.requirement("R1")\n'
        "def test_all():\n"
        '    assert open("all.txt").read() == "a\\nb\\nc\\n"\n'
    ),
}

SPEC = Spec(
    name="Tiny",
    slug="tiny",
    summary="Three files.",
    kind=ProductKind.LIBRARY,
    profile="tiny",
    requirements=(Requirement(id="R1", text="There are three."),),
    entities=tuple(Entity(name=name, plural=f"{name}s") for name in "abc"),
    modules=(
        Module(name="a", title="A", entity="a"),
        Module(name="b", title="B", entity="b"),
        Module(name="c", title="C", entity="c", depends_on=("a",)),
        Module(name="app", title="All", requirements=("R1",), depends_on=("a", "b", "c")),
    ),
)


class Planner:
    """Writes the one spec."""

    async def run(self, context: Context) -> Outcome:
        async def plan() -> dict[str, object]:
            with Path(os.environ["LEDGER_OF_CALLS"]).open("a") as calls:
                calls.write("plan\n")
            return {"spec": SPEC.model_dump(mode="json", exclude_defaults=True)}

        await context.effect(StepKind.CHECK, "plan", {}, plan)  # type: ignore[arg-type]
        await context.write({SPEC_FILE: dump_spec(SPEC)}, title="write the spec", own=True)
        await context.commit("plan", requirements=["R1"])
        return Outcome(verdict=Verdict.DONE, summary="planned", spec=SPEC)


def script(command: Command) -> Mapping[str, bytes] | CommandResult:
    """Tests pass where the work is done."""
    if command.argv[0] == "tidy":
        return {"tidy.log": b"tidied\n"}
    done = all((command.workspace / f"{name}.txt").is_file() for name in ("a", "b", "c", "all"))
    failure = "" if done else '<failure message="assert">assert</failure>'
    case = f'<testcase classname="tests.acceptance.test_all" name="test_all" time="0">{failure}</testcase>'
    report = f'<testsuites><testsuite name="pytest">{case}</testsuite></testsuites>'
    target = command.workspace / "reports" / "junit.xml"
    target.parent.mkdir(exist_ok=True)
    target.write_text(report)
    return CommandResult(exit_code=0 if done else 1, output="", seconds=0.0)


def lay_profile(home: Path) -> None:
    for name, content in PROFILE.items():
        file = home / "profiles" / "tiny" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


async def build(home: Path) -> dict[str, object]:
    lay_profile(home)
    clock, bus, catalog, lock = SystemClock(), Bus(), Catalog(home / "profiles"), FileLock(home)
    workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
    store = await open_store(home, clock=clock)
    agents: dict[str, Agent] = {
        "planner": Planner(),
        "coder": OfflineCoder(catalog),
        "tester": OfflineTester(catalog),
        "fixer": OfflineFixer(catalog),
        "runner": Runner(catalog),
    }
    desk = Desk(home=home, store=store, workspaces=workspaces, clock=clock, bus=bus, lock=lock, inspect=inspect_proofs)
    crew = Crew(
        store=store,
        workspaces=workspaces,
        agent=lambda name, _: agents[name],
        sandbox=ScriptedSandbox(script),
        environments=NoEnvironments(),
        clock=clock,
        bus=bus,
        lock=lock,
    )
    engine, worker = Engine(desk), Worker(WorkerInfo(id="w", host="h", pid=1, capabilities=()), crew)
    known = await engine.projects()
    if known and known[0].desired is not Desired.RUN:
        await engine.steer(known[0].id, Resume())
    project = known[0] if known else await engine.create(NewProject(prompt="three files", workspace=home / "files"))
    ended = await worker.drive(project.id)
    workspace = await workspaces.open(home / "files")
    history = await workspace.history()
    found = await engine.trace(project.id)
    events = await store.events(project.id, limit=100_000)
    await store.close()
    return {
        "id": project.id,
        "state": ended.project.state.value,
        "error": ended.project.error.message if ended.project.error else None,
        "tree": history[0].tree if history else None,
        "steps": [commit.trailers.get("Smaker-Step") for commit in history],
        "gapless": [event.seq for event in events] == list(range(1, len(events) + 1)),
        "finished": sorted(event.task or "" for event in events if event.kind == "task.finished"),
        "proved": found.holds,
        "points": faults.passed(),
        "left": sorted(path.name for path in (home / "state").glob("checkouts/*/*")),
        "fsck": subprocess.run(
            ["git", "-C", str(home / "files"), "fsck", "--strict"], capture_output=True, text=True, check=False
        ).returncode,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(build(Path(sys.argv[1])))))
