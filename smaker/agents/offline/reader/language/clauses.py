"""Split a sentence into the parts that each say one thing, and put spoken lists of values into parentheses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from smaker.agents.offline.reader.language.phrases import (
    at_phrase,
    holds_together,
    is_word,
    low,
    lows,
    question_clause,
    value_at,
)
from smaker.agents.offline.reader.language.tokens import Group, Item, Token
from smaker.agents.offline.reader.language.words import BREAKS, IRREGULAR_VERBS, is_plural, verb, word_set
from smaker.agents.offline.reader.rules.field_types import CHOICE_NAMES

# A part begins after these; the longest first.
_JOINTS = (
    "as well as",
    "and then",
    "and also",
    "so that",
    "in which",
    "on which",
    "with which",
    "in addition to",
    "and",
    "but",
    "plus",
    "then",
    "where",
    "which",
    "that",
    "who",
    "whose",
    "while",
)
_MARKS = frozenset({",", ":", "...", "..", ";", "->"})
_ANCHORS = (
    "can be either",
    "is one of",
    "being one of",
    "one of",
    "is either",
    "either",
    "can be",
    "may be",
    "of",
    "is",
    "are",
)
_AFTER_VALUES = word_set("and with by per then for where which that in on to or default")
_MAX_VALUES = 12  # words of a list of values, looked through backwards from "or"


@dataclass
class Part:
    """A piece of a sentence; ``joint`` is the word or mark before it ("" at the beginning)."""

    items: list[Item] = field(default_factory=list)
    joint: str = ""


def split_parts(sentence: Sequence[Item]) -> list[Part]:
    """Split at commas, colons, "and", "where", …; "between 1 and 5" stays whole. Empty parts are left out."""
    items = list(group_values(sentence))
    parts = [Part()]
    index = 0
    joint = ""
    while index < len(items):
        found = _joint(items, index)
        if found is None:
            parts[-1].items.append(items[index])
            index += 1
            continue
        joint, length = found
        index += length
        if parts[-1].items:
            parts.append(Part(joint=joint))
        elif parts[-1].joint in {"", ",", "and"} or joint == ":":
            parts[-1].joint = joint
    return [part for part in parts if part.items]


def _joint(items: Sequence[Item], index: int) -> tuple[str, int] | None:
    item = items[index]
    if isinstance(item, Group):
        return None
    if item.kind == "mark":
        if item.low in _MARKS:
            return ("," if item.low != ":" else ":"), 1
        dash = item.low == "-" and item.spaced and (index + 1 >= len(items) or _spaced(items[index + 1]))
        return ("-", 1) if dash and value_at(items, index - 1) is None else None
    for text in _JOINTS:
        if item.low == text.split()[0] and (after := at_phrase(items, index, text)) > 0:
            if text == "and" and holds_together(items, index):
                return None
            if text == "where" and _asks_where(items, index):
                return None
            if text == "that" and not (is_word(items, after) and index > 0):
                return None
            return text, after - index
    return None


def _asks_where(items: Sequence[Item], index: int) -> bool:
    """Whether "where" begins a field, as in "date and where it was bought"; in "where they keep notes" it does not."""
    past = low(items, index + 2)
    happened = past in {"is", "are", "was", "were", *IRREGULAR_VERBS} or past.endswith("ed")
    return happened and low(items, index - 1) in {",", "and"} and question_clause(items, index) > 0


def _spaced(item: Item) -> bool:
    return isinstance(item, Group) or item.spaced


def group_values(items: Sequence[Item]) -> Iterator[Item]:
    """Rewrite "status can be open, in progress or done" as "status (can be open, in progress or done)"."""
    result = _group_after_colons(items)
    place = len(result) - 1
    while place > 0:
        if low(result, place) == "or" and (begin := _values_begin(result, place)) > 0:
            end = _values_end(result, place)
            start = begin
            while start > 0 and low(result, start - 1) in {",", "which", "that", ":"}:
                start -= 1
            result[start:end] = [Group(tuple(result[begin:end]))]
            place = start
        place -= 1
    yield from result


def _group_after_colons(items: Sequence[Item]) -> list[Item]:
    """Rewrite "a status: draft, sent or paid" as "a status (draft, sent or paid)", where it ends the sentence."""
    result = list(items)
    for place in range(len(result) - 3, 0, -1):
        if low(result, place) != ":" or low(result, place - 1) not in CHOICE_NAMES:
            continue
        rest = result[place + 1 :]
        plain = all(isinstance(item, Token) and (item.kind != "mark" or item.low in {",", "/"}) for item in rest)
        lengths = [len(piece.split()) for piece in " ".join(lows(rest)).replace(" or ", " , ").split(",")]
        if plain and len(lengths) > 1 and max(lengths) <= 2 and "and" not in lows(rest):
            result[place:] = [Group(tuple(rest))]
    return result


def _values_begin(items: Sequence[Item], place: int) -> int:
    """Where the words that announce the values around the "or" at ``place`` begin; 0 if nothing announces them."""
    index, words = place - 1, 0
    while index > 0 and place - index <= _MAX_VALUES and words <= 3:
        for text in _ANCHORS:
            begin = index + 1 - len(text.split())
            if (
                begin > 0
                and index + 1 < place
                and at_phrase(items, begin, text) == index + 1
                and _is_field(items, begin, place, text)
            ):
                return begin
        if low(items, index) == ",":
            words = 0
        elif is_word(items, index) and low(items, index) not in {"and", "with"}:
            words += 1
        else:
            return 0
        index -= 1
    return 0


def _is_field(items: Sequence[Item], begin: int, place: int, anchor: str) -> bool:
    """Whether the word before the announcement is a field rather than the subject of "can be archived or deleted"."""
    before = begin - 1
    while before > 0 and low(items, before) in {",", "which", "that"}:
        before -= 1
    noun = low(items, before)
    if not is_word(items, before) or noun in BREAKS:
        return False
    if noun in CHOICE_NAMES or "one of" in anchor or "either" in anchor:
        return True
    if anchor in {"of", "is", "are"} or is_plural(noun):
        return False
    values = {low(items, place - 1), low(items, place + 1)}
    return not all(verb(value) and value.endswith("ed") for value in values)


def _values_end(items: Sequence[Item], place: int) -> int:
    end = place + 1
    while end < len(items) and is_word(items, end) and low(items, end) not in _AFTER_VALUES and end - place <= 3:
        end += 1
    return end
