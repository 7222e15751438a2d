"""Blobs by the sha-256 of their bytes: small ones are rows, large ones files (`smaker.store.blobfiles`).

Measured with flushes: a file costs 0.57 ms whatever its size up to 32 kB, a row that shares a commit 0.03 to 0.15 ms;
at 128 kB a file is ahead. On Postgres all are rows: its users share no disk.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from smaker.store.blobfiles import GRACE, NAME, checked
from smaker.store.rows import ANSWERS, ARTIFACTS, BLOBS, PROJECTS, REPORTS, STEPS, TASKS
from smaker.store.transaction import Transaction

INLINE = 32 << 10  # bytes

_B = BLOBS.c
_GET = select(_B.data).where(_B.sha256 == bindparam("name"))
_TOUCHED = select(_B.touched_at).where(_B.sha256 == bindparam("name"))
_PUT = insert(BLOBS)
_TOUCH = update(BLOBS).where(_B.sha256 == bindparam("name")).values(touched_at=bindparam("now"))
_OLD = select(_B.sha256).where(_B.touched_at < bindparam("limit"))
_DROP = delete(BLOBS).where(_B.sha256.in_(bindparam("names", expanding=True)))

_CHUNK = 500


def put_row(transaction: Transaction, sha256: str, data: bytes) -> None:
    """Store a blob as a row, or note that it is wanted again."""
    touched = transaction.read(_TOUCHED, {"name": sha256}).scalar_one_or_none()
    if touched is None:
        transaction.write(_PUT, [{"sha256": sha256, "data": data, "touched_at": transaction.now}])
    elif touched < transaction.now - GRACE / 2:
        transaction.write(_TOUCH, [{"name": sha256, "now": transaction.now}])


def get_row(connection: Connection, sha256: str) -> bytes | None:
    """Return a blob's bytes if it is a row. Raises Damage."""
    data = connection.execute(_GET, {"name": sha256}).scalar_one_or_none()
    return None if data is None else checked(sha256, data)


def sweep_rows(transaction: Transaction, unused: Callable[[str], bool]) -> None:
    """Delete rows that nothing refers to and nobody has put for a while."""
    old = transaction.read(_OLD, {"limit": transaction.now - GRACE}).scalars()
    names = [name for name in old if unused(name)]
    for start in range(0, len(names), _CHUNK):
        transaction.write(_DROP, {"names": names[start : start + _CHUNK]})


def referred(connection: Connection) -> set[str]:
    """Return every blob name that any project's record mentions (events only repeat what those say)."""
    names: set[str] = set()
    for table in (STEPS, ARTIFACTS, TASKS, PROJECTS, REPORTS, ANSWERS):
        for body in connection.execute(select(table.c.body).execution_options(yield_per=_CHUNK)).scalars():
            names.update(NAME.findall(body))
    return names
