"""The files of the store in the home folder, who uses them, and what was last known of them.

``smaker.db`` with SQLite's ``-wal`` and ``-shm``; ``smaker.db-lock``, which every process that writes holds (shared);
``smaker.db-mark``, the number of the last transaction that was acknowledged; ``smaker.db-suspect``, left by a process
that met damage, so that the next one to open the database looks at all of it; ``smaker.db-recovery``, which says what
was set aside until somebody has rebuilt what can be rebuilt; ``blobs/``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import struct
import time
import zlib
from collections.abc import Generator
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from smaker.core.errors import StorageError

NAME = "smaker.db"
_JOURNALS = ("-wal", "-shm")
_MARK = struct.Struct("<QI")
_LOCK_S = 30.0
_POLL_S = 0.02
READ_S = 10.0


class Files:
    """Where the store of one home folder lives."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.database = home / NAME
        self.wal = home / f"{NAME}-wal"
        self.lock = home / f"{NAME}-lock"
        self.mark = home / f"{NAME}-mark"
        self.suspect = home / f"{NAME}-suspect"
        self.recovery = home / f"{NAME}-recovery"
        self.blobs = home / "blobs"

    def mark_suspect(self) -> None:
        """Have the next process that opens the database look at all of it; a disk that refuses is met there again."""
        with contextlib.suppress(OSError):
            self.suspect.touch()

    def unclean(self) -> bool:
        """Whether the last process that used the database did not close it (or still has it open)."""
        return self.wal.exists() and self.wal.stat().st_size > 0

    def set_aside(self, at: datetime, reason: str) -> None:
        """Rename the database and its journals out of the way, to a name under which SQLite can still open it."""
        target = self._note(at, reason)
        for suffix in ("", *_JOURNALS):
            source = self.home / f"{NAME}{suffix}"
            if source.exists():
                source.rename(self.home / f"{target.name}{suffix}")
        self.mark.unlink(missing_ok=True)
        self.suspect.unlink(missing_ok=True)

    def copy_aside(self, at: datetime, reason: str) -> None:
        """Copy the database and its log as they are, before SQLite drops the part of the log it cannot read."""
        target = self._note(at, reason)
        for suffix in ("", "-wal"):
            source = self.home / f"{NAME}{suffix}"
            if source.exists():
                (self.home / f"{target.name}{suffix}").write_bytes(source.read_bytes())
        self.mark.unlink(missing_ok=True)

    def pending_recovery(self) -> tuple[Path | None, str]:
        """Return what was set aside and not rebuilt from yet, and why; None and "" if nothing was."""
        try:
            name, _, reason = self.recovery.read_text(encoding="utf-8").partition("\n")
        except FileNotFoundError:
            return None, ""
        return self.home / name, reason

    def _note(self, at: datetime, reason: str) -> Path:
        """Write down what is going to be set aside, and return its name: who is killed meanwhile is believed later."""
        target = self._damaged(at)
        with durable(self.recovery) as temporary:
            temporary.write_text(f"{target.name}\n{reason}", encoding="utf-8")
        return target

    def _damaged(self, at: datetime) -> Path:
        stem = f"{NAME}.damaged-{at:%Y%m%dT%H%M%S}"
        number = 1
        while True:
            target = self.home / (stem if number == 1 else f"{stem}-{number}")
            if not target.exists():
                return target
            number += 1


class Lock:
    """The advisory lock on a home's database: shared while a store is open, exclusive to check, make or replace it.

    The kernel drops it with the process, and no child inherits it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Take the lock and return whether this process is the only one: then it holds it exclusively."""
        deadline = time.monotonic() + _LOCK_S
        while True:
            for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(self._file, kind | fcntl.LOCK_NB)
                    return kind == fcntl.LOCK_EX
            if time.monotonic() > deadline:
                raise StorageError(
                    f"Another process has been checking {self._path.parent / NAME} for {_LOCK_S:.0f} seconds.",
                    hint="Wait for it, or end it, then try again.",
                    code="E_BUSY",
                )
            time.sleep(_POLL_S)

    def share(self) -> None:
        """Let others in."""
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give the lock back."""
        os.close(self._file)


class Mark:
    """The number of the last acknowledged transaction, beside the database.

    SQLite takes a log that was cut or overwritten for one that ends earlier, and says nothing. A database whose own
    count is below the mark has lost transactions. Written without fsync, always after the commit: a power cut can make
    the mark too low, never too high.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def read(self) -> int:
        """Return the number, 0 if there is none that can be believed."""
        data = os.pread(self._file, _MARK.size, 0)
        if len(data) != _MARK.size:
            return 0
        number, crc = _MARK.unpack(data)
        return number if zlib.crc32(data[:8]) == crc else 0

    def write(self, number: int) -> None:
        """Note a transaction. A disk that refuses leaves the older number, which is right too."""
        data = struct.pack("<Q", number)
        with contextlib.suppress(OSError):
            os.pwrite(self._file, data + struct.pack("<I", zlib.crc32(data)), 0)

    def close(self) -> None:
        """Release the file."""
        os.close(self._file)


@contextlib.contextmanager
def durable(path: Path) -> Generator[Path, None, None]:
    """Give a temporary name to write under; then make that file durable and move it to ``path``: whole, or not."""
    temporary = path.with_name(f"{path.name}.new-{os.getpid()}-{time.monotonic_ns()}")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Have the kernel write a file or folder to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def read_only(path: Path) -> sqlite3.Connection:
    """Open a database for reading. It may be written meanwhile; nothing of it is changed, its log included.

    Where not even SQLite's shared index can be written (a read-only disk), the file is read as it is.
    """
    mode = "mode=ro" if os.access(path.parent, os.W_OK) else "immutable=1"
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?{mode}", uri=True, isolation_level=None, timeout=READ_S, check_same_thread=False
    )
    connection.text_factory = _text
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # what is not UTF-8 any more fails its check sum, not here
