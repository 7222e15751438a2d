"""Commit objects and their messages: who, when, what, and the trailers that only smaker writes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from smaker.core.errors import NotFound, WorkspaceError
from smaker.core.ports import Author, CommitInfo
from smaker.workspace.objects import Objects
from smaker.workspace.program import Git

_CACHED = 20_000  # commits kept in memory
_FETCHED = 500  # packed commits read at once

_TRAILER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*): ?(.*)")
_OURS = re.compile(r"\s*smaker-[a-z0-9-]*\s*:", re.IGNORECASE)
_IDENTITY = re.compile(r"(.*?)\s*<([^<>]*)> (-?\d+) ([+-])(\d\d)(\d\d)")


@dataclass(frozen=True)
class Commit:
    """A commit as it is stored. ``author`` and ``committer`` are "name <mail> seconds zone"."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    committer: str
    message: str

    @property
    def parent(self) -> str | None:
        """The first parent."""
        return self.parents[0] if self.parents else None

    @property
    def step(self) -> tuple[str, str] | None:
        """What makes the commit unique: its project and step, None if smaker did not make it."""
        trailers = trailers_of(self.message)
        step = trailers.get("Smaker-Step")
        return None if step is None else (trailers.get("Smaker-Project", ""), step)

    def info(self) -> CommitInfo:
        """The commit as the port shows it."""
        found = _IDENTITY.fullmatch(self.author)
        name, at = self.author, datetime.fromtimestamp(0, UTC)
        if found is not None:
            sign = -1 if found[4] == "-" else 1
            zone = timezone(sign * timedelta(hours=min(int(found[5]), 23), minutes=min(int(found[6]), 59)))
            seconds = min(max(int(found[3]), 0), 253_402_214_400)  # the years a datetime holds
            name, at = found[1], datetime.fromtimestamp(seconds, zone).astimezone(UTC)
        return CommitInfo(
            sha=self.sha,
            tree=self.tree,
            parent=self.parent,
            author=name,
            at=at,
            subject=self.message.partition("\n")[0],
            trailers=trailers_of(self.message),
        )


class Commits:
    """Commits of one repository."""

    def __init__(self, objects: Objects, git: Git) -> None:
        self._objects = objects
        self._git = git
        self._cached: dict[str, Commit] = {}

    def get(self, sha: str) -> Commit:
        """Return a commit. Raises NotFound, WorkspaceError if it is damaged."""
        found = self._cached.get(sha)
        return found if found is not None else self._keep(_parse(sha, self._objects.get("commit", sha)))

    def tree(self, commit_or_tree: str) -> str:
        """Return the tree of a commit; a tree's id is returned as it is."""
        try:
            return self.get(commit_or_tree).tree
        except NotFound:
            return commit_or_tree

    def put(self, tree: str, parents: Sequence[str], author: str, committer: str, message: str) -> Commit:
        """Store a commit."""
        head = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {author}"]
        data = "\n".join([*head, f"committer {committer}", "", message])
        sha = self._objects.put("commit", data.encode("utf-8", "surrogateescape"))
        return Commit(sha, tree, tuple(parents), author, committer, message)

    def back(self, tip: str | None) -> Iterator[Commit]:
        """Yield a commit, its first parent, and so on; ends where a shallow clone ends."""
        while tip is not None:
            try:
                if tip not in self._cached and not self._objects.is_loose(tip):
                    self._fetch(tip)
                commit = self.get(tip)
            except NotFound:
                return
            yield commit
            tip = commit.parent

    def _fetch(self, tip: str) -> None:
        """Read a packed commit and many before it, at the price of a few processes. Raises NotFound."""
        if self._objects.kind(tip) != "commit":
            raise NotFound(f"There is no commit {tip}.", hint="List them: smaker history")
        listed = self._git.run("rev-list", "--first-parent", f"--max-count={_FETCHED}", tip).decode().split()
        for sha, data in self._objects.each("commit", listed):
            self._keep(_parse(sha, data))

    def _keep(self, commit: Commit) -> Commit:
        if len(self._cached) >= _CACHED:
            self._cached = {}
        self._cached[commit.sha] = commit
        return commit


def identity(author: Author, at: datetime) -> str:
    """Who and when, as a commit holds it."""
    name, mail = (re.sub(r"[<>]", "", _visible(text)).strip() or "smaker" for text in (author.name, author.email))
    return f"{name} <{mail}> {int(at.timestamp())} +0000"


def compose(message: str, trailers: Sequence[tuple[str, str]]) -> str:
    """Return a message whose trailers are the given ones alone: control characters go, and a line of the text that
    looks like one of ours is set back behind a bar."""
    lines = [_visible(line).rstrip() for line in re.split(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", message)]
    text = "\n".join(f"| {line}" if _OURS.match(line) else line for line in lines).strip() or "Change files"
    for key, _ in trailers:
        if not _TRAILER.fullmatch(f"{key}: "):
            raise WorkspaceError(f"{key!r} cannot be a trailer of a commit.", code="E_REF_NAME")
    block = "\n".join(f"{key}: {' '.join(_visible(value).split())}" for key, value in trailers)
    return f"{text}\n\n{block}\n" if block else f"{text}\n"


def trailers_of(message: str) -> dict[str, str]:
    """The trailers in the last paragraph of a message, if it holds nothing else; the last value of each key."""
    paragraphs = message.rstrip("\n").split("\n\n")
    if len(paragraphs) < 2:
        return {}
    found = [_TRAILER.fullmatch(line) for line in paragraphs[-1].split("\n")]
    return {match[1]: match[2] for match in found if match} if all(found) else {}


def _visible(text: str) -> str:
    """The text without control, invisible and unpaired characters; white space becomes a space."""
    plain = "".join(" " if c.isspace() else c for c in text)
    return "".join(c for c in plain if unicodedata.category(c) not in {"Cc", "Cf", "Cs"})


def _parse(sha: str, data: bytes) -> Commit:
    head, _, message = data.decode("utf-8", "surrogateescape").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        fields.setdefault(key, []).append(value)
    try:
        tree, author, committer = (fields[key][0] for key in ("tree", "author", "committer"))
    except KeyError as problem:
        raise WorkspaceError(f"Commit {sha} is damaged.", hint="See: git fsck --full", code="E_DAMAGED") from problem
    return Commit(sha, tree, tuple(fields.get("parent", ())), author, committer, message)
