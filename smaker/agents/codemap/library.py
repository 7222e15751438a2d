"""Indexes kept between the tasks of one process, fed from the files a task sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from smaker.agents.codemap.files import reason_by_path
from smaker.agents.codemap.index import CodeIndex
from smaker.core.errors import NotFound, PathError
from smaker.core.taskfiles import EMPTY_TREE

Changes = Callable[[str], Awaitable[Mapping[str, tuple[str, bytes] | None]]]
"""What differs between an earlier tree and the files now: path -> (git's mode, bytes), None where it was deleted."""

_FILES = {"100644", "100755"}
_AT_ONCE = 8  # reads under way: each takes a thread


class Files(Protocol):
    """The files of a task; a `smaker.core.context.Context` is one."""

    async def tree(self) -> str:
        """What names their state: equal trees have equal files."""
        ...

    async def files(self) -> list[str]:
        """Their paths."""
        ...

    async def read(self, path: str) -> bytes:
        """The bytes of one. Raises NotFound, PathError."""
        ...


@dataclass(slots=True)
class _Kept:
    project: str
    index: CodeIndex
    tree: str = ""


class CodeMaps:
    """Lends indexes. A project has as many as its tasks use at the same time; ``most`` are kept that nobody uses."""

    def __init__(self, *, most: int = 4) -> None:
        self._most = most
        self._idle: list[_Kept] = []  # the one used last is the last

    @asynccontextmanager
    async def borrow(self, project: str, files: Files, *, changes: Changes | None = None) -> AsyncGenerator[CodeIndex]:
        """Lend an index of a project's files as they are now; it is the borrower's alone until the block ends.

        One that was made for the same tree is handed out as it is; else what has changed since is read in, off the
        event loop: by ``changes`` if it is given, else by reading every file, of which only those with other bytes are
        indexed again. The files must not change inside of the block.
        """
        tree = await files.tree()
        kept = self._take(project, tree)
        if kept.tree != tree:
            if changes is None:
                await _read_all(kept.index, files)
            else:
                try:
                    changed = await changes(kept.tree or EMPTY_TREE)
                except NotFound:  # it is of another repository of this project, such as that of a replay
                    kept = _Kept(project, CodeIndex())
                    changed = await changes(EMPTY_TREE)
                await _read_changes(kept.index, changed)
            kept.tree = tree
        try:
            yield kept.index
        finally:
            self._idle.append(kept)
            del self._idle[: -self._most]

    def _take(self, project: str, tree: str) -> _Kept:
        mine = [kept for kept in self._idle if kept.project == project]
        if not mine:
            return _Kept(project, CodeIndex())
        best = next((kept for kept in reversed(mine) if kept.tree == tree), mine[-1])
        self._idle.remove(best)
        return best


async def _read_changes(index: CodeIndex, changed: Mapping[str, tuple[str, bytes] | None]) -> None:
    same = {path: file.digest for path, file in index.files.items() if path not in changed}
    contents = {path: entry[1] if entry[0] in _FILES else None for path, entry in changed.items() if entry is not None}
    await asyncio.to_thread(index.replace, [*same, *contents], contents.get, versions=same)


async def _read_all(index: CodeIndex, files: Files) -> None:
    paths = await files.files()
    contents: dict[str, bytes | None] = dict.fromkeys(paths)

    async def read(part: Sequence[str]) -> None:
        for path in part:
            try:
                contents[path] = await files.read(path)
            except (NotFound, PathError):  # a link, a folder of another repository, a file of too many bytes
                contents[path] = None

    wanted = [path for path in paths if not reason_by_path(path)]
    try:
        async with asyncio.TaskGroup() as group:
            for first in range(_AT_ONCE):
                group.create_task(read(wanted[first::_AT_ONCE]))
    except BaseExceptionGroup as problems:  # one says it
        raise problems.exceptions[0] from problems
    await asyncio.to_thread(index.replace, paths, contents.__getitem__)
