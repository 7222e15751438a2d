"""What a database or disk says when it fails, for a person: a StorageError with the next thing to do."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from smaker.core.errors import StorageError
from smaker.store.checks import Damage

SCARCE = 1 << 20  # bytes: with less than this free, SQLite's "cannot open" and "I/O error" mean a full disk

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def original(error: BaseException) -> BaseException:
    """Return the driver's own error inside SQLAlchemy's."""
    inner = getattr(error, "orig", None)
    return inner if isinstance(inner, BaseException) else error


def damaged(error: BaseException) -> bool:
    """Whether an error says that stored bytes went bad."""
    error = original(error)
    if isinstance(error, Damage):
        return True
    return isinstance(error, sqlite3.DatabaseError) and (
        _primary(error) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or "decode to UTF-8" in str(error)
    )


def hopeless(error: BaseException) -> bool:
    """Whether every other write would fail the same way: the disk or the database itself, not one statement."""
    error = original(error)
    return isinstance(error, OSError) or (
        isinstance(error, sqlite3.DatabaseError)
        and not isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError | sqlite3.DataError)
    )


def explain(error: BaseException, place: Path | str) -> StorageError:
    """Return what to tell the user of an error at ``place`` (the database file, a blob, or a server's address)."""
    if isinstance(error, StorageError):
        return error
    error = original(error)
    if damaged(error):
        return StorageError(
            f"The database {place} is damaged: {error}.",
            hint="Run the command again: the damaged file is then set aside and what git knows is rebuilt.",
            code="E_DAMAGED",
        )
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(error, place)
    if isinstance(error, OSError):
        return _of_system(error, place)
    return StorageError(f"The database {place} failed: {error}", hint="See: smaker doctor")


def disk_full(place: Path | str) -> StorageError:
    """Return the error for a full disk."""
    return StorageError(
        f"The disk is full: {place} could not be written. Nothing is torn; what was acknowledged is kept.",
        hint="Free some space on that disk, then carry on with: smaker resume",
        code="E_DISK_FULL",
    )


def _primary(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _of_sqlite(error: sqlite3.Error, place: Path | str) -> StorageError:
    kind = _primary(error)
    if kind == sqlite3.SQLITE_FULL or (kind in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN} and _scarce(place)):
        return disk_full(place)
    if kind in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
        return _forbidden(place, error)
    if kind in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StorageError(
            f"Another process has kept the database {place} locked for too long.",
            hint="Wait for it, or see who works: smaker doctor",
            code="E_BUSY",
        )
    if kind == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"The disk under {place} failed: {error}.",
            hint="Check the disk (dmesg), then: smaker doctor",
            code="E_DISK",
        )
    return StorageError(f"The database {place} failed: {error}.", hint="See: smaker doctor")


def _of_system(error: OSError, place: Path | str) -> StorageError:
    if error.errno in _FULL:
        return disk_full(place)
    if error.errno in _FORBIDDEN:
        return _forbidden(place, error)
    return StorageError(f"{place} could not be used: {error.strerror or error}.", hint="See: smaker doctor")


def _forbidden(place: Path | str, error: BaseException) -> StorageError:
    return StorageError(
        f"{place} cannot be opened for writing ({getattr(error, 'strerror', None) or error}).",
        hint="Make it writable for you, or choose another folder with --home.",
        code="E_READ_ONLY",
    )


def _scarce(place: Path | str) -> bool:
    folder = Path(place)
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free < SCARCE
    except OSError:
        return False
