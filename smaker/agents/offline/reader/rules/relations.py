"""Read how kinds of records belong together: "tasks belong to a project", "patients book appointments"."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Relation, Words
from smaker.agents.offline.reader.language.phrases import PhraseTable, low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import is_plural, verb, word_set
from smaker.agents.offline.reader.rules.reading import Reading

_BELONGS = (
    "belongs to",
    "belong to",
    "belonging to",
    "is assigned to",
    "are assigned to",
    "be assigned to",
    "assigned to",
    "is linked to",
    "are linked to",
    "linked to",
    "is attached to",
    "are attached to",
    "attached to",
    "is connected to",
    "are connected to",
    "is related to",
    "are related to",
    "related to",
    "is associated with",
    "are associated with",
    "associated with",
    "is part of",
    "are part of",
    "refers to",
    "refer to",
    "references",
    "reference",
    "is for",
    "are for",
    "is in",
    "are in",
    "sits in",
    "live in",
    "lives in",
    "are grouped into",
    "are grouped in",
    "are organised into",
    "are organized into",
    "links to",
    "link to",
    "points to",
    "point to",
)
_TABLE = PhraseTable((phrase, phrase) for phrase in _BELONGS)
MAKES = word_set(
    "place places book books make makes write writes create creates submit submits leave leaves post "
    "posts add adds schedule schedules own owns hold holds open opens receive receives issue issues send "
    "sends teach teaches"
)


def read_relation(reading: Reading, items: Sequence[Item]) -> bool:
    """Read one statement about two kinds of records."""
    return _many_to_many(reading, items) or _belongs(reading, items) or _makes(reading, items)


def _belongs(reading: Reading, items: Sequence[Item]) -> bool:
    for index in range(min(len(items), 6)):
        found = _TABLE.at(items, index)
        if found is not None:
            return _belonging(reading, items, index, found[1], found[0])
    return False


def _belonging(reading: Reading, items: Sequence[Item], index: int, after: int, text: str) -> bool:
    subject, stop = noun_phrase(items, 0)
    if subject is not None and stop > index:
        words = subject.words[: len(subject.words) - (stop - index)]
    else:
        words = subject.words if subject is not None else ()
    optional = any(low(items, place) in {"may", "can", "optionally", "could"} for place in range(index))
    child: Words | None = words or ((reading.current,) if reading.current else None)
    while low(items, after) in {"exactly", "one", "or", "more", "zero"}:
        after += 1
    phrase, end = noun_phrase(items, after)
    if phrase is None or child is None:
        return False
    weak = text.endswith((" in", " for")) or text.startswith(("live", "sit", "link", "point"))
    told = subject is not None and (subject.determiner in {"a", "an", "each", "every"} or is_plural(child[-1]))
    if weak and (reading.entity_of(phrase.words) is None or (reading.entity_of(child) is None and not told)):
        return False
    several = phrase.many or (low(items, after - 1) == "more")
    if set(phrase.words) & {"user", "users"} and reading.draft.users:
        name = reading.entity_of(child)
        if name in reading.draft.entities:
            reading.draft.entities[name].owned = True
            reading.use(items[:end])
            return True
    if words and reading.mode != "fields" and reading.entity_of(words) is None:
        reading.declare(words)
    relation = Relation(child, phrase.words, reading.source(items[:end]), many=several, optional=optional)
    reading.draft.relations.append(relation)
    reading.use(items[:end])
    if reading.mode != "fields" and (name := reading.entity_of(child)) is not None:
        reading.open_fields(name)  # "… and a user and has a title" goes on about it
    return True


def _makes(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "customers place orders" where both are known."""
    phrase, after = noun_phrase(items, 0)
    if phrase is None:
        return False
    words = list(phrase.words)
    index = next((place for place, word in enumerate(words) if place and word in MAKES), -1)
    if index < 0:
        if low(items, after) not in {"can", "may", "should", "will"} or low(items, after + 1) not in MAKES:
            return False
        subject: Words = phrase.words
        made, end = noun_phrase(items, after + 2)
    else:
        subject = tuple(words[:index])
        start = after - len(words) + index + 1
        made, end = noun_phrase(items, start)
    if made is None or reading.entity_of(subject) is None or not is_plural(made.head):
        return False
    child = reading.entity_of(made.words)
    if child is None or child == reading.entity_of(subject):
        return False
    reading.draft.relations.append(Relation(made.words, subject, reading.source(items[:end])))
    reading.current = child
    reading.use(items[:end])
    return True


def _many_to_many(reading: Reading, items: Sequence[Item]) -> bool:
    words = [part for word in lows(items) for part in word.split("-")]
    if "many to many" in " ".join(words):
        reading.draft.reject(reading.source(items), "no blueprint has relations of many to many")
        reading.use(items)
        return True
    return False


def read_link(reading: Reading, child: Words, items: Sequence[Item], index: int) -> int:
    """Read "on posts" after "comments", "for movies" after "reviews"; returns the index after it, or ``index``."""
    if low(items, index) not in {"on", "of", "for", "about", "in", "per", "to", "from", "by"}:
        return index
    phrase, after = noun_phrase(items, index + 1)
    if phrase is None:
        return index
    parent = reading.entity_of(phrase.words)
    if parent is None or parent == reading.entity_of(child) or verb(phrase.words[0]) in {"track", "manage"}:
        return index
    reading.draft.relations.append(Relation(child, phrase.words, reading.source(items[index:after]), only_known=True))
    reading.use(items[index:after])
    return after
