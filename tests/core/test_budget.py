"""Budgets of projects and of their tasks, by a real worker, store and ledger; only the model's answers are made up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.inspection import inspect_proofs
from smaker.core.budget import all_bounds, call_bounds, time_bounds
from smaker.core.bus import Bus
from smaker.core.clock import SystemClock
from smaker.core.commands import Resume
from smaker.core.context import Context
from smaker.core.control import NewProject
from smaker.core.engine import Desk, Engine
from smaker.core.events import Event
from smaker.core.models import (
    Budget,
    Desired,
    Outcome,
    Stage,
    Step,
    StepKind,
    Task,
    TaskState,
    Usage,
    Verdict,
    WorkerInfo,
)
from smaker.core.ports import Build, Message, Reply, Request, Role, Store, Traits
from smaker.core.secrets import find_secret
from smaker.core.spec import Entity, Module, ProductKind, Requirement, Spec
from smaker.core.worker import WATCH_S, Crew, Worker
from smaker.store.sql import open_store
from smaker.testing import NoEnvironments, ScriptedSandbox
from smaker.workspace import FileLock, GitWorkspaces

CALLS = 30  # of every task, if nothing stops it
SPEC = Spec(
    name="Tiny",
    slug="tiny",
    summary="Three files.",
    kind=ProductKind.LIBRARY,
    profile="python",
    requirements=(Requirement(id="R1", text="There are three."),),
    entities=tuple(Entity(name=name, plural=f"{name}s") for name in "abc"),
    modules=tuple(Module(name=name, title=name.upper(), entity=name, requirements=("R1",)) for name in "abc"),
)


@dataclass
class Meter:
    """Models that answer at a price."""

    price: Callable[[], Usage] = lambda: Usage(tokens_in=90, tokens_out=10, cost_usd=0.01, calls=1)
    takes_s: float = 0.0
    calls: int = 0
    name: str = "meter"
    traits: Traits = field(default_factory=Traits)

    def for_role(self, role: Role, turn: int = 0) -> Meter:
        del role, turn
        return self

    named = for_role

    async def ask(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        del request, on_text
        self.calls += 1
        await asyncio.sleep(self.takes_s)
        return Reply(text="yes", provider="meter", model="m", usage=self.price())

    async def close(self) -> None:
        return


class Asker:
    """An agent that asks and asks; where there is a ``spec``, only in the tasks of its modules."""

    def __init__(self, spec: Spec | None) -> None:
        self._spec = spec

    async def run(self, context: Context) -> Outcome:
        stage = context.task.stage
        if self._spec is not None and stage is not Stage.IMPLEMENTATION:
            await context.write({f"{stage}.txt": b"done\n"}, title="write")
            await context.commit(stage)
            return Outcome(verdict=Verdict.DONE, summary="done", spec=self._spec if stage is Stage.SPEC else None)
        for number in range(CALLS):
            request = Request(messages=(Message(role="user", text=f"{context.task.id} {number}"),))
            await context.ask_model(Role.PLANNING, request, title=f"ask {number}")
        return Outcome(verdict=Verdict.FAILED, summary="asked enough")


@dataclass
class Opened:
    """One process over a home."""

    engine: Engine
    worker: Worker
    store: Store
    home: Path

    async def create(self, **budget: float) -> str:
        request = NewProject(prompt="p", workspace=self.home / "files", budget=Budget(**budget))  # type: ignore[arg-type]
        return (await self.engine.create(request)).id

    async def drive(self, project: str) -> Build:
        return await asyncio.wait_for(self.worker.drive(project), 20)

    async def more(self, project: str, **budget: float) -> Build:
        await self.engine.steer(project, Resume(budget=Budget(**budget)))  # type: ignore[arg-type]
        return await self.drive(project)

    async def told(self, project: str, kind: str) -> list[Event]:
        return [event for event in await self.store.events(project) if event.kind == kind]


@asynccontextmanager
async def opened(home: Path, meter: Meter, spec: Spec | None = None) -> AsyncGenerator[Opened]:
    clock, bus, lock = SystemClock(), Bus(), FileLock(home)
    workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
    store = await open_store(home, clock=clock)
    crew = Crew(
        store=store,
        workspaces=workspaces,
        agent=lambda _, __: Asker(spec),
        sandbox=ScriptedSandbox(),
        environments=NoEnvironments(),
        clock=clock,
        bus=bus,
        lock=lock,
        models=meter,
    )
    desk = Desk(home=home, store=store, workspaces=workspaces, clock=clock, bus=bus, lock=lock, inspect=inspect_proofs)
    try:
        yield Opened(Engine(desk), Worker(WorkerInfo(id="w", host="h", pid=1, capabilities=()), crew), store, home)
    finally:
        await store.close()


def used(usage: Usage, what: str) -> float:
    return usage.cost_usd if "cost" in what else usage.tokens_in + usage.tokens_out


def of_tasks(steps: list[Step]) -> dict[str, Usage]:
    found: dict[str, Usage] = {}
    for step in steps:
        found[step.task] = found.get(step.task, Usage()) + step.usage
    return {task: usage for task, usage in found.items() if usage.calls}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["max_cost_usd", "max_tokens", "max_task_cost_usd", "max_task_tokens"])
async def test_spending_stops_within_one_call_of_any_bound(tmp_path: Path, name: str, seed: int) -> None:
    chance = random.Random(f"{name}{seed}")

    def price() -> Usage:
        return Usage(
            tokens_in=chance.randint(1, 900), tokens_out=chance.randint(0, 300), cost_usd=chance.random(), calls=1
        )

    limit = chance.randint(0, 5) if "cost" in name else chance.randint(0, 6000)
    async with opened(tmp_path, Meter(price)) as shop:
        project = await shop.create(**{name: limit})
        build = await shop.drive(project)
        costs = [used(step.usage, name) for step in await shop.store.steps(project) if step.usage.calls]
        assert sum(costs) >= limit
        assert sum(costs[:-1]) < limit or not costs, "the bound was reached before the last call"
        assert build.project.desired is Desired.PAUSE
        assert build.project.error is not None
        assert build.project.error.code == "E_BUDGET"
        option = "--" + name.removesuffix("_usd").replace("_", "-")
        assert f"smaker resume {project} {option} " in build.project.error.hint
        assert ("task t1" in build.project.error.message) == ("task" in name)
        exceeded = await shop.told(project, "budget.exceeded")
        assert [event.task for event in exceeded] == ["t1"]


async def test_what_a_task_spent_outlives_its_attempts_and_the_process(tmp_path: Path) -> None:
    meter = Meter()  # 100 tokens a call
    async with opened(tmp_path, meter) as shop:
        project = await shop.create(max_task_tokens=500)
        await shop.drive(project)
        assert meter.calls == 5
    async with opened(tmp_path, meter) as shop:
        build = await shop.more(project, max_task_tokens=500)
        assert meter.calls == 5, "another process begins nothing anew"
        assert build.project.desired is Desired.PAUSE
        build = await shop.more(project, max_task_tokens=800)
        assert meter.calls == 8
        assert build.project.error is not None
        assert build.project.error.message == "The budget of task t1 is spent: 800 of 800 tokens."
        assert build.project.error.hint.endswith(f"smaker resume {project} --max-task-tokens 1600")
        warned = await shop.told(project, "budget.warning")
        assert [(event.task, event.data["spent"], event.data["limit"]) for event in warned] == [
            ("t1", 400, 500),
            ("t1", 700, 800),
        ]
        build = await shop.more(project)
        assert meter.calls == CALLS
        assert build.project.desired is Desired.RUN


async def test_tasks_that_run_together_have_a_bound_each_and_the_project_is_warned_once(tmp_path: Path) -> None:
    meter = Meter(takes_s=0.05)
    async with opened(tmp_path, meter, SPEC) as shop:
        project = await shop.create(max_task_tokens=1000, max_tokens=1500)
        build = await shop.drive(project)
        spent = of_tasks(await shop.store.steps(project))
        assert build.project.error is not None
        assert "The budget is spent" in build.project.error.message, "three tasks that took half of theirs"
        assert len(spent) == 3
        assert 1500 <= meter.calls * 100 < 1500 + 3 * 100
        assert [event.task for event in await shop.told(project, "budget.warning")] == [None]
        build = await shop.more(project, max_task_tokens=1000)
        spent = of_tasks(await shop.store.steps(project))
        assert build.project.error is not None
        assert "of 1,000 tokens" in build.project.error.message
        assert max(used(usage, "tokens") for usage in spent.values()) == 1000
        assert sum(used(usage, "tokens") for usage in spent.values()) > 2000, "what one spent is not another's"


@pytest.mark.parametrize("name", ["max_minutes", "max_task_minutes"])
async def test_minutes_warn_and_pause(tmp_path: Path, name: str) -> None:
    meter, limit_s = Meter(takes_s=0.15), 1.2
    async with opened(tmp_path, meter) as shop:
        project = await shop.create(**{name: limit_s / 60})
        build = await shop.drive(project)
        assert build.project.desired is Desired.PAUSE
        assert build.project.error is not None
        assert f"smaker resume {project} --{name.replace('_', '-')} 0.0" in build.project.error.hint
        assert 5 <= meter.calls <= (limit_s + WATCH_S) / meter.takes_s + 1
        for kind in ("budget.warning", "budget.exceeded"):
            assert [event.task for event in await shop.told(project, kind)] == ["t1" if "task" in name else None]
        before = meter.calls
        await asyncio.sleep(0.3)
        await shop.more(project, **{name: limit_s / 60})
        assert meter.calls <= before + 1, "no new minutes without more"
        bounds = all_bounds(Budget(**{name: 1.0}), build.tasks, await shop.store.steps(project))
        assert bounds[0].spent * 60 < limit_s + WATCH_S + meter.takes_s, "while it was paused none passed"
        meter.takes_s = 0
        await shop.more(project)
        assert meter.calls == CALLS


BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def a_task(name: str, start: float | None, **values: Any) -> Task:
    began = None if start is None else at(start)
    return Task(id=name, project="p", stage=Stage.SPEC, title=name, agent="a", started_at=began, **values)


def a_step(task: str, index: int, attempt: int, start: float, end: float | None) -> Step:
    return Step(
        id=f"{task}.{index}",
        project="p",
        task=task,
        index=index,
        kind=StepKind.MODEL,
        title="",
        attempt=attempt,
        input_sha="",
        started_at=at(start),
        finished_at=None if end is None else at(end),
        usage=Usage(tokens_in=index, calls=1),
    )


def test_time_is_that_of_attempts_and_what_runs_together_counts_once() -> None:
    running = a_task("t1", 0, state=TaskState.RUNNING, attempt=2)
    ended = a_task("t2", 30, state=TaskState.DONE, attempt=1, finished_at=at(90))
    cancelled = a_task("t3", 40, state=TaskState.CANCELLED, attempt=1, finished_at=at(99_999))
    unbegun = a_task("t4", None)
    steps = [a_step("t1", 1, 1, 10, 60), a_step("t1", 2, 2, 3600, 3610), a_step("t2", 1, 1, 31, 80)]
    budget = Budget(max_minutes=10, max_task_minutes=5)
    found = {bound.task: bound.spent * 60 for bound in time_bounds(budget, [running, ended, cancelled, unbegun], steps)}
    assert found == pytest.approx({None: 90 + 10, "t1": 60 + 10, "t2": 60, "t3": 0})
    later = {bound.task: bound.spent * 60 for bound in time_bounds(budget, [running, ended], steps, at(3660))}
    assert later == pytest.approx({None: 90 + 60, "t1": 60 + 60, "t2": 60})
    killed = [*steps, a_step("t1", 3, 2, 3650, None)]
    assert time_bounds(budget, [running], killed)[1].spent * 60 == pytest.approx(60 + 50)


def test_bounds_of_calls_are_the_projects_and_the_tasks_own() -> None:
    steps = [a_step("t1", 7, 1, 0, 1), a_step("t2", 20, 1, 0, 1)]
    budget = Budget(max_cost_usd=0, max_tokens=50, max_task_tokens=10)
    shown = [(bound.task, bound.what, bound.spent, bound.share) for bound in call_bounds(budget, steps, "t1")]
    assert shown == [(None, "cost", 0, 1.0), (None, "tokens", 27, 27 / 50), ("t1", "tokens", 7, 0.7)]
    coming = call_bounds(budget, steps, "t2", Usage(tokens_out=4))
    assert [bound.spent for bound in coming] == [0, 31, 24]
    assert call_bounds(Budget(), steps, "t1") == []
