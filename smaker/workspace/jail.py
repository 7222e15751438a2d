"""Files of one folder, reached without ever leaving it.

A path is walked component by component from an open folder, each opened relative to the last with ``O_NOFOLLOW``: a
symbolic link anywhere on the way is an error, also one that is put there while we walk. Files are written beside the
folder (in ``staging``, on the same file system) and renamed into place, so nobody sees half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Generator
from pathlib import Path

from smaker.core.errors import PathError
from smaker.workspace import trees

Parts = tuple[str, ...]

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Jail:
    """A folder and what may be done in it. Parts of paths come from `smaker.workspace.names`."""

    def __init__(self, root: Path, staging: Path) -> None:
        self.root = root
        self._staging = staging

    def status(self, parts: Parts) -> os.stat_result | None:
        """Return what is at a path (a link itself), None if nothing is. Raises PathError on the way to it."""
        try:
            with self._above(parts) as folder:
                return os.stat(parts[-1], dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def read(self, parts: Parts, *, limit: int) -> bytes | None:
        """Return a regular file's bytes, None if nothing is there. Raises PathError."""
        try:
            with self._above(parts) as folder:
                self._regular(folder, parts)
                descriptor = os.open(
                    parts[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
                )
        except FileNotFoundError:
            return None
        except OSError as problem:
            if problem.errno in {errno.ELOOP, errno.ENXIO}:  # it became a link or a socket this moment
                raise PathError(f"{_shown(parts)} is not a file.", hint="Read another.", code="E_KIND") from problem
            raise
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise PathError(f"{_shown(parts)} is not a file.", hint="Read another.", code="E_KIND")
            data = file.read(limit + 1)
        if len(data) > limit:
            raise PathError(
                f"{_shown(parts)} is larger than {limit >> 20} MB.", hint="Read a part by a command.", code="E_LIMIT"
            )
        return data

    def target(self, parts: Parts) -> bytes | None:
        """Return what a symbolic link points to, None if there is no link. Raises PathError on the way to it."""
        try:
            with self._above(parts) as folder:
                return os.readlink(os.fsencode(parts[-1]), dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as problem:
            if problem.errno == errno.EINVAL:
                return None
            raise

    def check_file(self, parts: Parts) -> int | None:
        """Return the mode of the regular file at a path, None if nothing is there. Raises PathError for the rest:
        what cannot be replaced by a file without being asked for."""
        try:
            with self._above(parts) as folder:
                return self._regular(folder, parts)
        except FileNotFoundError:
            return None

    def stage(self, entry_mode: str, data: bytes, *, sync: bool = False) -> str:
        """Write a file or link beside the folder and return its name for `place`."""
        name = secrets.token_hex(8)
        path = self._staging / name
        if entry_mode == trees.LINK:
            path.symlink_to(os.fsdecode(data))
            return name
        mode = 0o777 if entry_mode == trees.EXECUTABLE else 0o666
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                if sync:
                    file.flush()
                    os.fsync(descriptor)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def place(self, name: str, parts: Parts) -> None:
        """Move a staged file to its path; folders on the way are made. Raises PathError."""
        staging = os.open(self._staging, _FOLDER)
        try:
            with self._above(parts, make=True) as folder:
                os.replace(name, parts[-1], src_dir_fd=staging, dst_dir_fd=folder)
        except IsADirectoryError as problem:
            raise PathError(f"{_shown(parts)} is a folder.", hint="Name a file in it.", code="E_KIND") from problem
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name, dir_fd=staging)
            os.close(staging)

    def write(self, parts: Parts, mode: str, data: bytes) -> None:
        """Write a file or link (its target is ``data``) in one stroke. Raises PathError."""
        self.place(self.stage(mode, data), parts)

    def remove(self, parts: Parts) -> None:
        """Remove a file or link, and the folders that are empty then; a missing one is fine. Raises PathError."""
        try:
            with self._above(parts) as folder:
                os.unlink(parts[-1], dir_fd=folder)
        except FileNotFoundError:
            pass
        except (IsADirectoryError, PermissionError) as problem:
            found = self.status(parts)
            if found is None or not stat.S_ISDIR(found.st_mode):
                raise
            raise PathError(f"{_shown(parts)} is a folder.", hint="Name a file in it.", code="E_KIND") from problem
        for depth in range(len(parts) - 1, 0, -1):
            try:
                with self._above(parts[:depth]) as folder:
                    os.rmdir(parts[depth - 1], dir_fd=folder)
            except OSError:
                return

    def make_folder(self, parts: Parts) -> None:
        """Have a folder at a path. Raises PathError."""
        with self._above((*parts, ""), make=True):
            pass

    def clear(self, parts: Parts) -> None:
        """Remove whatever is in the way of a file at this path: a folder there with all in it, a file above it."""
        for depth in range(1, len(parts) + 1):
            found = self.status(parts[:depth])
            if found is None:
                return
            if depth < len(parts) and stat.S_ISDIR(found.st_mode):
                continue
            with self._above(parts[:depth]) as folder:
                if stat.S_ISDIR(found.st_mode):
                    remove_tree(parts[depth - 1], folder)
                elif depth < len(parts):
                    os.unlink(parts[depth - 1], dir_fd=folder)
            return

    @contextlib.contextmanager
    def _above(self, parts: Parts, *, make: bool = False) -> Generator[int]:
        """Open the folder a path is in. Raises FileNotFoundError, PathError."""
        folder = os.open(self.root, _FOLDER)
        try:
            for depth, part in enumerate(parts[:-1], 1):
                try:
                    below = os.open(part, _FOLDER, dir_fd=folder)
                except FileNotFoundError:
                    if not make:
                        raise
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                    below = os.open(part, _FOLDER, dir_fd=folder)
                except OSError as problem:
                    if problem.errno not in {errno.ENOTDIR, errno.ELOOP}:
                        raise
                    raise self._no_folder(folder, parts[:depth]) from problem
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

    def _regular(self, folder: int, parts: Parts) -> int:
        mode = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISREG(mode):
            return mode
        if stat.S_ISLNK(mode):
            raise self._linked(folder, parts)
        what = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise PathError(f"{_shown(parts)} is {what}, not a file.", hint="Name a file.", code="E_KIND")

    def _no_folder(self, folder: int, parts: Parts) -> PathError:
        try:
            mode = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            mode = 0
        if stat.S_ISLNK(mode):
            return self._linked(folder, parts)
        return PathError(
            f"{_shown(parts)} is a file, not a folder.", hint="Use another name, or delete it first.", code="E_KIND"
        )

    def _linked(self, folder: int, parts: Parts) -> PathError:
        """The error for a symbolic link: does it, by its text, lead out of the root?"""
        try:
            target = os.readlink(parts[-1], dir_fd=folder)
        except OSError:
            target = "/"
        depth = len(parts) - 1
        outside = target.startswith("/")
        for part in target.split("/"):
            depth += -1 if part == ".." else part not in {"", "."}
            outside = outside or depth < 0
        if outside:
            return PathError(f"{_shown(parts)} is a symbolic link out of the workspace.", hint="Use a real file.")
        return PathError(
            f"{_shown(parts)} is a symbolic link to {target!r}.", hint="Name the file itself.", code="E_KIND"
        )


def remove_tree(name: str | os.PathLike[str], folder: int | None = None) -> None:
    """Remove a folder with all in it, read-only parts too, following no link.

    Folders within folders are first moved up beside each other: a chain of a hundred thousand of them needs neither a
    deep stack nor many open files.
    """
    top = _open_to_empty(name, folder)
    try:
        while below := _emptied(top, top, keep_folders=True):
            for inner in below:
                descriptor = _open_to_empty(inner, top)
                try:
                    _emptied(descriptor, top, keep_folders=False)
                finally:
                    os.close(descriptor)
                os.rmdir(inner, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=folder)


def _open_to_empty(name: str | os.PathLike[str], folder: int | None) -> int:
    try:
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=folder)
        descriptor = os.open(name, _FOLDER, dir_fd=folder)
    with contextlib.suppress(PermissionError):
        os.fchmod(descriptor, 0o700)
    return descriptor


def _emptied(folder: int, top: int, *, keep_folders: bool) -> list[str]:
    """Remove the files of a folder; its folders are returned, or moved to ``top``."""
    kept: list[str] = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.name, dir_fd=folder)
            elif keep_folders:
                kept.append(entry.name)
            else:
                with contextlib.suppress(PermissionError):
                    os.chmod(entry.name, 0o700, dir_fd=folder)  # a folder moves only if it is writable
                os.rename(entry.name, secrets.token_hex(12), src_dir_fd=folder, dst_dir_fd=top)
    return kept


def entry_mode(status: os.stat_result) -> str | None:
    """The mode git keeps for a file: None for what git cannot keep."""
    if stat.S_ISREG(status.st_mode):
        return trees.EXECUTABLE if status.st_mode & stat.S_IXUSR else trees.FILE
    return trees.LINK if stat.S_ISLNK(status.st_mode) else None


def _shown(parts: Parts) -> str:
    return repr("/".join(parts))
