"""Read wishes that change or move records: mark done, archive, export, import, at most, move between."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.phrases import (
    Phrase,
    PhraseTable,
    at_phrase,
    is_word,
    low,
    lows,
    noun_phrase,
    value_at,
)
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import FLUFF, PREPOSITIONS, is_plural, participle, verb, word_set
from smaker.agents.offline.reader.rules.field_types import is_participle
from smaker.agents.offline.reader.rules.reading import ADJECTIVES, Reading
from smaker.agents.offline.reader.rules.views import subject_before
from smaker.core.spec import OperationKind

# Verb -> the state it brings about; "-" before it where the verb undoes that state.
STATES: dict[str, str] = {
    "archive": "archived",
    "publish": "published",
    "close": "closed",
    "complete": "completed",
    "finish": "finished",
    "approve": "approved",
    "reject": "rejected",
    "cancel": "cancelled",
    "activate": "active",
    "deactivate": "-active",
    "pin": "pinned",
    "star": "starred",
    "favourite": "favourite",
    "favorite": "favorite",
    "lock": "locked",
    "block": "blocked",
    "pause": "paused",
    "ship": "shipped",
    "pay": "paid",
    "return": "returned",
    "reopen": "-closed",
    "confirm": "confirmed",
    "accept": "accepted",
    "resolve": "resolved",
    "enable": "enabled",
    "disable": "-enabled",
    "hide": "hidden",
    "verify": "verified",
    "unarchive": "-archived",
    "unpublish": "-published",
    "deliver": "delivered",
    "retire": "retired",
    "suspend": "suspended",
    "ban": "banned",
    "flag": "flagged",
    "water": "watered",
}
_PLAIN = word_set("archive publish unpublish unarchive approve reject cancel reopen activate deactivate complete")
_MARK = word_set("mark marks marked marking flag flagged tick ticked check checked set")
_BETWEEN = word_set("it them off as to be being the a an one each whole")
_FORMATS = frozenset({"csv", "json"})
_OTHER_FORMATS = word_set("pdf excel xlsx xls xml yaml html markdown ics ical spreadsheet docx word parquet")
_PORT = word_set(
    "export exports exporting exported exportable import imports importing imported download downloaded downloadable"
)
_AT_MOST = (
    "at most",
    "no more than",
    "not more than",
    "a maximum of",
    "maximum of",
    "maximum",
    "max",
    "up to",
    "limited to",
    "a limit of",
    "capped at",
    "only",
)
_AT_MOST_TABLE = PhraseTable((phrase, True) for phrase in _AT_MOST)
_MOVES = word_set("move moves moved moving transfer transfers transferred transferring")
_UNITS = word_set("characters chars character letters stars points percent words minutes hours days")


def read_set(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "mark tasks as done", "archive notes", "articles can be published", "check off items"."""
    words = lows(items)
    index = next((place for place, word in enumerate(words[:5]) if word in _MARK or verb(word) in STATES), -1)
    if index < 0:
        return False
    fine, subject = subject_before(items, index)
    if not fine or (subject is not None and not is_passive(words, index)):
        return False
    if words[index] in _MARK and _read_mark(reading, items, index, subject):
        return True
    if verb(words[index]) not in STATES:
        return False
    return _read_verb(reading, items, index, subject)


def is_passive(words: Sequence[str], index: int) -> bool:
    """Whether the verb at ``index`` is said of what stands before it: "can be archived", "are closed"."""
    return index > 0 and words[index - 1] in {"be", "are", "is", "get", "gets"}


def _read_mark(reading: Reading, items: Sequence[Item], index: int, subject: Words | None) -> bool:
    place, off = index + 1, False
    while low(items, place) in _BETWEEN:
        off = off or low(items, place) == "off"
        place += 1
    phrase, after = noun_phrase(items, place)
    if off:
        return _checked(reading, items, phrase if phrase and reading.entity_of(phrase.words) else None, place, subject)
    if phrase is None:
        return False
    entity, field, words = subject, None, phrase.words
    link = low(items, after)
    if link in {"as", "to"}:
        inner, after = noun_phrase(items, after + 1)
        if inner is None:
            return False
        entity, field, words = (entity, words, inner.words) if link == "to" else (words, None, inner.words)
    elif len(words) > 1 and reading.entity_of(words[:-1]) is not None:
        entity, words = words[:-1], words[-1:]
    elif low(items, index) in {"set", "check"} or reading.entity_of(words) is not None or len(words) > 2:
        return False
    return _marked(reading, items, after, (entity, field, words))


