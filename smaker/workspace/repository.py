"""A project's repository: main, the tasks' checkouts, and the user's folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import threading
import zipfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path

from smaker.core.errors import NotFound, StaleEdit, WorkspaceError
from smaker.core.ports import Author, Clock, CommitInfo
from smaker.workspace import trees
from smaker.workspace.checkout import BEGAN, Repository, TaskCheckout, open_checkout, read_from, remove_folder
from smaker.workspace.commits import Commits, identity
from smaker.workspace.edge import off_loop
from smaker.workspace.folder import Move, UserFolder
from smaker.workspace.health import Place, inspect
from smaker.workspace.lock import RepositoryLock
from smaker.workspace.names import Limits, object_id, task_name
from smaker.workspace.objects import Objects
from smaker.workspace.program import Git
from smaker.workspace.refs import RESCUE, REWOUND, TASKS, Refs
from smaker.workspace.replay import Replay
from smaker.workspace.scanner import Scanner
from smaker.workspace.trees import EMPTY_TREE, Trees

_SMAKER = Author(name="smaker", email="smaker@smaker.invalid")


class GitWorkspace:
    """Implements `smaker.core.ports.Workspace`."""

    def __init__(
        self,
        place: Place,
        private: Path,
        checkouts: Path,
        *,
        clock: Clock,
        scan: Callable[[bytes], str | None],
        limits: Limits,
    ) -> None:
        self._place = place
        self._private = private
        self._checkouts = checkouts
        self._clock = clock
        self._git = Git(private, shown=place.path)
        objects = Objects(private / "objects", place.directory / "objects", self._git, shown=place.path)
        known = Trees(objects)
        commits = Commits(objects, self._git)
        refs = Refs(place.directory, self._git, shown=place.path)
        exclude = place.directory / "info" / "exclude"
        self._parts = Repository(objects, known, commits, refs, clock, scan, limits, exclude)
        self._replay = Replay(objects, known, commits, self._git)
        self._folder = UserFolder(
            place, private, objects=objects, known=known, commits=commits, refs=refs, git=self._git
        )
        own = replace(limits, file=limits.total)  # of the user's own files none is too large to be saved
        self._scanner = Scanner(place.path, objects, known, limits=own, exclude=exclude)
        self._scanning = threading.Lock()
        self._lock = RepositoryLock(place.directory / "smaker" / "lock")

    @property
    def path(self) -> Path:
        """The user's folder."""
        return self._place.path

    @property
    def branch(self) -> str:
        """The branch smaker builds on, in full: "refs/heads/main"."""
        return self._place.branch

    async def head(self) -> str | None:
        """The commit of main, None in a new repository."""
        return await off_loop(self.path, self._main)

    async def tree(self, commit: str) -> str:
        """The tree id of a commit. Raises NotFound."""
        return await off_loop(self.path, lambda: self._parts.commits.get(object_id(commit)).tree)

    async def checkout(self, task: str, *, base: str | None = None) -> TaskCheckout:
        """Open the task's folder: as it was left, if it is there (and began at ``base``); else a fresh one there."""
        return await off_loop(self.path, self._checkout, task, base)

    async def integrate(self, task: str) -> str:
        """Replay the task's commits on main and return main's commit. Raises MergeConflict, StaleEdit, NotFound."""
        return await off_loop(self.path, self._integrate, task)

    async def snapshot(self) -> str:
        """The tree of the user's folder as it is, uncommitted and untracked files included."""
        return await off_loop(self.path, self._snapshot)

    async def read(self, path: str, *, tree: str) -> bytes:
        """A file's bytes in a tree or commit. Raises NotFound, PathError."""
        return await off_loop(self.path, read_from, self._parts, path, tree)

    async def files(self, *, tree: str) -> list[str]:
        """The paths of all files in a tree or commit, sorted. Raises NotFound."""
        return await off_loop(self.path, lambda: sorted(self._parts.trees.files(self._parts.commits.tree(tree))))

    async def sweep(self, keep: Sequence[str]) -> None:
        """Remove the folders and refs of all tasks but ``keep``."""
        await off_loop(self.path, self._sweep, frozenset(keep))

    async def rescue(self) -> str | None:
        """If the user's folder differs from main, save it under ``refs/smaker/rescue/…`` and return the ref."""
        return await off_loop(self.path, self.save)

    async def history(self, *, limit: int | None = None) -> list[CommitInfo]:
        """Commits of main along first parents, newest first."""
        return await off_loop(self.path, self._history, limit)

    async def diff(self, old: str | None, new: str) -> str:
        """A unified diff between two commits or trees (old None: against nothing)."""
        return await off_loop(self.path, self._diff, old, new)

    async def rewind(self, commit: str, *, force: bool = False) -> None:
        """Put main and the folder back at ``commit``; what main was stays under ``refs/smaker/rewound/…``."""
        await off_loop(self.path, self._rewind, commit, force=force)

    async def export(self, destination: Path) -> None:
        """Write main's files as a zip archive (regular files and links, no .git)."""
        await off_loop(destination, self._export, destination)

    async def bundle(self) -> bytes:
        """Main with its whole history, as a git bundle. Raises WorkspaceError where there is no commit."""
        return await off_loop(self.path, self._git.run, "bundle", "create", "--quiet", "-", "HEAD", self.branch)

    def fill(self) -> None:
        """Write main's files to a folder that has none yet."""
        with self._changing():
            main = self._main()
            if main is not None:
                move = Move(old=main, new=main, found=EMPTY_TREE, force=True)
                self._folder.move(move, committer=(_SMAKER.name, _SMAKER.email), why="smaker: files")

    def heal(self) -> None:
        """Finish what a process that died had begun, unless one is at work right now."""
        with self._lock.if_free() as free:
            if free:
                self._folder.heal()

    def has_commits(self) -> bool:
        """Whether main is there."""
        return self._main() is not None

    def check(self) -> None:
        """Raise WorkspaceError unless main can be read."""
        main = self._main()
        if main is not None:
            try:
                tree = self._parts.commits.get(main).tree
                self._parts.trees.folder(tree)
                self._parts.objects.publish(main)  # where the repository lost what we still have
                self._parts.objects.publish(tree)
            except NotFound as problem:
                raise WorkspaceError(
                    f"The history of {self.path} is damaged: {problem.message}",
                    hint=f"See what else is: git -C {self.path} fsck --full; then fetch it from another copy.",
                    code="E_DAMAGED",
                ) from problem

    # --- main ---------------------------------------------------------------------------------------------------------

    def _main(self) -> str | None:
        return self._parts.refs.read(self._place.branch)

    def _tree_of(self, commit: str | None) -> str:
        return EMPTY_TREE if commit is None else self._parts.commits.get(commit).tree

    @contextlib.contextmanager
    def _changing(self) -> Generator[None]:
        """Hold the repository, healed, and as sound as it was when it was opened."""
        with self._lock.held():
            place = inspect(self.path)
            if place.branch != self._place.branch:
                raise other_branch(place, self._place.branch)
            self._folder.heal()
            yield

    def _checkout(self, task: str, base: str | None) -> TaskCheckout:
        task = task_name(task)
        if base is not None:
            self._parts.commits.get(object_id(base))
        elif (self._checkouts / task / BEGAN).exists():
            base = self._begun_at(task)
        else:
            base = self._main()
        return open_checkout(self._parts, self._checkouts, task, base)

    def _begun_at(self, task: str) -> str | None:
        try:
            return (self._checkouts / task / BEGAN).read_text("ascii") or None
        except FileNotFoundError:
            return None

    def _integrate(self, task: str) -> str:
        task = task_name(task)
        with self._changing():
            tip = self._parts.refs.read(TASKS + task)
            if tip is None:
                raise NotFound(f"Task {task} has no commits.", hint="See what there is: smaker status")
            main = self._main()
            new = self._replay.onto(main, base=self._begun_at(task), tip=tip)
            if new != main:
                self._publish(main, new)
                move = Move(old=main, new=new, found=self._tree_of(main))
                self._folder.move(move, committer=(_SMAKER.name, _SMAKER.email), why=f"smaker: {task}")
            return new

    def _publish(self, main: str | None, new: str) -> None:
        """Have the commits from main to ``new`` in the repository, and on the disk whatever happens to the power."""
        taken: list[str] = []
        for commit in self._parts.commits.back(new):
            if commit.sha == main:
                break
            taken += self._parts.trees.publish(commit.tree, known=self._tree_of(commit.parent))
            self._parts.objects.publish(commit.sha)
            taken.append(commit.sha)
        self._parts.objects.sync(taken)

    def _sweep(self, keep: frozenset[str]) -> None:
        with self._lock.held():
            for name in self._parts.refs.names(TASKS):
                if name.removeprefix(TASKS) not in keep:
                    self._parts.refs.delete(name)
            if self._checkouts.is_dir():
                for folder in list(self._checkouts.iterdir()):
                    if folder.name not in keep:
                        remove_folder(folder)

    # --- the user's folder --------------------------------------------------------------------------------------------

    def _snapshot(self) -> str:
        with self._scanning:
            return self._scanner.scan(self._tree_of(self._main()))

    def save(self) -> str | None:
        """`rescue`, without leaving the thread."""
        with self._lock.held():
            main, tree = self._main(), self._snapshot()
            return None if tree == self._tree_of(main) else self._save(main, tree)

    def _save(self, main: str | None, tree: str) -> str:
        """Keep a tree under a rescue ref and return the ref; the newest one is reused if it is the same."""
        commits, refs = self._parts.commits, self._parts.refs
        saved = refs.names(RESCUE)
        if saved:
            newest = max(saved, key=lambda name: (commits.get(saved[name]).info().at, name))
            last = commits.get(saved[newest])
            if (last.tree, last.parent) == (tree, main):
                return newest
        now = self._clock.now()
        who = identity(_SMAKER, now)
        message = "The user's files, saved before smaker went on\n"
        commit = commits.put(tree, [main] if main is not None else [], who, who, message)
        taken = self._parts.trees.publish(tree, known=self._tree_of(main))
        self._parts.objects.publish(commit.sha)
        self._parts.objects.sync([*taken, commit.sha])
        return self._new_ref(RESCUE, commit.sha)

    def _new_ref(self, prefix: str, commit: str) -> str:
        name = f"{prefix}{self._clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._parts.refs.write(name, commit, None)
        return name

    def _rewind(self, commit: str, *, force: bool) -> None:
        with self._changing():
            target = self._parts.commits.get(object_id(commit))
            main, found = self._main(), self._snapshot()
            if found != self._tree_of(main):
                if not force:
                    changed = sorted(self._parts.trees.compare(self._tree_of(main), found))
                    raise StaleEdit(
                        f"You have edits in {self.path}: {', '.join(changed[:10])}.",
                        hint="Commit them, or save them and go on with: smaker rewind --force",
                    )
                self._save(main, found)
            if main == target.sha and found == target.tree:
                return
            if main is not None and all(commit.sha != main for commit in self._parts.commits.back(target.sha)):
                self._new_ref(REWOUND, main)
            move = Move(old=main, new=target.sha, found=found, force=force)
            why = f"smaker: rewind to {target.sha[:12]}"
            self._folder.move(move, committer=(_SMAKER.name, _SMAKER.email), why=why)

    # --- to look at ---------------------------------------------------------------------------------------------------

    def _history(self, limit: int | None) -> list[CommitInfo]:
        found: list[CommitInfo] = []
        for commit in self._parts.commits.back(self._main()):
            if limit is not None and len(found) >= limit:
                break
            found.append(commit.info())
        return found

    def _diff(self, old: str | None, new: str) -> str:
        commits = self._parts.commits
        ends = [EMPTY_TREE if end is None else commits.tree(object_id(end)) for end in (old, new)]
        options = ("-p", "-r", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "--find-renames")
        return self._git.run("diff-tree", *options, *ends).decode("utf-8", "replace")

    def _export(self, destination: Path) -> None:
        main = self._main()
        at = self._clock.now() if main is None else self._parts.commits.get(main).info().at
        wanted: dict[str, list[tuple[str, str]]] = {}
        for path, entry in self._parts.trees.files(self._tree_of(main)).items():
            if entry.mode != trees.SUBMODULE:
                wanted.setdefault(entry.sha, []).append((path, entry.mode))
        half = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}")
        try:
            with zipfile.ZipFile(half, "x", zipfile.ZIP_DEFLATED) as archive:
                for sha, data in self._parts.objects.each("blob", list(wanted)):
                    for path, mode in wanted[sha]:
                        name = os.fsencode(path).decode("utf-8", "backslashreplace")
                        info = zipfile.ZipInfo(name, max(at, at.replace(year=1980)).timetuple()[:6])
                        info.compress_type = zipfile.ZIP_DEFLATED
                        kind = stat.S_IFLNK if mode == trees.LINK else stat.S_IFREG
                        info.external_attr = (kind | int(mode[-3:], 8)) << 16
                        archive.writestr(info, data)
            half.replace(destination)
        finally:
            half.unlink(missing_ok=True)


def other_branch(place: Place, branch: str) -> WorkspaceError:
    """The error for a folder that is on another branch than the one smaker builds on."""
    ours, theirs = branch.removeprefix("refs/heads/"), place.branch.removeprefix("refs/heads/")
    return WorkspaceError(
        f"{place.path} is on branch {theirs}, but smaker builds on {ours}.",
        hint=f"Go back to it: git -C {place.path} switch {ours}",
    )
