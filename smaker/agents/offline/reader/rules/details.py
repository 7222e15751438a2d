"""Read what is said of one field: its values, bounds, unit, type, default, whether it is unique or required."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smaker.agents.offline.reader.draft import FieldDraft, Words
from smaker.agents.offline.reader.language.phrases import PhraseTable, is_word, low, lows, said, split_list, token
from smaker.agents.offline.reader.language.ranges import Range, read_range
from smaker.agents.offline.reader.language.tokens import Group, Item, Token, tokens_of
from smaker.agents.offline.reader.language.words import (
    DETERMINERS,
    PREPOSITIONS,
    word_set,
)
from smaker.agents.offline.reader.rules.field_types import TYPE_WORDS, infer, unit_type
from smaker.core.spec import FieldType

UNIQUE = frozenset({"unique", "uniquely", "distinct"})


REQUIRED = frozenset({"required", "mandatory", "obligatory", "compulsory"})


OPTIONAL = frozenset({"optional", "optionally", "nullable", "maybe", "perhaps"})


_LINKS = word_set("is are be can must should may will which that being it they has to of either one")


_TYPES = PhraseTable((text, text) for text in TYPE_WORDS)


_GENERIC_NUMBERS = frozenset({"number", "numeric", "decimal", "decimal number"})


_NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.MONEY})


_STRINGS = frozenset({"string", "str", "text", "varchar"})


_STRINGLIKE = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.EMAIL, FieldType.URL, FieldType.DATE})


_EMPTY_WORDS = word_set("blank empty omitted missing absent")


@dataclass
class FieldReading:
    """A field as read, the tokens that were understood, and its own list if it has one ("ingredients (name, unit)")."""

    field: FieldDraft
    words: Words
    used: list[Token] = dataclasses.field(default_factory=list)
    group: Group | None = None  # parenthesised text that says nothing about a single value
    many: bool = False

    def take(self, items: Iterable[Item]) -> None:
        """Count ``items`` as understood."""
        self.used += tokens_of(items)


def set_type(draft: FieldDraft, text: str, name: str) -> None:
    """Give ``draft`` the type a person wrote, kept as precise as the name suggests ("price: number" is money)."""
    kind = TYPE_WORDS[text]
    guess = infer(FieldDraft(name), "").type
    if (text in _GENERIC_NUMBERS and guess in _NUMERIC) or (text in _STRINGS and guess in _STRINGLIKE):
        kind = guess
    draft.type = kind


def read_detail(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read one detail at ``index``; returns the index after it, or ``index`` if it is none."""
    draft, word = reading.field, low(items, index)
    if word == ":":
        return index + 1 + _values(items, index + 1, reading)
    if word == "/" or low(items, index + 1) == "/":
        return _slashes(items, index - (word == "/"), reading)
    if word in {"default", "defaults", "defaulting"}:
        return _default(items, index, draft)
    if word == "by" and low(items, index + 1) == "default":
        return index + 2
    after = _flag(items, index, draft)
    if after > index:
        return after
    found, after = read_range(items, index)
    if found is not None:
        apply_range(draft, found)
        return after
    if low(items, index + 1) == "or" and is_word(items, index + 2):
        return _either(items, index, reading)
    if word in {"in", "as"} and is_word(items, index + 1):
        step = index + 1 + (low(items, index + 1) in DETERMINERS)
        return _unit_or_type(items, step, reading) or index
    return _unit_or_type(items, index, reading) or (index + 1 if word in _LINKS else index)


def _flag(items: Sequence[Item], index: int, draft: FieldDraft) -> int:
    word = low(items, index)
    if word in {"not", "cannot", "never"}:
        step = index + 1 + (low(items, index + 1) == "be")
        if low(items, step) in _EMPTY_WORDS | {"null", "optional"}:
            draft.required = True
            return step + 1
        if low(items, step) in REQUIRED:
            draft.required = False
            return step + 1
        return index
    if word in {"may", "can"} and low(items, index + 1) == "be":
        step = index + 2 + (low(items, index + 2) == "left")
        if low(items, step) in _EMPTY_WORDS:
            draft.required = False
            return step + 1
    if word in UNIQUE:
        draft.unique = True
        return index + 1
    if word in REQUIRED:
        draft.required = True
        return index + 1
    if word in OPTIONAL:
        draft.required = False
        return index + 1
    return index


