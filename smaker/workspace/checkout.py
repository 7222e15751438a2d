"""A task's folder: plain files without any ``.git``, whose commits go to the task's own ref."""

from __future__ import annotations

import builtins
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smaker.core.errors import PathError, SecretFound, WorkspaceError
from smaker.core.ports import Author, Clock
from smaker.workspace import names, trees
from smaker.workspace.commits import Commits, compose, identity
from smaker.workspace.edge import off_loop
from smaker.workspace.jail import Jail, remove_tree
from smaker.workspace.names import Limits
from smaker.workspace.objects import Objects
from smaker.workspace.refs import TASKS, Refs
from smaker.workspace.scanner import Scanner
from smaker.workspace.trees import EMPTY_TREE, Entry, Trees

BEGAN = "base"  # file with the commit a task began at, written last: without it the folder was never finished
_ATTEMPTS = 4

Changes = dict[str, tuple[str, bytes] | None]


@dataclass(frozen=True)
class Repository:
    """What a checkout needs of its repository."""

    objects: Objects
    trees: Trees
    commits: Commits
    refs: Refs
    clock: Clock
    scan: Callable[[bytes], str | None]
    limits: Limits
    exclude: Path


class TaskCheckout:
    """Implements `smaker.core.ports.Checkout`. One call at a time: the others wait."""

    def __init__(self, repository: Repository, folder: Path, task: str, base: str | None) -> None:
        self._repository = repository
        self._folder = folder
        self._ref = TASKS + task
        self._base = base
        self._lock = threading.Lock()
        self._jail = Jail(self.path, folder / "staging")
        self._scanner = Scanner(
            self.path, repository.objects, repository.trees, limits=repository.limits, exclude=repository.exclude
        )
        self._tip = repository.refs.read(self._ref)
        self._tracked = self._tip_tree()  # ignored files in it count nevertheless
        self._ours = self._own_files(self._tracked)
        self._steps = self._steps_done()

    @property
    def path(self) -> Path:
        """The folder."""
        return self._folder / "files"

    @property
    def base(self) -> str | None:
        """The commit the work started from, None in a repository without commits."""
        return self._base

    async def write(self, files: Mapping[str, bytes | None], *, own: bool = False) -> None:
        """Write files atomically one by one; None deletes. ``own``: smaker's own files too. Raises PathError before
        the first write."""
        await off_loop(self.path, self._write, files, own=own)

    async def apply(self, changes: Mapping[str, tuple[str, bytes] | None]) -> None:
        """Make changes as `changes` returns them, smaker's own files, links and modes included."""
        await off_loop(self.path, self._apply, changes)

    async def discard(self, paths: Sequence[str]) -> None:
        """Remove files if they are there. Raises PathError."""
        await off_loop(self.path, self._write, dict.fromkeys(paths))

    async def read(self, path: str, *, tree: str | None = None) -> bytes:
        """Return a file's bytes, from disk or from a tree. Raises PathError, NotFound."""
        return await off_loop(self.path, self._read, path, tree)

    async def list(self, *, tree: str | None = None, since: str | None = None) -> builtins.list[str]:
        """Return the paths of all files that are not ignored, sorted; with ``since``, of those that differ from it."""
        return await off_loop(self.path, self._list, tree, since or EMPTY_TREE)

    async def snapshot(self) -> str:
        """Write all files that are not ignored as a tree and return its id. Smaker's own files are put back first if
        something other than `apply` changed them. Raises WorkspaceError (E_NESTED_REPO), PathError (E_LIMIT)."""
        return await off_loop(self.path, self._snapshot)

    async def restore(self, tree: str) -> None:
        """Make the folder equal to a tree; ignored files stay."""
        await off_loop(self.path, self.make_equal, tree)

    async def changes(self, old: str, new: str) -> Changes:
        """Return what differs between two trees: path -> (mode, bytes), or None where it was deleted."""
        return await off_loop(self.path, self._changes, old, new)

    async def lost(self, old: str, new: str) -> tuple[builtins.list[str], int]:
        """Return the paths of ``old`` whose content is nowhere in ``new``, and how many files ``old`` has."""
        return await off_loop(self.path, self._lost, old, new)

    async def commit(
        self, message: str, *, author: Author, trailers: Sequence[tuple[str, str]], tree: str | None = None
    ) -> str:
        """Commit all files (or a ``tree`` that `snapshot` returned) on the task's ref and return the id; where nothing
        changed, that of the last commit. Raises SecretFound."""
        return await off_loop(self.path, self._commit, message, author, trailers, tree)

    async def close(self) -> None:
        """Remove the folder and the task's ref."""
        await off_loop(self.path, self._close)

    # --- files --------------------------------------------------------------------------------------------------------

    def _write(self, files: Mapping[str, bytes | None], *, own: bool = False) -> None:
        with self._lock:
            checked = {names.agent_components(path, write=not own): data for path, data in files.items()}
            limits = self._repository.limits
            if len(checked) > limits.files:
                raise PathError(f"{len(checked)} files are too many at once.", hint="Write fewer.", code="E_LIMIT")
            _check_shape(checked)
            modes: dict[tuple[str, ...], str] = {}
            for parts, data in checked.items():
                if data is not None and len(data) > limits.file:
                    raise PathError(
                        f"{'/'.join(parts)!r} would be larger than {limits.file >> 20} MB.",
                        hint="Write a smaller file.",
                        code="E_LIMIT",
                    )
                modes[parts] = self._check_target(parts, data)
            for parts, data in sorted(checked.items(), key=lambda item: item[1] is not None):  # deletions first
                if data is None:
                    self._jail.remove(parts)
                else:
                    self._jail.write(parts, modes[parts], data)
            self._note_own({"/".join(p): None if d is None else (modes[p], d) for p, d in checked.items()})

    def _check_target(self, parts: tuple[str, ...], data: bytes | None) -> str:
        """Return the mode a written file gets: that of the file it replaces; a new script may run. Raises PathError."""
        if data is None and self._jail.target(parts) is not None:
            return trees.LINK  # a link may be removed, whatever it points to
        mode = self._jail.check_file(parts)
        runs = mode & 0o100 if mode is not None else data is not None and data.startswith(b"#!")
        return trees.EXECUTABLE if runs else trees.FILE

    def _apply(self, changes: Mapping[str, tuple[str, bytes] | None]) -> None:
        with self._lock:
            checked = {names.components(path): change for path, change in changes.items()}
            for parts, change in sorted(checked.items(), key=lambda item: item[1] is not None):
                if change is None:
                    self._jail.remove(parts)
                else:
                    self._jail.clear(parts)
                    self._jail.write(parts, *change)
            self._note_own({"/".join(parts): change for parts, change in checked.items()})

    def _read(self, path: str, tree: str | None) -> bytes:
        if tree is not None:
            return read_from(self._repository, path, tree)
        parts = names.agent_components(path, write=False)
        with self._lock:
            data = self._jail.read(parts, limit=self._repository.limits.file)
        if data is None:
            raise trees.missing(path)
        return data

    def _list(self, tree: str | None, since: str) -> builtins.list[str]:
        found = self._snapshot() if tree is None else self._repository.commits.tree(tree)
        return sorted(self._repository.trees.files(found, since=since))

    def _lost(self, old: str, new: str) -> tuple[builtins.list[str], int]:
        before, after = (self._repository.commits.tree(end) for end in (old, new))
        known = self._repository.trees
        differences = trees.submodule_free(known.compare(before, after))
        gone = {path: was.sha for path, (was, now) in differences.items() if was is not None and now is None}
        if not gone:
            return [], 0
        kept = {entry.sha for entry in known.files(after).values()}
        return sorted(path for path, sha in gone.items() if sha not in kept), len(known.files(before))

    # --- trees --------------------------------------------------------------------------------------------------------

    def _snapshot(self) -> str:
        with self._lock:
            return self._scan()

    def _scan(self) -> str:
        tree = self._scanner.scan(self._tracked)
        found = self._own_files(tree)
        if found == self._ours:
            return tree
        for path in found.keys() | self._ours.keys():
            wanted = self._ours.get(path)
            if found.get(path) != wanted:
                self._put_back(path, wanted)
        return self._scanner.scan(self._tracked)

    def _put_back(self, path: str, entry: Entry | None) -> None:
        parts = names.components(path)
        self._jail.clear(parts)
        if entry is None:
            self._jail.remove(parts)
        else:
            self._jail.write(parts, entry.mode, self._repository.objects.get("blob", entry.sha))

    def _own_files(self, tree: str) -> dict[str, Entry]:
        """The entries of smaker's own files in a tree."""
        top = self._repository.trees.folder(tree)
        own: dict[str, Entry] = {}
        for name, entry in top.items():
            if entry.mode != trees.FOLDER and names.is_ours(name):
                own[name] = entry
            elif entry.mode == trees.FOLDER and names.is_ours(f"{name}/x"):
                own |= {f"{name}/{path}": inner for path, inner in self._repository.trees.files(entry.sha).items()}
        return own

    def _note_own(self, changes: Mapping[str, tuple[str, bytes] | None]) -> None:
        for path, change in changes.items():
            if not names.is_ours(path):
                continue
            if change is None:
                self._ours.pop(path, None)
            else:
                self._ours[path] = Entry(change[0], self._repository.objects.put("blob", change[1]))

    def make_equal(self, tree: str) -> None:
        """`restore`, without leaving the thread."""
        with self._lock:
            tree = self._repository.commits.tree(tree)
            self._tracked = tree
            self._ours = self._own_files(tree)
            for _ in range(_ATTEMPTS):
                if self._come_closer(tree):
                    return
            raise WorkspaceError(f"{self.path} cannot be made equal to {tree}.", hint="Stop what writes to it.")

    def _come_closer(self, tree: str) -> bool:
        """Write what differs from a tree and return whether nothing does any more. Each .gitignore comes first: it
        changes what counts."""
        try:
            found = self._scanner.scan(tree)
        except WorkspaceError:  # a command left what no tree can hold: nothing of it is kept
            remove_folder(self.path)
            self.path.mkdir(mode=0o700)
            found = EMPTY_TREE
        wanted: dict[str, builtins.list[tuple[str, str]]] = {}
        plan = self._repository.trees.compare(found, tree)
        rules = {path: change for path, change in plan.items() if path.rpartition("/")[2] == ".gitignore"}
        for path, (_, new) in (rules or plan).items():
            if new is None:
                self._jail.remove(names.components(path))
            elif new.mode == trees.SUBMODULE:
                self._jail.make_folder(names.components(path))
            else:
                wanted.setdefault(new.sha, []).append((path, new.mode))
        for sha, data in self._repository.objects.each("blob", list(wanted)):
            for path, mode in wanted[sha]:
                parts = names.components(path)
                self._jail.clear(parts)
                self._jail.write(parts, mode, data)
        return not plan

    def _changes(self, old: str, new: str) -> Changes:
        commits = self._repository.commits
        differences = trees.submodule_free(self._repository.trees.compare(commits.tree(old), commits.tree(new)))
        result: Changes = {path: None for path, (_, entry) in differences.items() if entry is None}
        wanted: dict[str, builtins.list[tuple[str, str]]] = {}
        for path, (_, entry) in differences.items():
            if entry is not None:
                wanted.setdefault(entry.sha, []).append((path, entry.mode))
        for sha, data in self._repository.objects.each("blob", list(wanted)):
            result |= {path: (mode, data) for path, mode in wanted[sha]}
        return result

    # --- commits ------------------------------------------------------------------------------------------------------

    def _commit(self, message: str, author: Author, trailers: Sequence[tuple[str, str]], tree: str | None) -> str:
        repository = self._repository
        with self._lock:
            given = dict(trailers)
            step = (given.get("Smaker-Project", ""), given.get("Smaker-Step", ""))
            if step[1] and step in self._steps:
                return self._steps[step]
            before = self._tip_tree()
            tree = self._scan() if tree is None else names.object_id(tree)
            if tree == before and self._tip is not None:
                return self._tip
            self._refuse_secrets(before, tree)
            repository.trees.publish(tree, known=before)
            who = identity(author, repository.clock.now())
            parents = [self._tip] if self._tip is not None else []
            commit = repository.commits.put(tree, parents, who, who, compose(message, trailers))
            repository.objects.publish(commit.sha)
            repository.refs.write(self._ref, commit.sha, self._tip)
            self._tip, self._tracked = commit.sha, tree
            if step[1]:
                self._steps[step] = commit.sha
            return commit.sha

    def _refuse_secrets(self, before: str, after: str) -> None:
        differences = self._repository.trees.compare(before, after)
        paths = {new.sha: path for path, (_, new) in differences.items() if new and new.mode != trees.SUBMODULE}
        for sha, data in self._repository.objects.each("blob", list(paths)):
            kind = self._repository.scan(data)
            if kind is not None:
                raise SecretFound(
                    f"{paths[sha]} holds a credential ({kind}): nothing was committed.",
                    hint="Take it out of the file, and read it from an environment variable instead.",
                )

    def _tip_tree(self) -> str:
        return EMPTY_TREE if self._tip is None else self._repository.commits.get(self._tip).tree

    def _steps_done(self) -> dict[tuple[str, str], str]:
        steps: dict[tuple[str, str], str] = {}
        for commit in self._repository.commits.back(self._tip):
            if commit.sha == self._base:
                break
            if commit.step is not None:
                steps.setdefault(commit.step, commit.sha)
        return steps

    def _close(self) -> None:
        with self._lock:
            self._repository.refs.delete(self._ref)
            remove_folder(self._folder)


