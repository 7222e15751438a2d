"""Read what is said of a field outside its list: "sku must be unique", "quantity can't be negative"."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Constraint, FieldDraft, Words
from smaker.agents.offline.reader.language.phrases import is_word, low, lows, noun_phrase
from smaker.agents.offline.reader.language.ranges import read_range
from smaker.agents.offline.reader.language.tokens import Group, Item
from smaker.agents.offline.reader.language.words import AUXILIARIES, DETERMINERS, word_set
from smaker.agents.offline.reader.rules.field_types import CHOICE_NAMES
from smaker.agents.offline.reader.rules.fields import FieldReading, read_detail, read_group
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.core.spec import OperationKind

_LINKS = (AUXILIARIES - {"have", "has", "had", "having"}) | word_set(
    "cannot never not always go goes drop drops fall falls ranges range runs run defaults default"
)


def read_constraint(reading: Reading, items: Sequence[Item]) -> bool:
    """Read a sentence about one field; False unless all of it is understood."""
    return _same(reading, items) or _never_have(reading, items) or _stated(reading, items)


def _stated(reading: Reading, items: Sequence[Item]) -> bool:
    entity: Words | None = None
    phrase, index = noun_phrase(items, 0, limit=6)
    words: Words | None = None
    if phrase is not None:
        words, index = _subject(phrase.words, index)
        if low(items, index) == "'s":
            inner, after = noun_phrase(items, index + 1)
            if inner is None:
                return False
            entity = words
            words, index = _subject(inner.words, after)
        elif low(items, index) == "of":
            inner, after = noun_phrase(items, index + 1, limit=6)
            if inner is None or after > len(items):
                return False
            said, index = _subject(inner.words, after)
            if words[-1:] in {("number",), ("count",)}:
                words = said  # "the number of pages"
            else:
                entity = said
        if not words:
            return False
    values = index < len(items) and isinstance(items[index], Group) and _has_values(reading, words)
    if low(items, index) in {"has", "have"} and low(items, index + 1) == "to":
        index += 2
    said = low(items, index) in _LINKS or (
        reading.mode not in {"fields", "product"} and read_range(items, index)[0] is not None
    )
    if not said and not (values and reading.mode != "fields"):
        return False
    return _said(reading, items, index, words, entity)


def _has_values(reading: Reading, words: Words | None) -> bool:
    """Whether the name is of a field whose values may follow."""
    if not words:
        return False
    name = "_".join(words)
    return words[-1] in CHOICE_NAMES or any(name in entity.fields for entity in reading.draft.entities.values())


def _subject(words: Words, index: int) -> tuple[Words, int]:
    """Cut a phrase at the first word that begins the statement ("quantities never drop", "rating ranges from")."""
    for place, word in enumerate(words):
        if word in _LINKS or word in {"defaults", "ranges"}:
            return words[:place], index - (len(words) - place)
    return words, index


def _said(reading: Reading, items: Sequence[Item], index: int, words: Words | None, entity: Words | None) -> bool:
    probe = FieldReading(FieldDraft("value"), ("value",))
    while index < len(items):
        item = items[index]
        if isinstance(item, Group):
            if not read_group(item, probe):
                return False
            index += 1
            continue
        if low(items, index) in DETERMINERS | {
            "always",
            "have",
            "also",
            "from",
            "go",
            "goes",
            "range",
            "ranges",
            "within",
            "number",
        }:
            found, after = read_range(items, index)
            if found is None:
                index += 1
                continue
        after = read_detail(items, index, probe)
        if after == index:
            return False
        index = after
    if probe.field == FieldDraft("value"):
        return False
    last = reading.last_wish
    if words is None:
        if reading.mode == "wish" and last is not None and last.kind is OperationKind.TRANSFER:
            reading.use(items)
            return True
        if reading.mode == "fields" and reading.last_field is not None:
            words = reading.last_field.words
        else:
            return False
    reading.draft.constraints.append(
        Constraint(words, reading.source(items), probe.field, entity=entity, near=reading.current)
    )
    reading.use(items)
    return True


def _never_have(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "services can't have a negative cost"."""
    owner, index = noun_phrase(items, 0)
    if owner is None or low(items, index) not in {"cannot", "never", "must", "may", "not", "should"}:
        return False
    denied = False
    while low(items, index) in {"cannot", "never", "must", "may", "not", "should", "have"}:
        denied = denied or low(items, index) in {"cannot", "never", "not"}
        index += 1
    phrase, after = noun_phrase(items, index)
    if not denied or phrase is None or phrase.words[0] != "negative" or len(phrase.words) < 2 or after < len(items):
        return False
    change = FieldDraft("value", minimum=0)
    said = Constraint(phrase.words[1:], reading.source(items), change, entity=owner.words, near=reading.current)
    reading.draft.constraints.append(said)
    reading.use(items)
    return True


def _same(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "no two books have the same isbn", "no duplicate names"."""
    words = lows(items)
    if words[:2] == ["no", "two"] and "same" in words:
        place = words.index("same")
        subject, _ = noun_phrase(items, 2)
        phrase, after = noun_phrase(items, place + 1)
        owner = subject.words[:1] if subject is not None else None
    elif words[:2] in (["no", "duplicate"], ["no", "duplicated"]):
        phrase, after = noun_phrase(items, 2)
        owner = None
    else:
        return False
    if phrase is None or not is_word(items, after - 1):
        return False
    change = FieldDraft("value", unique=True)
    reading.draft.constraints.append(
        Constraint(phrase.words, reading.source(items[:after]), change, entity=owner, near=reading.current)
    )
    reading.use(items[:after])
    return True