def _unit_or_type(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read a unit or type word; returns the index after it or 0."""
    found = _TYPES.at(items, index)
    if found is not None:
        set_type(reading.field, found[0], "_".join(reading.words))
        return found[1]
    if low(items, index) in {"square", "cubic"} and unit_type(low(items, index + 1)) is not None:
        index += 1
    word = low(items, index)
    if is_word(items, index) and unit_type(word) is not None:
        reading.field.unit = word
        return index + 1
    if word == "%" or word in {"$", "€", "£"}:
        reading.field.unit = "percent" if word == "%" else "euro"
        return index + 1
    return 0


def _default(items: Sequence[Item], index: int, draft: FieldDraft) -> int:
    step = index + 1
    while low(items, step) in {"to", "is", ":", "=", "value", "of"}:
        step += 1
    if step < len(items) and isinstance(items[step], Token):
        draft.default = token(items, step).low
        return step + 1
    return index


def _values(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read what follows a colon: a type, or values. Returns how many items were read."""
    rest = Group(tuple(items[index:]))
    if rest.items and read_group(rest, reading):
        return len(rest.items)
    return 0


def _slashes(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read "open/in progress/done"; ``index`` is the first value."""
    values: list[list[Token]] = [[token(items, index)]] if is_word(items, index) or low(items, index).isdigit() else []
    step = index + 1
    while low(items, step) in {"/", "|"}:
        step += 1
        value: list[Token] = []
        while (
            step < len(items)
            and isinstance(items[step], Token)
            and low(items, step) not in PREPOSITIONS - {"in", "on", "to"}
        ):
            current = token(items, step)
            if current.kind == "mark" or current.low in UNIQUE | OPTIONAL | REQUIRED | {"default"}:
                break
            value.append(current)
            step += 1
        values.append(value)
    set_choices(reading.field, [said(value) for value in values if value])
    return step


def _either(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read "income or expense"; ``index`` is the first value."""
    step = index
    values: list[str] = []
    while is_word(items, step):
        values.append(low(items, step))
        step += 1
        if low(items, step) != "or":
            break
        step += 1
    set_choices(reading.field, values)
    return step


def set_choices(draft: FieldDraft, values: Sequence[str]) -> None:
    """Make ``draft`` a choice among ``values``, or yes/no where they are just that."""
    plain = [value.strip().lower() for value in values if value.strip()]
    if set(plain) in ({"yes", "no"}, {"true", "false"}, {"y", "n"}):
        draft.type = FieldType.BOOLEAN
        return
    if len(plain) > 1:
        draft.type = FieldType.CHOICE
        draft.choices = tuple(dict.fromkeys(plain))


def apply_range(draft: FieldDraft, found: Range) -> None:
    """Set the bounds of ``draft``; bounds in characters make it a text."""
    draft.minimum = found.minimum if found.minimum is not None else draft.minimum
    draft.maximum = found.maximum if found.maximum is not None else draft.maximum
    draft.signed = draft.signed or found.signed
    draft.exclusive = draft.exclusive or (found.exclusive and found.minimum is not None)
    if found.characters and draft.type is None:
        guess = infer(FieldDraft(draft.name), "").type
        draft.type = guess if guess is FieldType.LONG_TEXT else FieldType.TEXT


def read_group(group: Group, reading: FieldReading) -> bool:
    """Read parentheses after a field's name; False if they hold something other than details of one value."""
    pieces = split_list(group.items)
    probe = FieldReading(FieldDraft(reading.field.name, type=reading.field.type), reading.words)
    values: list[str] = []
    for piece in pieces:
        index = 0
        found, after = read_range(piece, index)
        if found is not None and found.signed:  # "can be negative", of which "can be" is no announcement of values
            apply_range(probe.field, found)
            probe.take(piece[:after])
            index = after
        while low(piece, index) in {
            "or",
            "eg",
            "ie",
            "like",
            "either",
            "values",
            "choices",
            "enum",
            "one",
            "of",
            ":",
            "options",
            "an",
            "a",
            "the",
            "can",
            "be",
            "may",
            "is",
            "being",
            "are",
        }:
            probe.take(piece[index : index + 1])
            index += 1
        begin = index
        if len(pieces) > 1 and len(piece) - index == 1 and unit_type(low(piece, index)) is not None:
            values.append(low(piece, index))  # one of several units is a value: "currency (EUR, USD)"
            probe.take(piece)
            continue
        while index < len(piece) and (after := read_detail(piece, index, probe)) > index:
            index = after
        if any(low(piece, index - 1) == word for word in _LINKS) and index < len(piece):
            index = begin  # "to read" is a value of its own
        probe.take(piece[begin:index])
        rest = piece[index:]
        if rest and all(isinstance(item, Token) for item in rest) and len(rest) <= 4:
            values.append(said(rest))
            probe.take(rest)
        elif rest:
            return False
    if len(values) == 1 and not probe.field.choices:
        return False
    if values:
        if probe.field.choices:
            values = (
                [*values, *probe.field.choices]
                if " or " in " ".join(lows(group.items))
                else [*probe.field.choices, *values]
            )
        set_choices(probe.field, [part for value in values for part in value.split(" or ")])
    _merge(reading.field, probe.field)
    reading.used += probe.used
    return True


def _merge(draft: FieldDraft, said: FieldDraft) -> None:
    draft.type = said.type or draft.type
    draft.choices = said.choices or draft.choices
    draft.unique = draft.unique or said.unique
    draft.required = draft.required if said.required is None else said.required
    draft.default = draft.default if said.default is None else said.default
    draft.minimum = draft.minimum if said.minimum is None else said.minimum
    draft.maximum = draft.maximum if said.maximum is None else said.maximum
    draft.exclusive = draft.exclusive or said.exclusive
    draft.signed = draft.signed or said.signed
    draft.unit = said.unit or draft.unit
