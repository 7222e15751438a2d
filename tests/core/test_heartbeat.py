"""A task's heartbeat: what it stops, it stops without a fuss, and it stops nothing that has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from smaker.agents.inspection import inspect_proofs
from smaker.core.bus import Bus
from smaker.core.clock import SystemClock
from smaker.core.commands import Cancel
from smaker.core.context import Context
from smaker.core.control import NewProject
from smaker.core.engine import Desk, Engine
from smaker.core.models import Outcome, ProjectState, StepKind, TaskState, Verdict, WorkerInfo
from smaker.core.ports import Build
from smaker.core.secrets import find_secret
from smaker.core.taskfiles import TaskFiles
from smaker.core.worker import Crew, Worker
from smaker.store.sql import open_store
from smaker.testing import NoEnvironments, ScriptedSandbox
from smaker.workspace import FileLock, GitWorkspaces

LEASE_S = 3.0  # a heartbeat every second


class Doing:
    """An agent that does one thing."""

    def __init__(self, what: Callable[[Context], Awaitable[None]]) -> None:
        self._what = what

    async def run(self, context: Context) -> Outcome:
        await self._what(context)
        return Outcome(verdict=Verdict.DONE, summary="done")


async def drive(
    home: Path, what: Callable[[Context], Awaitable[None]], *, cancel_after_s: float | None = None
) -> Build:
    clock, bus, lock = SystemClock(), Bus(), FileLock(home)
    workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
    store = await open_store(home, clock=clock)
    desk = Desk(home=home, store=store, workspaces=workspaces, clock=clock, bus=bus, lock=lock, inspect=inspect_proofs)
    crew = Crew(
        store=store,
        workspaces=workspaces,
        agent=lambda _, __: Doing(what),
        sandbox=ScriptedSandbox(),
        environments=NoEnvironments(),
        clock=clock,
        bus=bus,
        lock=lock,
    )
    engine = Engine(desk)
    worker = Worker(WorkerInfo(id="w", host="h", pid=1, capabilities=()), crew, lease_s=LEASE_S)
    try:
        project = await engine.create(NewProject(prompt="p", workspace=home / "files"))
        driving = asyncio.create_task(worker.drive(project.id))
        if cancel_after_s is not None:
            await asyncio.sleep(cancel_after_s)
            await engine.steer(project.id, Cancel())
        return await asyncio.wait_for(driving, 20)
    finally:
        await store.close()


async def test_a_task_that_ended_is_not_stopped_while_its_folder_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = TaskFiles.close

    async def slowly(self: TaskFiles) -> None:
        await asyncio.sleep(0.5 * LEASE_S)
        await remove(self)

    async def write(context: Context) -> None:
        await context.write({"a.txt": b"a"}, title="write")

    monkeypatch.setattr(TaskFiles, "close", slowly)
    build = await drive(tmp_path, write)
    assert [task.state for task in build.tasks] == [TaskState.DONE]
    assert list((tmp_path / "state").glob("checkouts/*/*")) == []


async def test_a_build_cancelled_in_the_middle_of_an_effect_ends(tmp_path: Path) -> None:
    async def long_effect(context: Context) -> None:
        async def wait() -> dict[str, object]:
            await asyncio.sleep(30)
            return {}

        await context.effect(StepKind.CHECK, "long", {}, wait)  # type: ignore[arg-type]

    build = await drive(tmp_path, long_effect, cancel_after_s=0.3)
    assert build.project.state is ProjectState.FAILED
    assert [task.state for task in build.tasks] == [TaskState.CANCELLED]
