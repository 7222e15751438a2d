"""The bounds of a budget, for a whole project and for each of its tasks: what of them is spent, and who is warned.

All of it is counted from the ledger, so neither a restart of the process nor another attempt at a task begins anew. A
task's time is that of its attempts: from the first step of one to its last, or to now while it runs. Time in which a
build is paused, waits for its user or is not running at all is not spent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from smaker.core.events import NewEvent
from smaker.core.models import Budget, Problem, Step, Task, TaskState, Usage
from smaker.core.ports.store import Store

WARN_AT = 0.8  # of a bound
_UNITS = {"cost": "US dollars", "tokens": "tokens", "minutes": "minutes"}

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Bound:
    """One bound and what of it was spent; ``task`` is whose it is, None the project's."""

    what: str  # "cost", "tokens", "minutes"
    spent: float
    limit: float
    task: str | None = None

    @property
    def share(self) -> float:
        """The part that is spent; a bound of nothing is always spent."""
        return self.spent / self.limit if self.limit else 1.0

    @property
    def option(self) -> str:
        """What raises it on the command line."""
        return f"--max-{self.what}" if self.task is None else f"--max-task-{self.what}"

    def __str__(self) -> str:
        digits = 0 if self.what == "tokens" else 2
        return f"{self.spent:,.{digits}f} of {self.limit:,.{digits}f} {_UNITS[self.what]}"

    def data(self) -> dict[str, JsonValue]:
        """As it stands in events and in what other programs read."""
        return {"what": self.what, "task": self.task, "spent": self.spent, "limit": self.limit}

    def problem(self, project: str) -> Problem:
        """What the user is told once it is spent."""
        whose = "The budget" if self.task is None else f"The budget of task {self.task}"
        wanted = max(2 * self.limit, 1.5 * self.spent, 0.01 if self.what == "minutes" else 1)
        more = f"{wanted:.0f}" if self.what == "tokens" else f"{wanted:.2f}"
        return Problem(
            message=f"{whose} is spent: {self}.",
            hint=f"Give it more with: smaker resume {project} {self.option} {more}",
            code="E_BUDGET",
        )


def call_bounds(budget: Budget, steps: Iterable[Step], task: str, coming: Usage | None = None) -> list[Bound]:
    """The bounds that model calls of ``task`` can reach; ``coming`` is what a call cost that is not a step yet."""
    whole = own = coming or Usage()
    for step in steps:
        whole += step.usage
        own += step.usage if step.task == task else Usage()
    return _of_usage(whole, budget.max_cost_usd, budget.max_tokens) + _of_usage(
        own, budget.max_task_cost_usd, budget.max_task_tokens, task
    )


def time_bounds(
    budget: Budget, tasks: Iterable[Task], steps: Sequence[Step], now: datetime | None = None
) -> list[Bound]:
    """The bounds that time can reach. ``now`` is where running tasks stand; without it, where their last step ended."""
    spans = {task.id: _spans(task, [step for step in steps if step.task == task.id], now) for task in tasks}
    found: list[Bound] = []
    if (limit := budget.max_minutes) is not None:
        found.append(Bound("minutes", _minutes(span for own in spans.values() for span in own), limit))
    if (limit := budget.max_task_minutes) is not None:
        found += [Bound("minutes", _minutes(own), limit, task) for task, own in spans.items() if own]
    return found


def all_bounds(budget: Budget, tasks: Sequence[Task], steps: Sequence[Step]) -> list[Bound]:
    """Every bound of a project and of those of its tasks that began, as the ledger stands."""
    began = [task.id for task in tasks if task.attempt]
    of_calls = [bound for task in began or [""] for bound in call_bounds(budget, steps, task)]
    found = [*of_calls, *time_bounds(budget, tasks, steps)]
    return sorted(dict.fromkeys(bound for bound in found if bound.task != ""), key=lambda bound: bound.task is not None)


class Warned:
    """Which bounds of one project its user was warned of: each once, also where several tasks near it together."""

    def __init__(self) -> None:
        self._keys: set[tuple[JsonValue, ...]] | None = None

    async def warn(self, store: Store, project: str, bounds: Iterable[Bound]) -> None:
        """Record a warning of every bound that is nearly spent and that no warning names; a raised one is another."""
        for bound in bounds:
            if bound.share < WARN_AT:
                continue
            known = self._keys if self._keys is not None else await self._recorded(store, project)
            self._keys = known = self._keys if self._keys is not None else known  # another task may have read it too
            if (key := _key(bound.data())) in known:
                continue
            known.add(key)
            event = NewEvent(kind="budget.warning", message=f"Spent {bound}", task=bound.task, data=bound.data())
            await store.emit(project, [event])

    @staticmethod
    async def _recorded(store: Store, project: str) -> set[tuple[JsonValue, ...]]:
        keys: set[tuple[JsonValue, ...]] = set()
        after = 0
        while page := await store.events(project, after=after):
            keys |= {_key(event.data) for event in page if event.kind == "budget.warning"}
            after = page[-1].seq
        return keys


def _key(data: dict[str, JsonValue]) -> tuple[JsonValue, ...]:
    return data.get("what"), data.get("task"), data.get("limit")


def _of_usage(spent: Usage, cost: float | None, tokens: int | None, task: str | None = None) -> list[Bound]:
    found: list[Bound] = []
    if cost is not None:
        found.append(Bound("cost", spent.cost_usd, cost, task))
    if tokens is not None:
        found.append(Bound("tokens", spent.tokens_in + spent.tokens_out, tokens, task))
    return found


def _spans(task: Task, steps: Iterable[Step], now: datetime | None) -> list[Span]:
    """When the task ran: one span an attempt. What an attempt that was killed did after its last record is unknown."""
    spans: dict[int, Span] = {}
    if task.started_at is not None:
        spans[1] = (task.started_at, task.started_at)
    for step in steps:
        ended = step.finished_at or step.started_at
        first, last = spans.get(step.attempt, (step.started_at, ended))
        spans[step.attempt] = (min(first, step.started_at), max(last, ended))
    if task.attempt in spans:
        first, last = spans[task.attempt]
        if task.state is TaskState.RUNNING and now is not None:
            spans[task.attempt] = (first, max(last, now))
        elif task.state in {TaskState.DONE, TaskState.FAILED} and task.finished_at is not None:
            spans[task.attempt] = (first, max(last, task.finished_at))
    return list(spans.values())


def _minutes(spans: Iterable[Span]) -> float:
    """How long any of the spans lasted: what ran at the same time counts once."""
    total, until = timedelta(), None
    for first, last in sorted(spans):
        begin = first if until is None else max(first, until)
        total += max(last - begin, timedelta())
        until = last if until is None else max(until, last)
    return total.total_seconds() / 60
