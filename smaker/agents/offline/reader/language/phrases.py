"""Noun phrases, word patterns and number ranges in a run of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.tokens import Group, Item, Token
from smaker.agents.offline.reader.language.words import BREAKS, DETERMINERS, FLUFF, number, word_set

_MANY = word_set("many several multiple various")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: its words without determiners, and the tokens it took."""

    words: Words
    tokens: tuple[Token, ...]
    determiner: str = ""

    @property
    def head(self) -> str:
        """Its last word, the noun that the others qualify."""
        return self.words[-1]

    @property
    def many(self) -> bool:
        """Whether it speaks of several: "many tasks"."""
        return self.determiner in _MANY


def low(items: Sequence[Item], index: int) -> str:
    """The lower-case text of an item, "(" for a group, "" beyond the ends."""
    if not 0 <= index < len(items):
        return ""
    item = items[index]
    return "(" if isinstance(item, Group) else item.low


def lows(items: Sequence[Item]) -> list[str]:
    """`low` of every item."""
    return ["(" if isinstance(item, Group) else item.low for item in items]


def is_word(items: Sequence[Item], index: int) -> bool:
    """Whether there is a word at ``index``."""
    if not 0 <= index < len(items):
        return False
    item = items[index]
    return isinstance(item, Token) and item.kind == "word"


def at_phrase(items: Sequence[Item], index: int, text: str) -> int:
    """The index after the words of ``text`` if they stand at ``index``, else -1."""
    for offset, word in enumerate(text.split()):
        if low(items, index + offset) != word:
            return -1
    return index + len(text.split())


def noun_phrase(items: Sequence[Item], start: int, *, limit: int = 5) -> tuple[Phrase | None, int]:
    """Read a noun phrase at ``start``; returns it (or None) and the index after it."""
    index, determiner, taken = start, "", list[Token]()
    while is_word(items, index) and (low(items, index) in DETERMINERS or low(items, index) in FLUFF):
        determiner = low(items, index) if low(items, index) in DETERMINERS else determiner
        taken.append(token(items, index))
        index += 1
    words: list[str] = []
    while is_word(items, index) and low(items, index) not in BREAKS and len(words) < limit:
        if low(items, index) in DETERMINERS:
            break
        words.append(low(items, index))
        taken.append(token(items, index))
        index += 1
    if not words:
        return None, start
    return Phrase(tuple(words), tuple(taken), determiner), index


def token(items: Sequence[Item], index: int) -> Token:
    """The token at ``index``, which must not be a group."""
    item = items[index]
    if isinstance(item, Group):
        raise TypeError("a group is no token")
    return item


def split_list(items: Sequence[Item]) -> list[list[Item]]:
    """Split a list at its commas and "and"; "between 1 and 5" and "date and time" stay whole."""
    pieces: list[list[Item]] = [[]]
    for index, item in enumerate(items):
        if isinstance(item, Token) and item.low in {",", ";", "and", "plus"} and not holds_together(items, index):
            pieces.append([])
        else:
            pieces[-1].append(item)
    return [piece for piece in pieces if piece]


def holds_together(items: Sequence[Item], index: int) -> bool:
    """Whether the "and" at ``index`` stands within "between 1 and 5", "monthly and yearly"."""
    if low(items, index) != "and":
        return False
    if value_at(items, index - 1) is not None and value_at(items, index + 1) is not None:
        return True
    if {low(items, index - 1), low(items, index + 1)} in (
        {"monthly", "yearly"},
        {"monthly", "annual"},
        {"drag", "drop"},
    ):
        return True
    return "between" in lows(items[max(0, index - 4) : index])


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds read from text; ``exclusive`` where the minimum itself is not allowed."""

    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False
    characters: bool = False


_LOW = (
    "at least",
    "no less than",
    "not less than",
    "no fewer than",
    "not fewer than",
    "not below",
    "cannot go below",
    "never below",
    "no lower than",
    "not lower than",
    "a minimum of",
    "minimum of",
    "minimum",
    "min",
    ">=",
    "not under",
    "starting at",
    "starting from",
)
_HIGH = (
    "at most",
    "no more than",
    "not more than",
    "no longer than",
    "not longer than",
    "not above",
    "not over",
    "up to",
    "a maximum of",
    "maximum of",
    "maximum",
    "max",
    "<=",
    "no greater than",
    "no higher than",
)
_ABOVE = ("greater than", "more than", "bigger than", "larger than", "above", "over", ">")
_BELOW = ("less than", "fewer than", "smaller than", "below", "under", "<", "shorter than")
_FALLS = word_set("can may must should will be ever go goes drop drops fall falls become becomes get gets run sink")
_NEVER = word_set("not never cannot non no")
_POSITIVE = ("positive", "not zero or negative")
_SIZES = word_set("character characters char chars letters letter")


def read_range(items: Sequence[Item], start: int) -> tuple[Range | None, int]:
    """Read bounds at ``start`` ("from 1 to 5", "at least 18", "non-negative"); returns them and the index after."""
    if (after := _never_negative(items, start)) >= 0:
        return Range(minimum=0), after
    for phrase in _POSITIVE:
        if (after := at_phrase(items, start, phrase)) >= 0:
            return Range(minimum=0, exclusive=True), after
    for phrases, lower, exclusive in (
        (_LOW, True, False),
        (_HIGH, False, False),
        (_ABOVE, True, True),
        (_BELOW, False, True),
    ):
        for phrase in phrases:
            after = at_phrase(items, start, phrase)
            if after >= 0 and (value := value_at(items, after)) is not None:
                found = Range(minimum=value, exclusive=exclusive) if lower else Range(maximum=value - exclusive)
                return _with_unit(found, items, after + 1)
    return _between(items, start)


def _never_negative(items: Sequence[Item], start: int) -> int:
    """The index after "can't be negative", "never goes below zero", "non-negative"; -1 if that is not said."""
    index, denied = start, False
    while low(items, index) in _NEVER or low(items, index) in _FALLS:
        denied = denied or low(items, index) in _NEVER
        index += 1
    if not denied:
        return 3 + start if at_phrase(items, start, "zero or more") >= 0 else -1
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


def value_at(items: Sequence[Item], index: int) -> float | None:
    """The number at ``index``, in figures or words, or None."""
    if not 0 <= index < len(items) or isinstance(items[index], Group):
        return None
    return number(low(items, index))
