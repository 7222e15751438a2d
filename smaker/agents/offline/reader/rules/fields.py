"""Read one field: its name, type, choices, bounds and whether it is unique, required or optional."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import FieldDraft, Words
from smaker.agents.offline.reader.language.phrases import is_word, low, noun_phrase, question_clause, split_list
from smaker.agents.offline.reader.language.ranges import read_range
from smaker.agents.offline.reader.language.tokens import Group, Item, Token, tokens_of
from smaker.agents.offline.reader.language.words import (
    BREAKS,
    DETERMINERS,
    FLUFF,
    is_plural,
    number,
    singular,
    verb,
    word_set,
)
from smaker.agents.offline.reader.rules.details import (
    OPTIONAL,
    REQUIRED,
    UNIQUE,
    FieldReading,
    apply_range,
    read_detail,
    read_group,
    set_type,
)
from smaker.agents.offline.reader.rules.field_types import CHOICE_NAMES, infer
from smaker.core.spec import FieldType

# Verbs that begin a request, not the name of a field.
_SMALL = word_set("also just please including include includes with and finally possibly maybe")
_ACTIONS = word_set(
    "send notify upload show display integrate sync generate allow let create add edit delete remove "
    "manage keep make get subscribe calculate compute import export search filter build develop implement "
    "write provide belong include remind browse modify convert authenticate"
)
_ANSWERS = {
    "when": FieldType.DATE,
    "how many": FieldType.INTEGER,
    "how far": FieldType.NUMBER,
    "how much": FieldType.NUMBER,
}


def read_field(items: Sequence[Item]) -> FieldReading | None:
    """Read a field from one piece of a list, or return None if the piece is not the name of a field."""
    index = 0
    reading = FieldReading(FieldDraft(""), ())
    index = _leading(items, index, reading)
    start = index
    if question_clause(items, index) == len(items):
        return _question(items, index, reading)
    name = _whether if low(items, index) in {"whether", "if"} else _name
    index = name(items, index, reading)
    words = list(reading.words)
    if start == index or not 1 <= len(words) <= 5:
        return None
    acts = verb(words[0]) in _ACTIONS and not words[0].endswith("ed")
    if len(words) > 1 and acts and reading.field.type is None:
        return None
    reading.field.name = "_".join(word.replace("-", "_").replace("'", "") for word in words)
    _details(items, index, reading)
    reading.field.plural = is_plural(words[-1])
    return reading


def _leading(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Skip "an optional", "a unique", "some non-negative"."""
    while index < len(items):
        word = low(items, index)
        found, after = (None, index) if number(word) is not None else read_range(items, index)
        if word in UNIQUE:
            reading.field.unique = True
        elif word in {"one", "exactly"} and is_word(items, index + 1):
            pass
        elif word in OPTIONAL:
            reading.field.required = False
        elif word in REQUIRED:
            reading.field.required = True
        elif found is not None and is_word(items, after):
            apply_range(reading.field, found)
            reading.take(items[index:after])
            index = after
            continue
        elif (
            not (is_word(items, index) and (word in DETERMINERS or word in _SMALL))
            or not is_word(items, index + 1)
            or (word in FLUFF and low(items, index + 1) in BREAKS)
        ):
            break
        reading.take(items[index : index + 1])
        if word in {"many", "several", "multiple"}:
            reading.many = True
        index += 1
    return index


