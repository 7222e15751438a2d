"""Read kinds of records and their fields: "books (title, author)", "each task has a title", "track expenses with …"."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.phrases import (
    Phrase,
    PhraseTable,
    is_word,
    low,
    lows,
    noun_phrase,
)
from smaker.agents.offline.reader.language.tokens import Group, Item
from smaker.agents.offline.reader.language.words import (
    AUXILIARIES,
    DETERMINERS,
    FLUFF,
    is_deed,
    is_plural,
    verb,
    word_set,
)
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.rules.fields import holds_fields, is_detail
from smaker.agents.offline.reader.rules.members import read_group_fields
from smaker.agents.offline.reader.rules.reading import ADJECTIVES, Reading, strip_adjectives
from smaker.agents.offline.reader.rules.relations import read_link

_HAVE = word_set(
    "have has having with contain contains containing include includes including comprise comprises store "
    "stores record records hold holds need needs carry carries got gets features consisting"
    " link links connect connects join joins relate relates combine combines"
)


# Those that are nouns too, as in "records" and "links".
_NOUNS_TOO = word_set("store stores record records hold holds need needs features link links join joins")


_HAVE_PHRASES = (
    "consists of",
    "consist of",
    "consisting of",
    "is made of",
    "are made of",
    "made up of",
    "is made up of",
    "is described by",
    "are described by",
    "described by",
    "is defined by",
    "are defined by",
    "is identified by",
    "are identified by",
    "keeps track of",
    "such as",
)


_HAVE_TABLE = PhraseTable((phrase, True) for phrase in _HAVE_PHRASES)


_OPENERS = word_set("with have has having including includes include contains containing storing")


_PRODUCT = word_set(
    "app application system site website page service tool program api it backend product software platform"
)


MANAGE = word_set(
    "jot track manage store keep record log save collect maintain organise organize catalogue catalog handle "
    "register administer monitor capture enter note plan schedule write post make add create list view "
    "see show browse edit update change modify delete remove read get fetch retrieve submit place display"
)


CRUD = word_set(
    "add create list view see show browse edit update change modify delete remove read get fetch retrieve manage"
)


CONTAINERS = word_set(
    "list lists collection collections catalog catalogue database log logs record records inventory set "
    "registry directory archive overview details track information data library history"
)


_NO_OWNERS = word_set("feature features requirement requirements way ways overview field fields")


_AGAIN = word_set("each every they it these all both which that one")


def read_declaration(reading: Reading, items: Sequence[Item]) -> bool:
    """Read the opening of a list of fields; what follows the opening is read as a piece of that list."""
    return (
        _for_each(reading, items)
        or _again(reading, items)
        or _fields_of(reading, items)
        or _parenthesised(reading, items)
        or _possessive(reading, items)
        or _has(reading, items)
    )


def _for_each(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "for each visit record (the date)"."""
    if low(items, 0) not in {"for", "of"} or low(items, 1) not in {"each", "every", "a", "an", "all"}:
        return False
    phrase, after = noun_phrase(items, 1)
    if phrase is None:
        return False
    words = list(phrase.words)
    cut = next((place for place, word in enumerate(words) if place and verb(word) in MANAGE | {"need", "want"}), -1)
    if cut < 0:
        while low(items, after) in {"we", "i", "you", "it", "need", "want", "should", "to"}:
            after += 1
        if verb(low(items, after)) not in MANAGE:
            return False
        opener = after + 1
    else:
        opener = after - (len(words) - cut) + 1
        words = words[:cut]
    entity = reading.declare(tuple(words))
    reading.open_fields(entity.name)
    reading.use(items[:opener])
    return True


