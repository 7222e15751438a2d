"""Read headers of lists: "Entities:", "Book:", "Fields:", and tell what kind of list follows them."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.language.clauses import Part
from smaker.agents.offline.reader.language.phrases import Phrase, low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Group, Item, Line, Token, mark
from smaker.agents.offline.reader.language.words import FLUFF, PREPOSITIONS, is_plural, verb, word_set
from smaker.agents.offline.reader.rules.declare import MANAGE
from smaker.agents.offline.reader.rules.fields import read_field
from smaker.agents.offline.reader.rules.reading import NOT_RECORDS, Reading, strip_adjectives

# Headers of lists, and what the list holds.
_RECORD_HEADERS = word_set(
    "entities entity models model resources resource tables records objects data things types collections"
)


_FIELD_HEADERS = word_set("fields attributes properties columns")


_FEATURE_HEADERS = word_set(
    "features feature requirements functionality operations endpoints functions commands actions "
    "capabilities notes rules constraints details users stories extras also goals scope overview "
    "description summary pages sections validation reports reporting"
)


_OPERATIONS = word_set("filter sort search export import mark")


_SMALL = word_set("the a an each every data main my our and of")
_REQUEST_VERBS = word_set("add list edit delete search filter sort mark export")


def lists_fields(header: Sequence[Token], children: Sequence[Line]) -> bool:
    """Whether bullets are the fields of what their header names: "Book:", "A task has:", "Fields:"."""
    words = [token.low for token in header]
    if not words or "<kind>" in words:
        return False
    if (
        words[-1] in _FIELD_HEADERS | {"has", "have", "with", "contains", "includes", "following"}
        or set(words) & _FIELD_HEADERS
    ):
        return True
    kept = [word for word in words if word not in FLUFF | {"the", "a", "an", "each", "every"}]
    if (
        not 1 <= len(kept) <= 3
        or kept[-1] in _RECORD_HEADERS | _FEATURE_HEADERS
        or any(token.kind != "word" for token in header)
    ):
        return False
    plain = [
        child
        for child in children
        if len(child.tokens) <= 6 or any(token.low in {":", "("} for token in child.tokens[:5])
    ]
    fields = [child for child in plain if verb(child.tokens[0].low) not in _REQUEST_VERBS]
    return len(fields) * 3 >= len(children) * 2 and not any(
        child.children and len(child.tokens) > 4 for child in children
    )


def as_piece(line: Line) -> list[Token]:
    """A bullet as a piece of a list: what follows its colon goes into parentheses."""
    tokens = [
        token
        for token in line.tokens
        if not (token.kind == "mark" and token.low in {".", ";"} and token is line.tokens[-1])
    ]
    nested = [token for child in line.children for token in (*child.tokens, mark(","))]
    place = next(
        (index for index, token in enumerate(tokens) if token.low == ":" or (token.low == "-" and token.spaced)), -1
    )
    if nested:
        return [*(tokens[:place] if place >= 0 else tokens), mark("("), *nested, mark(")")]
    if 0 < place < len(tokens) - 1:
        return [*tokens[:place], mark("("), *tokens[place + 1 :], mark(")")]
    return tokens


def read_header(reading: Reading, items: Sequence[Item], following: Part | None) -> bool:
    """Read what stands before a colon: "Entities:", "Book:", "Fields:"."""
    words = [word for word in lows(items) if word not in FLUFF]
    if "<kind>" in words or any(isinstance(item, Group) for item in items):
        return False
    kept = [word for word in words if word not in _SMALL]
    if not words:
        return False
    last = (kept or words)[-1]
    if (
        len(kept) <= 2
        and last in _RECORD_HEADERS | _FEATURE_HEADERS
        and reading.entity_of(tuple(kept or words)) is None
    ):
        reading.use(items)
        reading.mode = "entities" if last in _RECORD_HEADERS else "product"
        return True
    if last in _FIELD_HEADERS and len(kept) <= 1 and reading.current is not None:
        reading.use(items)
        reading.open_fields(reading.current)
        return True
    phrase, after = noun_phrase(items, 0)
    if following is not None and "<kind>" in lows(following.items) and after == len(items):
        reading.use(items)  # "Product: a meeting room API"
        return True
    if phrase is not None and low(items, after) == "for" and following and is_statement(reading, following.items):
        inner, end = noun_phrase(items, after + 1)
        if inner is not None and end == len(items):
            return _read_title(reading, items, inner, None)  # "Inventory for a bakery: …"
    if phrase is None or after != len(items) or is_request(phrase):
        return False
    known = reading.entity_of(phrase.words)
    if reading.mode == "fields" and known is None and read_field(items) is not None:
        return False
    if following is not None and is_statement(reading, following.items):
        return _read_title(reading, items, phrase, known)
    if phrase.head in NOT_RECORDS or len(strip_adjectives(phrase.words)) > 3:
        return False
    entity = reading.declare(phrase.words)
    reading.use(items)
    reading.open_fields(entity.name)
    return True


def _read_title(reading: Reading, items: Sequence[Item], phrase: Phrase, known: str | None) -> bool:
    """Read a header that names the product, not a record: "Inventory: products have …"."""
    if phrase.head in NOT_RECORDS | {"totals", "counts"}:
        reading.use(items)
        return True
    if known is not None:
        return False
    reading.draft.title = reading.draft.title or strip_adjectives(phrase.words)
    reading.use(items)
    reading.mode = "product"
    return True


def is_request(phrase: Phrase) -> bool:
    """Whether a phrase is a verb with its object ("records readings") and no noun of two words ("record label")."""
    first = phrase.words[0]
    if len(phrase.words) < 2 or verb(first) not in MANAGE:
        return False
    return first != verb(first) or is_plural(phrase.head)


def is_statement(reading: Reading, items: Sequence[Item]) -> bool:
    """Whether what follows a colon says something by itself rather than beginning a list of fields."""
    words = lows(items)
    index = next(
        (place for place, word in enumerate(words) if word not in PREPOSITIONS | FLUFF | {"the", "a", "an"}), 0
    )
    first, rest = words[index], words[index + 1 :]
    if any(word in {"have", "has", "with", "can", "should"} for word in words[:6]) or first == "users":
        return True
    if len(items) > 1 and isinstance(items[-1], Group) and is_plural(low(items, len(items) - 2)):
        return True
    if first in {"number", "total", "count", "average", "sum"} and {"per", "by", "of"} & set(words):
        return True
    if first in _OPERATIONS | {"highest", "lowest", "average", "maximum", "minimum"} and len(words) > 1:
        return True
    acts = verb(first) != "" and bool(rest) and (reading.entity_of((words[-1],)) is not None or is_plural(words[-1]))
    return acts or (verb(first) in {"sign", "log"} and len(words) > 1)