def _checked(reading: Reading, items: Sequence[Item], phrase: Phrase | None, place: int, subject: Words | None) -> bool:
    """Note "check off items" and "tick them off": what is checked is told by the record's fields."""
    if phrase is None and place < len(items) and reading.mode == "fields":
        return False
    end = place if phrase is None else place + len(phrase.tokens)
    wish = reading.wish(OperationKind.SET, items[:end], entity=phrase.words if phrase else subject)
    wish.value = "checked"
    _name(reading, "check_off")
    return True


def _marked(
    reading: Reading, items: Sequence[Item], after: int, said: tuple[Words | None, Words | None, Words]
) -> bool:
    """Note a state to set, and further ones: "as passed or failed". ``said`` are record, field and state."""
    entity, field, words = said
    states, end = [words], after
    while low(items, end) == "or":
        other, end = noun_phrase(items, end + 1)
        if other is None:
            break
        states.append(other.words)
    wish = reading.wish(OperationKind.SET, items[:end], entity=entity)
    for place, state in enumerate(states):
        wish = reading.wish_again(wish) if place else wish
        wish.field, wish.value = field, " ".join(state)
        _name(reading, f"set_{'_'.join((*field, *state))}" if field else f"mark_{'_'.join(state)}")
    return True


def _name(reading: Reading, name: str) -> None:
    if reading.last_wish is not None:
        reading.last_wish.name = name.replace("-", "_")


def _read_verb(reading: Reading, items: Sequence[Item], index: int, subject: Words | None) -> bool:
    word = low(items, index)
    base = verb(word)
    passive = is_passive(lows(items), index) or (word != base and reading.mode == "wish" and is_participle(word))
    if word != base and not passive and not word.endswith("ing"):
        return False
    entity, end = subject, index + 1
    if not passive:
        while low(items, end) in {"it", "them", "a", "an", "the", "their", "own", "my", "all"}:
            end += 1
        phrase, after = noun_phrase(items, end)
        if phrase is not None and phrase.head in {"ones", "one"}:
            end = after
        elif phrase is not None:
            if reading.entity_of(phrase.words) is None:
                return False
            entity, end = phrase.words, after
        elif index == 0 and end == 1 and reading.mode == "fields" and word not in _PLAIN:
            return False
    reading.wish(OperationKind.SET, items[:end], entity=entity).value = STATES[base]
    _name(reading, base)
    return True


