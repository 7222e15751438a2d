"""Puts a task's commits on top of main: by fast-forward, or one by one with a three-way merge of each.

The merge is done here, path by path, and only text that both sides changed goes through ``git merge-file``, which
runs no merge driver of anybody's. Authors, dates, messages and trailers are kept, so the same replay gives the same
commits, however often it is begun.
"""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from smaker.core.errors import MergeConflict, WorkspaceError
from smaker.workspace import trees
from smaker.workspace.commits import Commit, Commits
from smaker.workspace.objects import Objects
from smaker.workspace.program import Git
from smaker.workspace.trees import EMPTY_TREE, Differences, Entry, Trees

_FILES = {trees.FILE, trees.EXECUTABLE}


class Replay:
    """Replays commits of one repository."""

    def __init__(self, objects: Objects, known: Trees, commits: Commits, git: Git) -> None:
        self._objects = objects
        self._trees = known
        self._commits = commits
        self._git = git

    def onto(self, main: str | None, *, base: str | None, tip: str) -> str:
        """Return the commit that main becomes when it takes over the commits after ``base`` up to ``tip``.

        A commit whose step is on main since then is left out. Raises MergeConflict naming the paths.
        """
        work: list[Commit] = []
        for commit in self._commits.back(tip):
            if commit.sha == main:
                return tip  # main is where the work began, or on its way
            if commit.sha == base:
                break
            work.append(commit)
        if main is None:
            return tip
        if base is None:  # it began without commits, or where it began is no longer known
            on_main = {commit.sha for commit in self._commits.back(main)}
            work = list(itertools.takewhile(lambda commit: commit.sha not in on_main, work))
        done = self._steps_since(main, base)
        onto = self._commits.get(main)
        for commit in reversed(work):
            if commit.step is None or commit.step not in done:
                onto = self._pick(commit, onto)
        return onto.sha

    def _steps_since(self, main: str, base: str | None) -> set[tuple[str, str]]:
        """The steps on main that were not there when the work began."""
        began = {commit.sha for commit in self._commits.back(base)}
        steps: set[tuple[str, str]] = set()
        for commit in self._commits.back(main):
            if commit.sha in began:
                break
            if commit.step is not None:
                steps.add(commit.step)
        return steps

    def _pick(self, commit: Commit, onto: Commit) -> Commit:
        before = self._commits.get(commit.parent).tree if commit.parent is not None else EMPTY_TREE
        tree = self._merge(before, onto.tree, commit)
        return self._commits.put(tree, [onto.sha], commit.author, commit.committer, commit.message)

    def _merge(self, base: str, ours: str, commit: Commit) -> str:
        """Return the tree ``ours`` with what ``commit`` changed since ``base``."""
        mine = self._trees.compare(base, ours)
        theirs = self._trees.compare(base, commit.tree)
        edits: dict[str, Entry | None] = {}
        conflicts: list[str] = []
        for path, change in theirs.items():
            other = mine.get(path)
            if other is None:
                edits[path] = change[1]
            elif other[1] != change[1]:
                merged = self._merge_file(change[0], other[1], change[1])
                if merged is None:
                    conflicts.append(path)
                else:
                    edits[path] = merged
        conflicts += _files_over_folders(mine, theirs)
        if conflicts:
            listed = ", ".join(sorted(set(conflicts))[:10])
            raise MergeConflict(
                f"{commit.message.partition(chr(10))[0]!r} changes what main changed too: {listed}",
                hint="Do the task again on top of main: smaker resume",
            )
        try:
            return self._trees.edit(ours, edits)
        except WorkspaceError as problem:
            raise MergeConflict(problem.message, hint="Do the task again on top of main: smaker resume") from problem

    def _merge_file(self, base: Entry | None, ours: Entry | None, theirs: Entry | None) -> Entry | None:
        """Return what becomes of a file that both sides changed, None if that is not clear."""
        if base is None or ours is None or theirs is None or not {base.mode, ours.mode, theirs.mode} <= _FILES:
            return None
        mode = theirs.mode if ours.mode == base.mode else ours.mode
        if theirs.sha in {base.sha, ours.sha}:
            return Entry(mode, ours.sha)
        if ours.sha == base.sha:
            return Entry(mode, theirs.sha)
        with tempfile.TemporaryDirectory(prefix="smaker-merge-") as folder:
            paths: list[str] = []
            for name, entry in (("ours", ours), ("base", base), ("theirs", theirs)):
                data = self._objects.get("blob", entry.sha)
                if b"\0" in data:
                    return None
                path = Path(folder, name)
                path.write_bytes(data)
                paths.append(str(path))
            conflicts, merged = self._git.call("merge-file", "-p", "-q", *paths, ok=range(128))
        return None if conflicts else Entry(mode, self._objects.put("blob", merged))


def _files_over_folders(mine: Differences, theirs: Differences) -> list[str]:
    """Paths that one side made a file and the other a folder."""
    conflicts: list[str] = []
    for some, others in ((mine, theirs), (theirs, mine)):
        made = {path for path, (_, new) in some.items() if new is not None}
        for path, (_, new) in others.items():
            parts = path.split("/")
            above = {"/".join(parts[:depth]) for depth in range(1, len(parts))} if new is not None else set[str]()
            conflicts += [path] if above & made else []
    return conflicts
