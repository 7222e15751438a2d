"""Projects made, changed and deleted: the transaction of "task done, next tasks, report, artifacts, events"."""

from __future__ import annotations

from typing import Any

from sqlalchemy import RowMapping, bindparam, delete, insert, select, update

from smaker.core.errors import Conflict, Fenced
from smaker.core.events import Event
from smaker.core.fold import fold_project
from smaker.core.models import Project, Task, TaskState
from smaker.core.ports import Change
from smaker.store.codec import project_from
from smaker.store.mapping import answer_values, artifact_values, project_values, report_values, task_values
from smaker.store.rows import ANSWERS, ARTIFACTS, PROJECTS, REPORTS, TASKS
from smaker.store.transaction import Transaction

_REPLACE_TASK = (
    update(TASKS)
    .where(TASKS.c.serial == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "needs", "attempt", "body", "crc")})
)
_TAKEN = select(PROJECTS.c.id).where(PROJECTS.c.id == bindparam("project"))
_PROJECT = select(PROJECTS.c.id, PROJECTS.c.desired, PROJECTS.c.body, PROJECTS.c.crc).where(
    PROJECTS.c.id == bindparam("project")
)
_REPLACE_PROJECT = (
    update(PROJECTS)
    .where(PROJECTS.c.id == bindparam("of"))
    .values({name: bindparam(f"new_{name}") for name in ("desired", "body", "crc")})
)
_HELD = select(TASKS.c.attempt, TASKS.c.state).where(
    TASKS.c.project == bindparam("project"), TASKS.c.id == bindparam("task")
)
_KNOWN_TASKS = select(TASKS.c.serial, TASKS.c.id, TASKS.c.attempt).where(
    TASKS.c.project == bindparam("project"), TASKS.c.id.in_(bindparam("tasks", expanding=True))
)
_LET_GO = (
    update(TASKS)
    .where(TASKS.c.serial == bindparam("of"))
    .values(worker=bindparam("by"), lease_until=None, lease_mark=None, lease_s=None)
)
_DROP_REPORT = delete(REPORTS).where(REPORTS.c.project == bindparam("project"))
_DROP_ARTIFACTS = delete(ARTIFACTS).where(
    ARTIFACTS.c.project == bindparam("project"), ARTIFACTS.c.id.in_(bindparam("names", expanding=True))
)


def create(transaction: Transaction, project: Project, change: Change) -> list[Event]:
    """Insert a project and what a first change brings. Raises Conflict if the id is taken."""
    if transaction.read(_TAKEN, {"project": project.id}).first() is not None:
        raise Conflict(f"There is a project {project.id!r} already.")
    transaction.write(insert(PROJECTS), [project_values(fold_project(project, change))])
    transaction.begin_project(project.id, project.revision)
    _bring(transaction, project.id, change)
    return transaction.number(project.id, change.events)


def apply(
    transaction: Transaction, project: str, change: Change, revision: int | None, fence: tuple[str, int] | None
) -> list[Event]:
    """Apply a change. Raises NotFound, Conflict, Fenced, before anything is written."""
    counter = transaction.counter(project)
    if fence is not None:
        _require_held(transaction, project, *fence)
    if revision is not None and counter.revision != revision:
        raise Conflict(f"Project {project} is at revision {counter.revision}, not {revision} any more.")
    before = project_from(*transaction.read(_PROJECT, {"project": project}).one(), revision=counter.revision)
    after = fold_project(before, change)
    if after != before:
        transaction.write(_REPLACE_PROJECT, {"of": project} | _new(project_values(after), "desired", "body", "crc"))
    _bring(transaction, project, change)
    transaction.revise(project)
    return transaction.number(project, change.events)


def remove(transaction: Transaction, project: str) -> None:
    """Delete a project and all that belongs to it. Raises NotFound."""
    transaction.counter(project)
    transaction.drop_project(project)
    transaction.write(delete(PROJECTS).where(PROJECTS.c.id == project))


def _require_held(transaction: Transaction, project: str, task: str, attempt: int) -> None:
    row = transaction.read(_HELD, {"project": project, "task": task}).first()
    if row is None or row.attempt != attempt or row.state != TaskState.RUNNING:
        raise Fenced(f"Attempt {attempt} at {project}/{task} is no longer the current one.")


def _bring(transaction: Transaction, project: str, change: Change) -> None:
    if change.tasks:
        _put_tasks(transaction, project, change.tasks)
    if change.answers:
        transaction.write(insert(ANSWERS), [answer_values(project, answer) for answer in change.answers])
    if change.report is not None or change.clear_report:
        transaction.write(_DROP_REPORT, {"project": project})
    if change.report is not None:
        transaction.write(insert(REPORTS), [report_values(project, change.report)])
    if change.artifacts:
        names = [artifact.id for artifact in change.artifacts]
        transaction.write(_DROP_ARTIFACTS, {"project": project, "names": names})
        transaction.write(insert(ARTIFACTS), [artifact_values(artifact) for artifact in change.artifacts])


def _put_tasks(transaction: Transaction, project: str, tasks: tuple[Task, ...]) -> None:
    found = transaction.read(_KNOWN_TASKS, {"project": project, "tasks": [task.id for task in tasks]})
    known: dict[str, RowMapping] = {row["id"]: row for row in found.mappings()}
    new = [task for task in tasks if task.id not in known]
    if new:
        transaction.write(insert(TASKS), [task_values(task) | _held_by(task) for task in new])
    for task in tasks:
        row = known.get(task.id)
        if row is None:
            continue
        kept = task.model_copy(update={"attempt": row["attempt"]})
        values = _new(task_values(kept), "state", "needs", "attempt", "body", "crc")
        transaction.write(_REPLACE_TASK, {"of": row["serial"]} | values)
        if task.state is not TaskState.RUNNING:  # nobody holds it any more
            transaction.write(_LET_GO, {"of": row["serial"], "by": task.worker if task.state.ended else None})


def _new(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {f"new_{name}": values[name] for name in names}


def _held_by(task: Task) -> dict[str, Any]:
    return {"worker": task.worker, "lease_until": task.lease_until}