def open_checkout(repository: Repository, home: Path, task: str, base: str | None) -> TaskCheckout:
    """Open a task's folder in ``home``: as it was left if it began at ``base``, else a fresh one."""
    folder = home / task
    began = folder / BEGAN
    if began.is_file() and began.read_text("ascii") == (base or ""):
        return TaskCheckout(repository, folder, task, base)
    remove_folder(folder)
    for part in ("files", "staging"):
        (folder / part).mkdir(mode=0o700, parents=True)
    repository.refs.delete(TASKS + task)
    if base is not None:
        repository.refs.write(TASKS + task, base, None)
    checkout = TaskCheckout(repository, folder, task, base)
    if base is not None:
        checkout.make_equal(base)
    began.write_text(base or "", "ascii")
    return checkout


def read_from(repository: Repository, path: str, tree: str) -> bytes:
    """Return a file's bytes in a tree or commit. Raises NotFound, PathError."""
    parts = names.agent_components(path, write=False)
    entry = repository.trees.find(repository.commits.tree(names.object_id(tree)), parts)
    if entry is None:
        raise trees.missing(path)
    if entry.mode not in {trees.FILE, trees.EXECUTABLE}:
        raise PathError(f"{path!r} is a folder or link, not a file.", hint="Name a file.", code="E_KIND")
    return repository.objects.get("blob", entry.sha)


def remove_folder(folder: Path) -> None:
    """Remove a folder at once for everybody who looks, then for good."""
    doomed = folder.with_name(f".gone-{secrets.token_hex(6)}")
    try:
        folder.rename(doomed)
    except FileNotFoundError:
        return
    remove_tree(doomed)


def _check_shape(checked: Mapping[tuple[str, ...], bytes | None]) -> None:
    """Raise PathError where one written file would be a folder of another."""
    written = {parts for parts, data in checked.items() if data is not None}
    for parts in written:
        for depth in range(1, len(parts)):
            if parts[:depth] in written:
                raise PathError(
                    f"{'/'.join(parts[:depth])!r} cannot be a file and a folder.", hint="Rename one.", code="E_KIND"
                )
