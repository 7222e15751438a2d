"""What the user asked for while a build goes on: further steps, one after the other, or one that comes now.

A queued step is a plan that waits until all that was planned before it has ended, rounds of fixing included. One that
comes now is planned as soon as what runs has ended, and what has not begun waits for its plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from smaker.core.errors import NotFound, UsageError
from smaker.core.models import Stage, Task, TaskState

if TYPE_CHECKING:
    from smaker.core.draft import Draft

TITLE = "Plan a further step"
MENDS = "mends"
"""Part of the payload of a further step that was asked for when the build had failed."""
WELL = "well"
"""Part of the payload of a task that takes an edited plan, or plans again, where all there was had been built."""

_PREPARING = {Stage.SPEC, Stage.SKELETON, Stage.TESTS}  # what must end before the plan may change
_LAST = {Stage.FIX, Stage.RUN, Stage.REVIEW, Stage.WEB, Stage.DEPLOY}  # what every plan brings anew


def is_queued(task: Task) -> bool:
    """Whether a task is a further step that waits for its turn."""
    return (
        task.stage is Stage.SPEC
        and task.state is TaskState.WAITING
        and "instruction" in task.payload
        and "now" not in task.payload
    )


def queued(tasks: Iterable[Task]) -> list[Task]:
    """The steps that wait for their turn, the next first."""
    return [task for task in tasks if is_queued(task)]


def of_well(task: Task) -> bool:
    """Whether a task plans a further step, or takes an edited plan, of a build that stands without it."""
    further = "instruction" in task.payload or WELL in task.payload
    return task.stage is Stage.SPEC and further and MENDS not in task.payload


def turn_has_come(task: Task, tasks: Iterable[Task]) -> bool:
    """Whether a queued step is the first one and nothing else is open."""
    still_open = [other for other in tasks if not other.state.ended]
    return all(is_queued(other) for other in still_open) and still_open[0].id == task.id


def add_now(draft: Draft, text: str) -> None:
    """Have a further step planned next. Raises UsageError while the build waits for its user."""
    open_tasks = [task for task in draft.build.tasks if not task.state.ended and not is_queued(task)]
    if any(task.state is TaskState.BLOCKED for task in open_tasks):
        raise UsageError(
            "The build waits for your answer.", hint="Approve, reject or answer first; a rejection says what you want."
        )
    first = [task for task in open_tasks if task.state is TaskState.RUNNING or task.stage in _PREPARING]
    plan = draft.add(
        Stage.SPEC, TITLE, after=tuple(task.id for task in first), payload={"instruction": text, "now": True}
    )
    for task in open_tasks:
        if task not in first:
            draft.put(task, state=TaskState.WAITING, depends_on=(*task.depends_on, plan.id))


def take_over(draft: Draft, plan: Task) -> dict[str, Task]:
    """Make room for what a step planned now brings: the runs that have not begun are cancelled, for it brings its own.
    Returns the implementation that is still to come, by module."""
    coming: dict[str, Task] = {}
    for task in list(draft.tasks.values()):
        if task.state.ended or plan.id not in task.depends_on:
            continue
        if task.stage in _LAST:
            draft.put(task, state=TaskState.CANCELLED, finished_at=draft.at)
        elif isinstance(module := task.payload.get("module"), str):
            coming[module] = task
    return coming


def move(draft: Draft, step: str, by: int) -> None:
    """Let a queued step change places with the one before it (``by`` -1) or after it (1). Raises NotFound,
    UsageError."""
    steps = queued(draft.build.tasks)
    place = _place(steps, step)
    if not 0 <= place + by < len(steps):
        raise UsageError("The step is at the end of the queue already.", hint="See the queue: smaker status")
    one, other = steps[place], steps[place + by]
    draft.put(one, payload=other.payload)
    draft.put(other, payload=one.payload)


def drop(draft: Draft, step: str) -> None:
    """Take a step out of the queue. Raises NotFound."""
    steps = queued(draft.build.tasks)
    draft.put(steps[_place(steps, step)], state=TaskState.CANCELLED, finished_at=draft.at)


def _place(steps: list[Task], step: str) -> int:
    for place, task in enumerate(steps):
        if task.id == step:
            return place
    raise NotFound(f"No step {step!r} waits in the queue.", hint="It has begun, or is gone: smaker status")
