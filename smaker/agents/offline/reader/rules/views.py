"""Read wishes about seeing records: search, filter, sort, list by month or week."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Wish, Words
from smaker.agents.offline.reader.language.phrases import at_phrase, low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import (
    AUXILIARIES,
    DETERMINERS,
    FLUFF,
    PREPOSITIONS,
    PRONOUNS,
    singular,
    verb,
    word_set,
)
from smaker.agents.offline.reader.rules.reading import ADJECTIVES, Reading
from smaker.core.spec import OperationKind

_SEARCH = word_set("search searches searching searchable searched lookup")
_FIND = word_set("find look")
_SEARCH_NOUNS = word_set(
    "box bar field function page form feature endpoint up them it text full full-text fulltext free keyword"
)
_ANY_TEXT = word_set("text keyword keywords word words term terms phrase anything everything query string")
_FILTER = word_set("filter filters filtered filtering filterable")
_LIST = word_set("list lists listing listed show shows view views see display displays browse get group grouped")
_SORT = word_set("sort sorts sorted sorting sortable order ordered orders rank ranked")
_DIRECTIONS = word_set(
    "ascending descending asc desc newest oldest latest recent most first last highest lowest cheapest "
    "alphabetically alphabetical reverse chronologically order"
)
_DOWN = frozenset({"descending", "desc", "newest", "latest", "recent", "highest"})
_FIRST = word_set("newest oldest latest recent highest lowest cheapest alphabetically alphabetical chronologically")
MONTHS = frozenset({"month", "months", "monthly"})
_PERIODS = {**dict.fromkeys(MONTHS, "month"), **dict.fromkeys(("week", "weeks", "weekly"), "week")}


def subject_before(items: Sequence[Item], index: int) -> tuple[bool, Words | None]:
    """Whether what stands before ``index`` is at most a subject ("recipes are", "they can be"), and that subject."""
    phrase, after = noun_phrase(items, 0)
    if phrase is not None and after > index:
        words = phrase.words[: len(phrase.words) - (after - index)]
        kept = tuple(word for word in words if word not in FLUFF)
        return True, kept or None
    rest = lows(items[after if phrase else 0 : index])
    fine = all(word in AUXILIARIES | PRONOUNS | FLUFF | DETERMINERS | {"also", "with", "for", "to"} for word in rest)
    return fine, phrase.words if phrase else None


def read_search(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "search books by title", "searchable", "a search box"."""
    words = lows(items)
    index = next((place for place, word in enumerate(words[:7]) if word in _SEARCH), -1)
    if index < 0:
        if not words or words[0] not in _FIND or (words[0] == "look" and low(items, 1) != "up"):
            return False
        index = 0
    fine, subject = subject_before(items, index)
    if not fine:
        return False
    if subject is not None:
        subject = tuple(word for word in subject if word not in _SEARCH_NOUNS) or None
    end = index + 1
    while low(items, end) in _SEARCH_NOUNS:
        end += 1
    entity, fields, end = _object_and_fields(reading, items, end)
    wish = reading.wish(OperationKind.SEARCH, items[:end], entity=entity or subject)
    for field in fields:
        if field[-1] not in _ANY_TEXT:
            wish.field = wish.field or field
    return True


def _object_and_fields(reading: Reading, items: Sequence[Item], index: int) -> tuple[Words | None, list[Words], int]:
    """Read "through books by title or author" after a verb; returns the entity, the fields and where it ends."""
    entity: Words | None = None
    fields: list[Words] = []
    by = False
    while index < len(items):
        word = low(items, index)
        if word in {"by", "on", "per", "via"} or (word in {"in", "for", "over"} and entity is not None):
            by = True
            index += 1
        elif word in PREPOSITIONS | AUXILIARIES | {"or", "them", "it", "grouped", "filtered", "also"}:
            index += 1
        else:
            phrase, after = noun_phrase(items, index)
            if phrase is None:
                break
            if (
                not by
                and entity is None
                and (reading.entity_of(phrase.words) or after == len(items) or low(items, after) in {"by", "on", "in"})
            ):
                entity = phrase.words
            elif by or phrase.head in _ANY_TEXT:
                fields.append(phrase.words)
            else:
                break
            index = after
    return entity, fields, index


