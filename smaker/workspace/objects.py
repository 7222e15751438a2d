"""Git objects, read and written in this process.

There are two stores. What a task's files look like between commits goes to a *private* one, outside the repository;
`publish` moves what a commit needs into the repository's own. So a file that a commit refuses (a credential, say)
never enters the repository's objects. Blobs are hashed as they are: no filter, no line-end conversion.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import stat
import zlib
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from smaker.core.errors import NotFound, PathError, WorkspaceError
from smaker.workspace.program import Git

Kind = Literal["blob", "tree", "commit", "tag"]

MAX_OBJECT = 1 << 30  # bytes; a larger one is a decompression bomb, or nothing we can hold in memory
WHOLE = 8 << 20  # bytes; larger files are hashed in pieces
_PIECE = 1 << 20
_SYNCING = 8  # threads


class Objects:
    """The two stores of one repository. Safe to use from several threads: objects never change."""

    def __init__(self, private: Path, shared: Path, git: Git, *, shown: Path) -> None:
        self._private = str(private)
        self._shared = str(shared)
        self._git = git
        self._shown = shown

    def put(self, kind: Kind, data: bytes, *, known: str | None = None) -> str:
        """Store an object in the private store, unless either store has it (or it is ``known``), and return its id."""
        content = b"%s %d\0%s" % (kind.encode(), len(data), data)
        sha = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        store = self._lacking(sha, known)
        if store is not None:
            with _temporary(store) as (descriptor, name):
                _write_all(descriptor, zlib.compress(content, 1))
                _install(name, _path(store, sha))
        return sha

    def put_file(self, descriptor: int, size: int, *, known: str | None = None) -> str | None:
        """Store the first ``size`` bytes of an open file as a blob; None if a large one became shorter meanwhile."""
        if size <= WHOLE:
            return self.put("blob", b"".join(_pieces(descriptor, size)), known=known)
        digest = hashlib.sha1(usedforsecurity=False)
        packer = zlib.compressobj(1)
        seen = 0
        with _temporary(self._private) as (out, name):
            header = b"blob %d\0" % size
            digest.update(header)
            _write_all(out, packer.compress(header))
            for piece in _pieces(descriptor, size):
                seen += len(piece)
                digest.update(piece)
                _write_all(out, packer.compress(piece))
            _write_all(out, packer.flush())
            if seen != size:
                return None
            sha = digest.hexdigest()
            if self._lacking(sha, known) is not None:
                _install(name, _path(self._private, sha))
        return sha

    def get(self, kind: Kind, sha: str) -> bytes:
        """Return an object's content. Raises NotFound, or WorkspaceError if it is damaged."""
        for _, data in self.each(kind, [sha]):
            return data
        raise self._damaged(sha)

    def each(self, kind: Kind, shas: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Return the contents of many objects, in no order: loose ones are read here, packed ones by one git."""
        packed: list[str] = []
        for sha in shas:
            data = self._read_loose(kind, sha)
            if data is None:
                packed.append(sha)
            else:
                yield sha, data
        if packed:
            yield from self._read_packed(kind, packed)

    def kind(self, sha: str) -> str | None:
        """Return what kind of object this is, None if there is none."""
        said = self._git.run("cat-file", "--batch-check", stdin=f"{sha}\n".encode()).split()
        return None if said[-1:] == [b"missing"] else said[1].decode()

    def publish(self, sha: str) -> None:
        """Have an object in the repository's own store."""
        target = _path(self._shared, sha)
        if not _size(target):
            source = _path(self._private, sha)
            if _size(source):  # else it is in a pack of the repository's
                self._copy(source, target)

    def sync(self, shas: Iterable[str]) -> None:
        """Have objects of the repository's own store on the disk, whatever happens to the power."""
        paths = [path for sha in shas if _size(path := _path(self._shared, sha))]
        for batch in (paths, sorted({path.rpartition("/")[0] for path in paths})):
            with ThreadPoolExecutor(_SYNCING) as pool:  # the disk writes what is asked for together at once
                list(pool.map(_sync, batch))

    def _copy(self, source: str, target: str) -> None:
        name = f"{self._shared}/tmp_obj_{secrets.token_hex(8)}"  # noqa: S108  git gc removes left-over ones of this name
        try:
            os.link(source, name)
        except OSError as problem:
            if problem.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}:
                raise
            with _temporary(self._shared) as (descriptor, copy):
                with open(source, "rb") as content:  # noqa: PTH123  paths are text here, for speed
                    _write_all(descriptor, content.read())
                _install(copy, target)
            return
        _install(name, target)

    def _lacking(self, sha: str, known: str | None) -> str | None:
        """The store that an object is to be written to, None if it is there already. What a power cut left empty in
        the repository is written again there."""
        if self.is_loose(sha):
            return None
        if os.path.lexists(_path(self._shared, sha)):
            return self._shared
        return None if sha == known else self._private

    def is_loose(self, sha: str) -> bool:
        """Whether an object is a file of its own in either store."""
        return bool(_size(_path(self._shared, sha)) or _size(_path(self._private, sha)))

    def _read_loose(self, kind: Kind, sha: str) -> bytes | None:
        for store in (self._private, self._shared):
            raw = _read(_path(store, sha))
            if raw:
                return self._unpack(kind, sha, raw)
        return None

    def _unpack(self, kind: Kind, sha: str, raw: bytes) -> bytes:
        try:
            header = zlib.decompressobj().decompress(raw, 64).partition(b"\0")[0]
            found, _, length = header.partition(b" ")
            size = int(length)
            if size > MAX_OBJECT:
                raise self._too_large(sha)
            data = zlib.decompressobj().decompress(raw, len(header) + size + 2)[len(header) + 1 :]
        except (zlib.error, ValueError) as problem:
            raise self._damaged(sha) from problem
        if len(data) != size:
            raise self._damaged(sha)
        if found.decode("latin-1") != kind:
            raise NotFound(f"{sha} is no {kind} of {self._shown}.", hint="List what there is: smaker history")
        return data

    def _read_packed(self, kind: Kind, shas: list[str]) -> Iterator[tuple[str, bytes]]:
        with self._git.reading("cat-file", "--batch", stdin="\n".join([*shas, ""]).encode()) as out:
            for sha in shas:
                header = out.readline().split()
                if len(header) != 3:
                    if any(os.path.lexists(_path(store, sha)) for store in (self._private, self._shared)):
                        raise self._damaged(sha)
                    raise NotFound(f"{self._shown} holds no {kind} {sha}.", hint="List what there is: smaker history")
                size = int(header[2])
                if size > MAX_OBJECT:
                    raise self._too_large(sha)
                data = out.read(size + 1)[:-1]
                if header[1].decode() != kind:
                    raise NotFound(f"{sha} is no {kind} of {self._shown}.", hint="List what there is: smaker history")
                if len(data) != size:
                    raise self._damaged(sha)
                yield sha, data

    def _damaged(self, sha: str) -> WorkspaceError:
        return WorkspaceError(
            f"Object {sha} of {self._shown} is damaged.",
            hint=f"See what else is: git -C {self._shown} fsck --full; then fetch it from another copy.",
            code="E_DAMAGED",
        )

    def _too_large(self, sha: str) -> PathError:
        return PathError(
            f"Object {sha} of {self._shown} is larger than {MAX_OBJECT >> 20} MB.",
            hint="Take the file out of the history.",
            code="E_LIMIT",
        )