def read_deed(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "receive orders" where orders have a field "received" or such a value."""
    word = low(items, 0)
    phrase, after = noun_phrase(items, 1)
    name = reading.entity_of(phrase.words) if phrase is not None else None
    if phrase is None or name not in reading.draft.entities or not is_word(items, 0) or word in FLUFF:
        return False
    state = participle(verb(word) or word)
    fields = reading.draft.entities[name].fields.values()
    if not any(state in {field.name, f"is_{field.name}", *field.choices} for field in fields):
        return False
    reading.wish(OperationKind.SET, items[:after], entity=phrase.words).value = state
    _name(reading, word)
    return True


def read_port(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "export books to CSV", "CSV import", "download as JSON"."""
    words = lows(items)
    index = next((place for place, word in enumerate(words[:6]) if word in _PORT), -1)
    if index < 0:
        return False
    kind = OperationKind.IMPORT if words[index].startswith("import") else OperationKind.EXPORT
    if low(items, index + 1) == "/" and low(items, index + 2) in _PORT:
        _ported(
            reading, OperationKind.IMPORT if kind is OperationKind.EXPORT else OperationKind.EXPORT, items, index + 3
        )
        return _ported(reading, kind, items, index + 3)
    lead = [word for word in words[:index] if word not in FLUFF and word not in PREPOSITIONS]
    formats = [word for word in lead if word in _FORMATS | _OTHER_FORMATS]
    fine, subject = subject_before(items, index)
    if formats:
        fine, subject = len(lead) <= len(formats) + 2, None
    if not fine:
        return False
    return _ported(reading, kind, items, index + 1, formats=formats, subject=subject)


def _ported(
    reading: Reading,
    kind: OperationKind,
    items: Sequence[Item],
    index: int,
    *,
    formats: Sequence[str] = (),
    subject: Words | None = None,
) -> bool:
    entity, found = subject, list(formats)
    while index < len(items):
        word = low(items, index)
        if word in _FORMATS | _OTHER_FORMATS:
            found.append(word)
        elif word in PREPOSITIONS | {
            "/",
            "or",
            "a",
            "an",
            "the",
            "file",
            "files",
            "format",
            "formats",
            "them",
            "it",
            "all",
            "everything",
            "data",
            "my",
            "their",
            "and",
            "both",
        }:
            pass
        else:
            phrase, after = noun_phrase(items, index)
            kept = tuple(word for word in phrase.words if word not in _FORMATS | {"file", "files"}) if phrase else ()
            if phrase is None or (kept and reading.entity_of(kept) is None):
                break
            entity = kept or entity
            found += [word for word in phrase.words if word in _FORMATS | _OTHER_FORMATS]
            index = after
            continue
        index += 1
    others = [word for word in found if word in _OTHER_FORMATS]
    if others:
        reading.draft.reject(reading.source(items[:index]), f"no blueprint writes {', '.join(others).upper()}")
    for format_ in [word for word in found if word in _FORMATS] or ([] if others else [None]):
        reading.wish(kind, items[:index], entity=entity).format = format_
    reading.use(items[:index])
    return True


def read_limit(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "at most 5 notes per user", "limit loans to 3 per member", "a student can have at most 6 courses"."""
    found = _limit_at(items)
    if found is None:
        return False
    begin, index, limited = found
    value = value_at(items, index)
    if value is None or value != int(value):
        return False
    phrase, after = (None, index + 1) if limited else noun_phrase(items, index + 1)
    counted = limited or (phrase.words if phrase else None)
    if counted is None or counted[-1] in _UNITS:
        return False
    by, end = _per(items, after)
    subject: Words | None = None
    if by is None and begin > 0 and not limited:
        before, stop = noun_phrase(items, 0)
        subject = before.words if before is not None and stop <= begin else None
        by = subject
    name = reading.entity_of(counted)
    if name is None and (by is None or not is_plural(counted[-1])):
        return False
    if reading.mode == "fields" and by is None and not limited:
        return False
    wish = reading.wish(OperationKind.LIMIT, items[:end], entity=counted)
    wish.limit, wish.by = int(value), by
    if name is not None:
        qualifiers = counted[: len(counted) - name.count("_") - 1]
        wish.condition = " ".join(word for word in qualifiers if word not in ADJECTIVES)
    return True


def _limit_at(items: Sequence[Item]) -> tuple[int, int, Words | None] | None:
    """Where a limit begins and where its number stands, and what it counts if that is said first."""
    if low(items, 0) in {"limit", "restrict", "cap"}:
        phrase, after = noun_phrase(items, 1)
        if phrase is not None and low(items, after) in {"to", "at"}:
            at_most = at_phrase(items, after + 1, "at most")
            return 0, at_most if at_most > 0 else after + 1, phrase.words
    for place in range(min(len(items), 10)):
        after = _AT_MOST_TABLE.after(items, place)
        if after > place and value_at(items, after) is not None:
            return place, after, None
    return None


def _per(items: Sequence[Item], index: int) -> tuple[Words | None, int]:
    for text in (
        "for each",
        "for every",
        "per",
        "for one",
        "for a",
        "by",
        "each",
        "in each",
        "in a",
        "at the same time per",
        "at a time per",
    ):
        after = at_phrase(items, index, text)
        if after > 0:
            phrase, end = noun_phrase(items, after)
            if phrase is not None:
                return phrase.words, end
    return None, index


def read_transfer(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "stock moves from one warehouse to another", "parts can be moved between shelves"."""
    words = lows(items)
    index = next((place for place, word in enumerate(words[:8]) if word in _MOVES), -1)
    if index < 0:
        return False
    fine, subject = subject_before(items, index)
    if not fine:
        return False
    phrase, after = noun_phrase(items, index + 1)
    moved = phrase.words if phrase is not None else subject
    end = after if phrase is not None else index + 1
    if low(items, end) == "of":
        inner, stop = noun_phrase(items, end + 1)
        if inner is not None:
            moved, end = inner.words, stop
    place, end = _places(items, end)
    if place is None:
        return False
    wish = reading.wish(OperationKind.TRANSFER, items[:end])
    wish.topic, wish.by = moved, place
    return True


def _places(items: Sequence[Item], index: int) -> tuple[Words | None, int]:
    """Read "from one warehouse to another" or "between warehouses"."""
    link = low(items, index)
    if link not in {"from", "between", "among", "across"}:
        return None, index
    phrase, after = noun_phrase(items, index + 1)
    if phrase is None:
        return None, index
    words = tuple(word for word in phrase.words if word not in {"one", "two", "different"})
    if low(items, after) in {"to", "into", "and"}:
        after += 1
        while is_word(items, after) and low(items, after) in {"another", "other", "one", "a", "the", "an", *words}:
            after += 1
    return (words or None), after