def _whether(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    """Read "whether it is done" as the yes/no field "done"."""
    begin = index
    index += 1
    while low(items, index) in DETERMINERS or low(items, index) in {
        "it",
        "they",
        "he",
        "she",
        "is",
        "are",
        "was",
        "been",
        "has",
        "have",
    }:
        index += 1
    phrase, after = noun_phrase(items, index)
    if phrase is None:
        return begin
    words = phrase.words
    if len(words) > 1 and low(items, after - len(words)) and verb(words[-1]):
        words = words[-1:]
    reading.words = words
    reading.field.type = FieldType.BOOLEAN
    reading.take(items[begin:after])
    return after


def _question(items: Sequence[Item], index: int, reading: FieldReading) -> FieldReading:
    """Read "how it felt" as the one field "how it felt", a text; "when it happened" is a date."""
    words = [token.low for token in tokens_of(items[index:])]
    reading.words = tuple(words)
    reading.field.name = "_".join(word.replace("-", "_").replace("'", "") for word in words)
    money = words[:2] == ["how", "much"] and words[-1] in {"cost", "costs", "paid", "spent", "earned"}
    answer = _ANSWERS.get(words[0]) or _ANSWERS.get(" ".join(words[:2]), FieldType.TEXT)
    reading.field.type = FieldType.MONEY if money else answer
    reading.take(items[index:])
    return reading


def _name(items: Sequence[Item], index: int, reading: FieldReading) -> int:
    if low(items, index) in {"is", "has", "was"} and is_word(items, index + 1) and len(items) <= index + 3:
        state, after = noun_phrase(items, index + 1)
        if state is not None:
            reading.words = (low(items, index), *state.words)
            reading.take(items[index:after])
            return after
    if len(items) == 1 and low(items, 0) in {"from", "to"}:  # of a message, or of a period
        reading.words = (low(items, 0),)
        reading.take(items)
        return 1
    phrase, after = noun_phrase(items, index, whole=True)
    if phrase is None:
        return index
    words, tokens = list(phrase.words), list(phrase.tokens)
    bounds = next((place for place in range(1, len(words)) if read_range(items, after - place)[0] is not None), 0)
    if bounds and bounds < len(words):  # "amount greater than 0"
        del words[len(words) - bounds :], tokens[len(tokens) - bounds :]
        after -= bounds
    if low(items, after) == "/" and len(words) > 1:  # status open/done: the last word is a value
        words.pop()
        tokens.pop()
        after -= 1
    if low(items, after) == "or" and len(words) > 1:
        cut = next(
            (
                place
                for place, word in enumerate(words[:-1])
                if word in CHOICE_NAMES and words[place + 1] not in CHOICE_NAMES
            ),
            None,
        )
        cut = len(words) - 2 if cut is None else cut
        removed = len(words) - cut - 1
        after -= removed
        del words[cut + 1 :], tokens[len(tokens) - removed :]
    if low(items, after) == "of" and is_word(items, after + 1) and read_range(items, after + 1)[0] is None:
        return _of(items, after, words, tokens, reading)
    if low(items, after) in {"per", "in", "on", "at", "since", "until", "by", "for", "from", "to", "with"} and words:
        tail, end = _tail(items, after, words)
        words += tail
        tokens += tokens_of(items[after:end])
        after = end
    while words and words[-1] in UNIQUE | REQUIRED | OPTIONAL:  # "email unique"
        words.pop()
        tokens.pop()
        after -= 1
    words, count = _without_type(words, reading)
    if count:
        reading.take(items[after - count : after])
    reading.words = tuple(words)
    reading.take(tokens)
    return after


def _tail(items: Sequence[Item], index: int, words: Sequence[str]) -> tuple[list[str], int]:
    """A preposition that is part of a name: "hired on", "starts at", "goal per week", "member since"."""
    word = low(items, index)
    by_whom = word == "by" and is_word(items, index + 1) and index + 2 == len(items)
    if (word == "per" and is_word(items, index + 1)) or by_whom:
        return [word, low(items, index + 1)], index + 2
    following = items[index + 1] if index + 1 < len(items) else None
    at_end = following is None or isinstance(following, Group) or low(items, index + 1) in UNIQUE | OPTIONAL | REQUIRED
    if at_end and word != "in":
        return [word], index + 1
    if at_end and (len(words) == 1 and words[0] in {"check", "clock", "sign", "time"}):
        return [word], index + 1
    return [], index


def _of(items: Sequence[Item], after: int, words: list[str], tokens: list[Token], reading: FieldReading) -> int:
    """Read "number of pages", "date of birth", "name of the owner", "list of tags"."""
    inner, end = noun_phrase(items, after + 1)
    if inner is None:
        reading.words = tuple(words)
        reading.take(tokens)
        return after
    head = words[-1]
    if head in {"number", "count", "amount", "quantity"}:
        reading.words = inner.words
        reading.field.type, reading.field.minimum = FieldType.INTEGER, None if head == "amount" else 0
    elif head in {"list", "set", "collection", "lists"}:
        reading.words = inner.words
    elif (
        head in {"date", "place", "time", "country", "city", "year", "day", "point", "cause", "type", "proof", "level"}
        and len(inner.words) == 1
    ):
        reading.words = (*words, "of", *inner.words)
    elif head in CHOICE_NAMES:  # "status of open or done" is caught earlier; this is one value
        reading.words = tuple(words)
        reading.take(tokens)
        return after
    else:
        reading.words = (*(singular(word) for word in inner.words), *words)
    reading.take(tokens)
    reading.take(items[after:end])
    return end


def _without_type(words: list[str], reading: FieldReading) -> tuple[list[str], int]:
    """Take a type off the end of a name: "title string", "done flag"."""
    for text in (
        "flag",
        "checkbox",
        "boolean",
        "bool",
        "string",
        "integer",
        "int",
        "float",
        "decimal",
        "datetime",
        "timestamp",
    ):
        if len(words) > 1 and words[-1] == text:
            set_type(reading.field, text, "_".join(words[:-1]))
            return words[:-1], 0
    return words, 0


def _details(items: Sequence[Item], index: int, reading: FieldReading) -> None:
    """Read what follows a name: values, bounds, a unit, a type, words such as "unique"."""
    while index < len(items):
        item = items[index]
        if isinstance(item, Group):
            of_its_own = is_plural(reading.words[-1]) and holds_fields(item) and not is_detail(item, reading.words)
            if of_its_own or not read_group(item, reading):
                reading.group = item
            index += 1
            continue
        after = read_detail(items, index, reading)
        if after == index:
            index += 1
        else:
            reading.take(items[index:after])
            index = after


def holds_fields(group: Group) -> bool:
    """Whether parentheses list fields rather than values or details of one field."""
    pieces = split_list(group.items)
    readings = [read_field(piece) for piece in pieces]
    known = sum(
        1
        for reading in readings
        if reading is not None
        and (infer(reading.field, "").type is not FieldType.TEXT or reading.words[-1] in {"name", "title", "code"})
    )
    return known * 2 >= len(pieces) and known > 0


def is_detail(group: Group, words: Words) -> bool:
    """Whether parentheses say something of one value only: a type, bounds, "unique"."""
    probe = FieldReading(FieldDraft("value"), words)
    return read_group(group, probe) and not probe.field.choices
