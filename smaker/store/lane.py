"""Databases as the store sees them: functions over a SQLAlchemy connection, run in a transaction of their own.

The functions are synchronous and the same for every database. On SQLite a whole function runs on an aiosqlite
connection's thread in one hop; through SQLAlchemy's own aiosqlite dialect every cursor call is a hop, and one awaited
write of three statements measured 2.9 ms against 0.9 ms, a build read 3.0 ms against 0.5 ms. On Postgres the same
functions run over asyncpg by SQLAlchemy's `run_sync`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import StaticPool

from smaker.store.files import Mark
from smaker.store.rows import COMMITS

T = TypeVar("T")

BUSY_S = 30.0  # how long to wait for another process that writes
JOURNAL_BYTES = 64 << 20  # the log's file is cut back to this after a burst

_COUNT = update(COMMITS).values(number=COMMITS.c.number + 1).returning(COMMITS.c.number)


class Database(Protocol):
    """Runs functions in transactions. A function that raises leaves nothing behind."""

    @property
    def place(self) -> str:
        """What to call it in messages."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, on one snapshot."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function and commit; it has returned only when what it wrote is durable."""
        ...

    async def close(self) -> None:
        """Release all connections."""
        ...


def connect(path: Path) -> sqlite3.Connection:
    """Open a SQLite file the way everything here needs it."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S, cached_statements=256)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA journal_size_limit={JOURNAL_BYTES}")
    return connection


def begin_with(engine: Engine, statement: str) -> None:
    """Have an engine begin its transactions with ``statement``: the driver begins none by itself."""

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    event.listen(engine, "begin", begin)


class _Lane(aiosqlite.Connection):
    """One SQLite connection on its own thread, which runs whole functions."""

    def __init__(self, path: Path, begin: str) -> None:
        super().__init__(partial(connect, path), 64)
        thread: Any = getattr(self, "_thread", self)  # aiosqlite before 0.22 was the thread itself
        thread.daemon = True  # a forgotten close must not keep the program from ending
        self._begin = begin
        self._opened: Connection | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction on the thread."""
        return await self._execute(self._transact, work)

    async def end(self) -> None:
        """Close the connection and end the thread."""
        if self._opened is not None:
            await self._execute(self._opened.close)
        await self.close()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        if self._opened is None:
            engine = create_engine("sqlite://", creator=lambda: self._conn, poolclass=StaticPool)
            begin_with(engine, self._begin)
            self._opened = engine.connect()
        with self._opened.begin():
            return work(self._opened)


class SqliteDatabase:
    """A SQLite file: one connection that writes, one that reads what was committed before it looked."""

    def __init__(self, path: Path, mark: Mark) -> None:
        self._path = path
        self._mark = mark
        self._writes = _Lane(path, "BEGIN IMMEDIATE")
        self._reads = _Lane(path, "BEGIN")

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    async def open(self) -> None:
        """Connect."""
        await self._writes
        await self._reads

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, on one snapshot."""
        return await self._reads.run(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function and commit, and note the transaction's number beside the database."""

        def counted(connection: Connection) -> tuple[T, int]:
            return work(connection), connection.execute(_COUNT).scalar_one()

        result, number = await self._writes.run(counted)
        self._mark.write(number)
        return result

    async def close(self) -> None:
        """Release both connections; the last to close a file folds its log into it."""
        await self._reads.end()
        await self._writes.end()


class PostgresDatabase:
    """A Postgres server, over asyncpg."""

    def __init__(self, url: str) -> None:
        self._engine: AsyncEngine = create_async_engine(url, pool_pre_ping=True)

    @property
    def place(self) -> str:
        """The address, without the password."""
        return self._engine.url.render_as_string(hide_password=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, on one snapshot."""
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function and commit."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Release all connections."""
        await self._engine.dispose()
