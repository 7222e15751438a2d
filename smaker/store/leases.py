"""Who works on which task: claims, leases, heartbeats.

A lease is measured by one clock that all who share the database share, and that no process can set. On Postgres it is
the server's. SQLite's users share a machine, so it is the machine's monotonic clock: a lease lives while that clock is
within ``lease_s`` after ``lease_mark``. A changed wall clock ends no lease; a sleeping machine ends none; after a
reboot the clock starts again below every mark, and all leases have ended, as have their holders. ``lease_until`` is
for people to read (on Postgres it is the lease).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Interval, Row, and_, bindparam, func, or_, select, update

from smaker.core.errors import Fenced
from smaker.core.models import Desired, Task, TaskState
from smaker.store.codec import task_from
from smaker.store.mapping import task_values
from smaker.store.rows import PROJECTS, TASKS
from smaker.store.transaction import Transaction

ROUNDS = 8  # how often a claim looks again when another worker took what it saw

_T = TASKS.c
_OF_TASK = (_T.project, _T.state, _T.attempt, _T.body, _T.crc)
_NAMED = and_(_T.project == bindparam("of"), _T.id == bindparam("of_task"))
_CURRENT = and_(_NAMED, _T.attempt == bindparam("of_attempt"), _T.state == TaskState.RUNNING.value)
_HELD = select(_T.serial).where(_CURRENT)
_TASK = select(_T.serial, *_OF_TASK).where(_NAMED)
_DESIRED = select(PROJECTS.c.desired).where(PROJECTS.c.id == bindparam("of"))
_STATE = {name: bindparam(f"new_{name}") for name in ("state", "attempt", "worker", "body", "crc")}
_GIVE_BACK = (
    update(TASKS).where(_T.serial == bindparam("of")).values(**_STATE, lease_until=None, lease_mark=None, lease_s=None)
)


def waiting_needs(connection: Connection, monotonic: float, project: str | None) -> list[str]:
    """Return the distinct needs of the tasks that can be claimed now: a cheap look before the writer is troubled."""
    query = _Statements.of(connection.dialect.name).waiting[project is not None]
    return list(connection.execute(query, {"now": monotonic, "project": project}).scalars())


def within(needs: Iterable[str], capabilities: Sequence[str]) -> list[str]:
    """Return those needs that a worker's capabilities cover."""
    return [text for text in needs if set(json.loads(text)) <= set(capabilities)]


def claim(
    transaction: Transaction, worker: str, *, needs: Sequence[str], lease_s: float, project: str | None
) -> Task | None:
    """Take the oldest task that can be claimed and needs one of ``needs``; None too if others keep being quicker."""
    statements = _Statements.of(transaction.dialect)
    key = {"now": transaction.monotonic, "project": project, "needs": needs}
    for _ in range(ROUNDS):
        seen = transaction.read(statements.oldest[project is not None], key).first()
        if seen is None:
            return None
        transaction.lock((seen.project,))  # the project first, as everybody does; then look again
        row = transaction.read(statements.oldest[True], key | {"project": seen.project}).first()
        if row is not None:
            return _take(transaction, row, worker, lease_s)
    return None


def heartbeat(transaction: Transaction, project: str, task: str, attempt: int, *, lease_s: float) -> Desired:
    """Extend a lease and return what the user wants of the project. Raises Fenced."""
    key = {"of": project, "of_task": task, "of_attempt": attempt}
    if transaction.read(_HELD, key).first() is None:
        raise Fenced(f"Attempt {attempt} at {project}/{task} is no longer the current one.")
    transaction.write(_Statements.of(transaction.dialect).extend, key | _lease(transaction, lease_s))
    return Desired(transaction.read(_DESIRED, {"of": project}).scalar_one())


def release(transaction: Transaction, project: str, task: str, attempt: int) -> None:
    """Give a task back. An attempt that is not the current one is ignored, and a project that is gone."""
    transaction.lock((project,))
    row = transaction.read(_TASK, {"of": project, "of_task": task}).first()
    if row is None:
        return
    serial, *columns = row
    held = task_from(*columns, worker=None, lease_until=None)
    if held.state is not TaskState.RUNNING or held.attempt != attempt:
        return
    back = held.model_copy(update={"state": TaskState.READY, "worker": None})
    transaction.write(_GIVE_BACK, {"of": serial} | _state(back))
    transaction.revise(project)


def _take(transaction: Transaction, row: Row[Any], worker: str, lease_s: float) -> Task:
    serial, *columns = row
    found = task_from(*columns, worker=None, lease_until=None)
    taken = found.model_copy(
        update={
            "state": TaskState.RUNNING,
            "attempt": found.attempt + 1,
            "worker": worker,
            "started_at": found.started_at or transaction.now,
        }
    )
    values = {"of": serial} | _state(taken) | _lease(transaction, lease_s)
    until = transaction.write(_Statements.of(transaction.dialect).take, values).scalar_one()
    transaction.revise(taken.project)
    return taken.model_copy(update={"lease_until": until})


class _Statements:
    """What differs between databases: whose clock says that a lease is over. Each pair: of any project, of one."""

    def __init__(self, *, postgres: bool) -> None:
        lease: dict[str, Any]
        if postgres:
            over = or_(_T.lease_until.is_(None), _T.lease_until < func.now())
            lease = {"lease_until": func.now() + bindparam("new_lease", type_=Interval())}
        else:
            now = bindparam("now")
            over = or_(_T.lease_mark.is_(None), _T.lease_mark > now, _T.lease_mark + _T.lease_s < now)
            lease = {name: bindparam(f"new_{name}") for name in ("lease_until", "lease_mark", "lease_s")}
        claimable = and_(
            PROJECTS.c.desired == Desired.RUN.value,
            or_(_T.state == TaskState.READY.value, and_(_T.state == TaskState.RUNNING.value, over)),
        )
        own = _T.project == bindparam("project")
        waiting = select(_T.needs).distinct().join(PROJECTS, PROJECTS.c.id == _T.project).where(claimable)
        oldest = (
            select(_T.serial, *_OF_TASK)
            .join(PROJECTS, PROJECTS.c.id == _T.project)
            .where(claimable, _T.needs.in_(bindparam("needs", expanding=True)))
            .order_by(_T.serial)
            .limit(1)
        )
        self.waiting = (waiting, waiting.where(own))
        self.oldest = (oldest, oldest.where(own))
        self.take = update(TASKS).where(_T.serial == bindparam("of")).values(_STATE | lease).returning(_T.lease_until)
        self.extend = update(TASKS).where(_CURRENT).values(lease)

    @staticmethod
    @cache
    def of(dialect: str) -> _Statements:
        """Return those of a dialect."""
        return _Statements(postgres=dialect == "postgresql")


def _state(task: Task) -> dict[str, Any]:
    values = task_values(task)
    return {f"new_{name}": values[name] for name in ("state", "attempt", "body", "crc")} | {"new_worker": task.worker}


def _lease(transaction: Transaction, lease_s: float) -> dict[str, Any]:
    length = timedelta(seconds=lease_s)
    if transaction.dialect == "postgresql":
        return {"new_lease": length}
    return {
        "new_lease_until": transaction.now + length,
        "new_lease_mark": transaction.monotonic,
        "new_lease_s": lease_s,
    }
