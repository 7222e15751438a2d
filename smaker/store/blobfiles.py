"""Blobs as files ``blobs/ab/cdef…``, named by the sha-256 of their bytes."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from smaker.core.errors import NotFound
from smaker.store.checks import Damage
from smaker.store.files import durable, sync

GRACE = timedelta(hours=1)  # a blob is put before the row that refers to it: a sweep leaves it alone that long
NAME = re.compile(r"[0-9a-f]{64}")


def is_name(sha256: str) -> bool:
    """Whether a text can be a blob's name."""
    return NAME.fullmatch(sha256) is not None


def missing(sha256: str) -> NotFound:
    """Return the error for a blob that is not there."""
    return NotFound(f"There is no blob {sha256[:80]!r}.", hint="See what a build kept with: smaker artifacts")


def checked(sha256: str, data: bytes) -> bytes:
    """Return the bytes. Raises Damage if they are not what the name says."""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Damage(f"blob {sha256} no longer matches its name")
    return data


class BlobFiles:
    """The blobs that are files. All methods block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, sha256: str, data: bytes) -> None:
        """Store a blob, whole or not at all; one that went bad is replaced. Raises OSError."""
        path = self.path(sha256)
        try:
            os.utime(path)  # wanted again: keeps a sweep away
            if path.read_bytes() == data:
                return
        except FileNotFoundError:
            pass
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(self._folder)
        with durable(path) as temporary:
            temporary.write_bytes(data)

    def get(self, sha256: str) -> bytes:
        """Return a blob's bytes. Raises NotFound, OSError, Damage."""
        try:
            return checked(sha256, self.path(sha256).read_bytes())
        except FileNotFoundError:
            raise missing(sha256) from None

    def sweep(self, unused: Callable[[str], bool]) -> None:
        """Delete files that nothing refers to and nobody has put for a while, and what a killed process left."""
        limit = time.time() - GRACE.total_seconds()
        for path in self._files():
            old = path.stat().st_mtime < limit
            name = path.parent.name + path.name
            if old and (not is_name(name) or unused(name)):
                path.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where a blob is."""
        return self._folder / sha256[:2] / sha256[2:]

    def _files(self) -> Iterator[Path]:
        return (path for folder in self._folder.glob("??") for path in folder.iterdir())
