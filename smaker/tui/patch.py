"""A unified diff as rows of a screen: one under the other, or old and new side by side."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import NamedTuple

from smaker.tui.literal import WIDEST, line, lines

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)")
_HEAD = re.compile(r"(?:a/)?(.*?)\t?$")


class Side(NamedTuple):
    """A line of the old or the new file: its number, and "+", "-" or " "; of a changed one what the ``other`` has."""

    number: int
    sign: str
    text: str
    other: str | None = None


class Row(NamedTuple):
    """A row: a ``heading`` ("file" or "hunk", its words in ``text``), or lines. One under the other each row has one
    side, and an unchanged line both."""

    heading: str = ""
    text: str = ""
    old: Side | None = None
    new: Side | None = None


@dataclass
class FilePatch:
    """What happened to one file. ``said`` is "new", "deleted", "moved from x", "binary", "mode" or ""."""

    path: str
    said: str = ""
    added: int = 0
    removed: int = 0
    rows: list[Row] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The file in a line."""
        counts = [f"+{self.added}"] * bool(self.added) + [f"-{self.removed}"] * bool(self.removed)
        return "  ".join(filter(None, [self.path, self.said, *counts]))


@dataclass(frozen=True)
class Patch:
    """A whole diff. ``starts`` are the rows at which files begin."""

    files: tuple[FilePatch, ...]

    @property
    def summary(self) -> str:
        """How much it is."""
        added, removed = sum(file.added for file in self.files), sum(file.removed for file in self.files)
        return f"{len(self.files)} file{'s' * (len(self.files) != 1)}  +{added} -{removed}"

    def rows(self, *, beside: bool) -> tuple[list[Row], list[int]]:
        """All rows, and the places at which files begin."""
        found: list[Row] = []
        starts: list[int] = []
        for file in self.files:
            starts.append(len(found))
            found.append(Row("file", file.heading))
            found.extend(_beside(file.rows) if beside else file.rows)
        return found, starts


def parse(diff: str) -> Patch:
    """Read what git, or difflib, writes. Text is made safe to show; lines have at most `WIDEST` characters."""
    files: list[FilePatch] = []
    now: FilePatch | None = None
    old = new = 0
    inside = False
    for raw in diff.split("\n"):
        if raw.startswith("diff --git ") or (raw.startswith("--- ") and not inside and (now is None or now.rows)):
            now = FilePatch(_named(raw))
            files.append(now)
            inside = False
        if now is None:
            continue
        if (found := _HUNK.match(raw)) is not None:
            old, new, inside = int(found[1]), int(found[2]), True
            now.rows.append(Row("hunk", line(raw)))
        elif not inside:
            _head(now, raw)
        elif raw.startswith("\\"):
            now.rows.append(Row("note", line(raw[2:])))
        elif raw[:1] in {"+", "-", " "}:
            text = _safe(raw[1:])
            if raw[0] == "+":
                now.rows.append(Row(new=Side(new, "+", text)))
                now.added += 1
            elif raw[0] == "-":
                now.rows.append(Row(old=Side(old, "-", text)))
                now.removed += 1
            else:
                now.rows.append(Row(old=Side(old, " ", text), new=Side(new, " ", text)))
            new += raw[0] != "-"
            old += raw[0] != "+"
    for file in files:
        _pair(file.rows)
    return Patch(tuple(files))


def _pair(rows: list[Row]) -> None:
    """Tell each line that was changed what it was, or became."""
    gone: list[int] = []
    come: list[int] = []
    for place, row in enumerate([*rows, Row("end")]):
        if row.old is not None and row.new is None and not come:
            gone.append(place)
        elif row.new is not None and row.old is None:
            come.append(place)
        else:
            for before, after in zip(gone, come, strict=False):
                old, new = rows[before].old, rows[after].new
                assert old is not None and new is not None
                rows[before] = Row(old=old._replace(other=new.text))
                rows[after] = Row(new=new._replace(other=old.text))
            gone, come = ([place] if row.old is not None and row.new is None else []), []


def _named(raw: str) -> str:
    """The path that a file's first line names; a later line says it better where it has blanks."""
    if raw.startswith("--- "):
        return line(raw[4:])
    return line(raw.removeprefix("diff --git ").rpartition(" b/")[2] or raw)


def _head(file: FilePatch, raw: str) -> None:
    """What the lines before the first hunk say."""
    if raw.startswith("+++ ") and raw != "+++ /dev/null":
        file.path = line(raw[4:].removeprefix("b/"))
    elif raw.startswith("new file"):
        file.said = "new"
    elif raw.startswith("deleted file"):
        file.said = "deleted"
    elif raw.startswith("rename from "):
        file.said = f"moved from {line(raw[12:])}"
    elif raw.startswith("old mode"):
        file.said = file.said or "mode"
    elif raw.startswith("Binary files"):
        file.said = f"{file.said} binary".strip()


def _safe(text: str) -> str:
    cut = text if len(text) <= WIDEST else f"{text[:WIDEST]} …"
    return "".join(lines(cut)) if not cut.isascii() or not cut.isprintable() else cut


def _beside(rows: Iterable[Row]) -> list[Row]:
    """The rows with what was removed beside what took its place."""
    found: list[Row] = []
    gone: list[Side] = []
    come: list[Side] = []

    def flush() -> None:
        found.extend(Row(old=old, new=new) for old, new in zip_longest(gone, come))
        gone.clear()
        come.clear()

    for row in rows:
        if row.heading or (row.old is not None and row.new is not None):
            flush()
            found.append(row)
        elif row.old is not None:
            gone.append(row.old)
        elif row.new is not None:
            come.append(row.new)
    flush()
    return found
