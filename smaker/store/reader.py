"""Reading a home folder without the store: for `smaker status`, `list` and `logs`, which must answer at once.

The standard library and core only. Works beside a process that writes, and changes nothing.
"""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smaker.core.errors import NotFound, StorageError
from smaker.core.events import Event
from smaker.core.models import Answer, Artifact, Project, Step, Task, TestReport
from smaker.store.blobfiles import BlobFiles, checked, is_name, missing
from smaker.store.checks import Damage
from smaker.store.codec import event_from, merge_steps, project_from, task_from, task_number, unseal
from smaker.store.faults import explain
from smaker.store.files import read_only
from smaker.store.glance import Glance

if TYPE_CHECKING:
    from smaker.core.ports import Build

_PROJECT = """
SELECT projects.id, projects.desired, projects.body, projects.crc, counters.revision
FROM projects JOIN counters ON counters.project = projects.id
"""

_EVENTS = """
SELECT events.project, events.seq, at, body, crc
FROM events JOIN counters ON counters.project = events.project
WHERE events.project = :project AND events.seq > CASE WHEN :after < 0 THEN counters.seq + :after ELSE :after END
ORDER BY events.seq LIMIT :limit
"""


class Reader(Glance):
    """Reads what is committed. A home folder without a database reads as one without projects.

    Every method may raise StorageError, as `Glance` says.
    """

    def projects(self) -> list[Project]:
        """Return all projects, newest first."""
        query = f"{_PROJECT} ORDER BY projects.created_at DESC, projects.id"
        return self.ask(lambda connection: [project_from(*row) for row in connection.execute(query)], [])

    def build(self, project: str) -> Build:
        """Return the whole build. Raises NotFound."""
        found = self.ask(lambda connection: _build(connection, project), None)
        if found is None:
            raise NotFound(f"There is no project {project!r}.", hint="See them with: smaker list")
        return found

    def steps(self, project: str) -> list[Step]:
        """Return the ledger in order of (task's number, index)."""
        query = "SELECT project, task, step, phase, body, crc FROM steps WHERE project = ?"
        return self.ask(lambda connection: merge_steps(connection.execute(query, (project,))), [])

    def events(self, project: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events with seq > ``after`` in order, ``limit`` at most; with ``after`` -n from the newest n on."""
        page = {"project": project, "after": after, "limit": limit}
        return self.ask(lambda connection: [event_from(*row) for row in connection.execute(_EVENTS, page)], [])

    def artifacts(self, project: str) -> list[Artifact]:
        """Return a project's artifacts, oldest first."""
        query = "SELECT body, crc FROM artifacts WHERE project = ? ORDER BY serial"
        return self.ask(
            lambda connection: [
                unseal(Artifact, f"an artifact of {project}", *row) for row in connection.execute(query, (project,))
            ],
            [],
        )

    def blob(self, sha256: str) -> bytes:
        """Return stored bytes. Raises NotFound, or StorageError if they no longer match their hash."""
        if not is_name(sha256):
            raise missing(sha256)
        query = "SELECT data FROM blobs WHERE sha256 = ?"
        row = self.ask(lambda connection: connection.execute(query, (sha256,)).fetchone(), None)
        try:
            return BlobFiles(self.files.blobs).get(sha256) if row is None else checked(sha256, row[0])
        except (OSError, Damage) as error:
            raise explain(error, "a blob") from error


def salvage(path: Path) -> list[Project]:
    """Return the projects that can still be read, whole, from a database that was set aside; never raises."""
    projects: list[Project] = []
    with contextlib.suppress(sqlite3.Error, OSError), contextlib.closing(read_only(path)) as connection:
        for row in connection.execute("SELECT id, desired, body, crc, 0 FROM projects NOT INDEXED"):
            with contextlib.suppress(Damage, StorageError):
                projects.append(project_from(*row))
    return projects


def _build(connection: sqlite3.Connection, project: str) -> Build | None:
    from smaker.core.ports import Build  # noqa: PLC0415  a list of projects needs no builds

    def rows(query: str) -> list[tuple[Any, ...]]:
        return connection.execute(query, (project,)).fetchall()

    found = rows(f"{_PROJECT} WHERE projects.id = ?")
    if not found:
        return None
    tasks = [
        _task(project, row)
        for row in rows("SELECT state, attempt, body, crc, worker, lease_until FROM tasks WHERE project = ?")
    ]
    answers = rows("SELECT body, crc FROM answers WHERE project = ? ORDER BY serial")
    report = rows("SELECT body, crc FROM reports WHERE project = ?")
    return Build(
        project=project_from(*found[0]),
        tasks=tuple(sorted(tasks, key=lambda task: task_number(task.id))),
        answers=tuple(unseal(Answer, f"an answer in {project}", *row) for row in answers),
        report=unseal(TestReport, f"the test report of {project}", *report[0]) if report else None,
    )


def _task(project: str, row: tuple[Any, ...]) -> Task:
    *columns, worker, lease = row
    until = datetime.fromisoformat(lease).replace(tzinfo=UTC) if lease else None
    return task_from(project, *columns, worker=worker, lease_until=until)