def read_sort(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "sort by price", "ordered by date, newest first", "newest first"."""
    words = lows(items)
    first = next((word for word in words if word in _FIRST), "")
    if first and all(
        word in _DIRECTIONS | FLUFF | DETERMINERS | {"with", "are", "is", "shown", "listed"} for word in words
    ):
        last = reading.last_wish
        if reading.mode == "wish" and last is not None and last.kind is OperationKind.SORT:
            last.reverse = first in _DOWN
            reading.use(items)
        else:
            wish = reading.wish(OperationKind.SORT, items)
            wish.value, wish.reverse = first, first in _DOWN
        return True
    index = next((place for place, word in enumerate(words[:6]) if word in _SORT), -1)
    if index < 0:
        return False
    fine, subject = subject_before(items, index)
    has_by = "by" in words[index:]
    if not fine or (not has_by and words[index] not in {"sortable", "sorting", "sort", "sorted"}):
        return False
    if not has_by and reading.mode == "fields":
        return False
    entity, fields, end = _object_and_fields(reading, items, index + 1)
    plain = [field for field in (_without_direction(field) for field in fields) if field]
    wish = reading.wish(OperationKind.SORT, items[:end], entity=entity or subject)
    wish.reverse = bool(_DOWN & set(words))
    for place, field in enumerate(plain):
        if place:
            wish = reading.wish_again(wish)
        wish.field = field
    return True


def _without_direction(words: Words) -> Words:
    """``words`` without "ascending" or "newest first" at their end."""
    end = len(words)
    while end and words[end - 1] in _DIRECTIONS:
        end -= 1
    return words[:end]


def read_filter(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "filter books by genre", "list by month", "list the loans of a member", "show only open tasks"."""
    words = lows(items)
    index = next((place for place, word in enumerate(words[:6]) if word in _FILTER), -1)
    if index < 0:
        return _read_listing(reading, items)
    fine, subject = subject_before(items, index)
    if not fine:
        return False
    entity, fields, end = _object_and_fields(reading, items, index + 1)
    if not fields and entity is not None and low(items, index + 1) in {"by", "for", "on"}:
        entity, fields = None, [entity]
    return _filters(reading, items[:end], entity or subject, fields)


def _filters(reading: Reading, items: Sequence[Item], entity: Words | None, fields: Sequence[Words]) -> bool:
    if not fields:
        reading.wish(OperationKind.FILTER, items, entity=entity)
        return True
    wish: Wish | None = None
    for field in fields:
        wish = reading.wish(OperationKind.FILTER, items, entity=entity) if wish is None else reading.wish_again(wish)
        period = _PERIODS.get(field[-1])
        wish.by = (period,) if period else None
        wish.field = (field[:-1] or None) if period else field
    return True


def _read_listing(reading: Reading, items: Sequence[Item]) -> bool:
    words = lows(items)
    index = next((place for place, word in enumerate(words[:4]) if word in _LIST), -1)
    if index < 0:
        return False
    fine, subject = subject_before(items, index)
    if not fine:
        return False
    index += 1
    while (
        low(items, index) in {"only", "all", "the", "them", "it", "just", "by"}
        and low(items, index + 1) != ""
        and low(items, index) != "by"
    ):
        index += 1
    phrase, after = noun_phrase(items, index)
    entity = phrase.words if phrase else subject
    link = low(items, after)
    if phrase is not None and phrase.head in _PERIODS and after == len(items):
        reading.wish(OperationKind.FILTER, items).by = (_PERIODS[phrase.head],)
        return True
    if phrase is not None and link not in {"by", "per"}:
        found = reading.entity_of(phrase.words)
        extra = (
            tuple(word for word in phrase.words[:-1] if word not in ADJECTIVES)
            if found and found.count("_") == 0
            else ()
        )
        if found and extra:
            wish = reading.wish(OperationKind.FILTER, items[:after], entity=phrase.words[len(extra) :])
            wish.value = " ".join(extra)
            return True
        if found is None or link not in {"of", "for", "in", "from"}:
            return False
        inner, end = noun_phrase(items, after + 1)
        if inner is None:
            return False
        return _filters(
            reading,
            items[:end],
            entity,
            [tuple(word for word in inner.words if word not in {"given", "certain", "particular", "specific"})],
        )
    if link not in {"by", "per"}:
        return False
    _, fields, end = _object_and_fields(reading, items, after)
    if not fields:
        return False
    first = len(reading.draft.wishes)
    _filters(reading, items[:end], entity, fields)
    for wish in reading.draft.wishes[first:]:
        wish.value = None if wish.by else "list"  # by a date or a number means in that order
    return True


def continue_wish(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "and date" after "filter by status", "per month" after "sum per category", "JSON" after "export CSV"."""
    last = reading.last_wish
    if reading.mode != "wish" or last is None:
        return False
    index = 0
    while low(items, index) in {"by", "per", "for", "each", "to", "as", "in", "on", "from", "or"}:
        index += 1
    phrase, after = noun_phrase(items, index)
    if (
        phrase is None
        or after != len(items)
        or verb(phrase.words[0]) in {"send", "notify", "print", "upload", "add", "edit", "delete", "remove", "update"}
    ):
        return False
    words = phrase.words
    if last.kind in {OperationKind.EXPORT, OperationKind.IMPORT}:
        return _continue_format(reading, items, words)
    if last.kind not in {OperationKind.FILTER, OperationKind.SORT, OperationKind.SEARCH, OperationKind.REPORT}:
        return False
    if last.kind is OperationKind.REPORT and last.by is None:
        return False
    name = reading.entity_of(words)
    if (
        index == 0
        and phrase.determiner == ""
        and last.kind is not OperationKind.REPORT
        and name
        and len(words) == 1
        and words[0] != singular(words[0])
    ):
        wish = reading.wish(last.kind, items, entity=words)
        wish.field, wish.by, wish.value = last.field, last.by, last.value
        return True
    near = last.near
    wish = reading.wish(last.kind, items)
    wish.near, wish.entity, wish.aggregate, wish.value = near, last.entity, last.aggregate, last.value
    if last.kind is OperationKind.REPORT:
        wish.field, wish.by = last.field, words
    elif words[-1] in _PERIODS and last.kind is OperationKind.FILTER:
        wish.by = (_PERIODS[words[-1]],)
    else:
        wish.field = words
    return True


def _continue_format(reading: Reading, items: Sequence[Item], words: Words) -> bool:
    last = reading.last_wish
    if last is None:
        return False
    if words[-1] in {"csv", "json"}:
        wish = reading.wish(last.kind, items)
        wish.entity, wish.near, wish.format = last.entity, last.near, words[-1]
        return True
    if reading.entity_of(words) is not None:
        wish = reading.wish(last.kind, items, entity=words)
        wish.format = last.format
        return True
    return False


def begins(items: Sequence[Item], *phrases: str) -> int:
    """The index after the first of ``phrases`` that ``items`` begin with, else 0."""
    for phrase in phrases:
        if (after := at_phrase(items, 0, phrase)) > 0:
            return after
    return 0
