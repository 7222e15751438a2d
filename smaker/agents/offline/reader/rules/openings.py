"""Leave out what stands before a request: "users can", "it should be possible to", "teachers"."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.language.phrases import low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import AUXILIARIES, FLUFF, is_plural, verb, word_set
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.rules.people import PEOPLE
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.agents.offline.reader.rules.relations import MAKES

_LEADING = word_set(
    "to also then please and that which who should must can could may will shall able it i we you they "
    "there is are want wish need would like let lets allow allows allowing support supports supporting provide "
    "provides offer offers possible ability option possibility me us them be make so finally additionally "
    "furthermore moreover lastly first next second third or option"
)


_SUBJECTS = word_set("users user people person visitors visitor everyone anyone someone callers clients customers")


_DONE_BY_PEOPLE = word_set(
    "search filter sort list view see browse export import download edit update delete remove mark find look"
)


# What people do with records that no blueprint knows.
MODALS = frozenset({"can", "may", "should", "must", "will"})
_AUXILIARIES = AUXILIARIES - {"have", "has", "is", "are"}
_DEEDS = word_set(
    "share borrow lend follow like subscribe buy purchase sell print scan rent hire attend enrol enroll invite"
)


_NO_DEEDS = word_set(
    "have contain include consist comprise hold need belong reference link own go exceed fall drop move transfer limit"
)


_INTRODUCING = word_set("add include implement provide create build need want offer have")


_REQUESTS = word_set(
    "search searching filter filters filtering sort sorting export exporting import importing csv json "
    "total totals count average login signup sign log user-accounts authentication registration limit "
    "maximum full-text"
)


def strip(reading: Reading, items: Sequence[Item]) -> Sequence[Item]:
    """Leave out what stands before a request; in a list of fields only people and pronouns do."""
    if reading.mode == "fields" and low(items, 0) not in _SUBJECTS | {"also", "then", "finally", "they", "it"}:
        return items
    index = 0
    while index < len(items) and (skipped := _opening(reading, items, index)):
        index += skipped
    reading.use(items[:index])
    if "there" in lows(items[:index]) and reading.mode == "":
        reading.mode = "entities"  # "there are authors, books and loans"
    if verb(low(items, index)) in _DEEDS and reading.mode != "fields" and _has_object(items, index + 1):
        return items[index + 1 :]  # the deed itself stays unread
    return items[index:]


def _opening(reading: Reading, items: Sequence[Item], index: int) -> int:
    """How many words at ``index`` say only who does it, or that it should be."""
    word, ahead = low(items, index), low(items, index + 1)
    if word in _SUBJECTS and not reading.knows(word):
        return 1 if ahead in _AUXILIARIES or verb(ahead) or ahead == "to" else 0
    if index == 0 and (actor := _actor(reading, items)) > 0:
        return 0 if find_unsupported(items[:actor]) is not None else actor
    if word in {"a", "the", "each", "every", "all"} and ahead in PEOPLE and low(items, index + 2) in MODALS:
        return 0 if reading.knows(ahead) else 2
    if word in {"with", "for"} and reading.mode == "product" and ahead == "support":
        return 2
    if word in _LEADING:
        states = index == 0 and word in {"is", "are", "be", *MODALS} and not verb(ahead)
        return 0 if states else 1
    pages = word in {"page", "pages", "form", "forms", "screens"} and ahead in {"to", "for", "where"}
    introduces = word in _INTRODUCING and _names_request(items, index + 1)
    return 1 if pages or introduces or (word == "with" and reading.mode == "product" and index == 0) else 0


def _has_object(items: Sequence[Item], index: int) -> bool:
    phrase, _ = noun_phrase(items, index)
    return phrase is not None and (is_plural(phrase.head) or phrase.determiner != "")


def _names_request(items: Sequence[Item], index: int) -> bool:
    """Whether "search", "CSV export", "a total per category" stands at ``index``, as after "add"."""
    while low(items, index) in FLUFF | {"a", "an", "the", "some"}:
        index += 1
    return low(items, index) in _REQUESTS


def _actor(reading: Reading, items: Sequence[Item]) -> int:
    """Where what is done begins in "authors can publish posts", "teachers manage classes"; 0 if nobody does it."""
    phrase, after = noun_phrase(items, 0)
    if phrase is None:
        return 0
    lead = after - len(phrase.words)
    if len(phrase.words) > 2 and is_plural(phrase.words[0]) and phrase.words[1] in _DONE_BY_PEOPLE | {"manage", "keep"}:
        return lead + 1
    if low(items, after) not in MODALS or len(phrase.words) > 2:
        return 0
    base = verb(low(items, after + 1))
    relates = base in MAKES and reading.entity_of(phrase.words) is not None and phrase.head not in PEOPLE
    return after + 1 if base and base not in _NO_DEEDS and not relates else 0
