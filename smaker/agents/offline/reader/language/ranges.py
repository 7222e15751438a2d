"""Bounds of values in words: "from 1 to 5", "at least 18", "can't be negative"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smaker.agents.offline.reader.language.phrases import PhraseTable, at_phrase, low, value_at
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import word_set


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds read from text; ``exclusive`` where the minimum itself is not allowed."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False
    characters: bool = False
    signed: bool = False  # it was said that it may be below zero


# Whether a phrase bounds from below, and whether the bound itself is not allowed.
_BOUNDS = {
    (True, False): """at least; no less than; not less than; no fewer than; not fewer than; not below; cannot go
        below; never below; no lower than; not lower than; a minimum of; minimum of; minimum; min; >=;
        not under; starting at; starting from""",
    (False, False): """at most; no more than; not more than; no longer than; not longer than; not above; not over; up
        to; a maximum of; maximum of; maximum; max; <=; no greater than; no higher than""",
    (True, True): """greater than; more than; bigger than; larger than; above; over; >""",
    (False, True): """less than; fewer than; smaller than; below; under; <; shorter than""",
}
_TABLE = PhraseTable((" ".join(phrase.split()), kind) for kind, text in _BOUNDS.items() for phrase in text.split(";"))
_FALLS = word_set("can may must should will be ever go goes drop drops fall falls become becomes get gets run sink")
_NEVER = word_set("not never cannot non no")
_POSITIVE = ("positive", "not zero or negative")
_SIZES = word_set("character characters char chars letters letter")


def read_range(items: Sequence[Item], start: int) -> tuple[Range | None, int]:
    """Read bounds at ``start`` ("from 1 to 5", "at least 18", "non-negative"); returns them and the index after."""
    if (after := _never_negative(items, start)) >= 0:
        return Range(minimum=0), after
    if low(items, start) in {"can", "may"} and (after := _below_zero(items, start)) >= 0:
        return Range(signed=True), after
    for phrase in _POSITIVE:
        if (after := at_phrase(items, start, phrase)) >= 0:
            return Range(minimum=0, exclusive=True), after
    found = _TABLE.at(items, start)
    if found is not None and (value := value_at(items, found[1])) is not None:
        (lower, exclusive), after = found
        bounds = Range(minimum=value, exclusive=exclusive) if lower else Range(maximum=value - exclusive)
        return _with_unit(bounds, items, after + 1)
    return _between(items, start)


def _never_negative(items: Sequence[Item], start: int) -> int:
    """The index after "can't be negative", "never goes below zero", "non-negative"; -1 if that is not said."""
    index, denied = start, False
    while low(items, index) in _NEVER or low(items, index) in _FALLS:
        denied = denied or low(items, index) in _NEVER
        index += 1
    if not denied:
        return 3 + start if at_phrase(items, start, "zero or more") >= 0 else -1
    return _below_zero(items, index)


def _below_zero(items: Sequence[Item], index: int) -> int:
    """The index after "be negative", "go below zero"; -1 if that is not said."""
    while low(items, index) in _FALLS | {"also"}:
        index += 1
    if low(items, index) == "negative":
        return index + 1
    for below in ("below", "under", "less than", "lower than"):
        after = at_phrase(items, index, below)
        if after >= 0 and value_at(items, after) == 0:
            return after + 1
    return -1


def _between(items: Sequence[Item], start: int) -> tuple[Range | None, int]:
    index = start + (low(items, start) in {"from", "between", "of", "range", "in"})
    index += low(items, index) in {"from", "between"}
    first = value_at(items, index)
    if first is None:
        return None, start
    if low(items, index + 1) in {"-", "to", "..", "...", "and", "through", "until"}:
        second = value_at(items, index + 2)
        if second is not None and second >= first:
            return _with_unit(Range(first, second), items, index + 3)
    if low(items, index + 1) in {"or"} and low(items, index + 2) in {"more", "higher", "greater"}:
        return _with_unit(Range(minimum=first), items, index + 3)
    if low(items, index + 1) in {"or"} and low(items, index + 2) in {"less", "lower", "fewer"}:
        return _with_unit(Range(maximum=first), items, index + 3)
    if low(items, index + 1) in _SIZES and low(items, index + 2) in {"max", "maximum", "long"}:
        return Range(maximum=first, characters=True), index + 3
    return None, start


def _with_unit(found: Range, items: Sequence[Item], index: int) -> tuple[Range, int]:
    if low(items, index) in _SIZES:
        index += 1
        if low(items, index) == "long":
            index += 1
        return Range(found.minimum, found.maximum, found.exclusive, characters=True), index
    if low(items, index) in {"stars", "star", "points", "%"}:
        index += 1
    return found, index
