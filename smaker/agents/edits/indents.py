"""Indentation that a model got wrong as a whole: the shift against the file's lines, for more of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shift:
    """White space that every line lacks (``add``) or has too much (``remove``) at its beginning."""

    add: str = ""
    remove: str = ""

    def apply(self, lines: Sequence[str]) -> list[str] | None:
        """Return the lines shifted, None if one has not what is to be removed. Blank lines stay."""
        shifted: list[str] = []
        for line in lines:
            if line.strip() and not line.startswith(self.remove):
                return None
            shifted.append(self.add + line[len(self.remove) :] if line.strip() else line)
        return shifted


def shift_between(pairs: Iterable[tuple[str, str]]) -> Shift | None:
    """Return the one shift that takes the first of every pair to the second, None if they differ."""
    shifts: set[Shift] = set()
    for given, actual in pairs:
        have, want = indent_of(given), indent_of(actual)
        if want.endswith(have):
            shifts.add(Shift(add=want[: len(want) - len(have)]))
        elif have.endswith(want):
            shifts.add(Shift(remove=have[: len(have) - len(want)]))
        else:
            return None
    return shifts.pop() if len(shifts) == 1 else None


def indent_of(line: str) -> str:
    """The white space a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def tabbed(lines: Sequence[str], unit: int) -> list[str] | None:
    """Return the lines with every ``unit`` leading spaces as a tab, None if that does not come out even."""
    result: list[str] = []
    for line in lines:
        indent = indent_of(line)
        if not line.strip():
            result.append(line)
        elif indent.strip(" ") or len(indent) % unit:
            return None
        else:
            result.append("\t" * (len(indent) // unit) + line.lstrip())
    return result
