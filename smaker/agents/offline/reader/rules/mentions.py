"""Read records that are named without their fields yet, and go on with lists that are open."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.phrases import Phrase, low, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import (
    MASS,
    is_deed,
    is_plural,
    singular,
    verb,
    word_set,
)
from smaker.agents.offline.reader.product.usual import record_of_title
from smaker.agents.offline.reader.rules.declare import CONTAINERS, CRUD, MANAGE
from smaker.agents.offline.reader.rules.details import FieldReading
from smaker.agents.offline.reader.rules.field_types import is_list_word, looks_like_field
from smaker.agents.offline.reader.rules.fields import read_field
from smaker.agents.offline.reader.rules.members import add_field
from smaker.agents.offline.reader.rules.reading import NOT_RECORDS, Reading, strip_adjectives
from smaker.agents.offline.reader.rules.relations import read_link
from smaker.core.spec import ProductKind

_WEAK = word_set("plan organise organize schedule handle administer monitor")  # "plan weddings" names no record


_VIEWS = frozenset({"list", "view", "see", "show", "browse", "read", "get", "display", "fetch", "retrieve"})
_EACH_HAS_ONE = word_set("date deadline priority status rating amount price name title quantity")
_ONES = frozenset({"a", "an", "each", "every", "my", "their", "our"})
_NO_FIELDS = frozenset({"add", "create", "edit", "delete", "remove"})
_COLLECTIONS = word_set("collection collections catalog catalogue library inventory database archive")


def read_mention(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "track books", "keep private notes", "edit and delete": records without fields yet."""
    base = verb(low(items, 0))
    if base not in MANAGE:
        return False
    if base in CRUD and (len(items) == 1 or low(items, 1) in {"them", "it", "these", "those"}):
        return _basic(reading, items)
    phrase, after = _kept(reading, items)
    if phrase is None:
        return False
    words, known = phrase.words, reading.entity_of(strip_adjectives(phrase.words))
    looks = base in _VIEWS and not reading.verbs - _VIEWS
    vague = phrase.head in NOT_RECORDS and len(strip_adjectives(words)) == 1
    if known is None and (reading.mode == "fields" or vague or looks):
        return False
    if known is None and _loose_field(reading, items, base, phrase):
        return True
    gathered = phrase.tokens[-1].low != phrase.head  # "my book collection"
    named = base in _WEAK or not (is_plural(phrase.head) or gathered)
    if (
        known is None
        and named
        and (base in _WEAK | {"manage"} or phrase.head in MASS or phrase.determiner not in _ONES)
    ):
        reading.draft.title = reading.draft.title or strip_adjectives(words)
        reading.use(items[:after])
        reading.mode = "product"
        return True
    entity = reading.declare(words)
    entity.owned = True if phrase.determiner == "own" else entity.owned
    reading.use(items[:after])
    reading.mode, reading.target = "entities", entity.name
    end = read_link(reading, words, items, after)
    reading.use(items[after:end])
    return True


