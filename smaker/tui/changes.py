"""What differs within a line that was changed: the parts of the old and of the new one that the other does not have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache

LONGEST = 400  # characters of a line; of longer ones nothing is marked
ALIKE = 0.5  # of what is not blank must be in both, or they are different lines and nothing is marked
COMPARED = 4_000  # words of one times words of the other: beyond that, all between a common beginning and end is marked

_WORDS = re.compile(r"\w+|\s+|.")

Spans = tuple[tuple[int, int], ...]
"""Where parts of a text begin and end."""


@lru_cache(maxsize=2_048)
def changes(old: str, new: str) -> tuple[Spans, Spans]:
    """The parts of ``old`` that are not in ``new``, and the other way round; none where the lines are not alike."""
    if max(len(old), len(new)) > LONGEST:
        return (), ()
    left, right = _WORDS.findall(old), _WORDS.findall(new)
    head, tail = _same(left, right)
    inner, other = left[head : len(left) - tail], right[head : len(right) - tail]
    if len(inner) * len(other) <= COMPARED:
        blocks = SequenceMatcher(None, inner, other, autojunk=False).get_matching_blocks()
    else:
        blocks = [(len(inner), len(other), 0)]
    gone: list[tuple[int, int]] = []
    come: list[tuple[int, int]] = []
    at, to, first, second = sum(map(len, left[:head])), sum(map(len, right[:head])), 0, 0
    for start, begin, size in blocks:
        before, after = "".join(inner[first:start]), "".join(other[second:begin])
        _note(before, after, at, to, gone, come)
        kept = sum(map(len, inner[start : start + size]))
        at, to, first, second = at + len(before) + kept, to + len(after) + kept, start + size, begin + size
    kept = _weight(old) - sum(_weight(old[start:end]) for start, end in gone)
    if 2 * kept < ALIKE * (_weight(old) + _weight(new)):
        return (), ()
    return tuple(gone), tuple(come)


def _same(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many of their elements are the same at the beginning and, of the others, at the end."""
    shorter = min(len(one), len(other))
    head = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    tail = next((place for place in range(shorter - head) if one[-1 - place] != other[-1 - place]), shorter - head)
    return head, tail


def _weight(text: str) -> int:
    """How many characters are not blank."""
    return len("".join(text.split()))


def _note(before: str, after: str, at: int, to: int, gone: list[tuple[int, int]], come: list[tuple[int, int]]) -> None:
    """Add what took the place of what, without the letters at both ends that are the same."""
    head, tail = _same(before, after)
    if len(before) > head + tail:
        gone.append((at + head, at + len(before) - tail))
    if len(after) > head + tail:
        come.append((to + head, to + len(after) - tail))
