"""What a search of a repository's history for credentials found."""

from __future__ import annotations

from typing import Literal

from smaker.core.spec import Frozen


class Credential(Frozen):
    """A credential in the history, once for each file it was in. Its value is nowhere in this.

    ``commit`` is the first one with it (the first in main's history, if it is there), ``line`` (from 1) and ``object``
    (the blob, or the commit or tag whose message it is) are as they were then. What a ref names without a commit has
    the id of that tree or blob as ``commit``. ``path`` has bytes that are not UTF-8 spelled out, and is None for a
    message and for a file without a name. ``current``: the file as it is on main holds it. ``ref`` is one it can be
    reached from, None if it is in main's history.
    """

    kind: str
    inside: Literal["file", "commit message", "tag message"]
    path: str | None
    line: int
    commit: str
    object: str
    current: bool
    ref: str | None


class Unsearched(Frozen):
    """An object that was not looked at: larger than can be held in memory, or not there (``size`` None, in bytes)."""

    object: str
    path: str | None
    size: int | None


class HistorySearch(Frozen):
    """What came of it. ``branch`` is what was taken for main, ``objects`` how many were found; with ``shallow`` the
    repository has only the newest part of its history."""

    branch: str
    objects: int
    shallow: bool
    found: tuple[Credential, ...]
    unsearched: tuple[Unsearched, ...]
