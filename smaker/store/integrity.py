"""Is the database what was written? Looked at before a store opens it, and set aside if not (never repaired in place).

Three ways to find out, by what they cost: its first page (always); SQLite's quick_check, when the last process did not
close it; every row against its check sum, when it is small or a process met damage. And one comparison SQLite cannot
make: its transaction count against the mark (`smaker.store.files.Mark`), because a log that lost its end is to SQLite
a shorter log.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from contextlib import closing
from dataclasses import dataclass

from smaker.store.checks import SEALED, checksum
from smaker.store.faults import damaged
from smaker.store.files import Files, read_only
from smaker.store.revisions import newest

SMALL = 4 << 20  # bytes: a full check of that takes some 40 ms
QUICK_S = 1.0  # a quick_check of a big database is ended here; it reads over 1 GB/s
_MAGIC = b"SQLite format 3\0"
_FORMATS = {b"\1\1", b"\2\2"}  # without and with a write-ahead log

_GAPS = """
SELECT counters.project FROM counters
LEFT JOIN (SELECT project, count(*) AS n, max(seq) AS last FROM events GROUP BY project) AS e
ON e.project = counters.project
WHERE coalesce(e.n, 0) <> counters.seq OR coalesce(e.last, 0) <> counters.seq
"""


@dataclass(frozen=True)
class Verdict:
    """What is wrong: ``reason`` is empty if nothing is. ``lost``: sound, but without its newest transactions."""

    reason: str = ""
    lost: bool = False


def inspect(files: Files, mark: int) -> Verdict:
    """Look at a database that no other process uses, changing nothing. Raises OSError or sqlite3.Error if the disk does
    not let it be read."""
    with files.database.open("rb") as file:
        head = file.read(20)
    if not head:
        return Verdict("the file is empty")
    if not head.startswith(_MAGIC) or head[18:] not in _FORMATS:
        return Verdict("the file is not a database")
    try:
        with closing(read_only(files.database)) as connection:
            return _look(connection, files, mark)
    except sqlite3.DatabaseError as error:
        if damaged(error) or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:
            return Verdict(str(error))
        raise


def _look(connection: sqlite3.Connection, files: Files, mark: int) -> Verdict:
    small = files.database.stat().st_size + (files.wal.stat().st_size if files.wal.exists() else 0) <= SMALL
    thorough = small or files.suspect.exists()
    unclean = files.unclean()
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if found is None:
        return Verdict("it has no schema version")
    if thorough:
        problem = _pragma(connection, "integrity_check", None)
    else:
        problem = _pragma(connection, "quick_check", QUICK_S) if unclean else ""
    if not problem and found[0] == newest():
        if thorough:
            problem = _rows(connection)
        if not problem:
            (number,) = connection.execute("SELECT number FROM commits").fetchone() or (0,)
            if number < mark:
                return Verdict(f"it ends {mark - number} transactions before the last one acknowledged", lost=True)
    return Verdict(problem)


def _pragma(connection: sqlite3.Connection, name: str, limit_s: float | None) -> str:
    """Return SQLite's first finding. One that takes longer than ``limit_s`` is given up: nothing was found so far."""
    timer = threading.Timer(limit_s, connection.interrupt) if limit_s is not None else None
    if timer is not None:
        timer.start()
    try:
        (finding,) = connection.execute(f"PRAGMA {name}(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return ""
        raise
    finally:
        if timer is not None:
            timer.cancel()
    return "" if finding == "ok" else str(finding)


def _rows(connection: sqlite3.Connection) -> str:
    for table, keys in SEALED.items():
        columns = ", ".join(("body", "crc", *keys))
        for body, crc, *values in connection.execute(f"SELECT {columns} FROM {table}"):  # noqa: S608  our own names
            if not isinstance(body, str) or checksum(body, *values) != crc:
                return f"a row of {table} does not match its check sum"
    for sha256, data in connection.execute("SELECT sha256, data FROM blobs"):
        if hashlib.sha256(data).hexdigest() != sha256:
            return f"the blob {sha256} does not match its name"
    gap = connection.execute(_GAPS).fetchone()
    return f"events of project {gap[0]} are missing" if gap else ""