def _basic(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "edit" or "delete them", which every product does; in a list of fields a lone "view" is a field."""
    if reading.mode == "fields" and len(items) == 1 and low(items, 0) not in _NO_FIELDS:
        return False
    reading.use(items[:2])
    reading.verbs.add(verb(low(items, 0)))
    return True


def _kept(reading: Reading, items: Sequence[Item]) -> tuple[Phrase | None, int]:
    """What is kept, without the words for its keeping: "a private list of books", "my book collection"."""
    phrase, after = noun_phrase(items, 1 + (low(items, 1) == "down"))
    if low(items, 1) == "track" and low(items, 2) == "of":
        phrase, after = noun_phrase(items, 3)
    if phrase is not None and len(phrase.words) > 1 and phrase.head in _COLLECTIONS and phrase.words[-2][-3:] != "ing":
        phrase = Phrase(phrase.words[:-1], phrase.tokens, phrase.determiner)
    while phrase is not None and phrase.head in CONTAINERS and low(items, after) in {"of", "for", "about"}:
        if {"private", "own", "personal"} & set(phrase.words):
            reading.draft.own_all = True
        phrase, after = noun_phrase(items, after + 1)
    return phrase, after


def _loose_field(reading: Reading, items: Sequence[Item], base: str, phrase: Phrase) -> bool:
    """Read "add a due date", a field of what there is rather than a record."""
    one = phrase.determiner in {"a", "an", "one", "another"} and not is_plural(phrase.head)
    if base not in {"add", "store", "keep", "record", "note"} or not one or not looks_like_field(phrase.words):
        return False
    field = read_field(items[1:])
    if field is None:
        return False
    reading.use(items[:1])
    reading.use(field.used)
    reading.loose.append(field)
    return True


def continue_list(reading: Reading, items: Sequence[Item]) -> bool:
    """Read a piece of the list that is open: a field, a kind of record, or either where the product was named."""
    if reading.mode == "fields" and reading.target is not None:
        field = read_field(items)
        if field is None:
            return False
        add_field(reading, reading.target, field)
        reading.last_field = field
        return True
    phrase, after = noun_phrase(items, 0)
    if phrase is None:
        return False
    if reading.mode == "" and after == len(items) and reading.entity_of(phrase.words) in reading.draft.entities:
        reading.mode, reading.target = "entities", reading.declare(phrase.words).name  # "notes and todos are …"
        reading.use(items)
        return True
    if reading.mode not in {"entities", "product"}:
        return False
    if reading.mode == "product":
        return _of_product(reading, items, phrase, after)
    if phrase.words == ("users",):
        return _of_product(reading, items, phrase, after)
    if (is_plural(phrase.head) or reading.entity_of(phrase.words) is not None) and phrase.head not in NOT_RECORDS:
        reading.draft.purpose = None
        before, entity = reading.draft.entities.get(reading.target or ""), reading.declare(phrase.words)
        if before is not None and before.owned and not phrase.determiner and entity.owned is None:
            entity.owned = True  # "their own projects and tasks"
        reading.use(items[:after])
        return True
    return False


def _of_product(reading: Reading, items: Sequence[Item], phrase: Phrase, after: int) -> bool:
    words = phrase.words
    if words in {("users",), ("user", "accounts")} and reading.entity_of(("user",)) is None:
        if reading.draft.kind is ProductKind.WEB:
            reading.draft.users = True
        else:
            reading.declare(words)
        reading.use(items[:after])
        return True
    acts = len(words) > 1 and (verb(words[0]) != "" or any(is_deed(words, place) for place in range(1, len(words))))
    if reading.entity_of(words) is not None and not acts:
        reading.declare(words)
        reading.use(items[:after])
        return True
    one = (*words[:-1], singular(phrase.head))
    if is_list_word(phrase.head) or (looks_like_field(one) and (not is_plural(phrase.head) or _is_field_only(one))):
        field = read_field(items)
        if field is not None:
            if not is_list_word(phrase.head):
                field.words = one  # "with due dates": each has one
                field.field.name = "_".join(one)
            _of_title(reading, field)
            return True
    if is_plural(phrase.head) and phrase.head not in NOT_RECORDS and not acts:
        reading.declare(words)
        reading.use(items[:after])
        return True
    if reading.loose and not acts and after == len(items) and len(words) <= 3:
        field = read_field(items)
        if field is not None:
            _of_title(reading, field)
            return True
    return False


def _is_field_only(words: Words) -> bool:
    """Whether a plural is said of a field each record has ("due dates"), and never of records."""
    return words[-1] in _EACH_HAS_ONE


def _of_title(reading: Reading, field: FieldReading) -> None:
    """Take a field of the product: the first of a list opens the fields of what its title names."""
    title = reading.draft.title
    if not title or not reading.listed or reading.draft.entities or is_list_word(field.words[-1]):
        reading.loose.append(field)
        reading.use(field.used)
        return
    entity = reading.declare(record_of_title(title))
    reading.open_fields(entity.name)
    add_field(reading, entity.name, field)
    reading.last_field = field
