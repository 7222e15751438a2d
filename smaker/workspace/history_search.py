"""Search all of a repository's history for credentials: what any branch, tag, stash or ref of smaker's own reaches.

Git lists the objects and says which commit brought which file, on a private git directory that is gone afterwards, so
that nothing is written where the repository is. Each object is read and searched once.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from smaker.core.ports import Credential, HistorySearch, Unsearched
from smaker.core.secrets import Found, find_secrets
from smaker.workspace.head import read_ref, read_small
from smaker.workspace.objects import Kind, Objects
from smaker.workspace.private import borrow
from smaker.workspace.program import Git

MAX_SEARCHED = 64 << 20  # bytes; a search takes up to eight times that of memory

_LISTING_S = 900.0
_ASKED = 4096  # objects that one git is asked about
_COMPARED = 512  # commits that one git compares with their parents
_READ = 16 << 20  # bytes that one git is asked for, unless a single object is larger
_REFLOG = _SHALLOW = 16 << 20  # bytes
_HEAD = 4096  # bytes
_STASH = re.compile(r"(?m)^[0-9a-f]{40} ([0-9a-f]{40}) ")
_SEARCHED: tuple[Kind, ...] = ("blob", "commit", "tag")


class _Tip(NamedTuple):
    """What a ref comes to: tags are followed to what they are of."""

    name: str
    sha: str
    kind: str


class _Sight(NamedTuple):
    """A file in a commit that brought it, or in a tree or blob that a ref names; ``ref`` as in `Credential`."""

    commit: str
    path: str | None
    blob: str
    ref: str | None


def search(
    path: Path,
    directory: Path,
    *,
    branch: str | None,
    heard: Callable[[int, int], None],
    largest: int = MAX_SEARCHED,
) -> HistorySearch:
    """Search the repository whose ``.git`` is ``directory``; ``branch`` (default: what is checked out) is its main.

    ``heard`` is told how many of how many objects are done; what it raises ends the search. Raises WorkspaceError.
    """
    with tempfile.TemporaryDirectory(prefix="smaker-search-") as folder:
        borrow(Path(folder), directory, branch="refs/heads/main")
        return _Search(path, directory, Path(folder), heard, largest).run(branch)


class _Search:
    """One search."""

    def __init__(
        self, path: Path, directory: Path, private: Path, heard: Callable[[int, int], None], largest: int
    ) -> None:
        self._directory = directory
        self._private = private
        self._heard = heard
        self._largest = largest
        self._git = Git(private, shown=path)
        self._objects = Objects(private / "objects", directory / "objects", self._git, shown=path)
        self._total = 0  # objects
        self._names: dict[str, str] = {}  # what refs name, tags as they are
        self._tagged: dict[str, str] = {}  # what tags are of -> the tag
        self._hits: dict[str, tuple[Found, ...]] = {}  # by blob
        self._messages: list[tuple[Kind, str, Found]] = []
        self._unsearched: dict[str, int | None] = {}

    def run(self, branch: str | None) -> HistorySearch:
        """Search everything."""
        shallow = (read_small(self._directory / "shallow", _SHALLOW) or "").strip() != ""
        main = read_ref(self._directory, branch or "HEAD")
        tips = self._tips()
        if self._names:
            with tempfile.TemporaryFile(dir=self._private) as listed:
                self._list(listed)
                self._total = listed.tell() // 41
                self._read(listed)
        found, unsearched = self._place(tips, main) if self._hits or self._messages or self._unsearched else ((), ())
        return HistorySearch(
            branch=(branch or self._checked_out()).removeprefix("refs/heads/"),
            objects=self._total,
            shallow=shallow,
            found=tuple(found),
            unsearched=tuple(unsearched),
        )

    # --- where to begin -----------------------------------------------------------------------------------------------

    def _checked_out(self) -> str:
        head = (read_small(self._directory / "HEAD", _HEAD) or "").strip()
        return _shown(head[5:].encode("utf-8", "surrogateescape")) if head.startswith("ref: ") else "HEAD"

    def _tips(self) -> list[_Tip]:
        """Everything that is named: refs, what is checked out, and every stash, of which a ref names the newest."""
        listed = _shown(self._git.run("for-each-ref", "--format=%(objectname) %(refname)"))
        named = [(name, sha) for sha, _, name in (line.partition(" ") for line in listed.split("\n")) if name]
        head = read_ref(self._directory, "HEAD")
        named += [("HEAD", head)] if head else []
        log = read_small(self._directory / "logs" / "refs" / "stash", _REFLOG) or ""
        stashes = reversed(_STASH.findall(log))
        named += [(f"stash@{{{number}}}", sha) for number, sha in enumerate(stashes)]
        asked = "".join(f"{sha}^{{}}\n" for _, sha in named).encode()
        said = self._git.run("cat-file", "--batch-check", stdin=asked).split(b"\n") if named else []
        tips: list[_Tip] = []
        for (name, sha), answer in zip(named, said, strict=False):
            words = answer.decode().split()
            if len(words) != 3:
                self._unsearched[sha] = None
                continue
            self._names.setdefault(sha, name)
            tips.append(_Tip(name, words[0], words[1]))
        return tips

    def _named(self, sha: str) -> str:
        """The ref that names a tag, or a tag of that tag."""
        while sha not in self._names and sha in self._tagged:
            sha = self._tagged[sha]
        return self._names.get(sha, sha)

    # --- reading each object once -------------------------------------------------------------------------------------

    def _list(self, listed: IO[bytes]) -> None:
        """Write the ids of all objects, one a line; of those that are missing, after a question mark."""
        options = ("--objects", "--no-object-names", "--missing=print", "--stdin")
        with self._git.reading("rev-list", *options, stdin=_lines(self._names), timeout_s=_LISTING_S) as out:
            shutil.copyfileobj(out, listed)

    def _read(self, listed: IO[bytes]) -> None:
        """Search all that is listed."""
        before = 0
        listed.seek(0)
        while lines := list(islice(listed, _ASKED)):
            done = before
            for kind, shas in self._portions(lines):
                for sha, data in self._objects.each(kind, shas):
                    self._heard(done, self._total)
                    self._examine(kind, sha, data)
                    done += 1
            before += len(lines)

    def _portions(self, lines: Sequence[bytes]) -> Iterator[tuple[Kind, list[str]]]:
        """The objects that are to be read, as many at once as one git may be asked for."""
        sizes: dict[Kind, list[tuple[str, int]]] = {kind: [] for kind in _SEARCHED}
        said = self._git.run("cat-file", "--batch-check", stdin=b"".join(line.lstrip(b"?") for line in lines))
        for answer in said.decode().split("\n")[:-1]:
            sha, kind, *size = answer.split(" ")
            if not size:
                self._unsearched[sha] = None
            elif kind in sizes:
                if int(size[0]) > self._largest:
                    self._unsearched[sha] = int(size[0])
                else:
                    sizes[kind].append((sha, int(size[0])))
        for kind, sized in sizes.items():
            portion: list[str] = []
            volume = 0
            for sha, size in sized:
                if portion and volume + size > _READ:
                    yield kind, portion
                    portion, volume = [], 0
                portion.append(sha)
                volume += size
            if portion:
                yield kind, portion

    def _examine(self, kind: Kind, sha: str, data: bytes) -> None:
        if kind == "blob":
            found = tuple(find_secrets(data))
            if found:
                self._hits[sha] = found
            return
        head = data.partition(b"\n\n")[0]
        if kind == "tag":
            self._tagged[head[7:47].decode("latin-1")] = sha
        above = head.count(b"\n") + 2
        for found in find_secrets(data):
            self._messages.append((kind, sha, found._replace(line=max(1, found.line - above))))

    # --- where each was found -----------------------------------------------------------------------------------------

    def _place(self, tips: Sequence[_Tip], main: str | None) -> tuple[list[Credential], list[Unsearched]]:
        ours = self._git.run("rev-list", "--date-order", "--reverse", main).decode().split() if main else []
        others = self._others(tips, main)
        current = {(path, found.digest) for path, blob in self._files(main) for found in self._hits.get(blob, ())}
        first: dict[tuple[str | None, bytes], Credential] = {}
        paths: dict[str, str | None] = dict.fromkeys(self._unsearched)
        for sight in self._sights(ours, others, tips):
            if sight.blob in paths:
                paths[sight.blob] = paths[sight.blob] or sight.path
            for found in self._hits.get(sight.blob, ()):
                key = (sight.path, found.digest)
                if key not in first:
                    first[key] = Credential(
                        kind=found.kind,
                        inside="file",
                        path=sight.path,
                        line=found.line,
                        commit=sight.commit,
                        object=sight.blob,
                        current=key in current,
                        ref=sight.ref,
                    )
        said = [
            Credential(
                kind=found.kind,
                inside="tag message" if kind == "tag" else "commit message",
                path=None,
                line=found.line,
                commit=sha,
                object=sha,
                current=False,
                ref=self._named(sha) if kind == "tag" else others.get(sha),
            )
            for kind, sha, found in self._messages
        ]
        unsearched = [Unsearched(object=sha, path=paths[sha], size=size) for sha, size in self._unsearched.items()]
        return [*sorted(first.values(), key=lambda one: (one.path or "", one.line)), *said], unsearched

    def _others(self, tips: Sequence[_Tip], main: str | None) -> dict[str, str]:
        """The commits that are not in main's history, oldest first, and for each a ref that reaches it."""
        reached: dict[str, str] = {}
        for tip in tips:
            if tip.kind == "commit":
                reached.setdefault(tip.sha, tip.name)
        if not reached:
            return {}
        wanted = [*reached, *([f"^{main}"] if main else [])]
        said = self._git.run("rev-list", "--date-order", "--parents", "--stdin", stdin=_lines(wanted)).decode()
        order: list[str] = []
        for line in said.split("\n")[:-1]:
            sha, *parents = line.split(" ")
            order.append(sha)
            for parent in parents:
                reached.setdefault(parent, reached[sha])
        return {sha: reached[sha] for sha in reversed(order)}

    def _sights(self, ours: Sequence[str], others: dict[str, str], tips: Sequence[_Tip]) -> Iterator[_Sight]:
        """Every file of every commit, where it was new, in main's history first, each oldest first."""
        for commit, path, blob in self._brought([*ours, *others]):
            yield _Sight(commit, path, blob, others.get(commit))
        for tip in tips:
            if tip.kind == "tree":
                for path, blob in self._files(tip.sha):
                    yield _Sight(tip.sha, path, blob, tip.name)
            elif tip.kind == "blob":
                yield _Sight(tip.sha, None, tip.sha, tip.name)

    def _brought(self, commits: Sequence[str]) -> Iterator[tuple[str, str, str]]:
        """What each commit changed against its first parent: commit, path, new blob."""
        options = ("--stdin", "-r", "-z", "--root", "--no-renames", "--diff-merges=first-parent", "--no-ext-diff")
        for start in range(0, len(commits), _COMPARED):
            self._heard(self._total, self._total)
            said = self._git.run("diff-tree", *options, stdin=_lines(commits[start : start + _COMPARED]))
            words = iter(said.split(b"\0")[:-1])
            commit = ""
            for word in words:
                if word.startswith(b":"):
                    yield commit, _shown(next(words)), word.split(b" ")[3].decode()
                else:
                    commit = word.decode()

    def _files(self, tree: str | None) -> Iterator[tuple[str, str]]:
        """The files below a tree: path and blob."""
        said = self._git.run("ls-tree", "-r", "-z", "--full-tree", tree) if tree else b""
        for line in said.split(b"\0")[:-1]:
            head, _, path = line.partition(b"\t")
            yield _shown(path), head.split(b" ")[2].decode()


def _lines(words: Iterable[str]) -> bytes:
    return "".join(f"{word}\n" for word in words).encode()


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
