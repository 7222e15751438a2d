"""From a home folder to a database that can be used: checked, set aside if damaged, made if missing, migrated."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.pool import NullPool

from smaker.core.errors import StorageError
from smaker.store import schema
from smaker.store.files import NAME, Files, Lock, Mark, durable, read_only
from smaker.store.integrity import inspect
from smaker.store.lane import begin_with
from smaker.store.revisions import newest, refuse_unknown


@dataclass(frozen=True)
class Opened:
    """A home folder that is ready. ``damage`` says what was wrong, and ``recovered_from`` where the old file is: to the
    process that opened the folder alone, until `recovered`."""

    files: Files
    lock: Lock
    mark: Mark
    damage: str = ""
    recovered_from: Path | None = None

    def recovered(self) -> None:
        """What can be rebuilt has been."""
        self.files.recovery.unlink(missing_ok=True)

    def release(self) -> None:
        """Let other processes have the folder."""
        self.mark.close()
        self.lock.release()


def prepare(home: Path, at: datetime) -> Opened:
    """Make a home folder ready; blocks. Raises StorageError, OSError, sqlite3.Error or SQLAlchemy's errors."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = Files(home)
    lock = Lock(files.lock)
    mark: Mark | None = None
    try:
        alone = lock.take()
        if alone:
            _examine(files, at)
        if not files.database.exists():
            _make(files, alone=alone)
        _upgrade(files, alone=alone)
        aside, damage = files.pending_recovery() if alone else (None, "")
        mark = Mark(files.mark)
        lock.share()
    except BaseException:
        if mark is not None:
            mark.close()
        lock.release()
        raise
    return Opened(files, lock, mark, damage, aside)


def _examine(files: Files, at: datetime) -> None:
    """Set a damaged database aside. One that is sound but lost its end is kept, and a copy as it was set aside."""
    for left in files.home.glob(f"{NAME}*.new-*"):  # by a process that was killed
        left.unlink()
    if not files.database.exists():
        if files.unclean():  # a log without its database would be replayed into the new one
            files.set_aside(at, f"{NAME} is gone; its log was left")
        files.mark.unlink(missing_ok=True)
        return
    with closing(Mark(files.mark)) as mark:
        verdict = inspect(files, mark.read())
    if verdict.lost:
        files.copy_aside(at, verdict.reason)
    elif verdict.reason:
        files.set_aside(at, verdict.reason)
    else:
        files.suspect.unlink(missing_ok=True)


def _make(files: Files, *, alone: bool) -> None:
    if not alone:
        raise StorageError(
            f"{files.database} was removed while another process uses it.",
            hint="End the other smaker processes, then try again.",
        )
    with durable(files.database) as path:
        with _transaction(path) as connection:
            schema.migrate(connection)
        plain = sqlite3.connect(path)
        plain.execute("PRAGMA journal_mode=WAL")
        plain.close()
        path.chmod(0o600)


def _upgrade(files: Files, *, alone: bool) -> None:
    with closing(read_only(files.database)) as plain:
        (found,) = plain.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    if found == newest():
        return
    refuse_unknown(found, str(files.database))
    if not alone:
        raise StorageError(
            f"{files.database} must be migrated, and another smaker process uses it.",
            hint="End the other smaker processes, then try again.",
            code="E_BUSY",
        )
    with _transaction(files.database) as connection:
        schema.migrate(connection)


@contextmanager
def _transaction(path: Path) -> Generator[Connection, None, None]:
    engine = create_engine(
        URL.create("sqlite", database=str(path)), poolclass=NullPool, connect_args={"isolation_level": None}
    )
    begin_with(engine, "BEGIN IMMEDIATE")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()
