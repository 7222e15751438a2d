"""The inside of an ``<edit>`` block: SEARCH/REPLACE pairs.

A pair's three markers have one length, seven by habit. Lines that look like markers belong to the content where their
length is another, so that a file with conflict markers is edited with longer ones. What can be read in two ways is a
fault, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Container

from smaker.agents.edits.blocks import Fault, Pair

OPENING = re.compile(r" {0,3}(<{5,}+)(?: *(SEARCH|ORIGINAL) *:?)?[ \t\r]*$", re.IGNORECASE)
SEPARATOR = re.compile(r" {0,3}(={5,}+)[ \t\r]*$")
ENDING = re.compile(r" {0,3}(>{5,}+)(?: *(?:REPLACE|UPDATED) *:?)?[ \t\r]*$", re.IGNORECASE)
MARKER = re.compile(r" {0,3}(?:<{5,}|={5,}|>{5,})(?![<=>])")
LONGER = (
    "If the content itself holds such lines, write all three markers of the pair longer than they are there, "
    "such as <<<<<<<<< SEARCH, ========= and >>>>>>>>> REPLACE."
)


class Unreadable(Exception):
    """The pairs cannot be read; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def parse_pairs(body: str, *, path: str, line: int) -> tuple[Pair, ...]:
    """Return the pairs of a block; ``line`` is where its body begins in the answer. Raises Unreadable.

    Text between the pairs (fences, remarks) is passed over unless it holds markers.
    """
    lines = body.split("\n")
    pairs: list[Pair] = []
    at = 0
    while at < len(lines):
        opening = OPENING.match(lines[at])
        if opening is not None:
            pair, at = _pair(lines, at, len(opening[1]), path, line)
            pairs.append(pair)
            continue
        if MARKER.match(lines[at]):
            raise _unreadable(
                path, line + at, f'the line "{lines[at].strip()[:80]}" stands outside a SEARCH/REPLACE pair. {LONGER}'
            )
        at += 1
    if not pairs:
        shape = "a diff" if any(text.startswith("@@") for text in lines) else "no SEARCH/REPLACE pair"
        raise _unreadable(
            path,
            line - 1,
            f"the <edit> block holds {shape}. Write <<<<<<< SEARCH, the lines as they are, =======, the lines as they "
            "are to be, >>>>>>> REPLACE; or give the whole content in a <file> block.",
        )
    return tuple(pairs)


def _pair(lines: list[str], start: int, length: int, path: str, first: int) -> tuple[Pair, int]:
    """The pair that opens at ``start``, and the line after it."""
    limit = next((at for at in range(start + 1, len(lines)) if _opens(lines[at], {length})), len(lines))
    ends = _marks(ENDING, lines, range(start + 1, limit), length)
    if not ends:
        raise _unreadable(
            path, first + start, f'the SEARCH/REPLACE pair has no line ">>>>>>> REPLACE" at its end. {LONGER}'
        )
    if len(ends) > 1 and not any(_opens(text) for text in lines[ends[0] + 1 : ends[1]]):
        raise _unreadable(path, first + ends[1], f'the SEARCH/REPLACE pair has two lines ">>>>>>> REPLACE". {LONGER}')
    separators = _marks(SEPARATOR, lines, range(start + 1, ends[0]), length)
    if not separators:
        raise _unreadable(
            path,
            first + start,
            'the SEARCH/REPLACE pair has no line "=======" between the lines as they are and as they are to be.',
        )
    if len(separators) > 1:
        raise _unreadable(path, first + separators[1], f'the SEARCH/REPLACE pair has two lines "=======". {LONGER}')
    middle, end = separators[0], ends[0]
    return Pair(_joined(lines[start + 1 : middle]), _joined(lines[middle + 1 : end]), first + start), end + 1


def _opens(text: str, lengths: Container[int] | None = None) -> bool:
    opening = OPENING.match(text)
    return opening is not None and bool(opening[2]) and (lengths is None or len(opening[1]) in lengths)


def _marks(pattern: re.Pattern[str], lines: list[str], among: range, length: int) -> list[int]:
    """The lines that are the marker at this length, or at any length where none is (models miscount)."""
    found = [(at, len(match[1])) for at in among if (match := pattern.match(lines[at]))]
    return [at for at, size in found if size == length] or [at for at, _ in found]


def _joined(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _unreadable(path: str, line: int, reason: str) -> Unreadable:
    return Unreadable(Fault(path, line, f"{path}: line {line} of your answer: {reason} Nothing of it was applied."))