def _again(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "each has", "with", "including" said of the records spoken of."""
    index = 0
    while low(items, index) in _AGAIN:
        index += 1
    while low(items, index) in AUXILIARIES - {"have", "has", "having"}:
        index += 1
    after = _opener_end(items, index)
    tells = low(items, index) in {"record", "records", "store", "stores", "hold", "holds", "keep", "keeps"}
    if tells and reading.mode == "fields" and low(items, index + 1) in DETERMINERS and reading.current is not None:
        reading.use(items[: index + 1])
        reading.open_fields(reading.current)
        return True
    if after == index or (
        low(items, index) not in _OPENERS
        and low(items, index)
        not in {"consists", "consist", "consisting", "contain", "store", "stores", "need", "needs"}
    ):
        return False
    product = low(items, 0) == "it" and reading.mode == "product"
    if reading.current is None or product or (reading.mode == "product" and index == 0 and reading.mentioned is None):
        if (
            low(items, index) in {"with", "including", "has", "have", "include", "includes", "contains", "features"}
            and reading.mode == "product"
        ):
            reading.use(items[:after])
            return True
        if reading.current is None:
            return False
    reading.open_fields(reading.current)
    reading.use(items[:after])
    return True


def _opener_end(items: Sequence[Item], index: int) -> int:
    after = _HAVE_TABLE.after(items, index)
    if after > index:
        return after
    return index + 1 if low(items, index) in _HAVE else index


def _fields_of(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "fields of a book (…)", "book fields are", "the attributes of a task"."""
    words = lows(items)
    nouns = {"fields", "attributes", "properties", "columns"}
    place = next((index for index, word in enumerate(words[:5]) if word in nouns), -1)
    if place < 0:
        return False
    owner, end = None, place + 1
    if low(items, end) in {"of", "for"}:
        phrase, end = noun_phrase(items, end + 1)
        owner = phrase.words if phrase else None
    elif place:
        phrase, _ = noun_phrase(items[:place], 0)
        kept = strip_adjectives(phrase.words) if phrase else ()
        if kept and verb(kept[0]) in MANAGE:
            return False
        owner = kept if kept and not set(kept) <= ADJECTIVES else None
    name = reading.declare(owner).name if owner else reading.current
    if name is None:
        return False
    while low(items, end) in {"are", "is", ":"}:
        end += 1
    reading.open_fields(name)
    reading.use(items[:end])
    return True


def _parenthesised(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "books (title, author)", also after a verb: "track books (title, author) per shelf"."""
    place = next((index for index, item in enumerate(items) if isinstance(item, Group)), -1)
    if place < 1:
        return False
    group = items[place]
    if not isinstance(group, Group) or (reading.mode == "fields" and not _is_new_record(reading, items, place, group)):
        return False
    phrase, after = None, -1
    for start in range(max(0, place - 4), place):
        if not all(is_word(items, between) for between in range(start, place)):
            continue
        phrase, after = noun_phrase(items, start)
        if phrase is not None and after == place:
            break
    if phrase is None or after != place or is_detail(group, phrase.words):
        return False
    words = _noun_of(phrase)
    if not words or words[-1] in _NO_OWNERS:
        return False
    entity = reading.declare(words)
    why = find_unsupported(items[: place - len(words)])  # "admins manage products (…)"
    if why is not None:
        reading.draft.reject(reading.source(items[:place]), f"no blueprint has {why}")
    reading.use(items[:place])
    read_group_fields(reading, entity.name, group)
    reading.current = reading.mentioned = entity.name
    reading.beside = reading.target if reading.mode == "entities" else None
    reading.mode, reading.target = "entities", entity.name
    return True


def _is_new_record(reading: Reading, items: Sequence[Item], place: int, group: Group) -> bool:
    """Whether a noun with parentheses inside a list of fields begins another kind of record."""
    word = low(items, place - 1)
    often = reading.mentions.get(reading.entity_of((word,)) or "", 0) > 1
    return often and is_plural(word) and holds_fields(group)


def _noun_of(phrase: Phrase) -> Words:
    """The noun at the end of ``phrase``, without a verb before it ("add recipes" -> "recipes")."""
    words = list(phrase.words)
    deed = next((place for place in range(1, len(words) - 1) if is_deed(words, place) and words[place] in MANAGE), 0)
    if deed:
        words = words[deed + 1 :]
    while len(words) > 1 and (verb(words[0]) in MANAGE or words[0] in FLUFF):
        words.pop(0)
    return tuple(words)


def _possessive(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "a task's title" (a field) and "a hotel's rooms (…)" (records)."""
    words = lows(items)
    if "'s" not in words[:5]:
        return False
    place = words.index("'s")
    phrase, after = noun_phrase(items, 0)
    if phrase is None or after != place:
        return False
    owner = _noun_of(phrase)
    inner, end = noun_phrase(items, place + 1)
    if inner is None:
        return False
    records = is_plural(inner.head) and (reading.entity_of(inner.words) is not None or low(items, end) == "(")
    reading.use(items[: place + 1])
    if records:
        reading.draft.title = reading.draft.title or owner
        reading.mode = "product"
        return True
    reading.open_fields(reading.declare(owner).name)
    return True


def _has(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "books have", "every task with", "a project should have many"."""
    words = lows(items)
    for index in range(1, min(len(items), 9)):
        after = _opener_end(items, index)
        if after == index or (words[index] in _NOUNS_TOO and not _is_verb(items, index)):
            continue
        phrase, stop = noun_phrase(items, 0, limit=7)
        if phrase is None:
            return False
        if stop > index:
            phrase = Phrase(phrase.words[: len(phrase.words) - (stop - index)], phrase.tokens, phrase.determiner)
            stop = index
        if not phrase.words:
            return False
        subject = _noun_of(phrase)
        if low(items, stop) == "of" and subject[-1:] and subject[-1] in CONTAINERS and stop + 1 < index:
            inner, stop = noun_phrase(items, stop + 1)  # "a collection of recipes with"
            subject = inner.words if inner is not None else subject
        end = stop
        if end < index:
            end = _to_opener(reading, items, subject, end, index)
        if end != index:
            return False
        return _open(reading, items, subject, after)
    return False


def _is_verb(items: Sequence[Item], index: int) -> bool:
    """Whether "records" at ``index`` is a verb: "visits record the pet"."""
    before, after = low(items, index - 1), low(items, index + 1)
    if low(items, index) in {"link", "links", "join", "joins"}:
        return after in DETERMINERS
    return (after in DETERMINERS or is_plural(before) != low(items, index).endswith("s")) and after not in {
        "",
        "with",
        "have",
        "has",
        "(",
    }


def _to_opener(reading: Reading, items: Sequence[Item], subject: Words, index: int, opener: int) -> int:
    """Step over "on posts should" between a subject and its "have"; returns where that ends."""
    if low(items, index) == "of" and subject[-1] in CONTAINERS:
        return index
    index = read_link(reading, subject, items[:opener], index)
    while index < opener and low(items, index) in AUXILIARIES | {"each", "all", "also"}:
        index += 1
    return index


def _open(reading: Reading, items: Sequence[Item], subject: Words, after: int) -> bool:
    if subject[-1] in _PRODUCT and reading.entity_of(subject) is None:
        reading.mode = "product"
        reading.use(items[:after])
        return True
    if subject[-1] in _NO_OWNERS and reading.entity_of(subject) is None:
        return False
    entity = reading.declare(subject)
    reading.open_fields(entity.name)
    reading.use(items[:after])
    return True
