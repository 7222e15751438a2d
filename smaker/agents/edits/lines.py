"""A file as lines that know how they end, so that what an edit does not touch stays as it was, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class FileText:
    """The lines of a text without their ends, and what is needed to put it together again."""

    lines: tuple[str, ...]
    ends: tuple[str, ...]
    end: str  # of most lines, for those that are new
    mark: str  # a byte order mark, or nothing

    @classmethod
    def of(cls, text: str) -> FileText:
        """Read a text: lines end in ``\\n`` or ``\\r\\n``, the last one perhaps in nothing."""
        mark = BOM if text.startswith(BOM) else ""
        whole = text.removeprefix(mark).split("\n")
        tail = whole.pop()
        lines = [line.removesuffix("\r") for line in whole]
        ends = ["\r\n" if line.endswith("\r") else "\n" for line in whole]
        end = "\r\n" if ends.count("\r\n") * 2 > len(ends) else "\n"
        if tail:
            lines.append(tail)
            ends.append("")
        return cls(tuple(lines), tuple(ends), end, mark)

    def with_changes(self, changes: Sequence[tuple[int, int, Sequence[str]]]) -> str:
        """Return the text with each range of lines (start, stop) replaced; the ranges do not overlap.

        New lines end as most lines do. The last line ends in a newline exactly if it did before.
        """
        pieces: list[tuple[str, str]] = []
        at = 0
        for start, stop, new in sorted(changes, key=lambda change: change[:2]):
            pieces += [*self._kept(at, start), *((line, self.end) for line in new)]
            at = stop
        pieces += self._kept(at, len(self.lines))
        if pieces and self.ends and not self.ends[-1]:
            pieces[-1] = (pieces[-1][0], "")
        return self.mark + "".join(line + end for line, end in pieces)

    def _kept(self, start: int, stop: int) -> list[tuple[str, str]]:
        kept = zip(self.lines[start:stop], self.ends[start:stop], strict=True)
        return [(line, end or self.end) for line, end in kept]


def lines_of(text: str) -> list[str]:
    """The lines of a SEARCH or REPLACE, without their ends."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def collapsed(line: str) -> str:
    """A line with its white space evened out."""
    return " ".join(line.split())
