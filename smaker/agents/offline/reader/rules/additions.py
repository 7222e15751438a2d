"""Turn "add a rating and a cover to books" and "log the date and length of my runs" round, into lists of fields."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import FieldDraft, Relation
from smaker.agents.offline.reader.language.phrases import low, lows, noun_phrase, split_list
from smaker.agents.offline.reader.language.tokens import Group, Item, Token, mark
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, is_plural, verb, word_set
from smaker.agents.offline.reader.rules.field_types import infer, is_list_word
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.core.spec import FieldType

_ADDS = frozenset({"add", "give", "put", "include", "attach"})
_KEEPS = word_set("log track record store keep save note capture enter collect")
_NO_FIELDS = word_set(
    "search filter sort export import filtering sorting exporting importing searching report reports "
    "limit endpoint csv json total count average support ability button option way login authentication"
)
_CHILDREN = word_set("comments reviews messages replies ratings")


def turn_round(reading: Reading, items: Sequence[Item]) -> list[Item]:
    """Return ``items`` as "books with a rating and a cover" where they are such a sentence, else as they are."""
    start = 0
    while (
        low(items, start) in FLUFF | {"also", "and", "then", "i", "we", "to", "want", "should", "must"}
        and start < len(items) - 1
    ):
        start += 1
    base = verb(low(items, start))
    if base == "give":
        return _given(reading, items, start)
    if base in _ADDS:
        links = frozenset({"to", "for", "on"})
    elif base in _KEEPS:
        links = frozenset({"of", "for"})
    else:
        return list(items)
    found = _owner(reading, items, start, links, adds=base in _ADDS)
    if found is None:
        return list(items)
    place, after, known = found
    listed = list(items[start + 1 : place])
    reading.use(items[: start + 1])
    if known is not None:
        listed = _children(reading, listed, known)
        if not listed:
            reading.use(items[place:after])
            return list(items[after:])
    return [*items[place + 1 : after], _with(items[place]), *listed, *items[after:]]


def _owner(
    reading: Reading, items: Sequence[Item], start: int, links: frozenset[str], *, adds: bool
) -> tuple[int, int, str | None] | None:
    """Where "to books" stands, where it ends, and the record if it is known; None if fields are not given to one."""
    for place in range(start + 2, len(items)):
        if low(items, place) not in links or _holds_request(items[start + 1 : place]):
            continue
        owner, after = noun_phrase(items, place + 1)
        if owner is None or (after < len(items) and low(items, after) not in {"and", ",", "then", "but"}):
            continue
        known = reading.entity_of(owner.words)
        if adds and known is not None:
            return place, after, known
        many = is_plural(owner.head) or owner.determiner in {"each", "every"}
        if not adds and after == len(items) and many and len(split_list(items[start + 1 : place])) > 1:
            return place, after, known
    return None


def _with(link: Item) -> Token:
    place = link.at if isinstance(link, Token) else -1
    return Token("with", "with", "word", place)


def _holds_request(listed: Sequence[Item]) -> bool:
    return any(
        word in _NO_FIELDS or verb(word) in {"search", "filter", "sort", "export", "import"} for word in lows(listed)
    )


def _given(reading: Reading, items: Sequence[Item], start: int) -> list[Item]:
    """Turn "give books a rating" round."""
    owner, after = noun_phrase(items, start + 1)
    if owner is None or reading.entity_of(owner.words) is None or low(items, after) not in DETERMINERS:
        return list(items)
    reading.use(items[: start + 1])
    return [*items[start + 1 : after], Token("with", "with", "word"), *items[after:]]


def _children(reading: Reading, listed: Sequence[Item], parent: str) -> list[Item]:
    """Take plural nouns that are records of their own ("add comments to posts") out of a list of fields."""
    kept: list[Item] = []
    for piece in split_list(listed):
        phrase, after = noun_phrase(piece, 0)
        detailed = any(isinstance(item, Group) for item in piece)
        if phrase is not None and after == len(piece) and not detailed and is_plural(phrase.head):
            word = phrase.head
            plain = infer(FieldDraft("_".join(phrase.words)), "").type is FieldType.TEXT
            if (plain or word in _CHILDREN) and not is_list_word(word):
                child = reading.declare(phrase.words)
                reading.draft.relations.append(Relation((child.name,), (parent,), reading.source(piece)))
                reading.use(piece)
                continue
        kept += [*([mark(",")] if kept else []), *piece]
    return kept
