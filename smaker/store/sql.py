"""The store: `smaker.core.ports.Store` over a SQL database and a folder of blobs."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from smaker.core.errors import StorageError
from smaker.core.events import Event, NewEvent
from smaker.core.models import Artifact, Desired, Project, Step, Task, WorkerInfo
from smaker.core.ports import Build, Change, Clock
from smaker.store import blobs, changes, leases, ledger, queries, schema
from smaker.store.blobfiles import BlobFiles, is_name, missing
from smaker.store.checks import Damage
from smaker.store.faults import damaged, explain
from smaker.store.lane import Database, PostgresDatabase, SqliteDatabase
from smaker.store.opening import Opened, prepare
from smaker.store.transaction import Transaction
from smaker.store.writer import Writer

T = TypeVar("T")

_FAILURES = (SQLAlchemyError, sqlite3.Error, OSError, Damage)

KEPT_BUILDS = 256  # builds kept to be handed out again while their revision stands


async def open_store(home: Path, *, clock: Clock, url: str | None = None) -> SqlStore:
    """Open the store of a home folder: ``home/smaker.db`` and ``home/blobs``, made if missing, migrated if old.

    ``url``: a Postgres address (postgresql+asyncpg://…) instead of the file. ``clock``: its ``monotonic()`` must be the
    machine's own, the same for every process, because leases are measured by it. Raises StorageError. A database that
    is damaged is set aside, a new one is made, and `SqlStore.recovered_from` says so.
    """
    if url is not None:
        return await _open_postgres(url, clock)
    try:
        opened = await asyncio.to_thread(prepare, home, clock.now())
    except _FAILURES as error:
        raise explain(error, home / "smaker.db") from error
    database = SqliteDatabase(opened.files.database, opened.mark)
    try:
        await database.open()
    except BaseException as error:
        await database.close()
        opened.release()
        if isinstance(error, _FAILURES):
            raise explain(error, database.place) from error
        raise
    return SqlStore(database, clock, opened)


async def _open_postgres(url: str, clock: Clock) -> SqlStore:
    if not url.startswith("postgresql+asyncpg://"):
        raise StorageError(
            "The database address is not one smaker can use.",
            hint="Give one like postgresql+asyncpg://user@host/name, or none for SQLite.",
        )
    database = PostgresDatabase(url)
    try:
        await database.write(schema.migrate)
    except BaseException as error:
        await database.close()
        if isinstance(error, _FAILURES):
            raise explain(error, database.place) from error
        raise
    return SqlStore(database, clock, None)


def _explained(error: Exception, place: Path | str) -> Exception:
    """Return what a caller is told: failures of disk and database in words, refusals and defects as they are."""
    return explain(error, place) if isinstance(error, _FAILURES) else error


class SqlStore:
    """Implements `smaker.core.ports.Store`. Made by `open_store`."""

    def __init__(self, database: Database, clock: Clock, opened: Opened | None) -> None:
        self._database = database
        self._clock = clock
        self._opened = opened
        self._blobs = BlobFiles(opened.files.blobs) if opened is not None else None
        self._writer = Writer(database, clock, self._explain)
        self._builds: dict[str, Build] = {}
        self._closed = False

    @property
    def recovered_from(self) -> Path | None:
        """Where a damaged database was set aside, by this start or one that was killed before `recovered`; None if none
        was. `smaker.store.reader.salvage` reads what can still be read of it."""
        return self._opened.recovered_from if self._opened is not None else None

    @property
    def damage(self) -> str:
        """What was wrong with it, "" if nothing was."""
        return self._opened.damage if self._opened is not None else ""

    def recovered(self) -> None:
        """The caller has rebuilt what it could: the next start need not be told."""
        if self._opened is not None:
            self._opened.recovered()

    # --- projects -----------------------------------------------------------------------------------------------------

    async def create(self, project: Project, change: Change) -> list[Event]:
        """Insert a project with its first tasks and events. Raises Conflict if the id exists."""
        return await self._writer.do(partial(_create, project=project, change=change))

    async def projects(self) -> list[Project]:
        """Return all projects, newest first."""
        return await self._read(queries.projects)

    async def build(self, project: str) -> Build:
        """Return the whole build. Raises NotFound. A lease may be shown as of an earlier heartbeat."""
        known = self._builds.get(project)
        build = await self._read(partial(queries.build, project=project, known=known))
        if len(self._builds) >= KEPT_BUILDS:
            self._builds.clear()
        self._builds[project] = build
        return build

    async def desired(self, project: str) -> Desired:
        """Return what the user wants of the project now. Raises NotFound."""
        return await self._read(partial(queries.desired, project=project))

    async def apply(
        self, project: str, change: Change, *, revision: int | None = None, fence: tuple[str, int] | None = None
    ) -> list[Event]:
        """Apply a change in one transaction and return its events. Raises NotFound, Conflict, Fenced."""
        work = partial(changes.apply, project=project, change=change, revision=revision, fence=fence)
        return await self._writer.do(work, project=project)

    async def delete(self, project: str) -> None:
        """Remove a project, all that belongs to it, and the blobs nothing else refers to. Raises NotFound."""
        self._builds.pop(project, None)
        await self._writer.do(partial(changes.remove, project=project), project=project)
        used = await self._read(blobs.referred)
        await self._writer.do(partial(blobs.sweep_rows, unused=lambda name: name not in used))
        if self._blobs is not None:
            await self._blocking(partial(self._blobs.sweep, lambda name: name not in used))

    # --- tasks --------------------------------------------------------------------------------------------------------

    async def claim(
        self, worker: str, *, capabilities: Sequence[str], lease_s: float, project: str | None = None
    ) -> Task | None:
        """Take the oldest task that can be claimed by a worker with these capabilities."""
        found = await self._read(partial(leases.waiting_needs, monotonic=self._clock.monotonic(), project=project))
        needs = leases.within(found, capabilities)
        if not needs:
            return None
        work = partial(leases.claim, worker=worker, needs=needs, lease_s=lease_s, project=project)
        return await self._writer.do(work)

    async def heartbeat(self, project: str, task: str, attempt: int, *, lease_s: float) -> Desired:
        """Extend the lease and return what the user wants of the project. Raises Fenced."""
        work = partial(leases.heartbeat, project=project, task=task, attempt=attempt, lease_s=lease_s)
        desired = await self._writer.do(work)
        self._builds.pop(project, None)
        return desired

    async def release(self, project: str, task: str, attempt: int) -> None:
        """Give a claimed task back. A stale attempt is ignored."""
        await self._writer.do(partial(leases.release, project=project, task=task, attempt=attempt), project=project)

    # --- the ledger and events ----------------------------------------------------------------------------------------

    async def begin_step(self, step: Step) -> None:
        """Append an intent. Raises Fenced if the step's attempt is out of date."""
        await self._writer.do(partial(ledger.begin, step=step), project=step.project)

    async def finish_step(self, step: Step, events: Sequence[NewEvent] = ()) -> list[Event]:
        """Append a result with its events; a second result is ignored. Raises Fenced."""
        return await self._writer.do(partial(ledger.finish, step=step, events=events), project=step.project)

    async def steps(self, project: str, task: str | None = None) -> list[Step]:
        """Return the ledger in order of (task's number, index)."""
        tasks = None if task is None else (task,)
        return await self._read(partial(ledger.steps, project=project, tasks=tasks))

    async def add_steps(self, project: str, steps: Sequence[Step]) -> None:
        """Append what was recorded elsewhere to the ledger of a project. Raises NotFound."""
        await self._writer.do(partial(ledger.copy, source=steps, target=project), project=project)

    async def events(self, project: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events with seq > ``after`` in order, ``limit`` at most; with ``after`` -n from the newest n on."""
        return await self._read(partial(queries.events, project=project, after=after, limit=limit))

    async def emit(self, project: str, events: Sequence[NewEvent]) -> list[Event]:
        """Append events outside a change. Raises NotFound."""
        return await self._writer.do(partial(_emit, project, events), project)

    # --- blobs, artifacts, workers ------------------------------------------------------------------------------------

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their sha-256 in hex. Many put at once share a commit."""
        if len(data) <= blobs.INLINE:
            sha256 = hashlib.sha256(data).hexdigest()
        else:
            sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        if self._blobs is None or len(data) <= blobs.INLINE:
            await self._writer.do(partial(blobs.put_row, sha256=sha256, data=data))
        else:
            await self._blocking(partial(self._blobs.put, sha256, data))
        return sha256

    async def get_blob(self, sha256: str) -> bytes:
        """Return stored bytes. Raises NotFound, or StorageError if they no longer match their hash."""
        if not is_name(sha256):
            raise missing(sha256)
        data = await self._read(partial(blobs.get_row, sha256=sha256))
        if data is not None:
            return data
        if self._blobs is None:
            raise missing(sha256)
        return await self._blocking(partial(self._blobs.get, sha256))

    async def artifacts(self, project: str) -> list[Artifact]:
        """Return a project's artifacts, oldest first."""
        return await self._read(partial(queries.artifacts, project=project))

    async def save_worker(self, worker: WorkerInfo) -> None:
        """Insert or refresh a worker."""
        await self._writer.do(partial(queries.save_worker, worker=worker))

    async def workers(self) -> list[WorkerInfo]:
        """Return the known workers."""
        return await self._read(queries.workers)

    async def close(self) -> None:
        """Write what is waiting and release the database. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._writer.close()
        finally:
            try:
                await self._database.close()
            finally:
                if self._opened is not None:
                    self._opened.release()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._database.read(work)
        except _FAILURES as error:
            raise self._explain(error) from error

    async def _blocking(self, work: Callable[[], T]) -> T:
        """Work on blob files off the event loop. A bad file is no reason to doubt the database."""
        try:
            return await asyncio.to_thread(work)
        except _FAILURES as error:
            raise explain(error, "a blob") from error

    def _explain(self, error: Exception) -> Exception:
        if damaged(error) and self._opened is not None:
            self._opened.files.mark_suspect()
        explained = _explained(error, self._database.place)
        if explained is not error:
            explained.__cause__ = error
        return explained


def _create(transaction: Transaction, project: Project, change: Change) -> list[Event]:
    return changes.create(transaction, project, change)


def _emit(project: str, events: Sequence[NewEvent], transaction: Transaction) -> list[Event]:
    return transaction.number(project, events)
