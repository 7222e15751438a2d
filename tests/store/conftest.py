"""Stores in folders of their own, records to fill them, and children to share them with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.events import NewEvent
from smaker.core.models import Project, Stage, Step, StepKind, Task, TaskState
from smaker.core.ports import Build, Change
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "smaker home ☃ #1%?"


@pytest.fixture
async def store(home: Path, clock: FrozenClock) -> AsyncIterator[SqlStore]:
    opened = await open_store(home, clock=clock)
    yield opened
    await opened.close()


class Records:
    """Makes records, fills stores with them, and reads all of a store back."""

    def __init__(self, clock: FrozenClock) -> None:
        self.clock = clock

    def project(self, identifier: str = "p1", **given: Any) -> Project:
        return Project(
            id=identifier,
            name="Books",
            prompt="books",
            workspace=f"/w/{identifier}",
            created_at=self.clock.now(),
            **given,
        )

    def task(self, identifier: str = "t1", of: str = "p1", **given: Any) -> Task:
        defaults: dict[str, Any] = {"stage": Stage.SPEC, "title": "plan", "agent": "a", "state": TaskState.READY}
        return Task(id=identifier, project=of, **(defaults | given))

    def step(self, index: int, of: str = "p1", attempt: int = 1, **given: Any) -> Step:
        return Step(
            id=f"t1.{index}",
            project=of,
            task="t1",
            index=index,
            kind=StepKind.COMMAND,
            title="run the tests",
            attempt=attempt,
            input_sha="0" * 64,
            started_at=self.clock.now(),
            **given,
        )

    def event(self, message: str = "hello") -> NewEvent:
        return NewEvent(kind="step.command", message=message, data={"exit": 0})

    async def fill(self, store: SqlStore, *, projects: int = 3, steps: int = 8) -> None:
        """Projects with a task, a ledger, events and blobs, small and large."""
        for number in range(1, projects + 1):
            of = f"p{number}"
            await store.create(self.project(of), Change(tasks=(self.task(of=of),), events=(self.event("created"),)))
            await store.claim("w", capabilities=(), lease_s=30, project=of)
            for index in range(1, steps + 1):
                await store.begin_step(self.step(index, of))
                blob = await store.put_blob(f"output {of} {index} ".encode() * 20)
                done = self.step(index, of, output={"blob": blob}, finished_at=self.clock.now())
                await store.finish_step(done, [self.event(f"step {index} of {of}")] * 3)
            await store.put_blob(of.encode() * 20_000)

    async def everything(self, store: SqlStore) -> list[Any]:
        """All that `fill` wrote, as read back now."""
        found: list[Any] = []
        for project in sorted(await store.projects(), key=lambda project: project.id):
            build: Build = await store.build(project.id)
            steps = await store.steps(project.id)
            blobs = [await store.get_blob(str(step.output["blob"])) for step in steps if step.output]
            found.append((build, steps, blobs, await store.events(project.id), await store.artifacts(project.id)))
        return found


@pytest.fixture
def records(clock: FrozenClock) -> Records:
    return Records(clock)


@pytest.fixture
def child() -> Callable[..., subprocess.Popen[str]]:
    """Start Python code, whose arguments are in sys.argv, as another process."""

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
