"""The step ledger: an intent and a result are rows of their own, and a result is never written again.

A step belongs to the attempt that holds its task. An attempt is out of date when a later one has begun or when its task
was put back to wait; what a task that has ended still had in flight is recorded, because it was paid for.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from smaker.core.errors import Fenced
from smaker.core.events import Event, NewEvent
from smaker.core.models import Step, TaskState
from smaker.store.codec import INTENT, RESULT, merge_steps, task_number
from smaker.store.mapping import step_values
from smaker.store.rows import STEPS, TASKS
from smaker.store.transaction import Transaction

_S = STEPS.c
_INSERT = insert(STEPS)
_REPLACE = (
    update(STEPS)
    .where(
        _S.project == bindparam("of"),
        _S.task == bindparam("of_task"),
        _S.step == bindparam("of_step"),
        _S.phase == INTENT,
    )
    .values(body=bindparam("new_body"), crc=bindparam("new_crc"))
)
_PHASES = (
    select(TASKS.c.attempt, TASKS.c.state, _S.phase)
    .join_from(
        TASKS,
        STEPS,
        and_(_S.project == TASKS.c.project, _S.task == bindparam("number"), _S.step == bindparam("step")),
        isouter=True,
    )
    .where(TASKS.c.project == bindparam("project"), TASKS.c.id == bindparam("task"))
)
_LEDGER = select(_S.project, _S.task, _S.step, _S.phase, _S.body, _S.crc).where(_S.project == bindparam("project"))
_LEDGER_OF = _LEDGER.where(_S.task.in_(bindparam("tasks", expanding=True)))
_NOT_HELD = {TaskState.WAITING.value, TaskState.BLOCKED.value, TaskState.READY.value}


def begin(transaction: Transaction, step: Step) -> None:
    """Append an intent; begun again by a later attempt, the newer intent stands. Raises Fenced."""
    values = step_values(step, INTENT)
    phases = _phases(transaction, step)
    if INTENT not in phases:
        transaction.write(_INSERT, [values])
    elif RESULT not in phases:
        key = {"of": values["project"], "of_task": values["task"], "of_step": values["step"]}
        transaction.write(_REPLACE, [key | {"new_body": values["body"], "new_crc": values["crc"]}])


def finish(transaction: Transaction, step: Step, events: Sequence[NewEvent]) -> list[Event]:
    """Append a result and its events; a second result is ignored, and its events. Raises Fenced."""
    if RESULT in _phases(transaction, step):
        return []
    transaction.write(_INSERT, [step_values(step, RESULT)])
    return transaction.number(step.project, events)


def steps(connection: Connection, project: str, tasks: Sequence[str] | None) -> list[Step]:
    """Return the ledger of a project, or of some of its tasks, in order."""
    if tasks is None:
        rows = connection.execute(_LEDGER, {"project": project})
    else:
        numbers = [task_number(task) for task in tasks]
        rows = connection.execute(_LEDGER_OF, {"project": project, "tasks": numbers})
    return merge_steps(rows)


def copy(transaction: Transaction, source: Sequence[Step], target: str) -> None:
    """Append another project's steps to ``target``, which has none of their tasks' yet. Raises NotFound."""
    transaction.counter(target)
    rows = [
        step_values(step.model_copy(update={"project": target}), phase)
        for step in source
        for phase in ((INTENT,) if step.finished_at is None else (INTENT, RESULT))
    ]
    if rows:
        transaction.write(_INSERT, rows)


def _phases(transaction: Transaction, step: Step) -> set[str]:
    """Return which phases of the step are there. Raises Fenced unless its attempt may still write."""
    transaction.lock((step.project,))
    key = {"project": step.project, "task": step.task, "number": task_number(step.task), "step": step.index}
    rows = transaction.read(_PHASES, key).all()
    if not rows or rows[0].attempt != step.attempt or rows[0].state in _NOT_HELD:
        raise Fenced(f"Attempt {step.attempt} at {step.project}/{step.task} is no longer the current one.")
    return {row.phase for row in rows if row.phase is not None}
