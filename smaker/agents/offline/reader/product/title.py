"""Read what the product is called: "a recipe manager", "an API for a clinic", and the technology it is to use."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.language.phrases import low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Group, Item, Token
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, is_plural, verb, word_set
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.rules.field_types import is_list_word
from smaker.agents.offline.reader.rules.fields import holds_fields
from smaker.agents.offline.reader.rules.reading import Reading, entity_name, strip_adjectives

SYSTEM = word_set(
    "app apps application applications system tool program programme utility tracker tracking manager "
    "management manger organizer organiser planner logger catalog catalogue database software solution "
    "platform journal log keeper collection list lists register directory project prototype mvp demo "
    "thing script registry crud service services site website records"
)
_LISTS = frozenset({"with", "that", "has", "having", "including"})
_BUILD = word_set("build create make write develop implement design generate code produce craft give")
_LEAD = FLUFF | DETERMINERS | word_set("i we you me us need want would can could like should to for of it be get")


def read_product(reading: Reading, items: Sequence[Item], *, first: bool) -> list[Item] | None:
    """Read the name of the product and return what follows it; None if ``items`` do not name the product.

    ``first``: these are the first words of the prompt, where "a recipe manager" names it without a kind.
    """
    words = lows(items)
    place = words.index("<kind>") if "<kind>" in words else -1
    start = 0
    while start < len(words) and (words[start] in _LEAD or verb(words[start]) in _BUILD):
        start += 1
    phrase, after = noun_phrase(items, start)
    if first and phrase is not None and phrase.head in SYSTEM and low(items, after) not in {"(", "<kind>"}:
        return _named(reading, items, [word for word in phrase.words if word not in SYSTEM], after)
    if place < 0:
        return None
    title: list[str] = []
    if start < place:
        if phrase is None or (after < place and low(items, after) not in {"for", "on", "in", "as", "of", "with"}):
            return None
        title = [word for word in phrase.words if word not in SYSTEM]
        if low(items, after) == "of" and after < place:
            inner, _ = noun_phrase(items, after + 1)
            title = [word for word in inner.words if word not in SYSTEM] if inner is not None else title
    return _named(reading, items, title, place + 1)


def _named(reading: Reading, items: Sequence[Item], title: Sequence[str], after: int) -> list[Item]:
    while low(items, after) in {"<kind>", "or", "and", "/"} and after < len(items):
        after += 1
    phrase, end = noun_phrase(items, after)
    if phrase is not None and not title and not phrase.determiner and not any(verb(word) for word in phrase.words[:-1]):
        title = [word for word in phrase.words if word not in SYSTEM]
        after = end if verb(phrase.words[0]) == "" else after
        title = title if after == end else []
    why = find_unsupported(items[:after])
    if why is not None:
        reading.draft.reject(reading.source(items[:after]), f"no blueprint has {why}")
        title = []
    reading.use(items[:after])
    if title and not reading.draft.title:
        reading.draft.title = strip_adjectives(tuple(title))
    reading.mode = "product"
    rest = list(items[after:])
    if low(rest, 0) == "of":
        rest[0:1] = [Token("for", "for", "word")]
    return rest


def read_purpose(reading: Reading, items: Sequence[Item]) -> list[Item] | None:
    """Read "for books and loans", "for a veterinary clinic", "for tracking runs"; returns what follows, or None."""
    if (
        low(items, 0) not in {"for", "in", "at", "around", "about", "from"}
        or low(items, 1) in {"most", "least", "all", "each", "every"}
        or reading.mode not in {"product", "entities"}
    ):
        return None
    if low(items, 0) == "for" and low(items, 1).endswith("ing") and verb(low(items, 1)):
        return list(items[1:])
    phrase, after = noun_phrase(items, 1)
    if phrase is None:
        return None
    words = strip_adjectives(phrase.words)
    known, many = reading.entity_of(words), is_plural(words[-1])
    one = phrase.determiner in {"a", "an", "my", "our", "the"}
    if one and not known and not many and _lists_records(items, after):
        reading.use(items[: after + 1])
        reading.draft.title = reading.draft.title or words
        return list(items[after + 1 :])
    group = items[after] if after < len(items) else None
    fields = isinstance(group, Group) and holds_fields(group)
    listed = not one and low(items, after) in _LISTS
    if low(items, 0) == "for" and (known or many or fields or listed):
        if after == len(items) and many:
            reading.draft.purpose = entity_name(words)
        return list(items[1:])
    inner, end = noun_phrase(items, after + 1) if low(items, after) == "of" else (None, after)
    if inner is not None and end == len(items) and len(inner.words) > 1 and reading.entity_of(inner.words[-1:]):
        words, after = inner.words, end  # "a library of board games", whose games are described later
    reading.use(items[:after])
    kept = [word for word in words if word not in SYSTEM] or list(words)
    if not reading.draft.title and low(items, after) != "to":
        reading.draft.title = tuple(kept)
    return list(items[after:])


def _lists_records(items: Sequence[Item], index: int) -> bool:
    """Whether "with posts and comments" stands at ``index``, rather than "with title and author"."""
    inner, _ = noun_phrase(items, index + 1)
    return low(items, index) in _LISTS and inner is not None and is_plural(inner.head) and not is_list_word(inner.head)
