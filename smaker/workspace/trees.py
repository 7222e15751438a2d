"""Git trees: parsed, built, compared and edited in this process."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from smaker.core.errors import NotFound, PathError, WorkspaceError
from smaker.workspace import names
from smaker.workspace.objects import Objects

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

FILE = "100644"
EXECUTABLE = "100755"
LINK = "120000"
FOLDER = "40000"
SUBMODULE = "160000"

_CACHED = 8192  # parsed trees kept


class Entry(NamedTuple):
    """What a name in a tree stands for."""

    mode: str
    sha: str


Folder = Mapping[str, Entry]
Change = tuple[Entry | None, Entry | None]  # old and new; None is "not there"
Differences = dict[str, Change]


class Trees:
    """Trees of one repository. Paths are relative POSIX paths; names that are not UTF-8 carry surrogates."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._parsed: dict[str, Folder] = {EMPTY_TREE: {}}

    def folder(self, sha: str) -> Folder:
        """Return a tree's own entries. Raises NotFound, and PathError for a hostile one."""
        found = self._parsed.get(sha)
        return found if found is not None else self._keep(sha, _parse(self._objects.get("tree", sha)))

    def build(self, entries: Iterable[tuple[str, Entry]]) -> str:
        """Store a tree and return its id."""
        listed = list(entries)
        keyed = sorted(
            (os.fsencode(name) + (b"/" if entry.mode == FOLDER else b""), name, entry) for name, entry in listed
        )
        data = b"".join(
            b"%s %s\0%s" % (entry.mode.encode(), os.fsencode(name), bytes.fromhex(entry.sha))
            for _, name, entry in keyed
        )
        sha = self._objects.put("tree", data)
        self._keep(sha, dict(listed))
        return sha

    def find(self, root: str, parts: tuple[str, ...]) -> Entry | None:
        """Return the entry at a path."""
        entry: Entry | None = Entry(FOLDER, root)
        for part in parts:
            if entry is None or entry.mode != FOLDER:
                return None
            entry = self.folder(entry.sha).get(part)
        return entry

    def files(self, root: str, *, since: str = EMPTY_TREE) -> dict[str, Entry]:
        """Return all entries that are not folders, by path; with ``since``, those that are not the same there."""
        return {path: new for path, (_, new) in self.compare(since, root).items() if new is not None}

    def compare(self, old: str, new: str) -> Differences:
        """Return what differs, by path; folders that are equal are not looked into."""
        result: Differences = {}
        level = [("", old, new)]
        while level:
            self._fetch(sha for _, *pair in level for sha in pair)
            below: list[tuple[str, str, str]] = []
            for prefix, before, after in level:
                below.extend(self._compare_folder(prefix, self.folder(before), self.folder(after), result))
            level = below
        return result

    def edit(self, root: str, changes: Mapping[str, Entry | None]) -> str:
        """Return the tree that ``root`` becomes; None removes. Raises WorkspaceError where a file would be a folder."""
        here: dict[str, Entry | None] = {}
        below: dict[str, dict[str, Entry | None]] = {}
        for path, entry in changes.items():
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = entry
            else:
                here[name] = entry
        entries = dict(self.folder(root))
        for name, entry in here.items():
            if entry is None:
                entries.pop(name, None)
            else:
                entries[name] = entry
        for name, inner in below.items():
            found = entries.get(name)
            if found is not None and found.mode != FOLDER:
                if all(entry is None for entry in inner.values()):
                    continue
                raise WorkspaceError(f"{name} cannot be a file and a folder.", code="E_KIND")
            sha = self.edit(found.sha if found is not None else EMPTY_TREE, inner)
            if sha == EMPTY_TREE:
                entries.pop(name, None)
            else:
                entries[name] = Entry(FOLDER, sha)
        return self.build(entries.items())

    def publish(self, new: str, *, known: str) -> list[str]:
        """Have a tree and all below it in the repository's own store, where ``known`` is already; return what it took:
        the ids of all objects that ``known`` lacks."""
        if new == known:
            return []
        taken: list[str] = []
        before = self.folder(known)
        for name, entry in self.folder(new).items():
            old = before.get(name)
            if entry == old or entry.mode == SUBMODULE:
                continue
            if entry.mode == FOLDER:
                below = old.sha if old is not None and old.mode == FOLDER else EMPTY_TREE
                taken += self.publish(entry.sha, known=below)
            else:
                self._objects.publish(entry.sha)
                taken.append(entry.sha)
        self._objects.publish(new)
        return [*taken, new]

    def _compare_folder(
        self, prefix: str, before: Folder, after: Folder, result: Differences
    ) -> Iterator[tuple[str, str, str]]:
        for name in before.keys() | after.keys():
            old, new = before.get(name), after.get(name)
            if old == new:
                continue
            path = prefix + name
            inside = [entry.sha if entry is not None and entry.mode == FOLDER else None for entry in (old, new)]
            if inside != [None, None]:
                yield path + "/", inside[0] or EMPTY_TREE, inside[1] or EMPTY_TREE
            ends = (None if inside[0] else old, None if inside[1] else new)
            if ends != (None, None):
                result[path] = ends

    def _fetch(self, shas: Iterable[str]) -> None:
        """Parse many trees, at the price of one git for all that are packed."""
        wanted = {sha for sha in shas if sha not in self._parsed}
        for sha, data in self._objects.each("tree", wanted):
            self._keep(sha, _parse(data))

    def _keep(self, sha: str, folder: Folder) -> Folder:
        if len(self._parsed) >= _CACHED:
            self._parsed = {EMPTY_TREE: {}}
        self._parsed[sha] = folder
        return folder


def submodule_free(differences: Differences) -> Differences:
    """The differences without submodules, whose files are not ours."""
    return {path: change for path, change in differences.items() if not any(e and e.mode == SUBMODULE for e in change)}


def missing(path: str) -> NotFound:
    """The error for a file that is not there."""
    return NotFound(f"There is no file {path!r}.", hint="List the files first.")


def _parse(data: bytes) -> Folder:
    entries: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        name = os.fsdecode(data[space + 1 : end])
        if name in {"", ".", ".."} or "/" in name or names.is_git(name):
            raise PathError(
                f"The history holds a file named {name!r}, which no git writes out.",
                hint="Do not use this repository: it is made to do harm.",
                code="E_PATH_PROTECTED",
            )
        entries[name] = Entry(data[at:space].decode("latin-1"), data[end + 1 : end + 21].hex())
        at = end + 21
    return entries
