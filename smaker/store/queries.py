"""What is read: projects, builds, events, artifacts, workers."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from smaker.core.errors import NotFound
from smaker.core.events import Event
from smaker.core.models import Answer, Artifact, Desired, Project, TestReport, WorkerInfo
from smaker.core.ports import Build
from smaker.store.codec import event_from, project_from, task_from, task_number, unseal
from smaker.store.mapping import worker_values
from smaker.store.rows import ANSWERS, ARTIFACTS, COUNTERS, EVENTS, PROJECTS, REPORTS, TASKS, WORKERS
from smaker.store.transaction import Transaction

_P = PROJECTS.c
_T = TASKS.c

_PROJECT = select(_P.id, _P.desired, _P.body, _P.crc, COUNTERS.c.revision).join(COUNTERS, COUNTERS.c.project == _P.id)

_REVISION = select(COUNTERS.c.revision).where(COUNTERS.c.project == bindparam("project"))
_NEWEST = select(COUNTERS.c.seq).where(COUNTERS.c.project == bindparam("project"))
_DESIRED = select(_P.desired).where(_P.id == bindparam("project"))
_ONE_PROJECT = _PROJECT.where(_P.id == bindparam("project"))
_ALL_PROJECTS = _PROJECT.order_by(_P.created_at.desc(), _P.id)
_TASKS = select(_T.state, _T.attempt, _T.body, _T.crc, _T.worker, _T.lease_until).where(
    _T.project == bindparam("project")
)
_REPORT = select(REPORTS.c.body, REPORTS.c.crc).where(REPORTS.c.project == bindparam("project"))
_ANSWERS = (
    select(ANSWERS.c.body, ANSWERS.c.crc).where(ANSWERS.c.project == bindparam("project")).order_by(ANSWERS.c.serial)
)
_EVENTS = (
    select(EVENTS.c.project, EVENTS.c.seq, EVENTS.c.at, EVENTS.c.body, EVENTS.c.crc)
    .where(EVENTS.c.project == bindparam("project"), EVENTS.c.seq > bindparam("after"))
    .order_by(EVENTS.c.seq)
    .limit(bindparam("limit"))
)
_ARTIFACTS = (
    select(ARTIFACTS.c.body, ARTIFACTS.c.crc)
    .where(ARTIFACTS.c.project == bindparam("project"))
    .order_by(ARTIFACTS.c.serial)
)
_WORKERS = select(WORKERS.c.id, WORKERS.c.body, WORKERS.c.crc).order_by(WORKERS.c.id)
_REFRESH_WORKER = (
    update(WORKERS).where(WORKERS.c.id == bindparam("of")).values(body=bindparam("new_body"), crc=bindparam("new_crc"))
)


def no_project(project: str) -> NotFound:
    """Return the error for a project that is not there."""
    return NotFound(f"There is no project {project!r}.", hint="See them with: smaker list")


def projects(connection: Connection) -> list[Project]:
    """Return all projects, newest first."""
    return [project_from(*row) for row in connection.execute(_ALL_PROJECTS)]


def build(connection: Connection, project: str, known: Build | None) -> Build:
    """Return a build; ``known``, an earlier one, is returned if it is still at its revision. Raises NotFound."""
    key = {"project": project}
    revision = connection.execute(_REVISION, key).scalar()
    if revision is None:
        raise no_project(project)
    if known is not None and known.project.revision == revision:
        return known
    found = [
        task_from(project, *row[:4], worker=row.worker, lease_until=row.lease_until)
        for row in connection.execute(_TASKS, key)
    ]
    report = connection.execute(_REPORT, key).first()
    return Build(
        project=project_from(*connection.execute(_ONE_PROJECT, key).one()),
        tasks=tuple(sorted(found, key=lambda task: task_number(task.id))),
        answers=tuple(
            unseal(Answer, f"an answer in {project}", body, crc) for body, crc in connection.execute(_ANSWERS, key)
        ),
        report=None if report is None else unseal(TestReport, f"the test report of {project}", *report),
    )


def desired(connection: Connection, project: str) -> Desired:
    """Return what the user wants of a project. Raises NotFound."""
    value = connection.execute(_DESIRED, {"project": project}).scalar()
    if value is None:
        raise no_project(project)
    return Desired(value)


def events(connection: Connection, project: str, after: int, limit: int) -> list[Event]:
    """Return the events after a number, in order; after -n those from the newest n on."""
    if after < 0:
        after = max(0, after + (connection.execute(_NEWEST, {"project": project}).scalar() or 0))
    page = {"project": project, "after": after, "limit": limit}
    return [event_from(*row) for row in connection.execute(_EVENTS, page)]


def artifacts(connection: Connection, project: str) -> list[Artifact]:
    """Return a project's artifacts, oldest first."""
    rows = connection.execute(_ARTIFACTS, {"project": project})
    return [unseal(Artifact, f"an artifact of {project}", body, crc) for body, crc in rows]


def save_worker(transaction: Transaction, worker: WorkerInfo) -> None:
    """Insert or refresh a worker."""
    values = worker_values(worker)
    known = {"of": worker.id, "new_body": values["body"], "new_crc": values["crc"]}
    if transaction.write(_REFRESH_WORKER, known).rowcount == 0:
        transaction.write(insert(WORKERS), [values])


def workers(connection: Connection) -> list[WorkerInfo]:
    """Return the known workers, by id."""
    return [unseal(WorkerInfo, f"worker {name}", body, crc) for name, body, crc in connection.execute(_WORKERS)]
