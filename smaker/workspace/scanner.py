"""Turns a folder into a git tree, reading only what changed since the last time.

A file whose size, times and inode are as they were is not read again, unless it was changed so shortly before it was
read that the clock of the file system could not tell the difference. A folder whose entries are as they were keeps
its tree. Folders are opened relative to each other without following links, so a program that moves them about while
we read cannot lead us out.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import stat
import time
from dataclasses import dataclass, field
from pathlib import Path

from smaker.core.errors import PathError, WorkspaceError
from smaker.workspace import ignore, names, trees
from smaker.workspace.head import read_small
from smaker.workspace.ignore import Rules
from smaker.workspace.jail import entry_mode
from smaker.workspace.names import Limits
from smaker.workspace.objects import Objects
from smaker.workspace.trees import EMPTY_TREE, Entry, Folder, Trees

log = logging.getLogger(__name__)

BY_PRODUCTS = b"__pycache__/\n*.py[co]\n.pytest_cache/\n.ruff_cache/\n/reports/junit.xml\n/reports/coverage.xml\n"
"""What running tests and linters leaves behind: no part of any project, also where its .gitignore does not say so."""

_RACY_NS = 100_000_000  # a file changed this shortly before it was read is read again next time
_ATTEMPTS = 5  # to read a file that is written meanwhile
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_Stamp = tuple[int, int, int, int, int]


@dataclass(slots=True)
class _Known:
    """What a file was when it was read."""

    stamp: _Stamp
    read_at: int
    entry: Entry


@dataclass(slots=True)
class _Folder:
    """What a folder was when it was last walked."""

    rules: Rules | None = None
    ignored_files: dict[str, bool] = field(default_factory=dict)
    ignored_folders: dict[str, bool] = field(default_factory=dict)
    files: dict[str, _Known] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    tree: str = EMPTY_TREE


class Scanner:
    """Remembers one folder. Not for two threads at once."""

    def __init__(self, root: Path, objects: Objects, known: Trees, *, limits: Limits, exclude: Path) -> None:
        self._root = root
        self._objects = objects
        self._trees = known
        self._limits = limits
        self._exclude = exclude  # the repository's own list beside .gitignore files
        self._outer: Rules | None = None
        self._before: dict[str, _Folder] = {}
        self._now: dict[str, _Folder] = {}
        self._odd: set[str] = set()
        self._files = 0
        self._size = 0

    def scan(self, tracked: str) -> str:
        """Return the tree of all files that are not ignored or are in the tree ``tracked``.

        Raises WorkspaceError E_NESTED_REPO, PathError (E_LIMIT, E_PATH_PROTECTED).
        """
        self._now = {}
        self._files = self._size = 0
        text = read_small(self._exclude, ignore.MAX_RULES_FILE) or ""
        self._outer = self._rules(self._outer, BY_PRODUCTS + text.encode("utf-8", "surrogateescape"), 0, None)
        top = os.open(self._root, _OPEN | os.O_DIRECTORY)
        try:
            tree = self._folder(top, (), self._trees.folder(tracked), self._outer, only=False)
        finally:
            os.close(top)
        self._before = self._now
        return tree

    def _folder(
        self, descriptor: int, parts: tuple[str, ...], tracked: Folder, rules: Rules | None, *, only: bool
    ) -> str:
        """Return the tree of an open folder; ``only``: it is ignored, tracked files in it count nevertheless."""
        path = "/".join(parts)
        before, now = self._before.get(path) or _Folder(), _Folder()
        self._now[path] = now
        listed = self._list(descriptor, parts, before)
        if not only and ".gitignore" in listed:
            rules = self._rules_here(descriptor, before.rules, len(parts), rules)
        now.rules = rules
        if before.rules is rules:
            now.ignored_files, now.ignored_folders = before.ignored_files, before.ignored_folders
        quick = before.files if before.rules is rules and not only else {}
        for name, entry in listed.items():
            known = quick.get(name)
            if known is not None and not now.ignored_files.get(name) and self._unchanged(entry, known):
                now.files[name] = known
                now.entries[name] = known.entry
                continue
            old = tracked.get(name)
            if old is not None and old.mode == trees.SUBMODULE:
                continue
            folder = entry.is_dir(follow_symlinks=False)
            ignored = only or self._ignored(now, parts, name, folder=folder)
            found = None
            if folder:
                below = self._trees.folder(old.sha) if old is not None and old.mode == trees.FOLDER else {}
                if below or not ignored:
                    found = self._below(descriptor, (*parts, name), below, rules, only=ignored)
            elif not ignored or (old is not None and old.mode != trees.FOLDER):
                found = self._file(descriptor, entry, parts, before.files.get(name), now, old)
            if found is not None:
                now.entries[name] = found
        now.entries.update((name, old) for name, old in tracked.items() if old.mode == trees.SUBMODULE)
        now.tree = before.tree if now.entries == before.entries else self._trees.build(now.entries.items())
        return now.tree

    def _unchanged(self, entry: os.DirEntry[str], known: _Known) -> bool:
        """Whether a file is as it was when it was read, beyond doubt; if so it is counted."""
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return False
        if _stamp(status) != known.stamp or status.st_ctime_ns + _RACY_NS > known.read_at:
            return False
        self._files += 1
        self._size += status.st_size
        return True

    def _list(self, descriptor: int, parts: tuple[str, ...], before: _Folder) -> dict[str, os.DirEntry[str]]:
        with os.scandir(descriptor) as entries:
            listed = {entry.name: entry for entry in itertools.islice(entries, self._limits.files + 1)}
        if len(listed) > self._limits.files:
            raise self._too_many()
        for name in listed.keys() - before.files.keys():
            if names.is_git(name) and (parts or name != ".git"):
                raise self._foreign_repository("/".join((*parts, name)), nested=name == ".git")
        if not parts:
            listed.pop(".git", None)
        return listed

    def _below(
        self, descriptor: int, parts: tuple[str, ...], tracked: Folder, rules: Rules | None, *, only: bool
    ) -> Entry | None:
        if len(parts) > names.MAX_DEPTH:
            raise PathError(
                f"{'/'.join(parts)[:80]!r}… has too many folders within folders.", hint="Delete it.", code="E_LIMIT"
            )
        try:
            below = os.open(parts[-1], _OPEN | os.O_DIRECTORY, dir_fd=descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return None  # it went, or became a link, this moment
        except PermissionError as problem:
            raise self._unreadable("/".join(parts)) from problem
        try:
            tree = self._folder(below, parts, tracked, rules, only=only)
        finally:
            os.close(below)
        return None if tree == EMPTY_TREE else Entry(trees.FOLDER, tree)

    def _file(
        self,
        descriptor: int,
        listed: os.DirEntry[str],
        parts: tuple[str, ...],
        known: _Known | None,
        now: _Folder,
        old: Entry | None,
    ) -> Entry | None:
        """Return the entry of a file or link, None for what git cannot keep and what went this moment."""
        name = listed.name
        try:
            status = listed.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        self._files += 1
        self._size += status.st_size
        self._check_limits("/".join((*parts, name)) if old is None else None, status.st_size)
        stamp = _stamp(status)
        if known is None or known.stamp != stamp or status.st_ctime_ns + _RACY_NS > known.read_at:
            read_at = time.time_ns()
            entry = self._read(descriptor, name, "/".join((*parts, name)), status, old)
            if entry is None:
                return None
            known = _Known(stamp, read_at, entry)
        now.files[name] = known
        return known.entry

    def _read(self, descriptor: int, name: str, path: str, status: os.stat_result, old: Entry | None) -> Entry | None:
        known = old.sha if old is not None else None
        mode = entry_mode(status)
        try:
            if mode == trees.LINK:
                if names.is_modules_link(name):
                    raise self._foreign_repository(path, nested=False)
                target = os.readlink(os.fsencode(name), dir_fd=descriptor)
                return Entry(mode, self._objects.put("blob", target, known=known))
            if mode is None:
                if path not in self._odd:
                    self._odd.add(path)
                    log.warning("%s: %r is a pipe, socket or device: it is left out of the history", self._root, path)
                return None
            return self._read_file(descriptor, name, path, known)
        except PermissionError as problem:
            raise self._unreadable(path) from problem
        except FileNotFoundError:
            return None
        except OSError as problem:
            if problem.errno in {errno.ELOOP, errno.EINVAL, errno.ENXIO}:  # it became something else this moment
                return None
            raise

    def _read_file(self, descriptor: int, name: str, path: str, known: str | None) -> Entry | None:
        opened = os.open(name, _OPEN, dir_fd=descriptor)
        try:
            for _ in range(_ATTEMPTS):
                status = os.fstat(opened)
                mode = entry_mode(status)
                if mode is None:
                    return None
                os.lseek(opened, 0, os.SEEK_SET)
                sha = self._objects.put_file(opened, status.st_size, known=known)
                if sha is not None:
                    return Entry(mode, sha)
        finally:
            os.close(opened)
        raise WorkspaceError(f"{path!r} of {self._root} changes while it is read.", hint="Stop what writes to it.")

    def _ignored(self, now: _Folder, parts: tuple[str, ...], name: str, *, folder: bool) -> bool:
        if now.rules is None:
            return False
        answers = now.ignored_folders if folder else now.ignored_files
        if name not in answers:
            answers[name] = now.rules.ignores(tuple(map(ignore.as_bytes, (*parts, name))), folder=folder)
        return answers[name]

    def _rules_here(self, descriptor: int, before: Rules | None, depth: int, above: Rules | None) -> Rules | None:
        try:
            opened = os.open(".gitignore", _OPEN, dir_fd=descriptor)
        except OSError:
            return above
        with os.fdopen(opened, "rb") as file:
            regular = stat.S_ISREG(os.fstat(opened).st_mode)
            text = file.read(ignore.MAX_RULES_FILE) if regular else b""
        return self._rules(before, text, depth, above)

    @staticmethod
    def _rules(before: Rules | None, text: bytes, depth: int, above: Rules | None) -> Rules | None:
        """The rules of a text; the same object as before where nothing changed, which keeps the answers it gave."""
        if before is not None and before.text == text and before.above is above:
            return before
        return Rules(text, depth=depth, above=above) if text else above

    def _check_limits(self, new_path: str | None, size: int) -> None:
        if new_path is not None and size > self._limits.file:
            raise PathError(
                f"{new_path!r} is larger than {self._limits.file >> 20} MB.",
                hint="Delete it, or name it in .gitignore.",
                code="E_LIMIT",
            )
        if self._files > self._limits.files:
            raise self._too_many()
        if self._size > self._limits.total:
            raise PathError(
                f"{self._root} holds more than {self._limits.total >> 20} MB.",
                hint="Delete what is not needed, or name it in .gitignore.",
                code="E_LIMIT",
            )

    def _too_many(self) -> PathError:
        return PathError(
            f"{self._root} holds more than {self._limits.files} files.",
            hint="Delete what is not needed, or name it in .gitignore.",
            code="E_LIMIT",
        )

    def _foreign_repository(self, path: str, *, nested: bool) -> WorkspaceError:
        if nested:
            return WorkspaceError(
                f"{path!r} of {self._root} makes a repository within the repository; its files would not be kept.",
                hint=f"Remove it (rm -r {path}), or name its folder in .gitignore.",
                code="E_NESTED_REPO",
            )
        return PathError(
            f"{path!r} of {self._root} would be git's own file on another system.",
            hint=f"Remove it: rm -r {path}",
            code="E_PATH_PROTECTED",
        )

    def _unreadable(self, path: str) -> WorkspaceError:
        return WorkspaceError(
            f"{path!r} of {self._root} cannot be read.", hint=f"Give yourself the right to: chmod u+r {path}"
        )


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_mode
