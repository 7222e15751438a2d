"""The user's folder: moved from one commit of main to another without losing an edit of the user's.

What can fail is done first: the new files are written beside the folder, the new index is made, and every path that
would change is compared with what the user has. Then the intent is noted, main moves, and what is left are renames. A
process that dies in between leaves the note, and `heal` does the rest.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaker.core.errors import NotFound, PathError, StaleEdit, WorkspaceError
from smaker.core.faults import crashpoint
from smaker.workspace import trees
from smaker.workspace.commits import Commits
from smaker.workspace.head import read_small
from smaker.workspace.health import OUR_LOCK, Place, heal_locks, wait_for_locks
from smaker.workspace.jail import Jail, entry_mode, remove_tree
from smaker.workspace.names import components, object_id
from smaker.workspace.objects import MAX_OBJECT, Objects, blob_id
from smaker.workspace.program import Git
from smaker.workspace.refs import Refs
from smaker.workspace.trees import EMPTY_TREE, Differences, Entry, Trees, submodule_free

_NOTE = 4096  # bytes
_SHOWN = 10  # paths named in a message
_OTHER = Entry("0", "")  # something that is no file of ours: a folder, a pipe


Stamp = tuple[int, int, int, int] | None
Todo = dict[str, Stamp]  # paths to change, and what they looked like when that was decided


@dataclass(frozen=True)
class Move:
    """A move of main from commit ``old`` to ``new``, of a folder that is at the tree ``found``."""

    old: str | None
    new: str
    found: str
    force: bool = False


class UserFolder:
    """The folder and index of one repository. Its caller holds the repository's lock."""

    def __init__(
        self, place: Place, private: Path, *, objects: Objects, known: Trees, commits: Commits, refs: Refs, git: Git
    ) -> None:
        self._place = place
        self._private = private
        self._objects = objects
        self._trees = known
        self._commits = commits
        self._refs = refs
        self._git = git
        self._staging = place.directory / "smaker"
        self._note = self._staging / "move"
        self._index = place.directory / "index"
        self._index_lock = place.directory / "index.lock"
        self._jail = Jail(place.path, self._staging)

    def move(self, move: Move, *, committer: tuple[str, str], why: str) -> None:
        """Move main, then the folder and the index. Raises StaleEdit naming the user's edits that are in the way."""
        tree = self._commits.get(move.new).tree
        plan = submodule_free(self._trees.compare(move.found, tree))
        wait_for_locks(self._place, self._private)
        with self._index_locked():
            index = self._read_index(move.old)
            todo, stale = self._look(plan)
            changed = self._index_changes(move, tree, index)
            if not move.force:
                before = dict(self._trees.compare(self._tree(move.old), tree))
                stale += [path for path in changed if index.get(path) not in before[path]]
            if stale:
                raise self._stale(stale)
            staged = self._stage(todo, plan)
            self._write_index(changed)
            self._write_note(move)
            crashpoint("workspace.noted")
            self._refs.move_branch(self._place.branch, move.new, move.old, committer=committer, why=why)
            crashpoint("workspace.moved")
            self._finish(todo, plan, staged)

    def heal(self) -> None:
        """Finish what a process that died had begun, and remove what it left behind."""
        text = read_small(self._note, _NOTE)
        heal_locks(self._place, self._private, ours=text is not None)
        if text is not None and not self._index_lock.exists():
            move = _read_note(text)
            if move is not None and self._has_moved(move):
                self._resume(move)
            self._note.unlink(missing_ok=True)
        if not self._note.exists():
            self._clean()

    def _resume(self, move: Move) -> None:
        try:
            tree = self._commits.get(move.new).tree
            plan = submodule_free(self._trees.compare(move.found, tree))
            old = self._trees.compare(self._tree(move.old), tree)
        except NotFound:
            return  # what was noted is no longer known: the folder is the user's
        with self._index_locked():
            index = self._read_index(move.old)
            todo, _ = self._look(plan)  # what is neither old nor new is an edit made since: it stays
            changed = self._index_changes(move, tree, index)
            if not move.force:
                changed = {path: entry for path, entry in changed.items() if index.get(path) == old[path][0]}
            staged = self._stage(todo, plan)
            self._write_index(changed)
            self._finish(todo, plan, staged)

    def _finish(self, todo: Todo, plan: Differences, staged: Mapping[str, str]) -> None:
        """The renames. Files that go are first, so that a folder can take the place of a file and a file of a folder.
        What the user changed since we looked stays, as an uncommitted edit."""
        for path, stamp in todo.items():
            if plan[path][1] is None and self._stamp(path) == stamp:
                self._jail.remove(components(path))
        crashpoint("workspace.removed")
        for path, name in staged.items():
            if self._stamp(path) == todo[path]:
                _remove_empty(self._place.path / path)
                with contextlib.suppress(PathError):
                    self._jail.place(name, components(path))
            crashpoint("workspace.placed")
        new_index = self._staging / "index"
        if new_index.exists():
            new_index.replace(self._index)
        crashpoint("workspace.indexed")
        self._note.unlink(missing_ok=True)

    # --- what is there ------------------------------------------------------------------------------------------------

    def _look(self, plan: Differences) -> tuple[Todo, list[str]]:
        """Return the paths that are as they were, and those that are neither as they were nor as they shall be."""
        todo: Todo = {}
        stale: list[str] = []
        going = {path for path, (old, new) in plan.items() if old is not None and new is None}
        for path, (old, new) in plan.items():
            stamp = self._stamp(path)
            found = self._on_disk(path, going)
            if found == old:
                todo[path] = stamp
            elif found != new:
                stale.append(path)
        return todo, stale

    def _on_disk(self, path: str, going: set[str]) -> Entry | None:
        parts = components(path)
        try:
            status = self._jail.status(parts)
            if status is None:
                return None
            if stat.S_ISDIR(status.st_mode):
                inside = {f"{path}/{name}" for name in _files_below(self._place.path / path)}
                return None if inside <= going else _OTHER
            mode = entry_mode(status)
            if mode is None:
                return _OTHER
            data = self._jail.target(parts) if mode == trees.LINK else self._jail.read(parts, limit=MAX_OBJECT)
        except PathError:
            above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
            return None if above & going else _OTHER
        return None if data is None else Entry(mode, blob_id(data))

    def _stamp(self, path: str) -> Stamp:
        """What tells whether a file was touched; None where there is none (yet)."""
        try:
            status = self._jail.status(components(path))
        except PathError:
            return None
        if status is None or stat.S_ISDIR(status.st_mode):
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def _tree(self, commit: str | None) -> str:
        return EMPTY_TREE if commit is None else self._commits.get(commit).tree

    def _has_moved(self, move: Move) -> bool:
        """Whether main went where a note says; a commit of the user's may be on top of that since."""
        main = self._refs.read(self._place.branch)
        if main in {move.old, move.new}:
            return main == move.new
        return any(found.sha == move.new for found in self._commits.back(main))

    def _stale(self, paths: list[str]) -> StaleEdit:
        named = sorted(set(paths))
        more = f" and {len(named) - _SHOWN} more" if len(named) > _SHOWN else ""
        return StaleEdit(
            f"You have edits in {self._place.path} that would be lost: {', '.join(named[:_SHOWN])}{more}.",
            hint="Commit them (git commit -a) or put them aside (git stash), then: smaker resume",
        )

    # --- what shall be there ------------------------------------------------------------------------------------------

    def _stage(self, todo: Todo, plan: Differences) -> dict[str, str]:
        """Write the files that are to come beside the folder: path -> name in staging."""
        wanted: dict[str, list[tuple[str, str]]] = {}
        for path in todo:
            new = plan[path][1]
            if new is not None:
                wanted.setdefault(new.sha, []).append((path, new.mode))
        staged: dict[str, str] = {}
        for sha, data in self._objects.each("blob", list(wanted)):
            for path, mode in wanted[sha]:
                staged[path] = self._jail.stage(mode, data)
        return staged

    def _write_note(self, move: Move) -> None:
        note = {"old": move.old, "new": move.new, "found": move.found, "force": move.force}
        name = self._jail.stage(trees.FILE, json.dumps(note).encode(), sync=True)
        (self._staging / name).replace(self._note)

    def _clean(self) -> None:
        """Remove staged files that nobody placed."""
        for left in self._staging.iterdir():
            if left.is_dir() and not left.is_symlink():
                remove_tree(left)
            elif left.name != "lock":
                left.unlink(missing_ok=True)

    # --- the index ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _index_locked(self) -> Generator[None]:
        """Hold git's own lock on the index, and leave nothing behind."""
        try:
            lock = os.open(self._index_lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError as problem:
            raise WorkspaceError(
                f"Another git is at work in {self._place.path}.", hint=f"If none is: rm {self._index_lock}"
            ) from problem
        with os.fdopen(lock, "w") as file:
            file.write(OUR_LOCK)
        try:
            yield
        except BaseException:
            if self._refs_unmoved():
                self._note.unlink(missing_ok=True)
                self._clean()
            raise
        finally:
            self._index_lock.unlink(missing_ok=True)
        self._clean()

    def _refs_unmoved(self) -> bool:
        text = read_small(self._note, _NOTE)
        move = _read_note(text) if text is not None else None
        return move is None or self._refs.read(self._place.branch) != move.new

    def _read_index(self, old: str | None) -> dict[str, Entry]:
        """Copy the user's index to staging (make one of ``old`` where there is none) and return its entries.

        Raises StaleEdit for an unfinished merge.
        """
        if self._index.exists():
            shutil.copyfile(self._index, self._staging / "index", follow_symlinks=False)
        else:
            self._git.run("read-tree", self._tree(old), variables=self._index_variables())
        listed = self._git.run("ls-files", "--stage", "-z", variables=self._index_variables())
        entries: dict[str, Entry] = {}
        for line in listed.split(b"\0")[:-1]:
            head, _, path = line.partition(b"\t")
            mode, sha, stage_number = head.decode().split(" ")
            if stage_number != "0":
                raise self._stale([os.fsdecode(path)])
            entries[os.fsdecode(path)] = Entry(mode, sha)
        return entries

    def _index_changes(self, move: Move, tree: str, index: Mapping[str, Entry]) -> dict[str, Entry | None]:
        """Return what the index is to hold instead of what it holds."""
        if move.force:
            wanted = self._trees.files(tree)
            return {
                path: wanted.get(path) for path in index.keys() | wanted.keys() if index.get(path) != wanted.get(path)
            }
        changes = self._trees.compare(self._tree(move.old), tree)
        return {path: new for path, (_, new) in changes.items() if index.get(path) != new}

    def _write_index(self, changes: Mapping[str, Entry | None]) -> None:
        """Change the index in staging."""
        lines: list[bytes] = []
        for path, entry in sorted(changes.items(), key=lambda change: change[1] is not None):  # removals first
            head = f"{entry.mode} {entry.sha}" if entry is not None else f"0 {'0' * 40}"
            lines.append(b"%s\t%s\0" % (head.encode(), os.fsencode(path)))
        if lines:
            self._git.run(
                "update-index", "-z", "--index-info", stdin=b"".join(lines), variables=self._index_variables()
            )

    def _index_variables(self) -> dict[str, str]:
        return {"GIT_INDEX_FILE": str(self._staging / "index")}


def _read_note(text: str) -> Move | None:
    """Return what a process that died had begun; a note that is not one is nothing."""
    try:
        note: dict[str, Any] = json.loads(text)
        old = note["old"]
        return Move(
            old=None if old is None else object_id(str(old)),
            new=object_id(str(note["new"])),
            found=object_id(str(note["found"])),
            force=bool(note["force"]),
        )
    except (ValueError, KeyError, TypeError, WorkspaceError):
        return None


def _remove_empty(path: Path) -> None:
    """Remove a folder in which there are only folders."""
    if path.is_dir() and not path.is_symlink():
        with contextlib.suppress(OSError):
            for root, _, _ in os.walk(path, topdown=False):
                Path(root).rmdir()


def _files_below(folder: Path) -> Iterator[str]:
    for root, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in [*files, *links]:
            yield str((Path(root) / name).relative_to(folder))
