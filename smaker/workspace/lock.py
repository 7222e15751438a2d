"""Locks between processes: on a project (`FileLock`), and on a repository while it is being changed (`RepositoryLock`).

Both are ``flock``: the kernel drops them when their process ends, however it ends, and as descriptors are closed in
programs we start, no grandchild keeps one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import socket
import threading
import time
from collections.abc import Generator
from pathlib import Path

from smaker.core.errors import InUse, WorkspaceError

_PROJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_ASKING_S = 0.2  # somebody who only asks who holds a lock has it for an instant


class FileLock:
    """Implements `smaker.core.ports.ProjectLock` by files in ``home/locks``."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "locks"
        self._held: dict[str, int] = {}

    def acquire(self, project: str) -> None:
        """Take the lock. Raises InUse naming the holder, WorkspaceError if there is no place for locks."""
        path = self._path(project)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise WorkspaceError(
                f"The lock {path} cannot be made: {problem.strerror}.", hint="Choose a folder you can write: --home"
            ) from problem
        deadline = time.monotonic() + _ASKING_S
        while not _try(descriptor):
            if time.monotonic() > deadline:
                holder = _text(descriptor)
                os.close(descriptor)
                raise InUse(
                    f"Project {project} is in use by {holder or 'another process'}.",
                    hint="Watch it with: smaker status; or pause it with: smaker pause",
                )
            time.sleep(0.01)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        self._held[project] = descriptor

    def release(self, project: str) -> None:
        """Give the lock back; one that is not held is fine."""
        descriptor = self._held.pop(project, None)
        if descriptor is not None:
            os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def holder(self, project: str) -> str | None:
        """Return "pid 123 on host" of who holds the lock, None if nobody does; who asks at the same time does not."""
        try:
            descriptor = os.open(self._path(project), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return None if _try(descriptor, fcntl.LOCK_SH) else _text(descriptor) or "another process"
        finally:
            os.close(descriptor)

    def _path(self, project: str) -> Path:
        if not _PROJECT.fullmatch(project):
            raise WorkspaceError(f"{project!r} is no project's id.", hint="List them: smaker list", code="E_REF_NAME")
        return self._folder / f"{project}.lock"


class RepositoryLock:
    """One thread of one process at a time changes a repository. Entered again by its holder it is a no-op."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = threading.RLock()
        self._depth = 0

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """Wait for the lock and hold it."""
        with self._thread:
            if self._depth:
                yield
                return
            descriptor = self._open()
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._depth += 1
                yield
            finally:
                self._depth = 0
                os.close(descriptor)

    @contextlib.contextmanager
    def if_free(self) -> Generator[bool]:
        """Hold the lock if nobody else does, not even this thread; tells whether."""
        if not self._thread.acquire(blocking=False):
            yield False
            return
        try:
            if self._depth:
                yield False
                return
            descriptor = self._open()
            try:
                free = _try(descriptor)
                self._depth = int(free)
                yield free
            finally:
                self._depth = 0
                os.close(descriptor)
        finally:
            self._thread.release()

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _text(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