def blob_id(data: bytes) -> str:
    """The id that a blob of these bytes has."""
    return hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False).hexdigest()


def _path(store: str, sha: str) -> str:
    return f"{store}/{sha[:2]}/{sha[2:]}"


def _size(path: str) -> int:
    """The size of a file; nothing, and what a power cut left empty, is 0."""
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0


def _read(path: str) -> bytes | None:
    """Return a regular file's bytes; anything else at that place (a hostile repository may have a pipe) is nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_OBJECT:
            return None
        return b"".join(_pieces(descriptor, found.st_size))
    finally:
        os.close(descriptor)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pieces(descriptor: int, size: int) -> Iterator[bytes]:
    while size > 0 and (piece := os.read(descriptor, min(size, _PIECE))):
        size -= len(piece)
        yield piece


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def _temporary(store: str) -> Generator[tuple[int, str]]:
    """A new file in the store that is gone afterwards unless it was installed."""
    name = f"{store}/tmp_obj_{secrets.token_hex(8)}"  # noqa: S108  in a store, not in /tmp
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)  # noqa: PTH108


def _install(name: str, target: str) -> None:
    """Put a finished file in its place."""
    try:
        os.rename(name, target)  # noqa: PTH104
    except FileNotFoundError:
        os.makedirs(target.rpartition("/")[0], exist_ok=True)  # noqa: PTH103
        os.rename(name, target)  # noqa: PTH104
