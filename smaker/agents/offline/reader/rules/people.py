"""Read who uses the product: sign-up and login, and whose records are whose."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.language.phrases import PhraseTable, at_phrase, low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Group, Item
from smaker.agents.offline.reader.language.words import NEGATIONS, is_plural, word_set
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.rules.reading import NOT_RECORDS, Reading, entity_name
from smaker.agents.offline.reader.rules.views import subject_before
from smaker.core.spec import ProductKind

PEOPLE = word_set("user users person people visitor visitors member members customer customers author authors everyone")
_ACCOUNTS = (
    "sign up and in",
    "sign up",
    "signs up",
    "signing up",
    "signed up",
    "signup",
    "sign ups",
    "create an account",
    "create accounts",
    "user registration",
    "registration",
    "register",
    "user accounts",
    "user account",
    "accounts",
    "log in",
    "logs in",
    "logging in",
    "logged in",
    "login",
    "logins",
    "sign in",
    "signs in",
    "signing in",
    "signin",
    "log out",
    "logs out",
    "logout",
    "sign out",
    "user authentication",
    "password authentication",
    "authentication",
    "auth",
    "passwords",
    "password",
    "authenticated",
)
_ACCOUNT_TABLE = PhraseTable((phrase, True) for phrase in _ACCOUNTS)
_TAIL = word_set(
    "with their an a email emails address username password passwords using for account accounts needed "
    "required page pages form the site system app in is are be via by hashed secure support first must "
    "should and necessary"
)
_SEE = word_set("see sees view views access accesses read reads edit edits manage manages has have keep keeps change")
_LEADS = frozenset({"for", "with", "a", "an", "the", "to", "in", "on", "by", "their", "and"})
_PRIVATE_TO = (
    "to each user",
    "to the user",
    "to their owner",
    "to its owner",
    "to every user",
    "to each person",
    "per user",
    "for each user",
)
_SHARED = (
    "shared between all users",
    "shared with everyone",
    "shared by all users",
    "shared",
    "visible to everyone",
    "visible to all",
    "public",
)


def read_people(reading: Reading, items: Sequence[Item]) -> bool:
    """Read accounts, or whose the records are. Sites and libraries have no users of their own."""
    if reading.draft.kind in {ProductKind.SITE, ProductKind.LIBRARY}:
        return False
    return _accounts(reading, items) or _private(reading, items) or _shared(reading, items)


def _accounts(reading: Reading, items: Sequence[Item]) -> bool:
    if find_unsupported(items) is not None:
        return False
    for index in range(min(len(items), 8)):
        after = _ACCOUNT_TABLE.after(items, index)
        if after > index and not _is_record(reading, items, index, after):
            return _account(reading, items, index, after)
    return False


def _is_record(reading: Reading, items: Sequence[Item], index: int, after: int) -> bool:
    """Whether the words name a record or field: "accounts (name, balance)", "password" in a list, "register books"."""
    word = low(items, index)
    if (
        reading.mode == "fields"
        and word in {"password", "passwords", "accounts", "auth", "registration", "login"}
        and not reading.draft.users
    ):
        return True
    if word in {"accounts", "registration"} and (
        reading.entity_of((word,)) or low(items, after) in {"have", "has", "with"}
    ):
        return True
    if after < len(items) and isinstance(items[after], Group):
        return True
    return word == "register" and low(items, after) not in {"", "with", "for", "in", "to", "and", "using", "or"}


def _account(reading: Reading, items: Sequence[Item], index: int, after: int) -> bool:
    words = lows(items)
    denied = bool(NEGATIONS & set(words[:index])) or bool(NEGATIONS & set(words[after : after + 4]))
    before = [word for word in words[:index] if word not in NEGATIONS | {"with", "by", "just", "required", "up"}]
    fine, _ = subject_before(
        [item for item, word in zip(items, words, strict=True) if word not in NEGATIONS | {"with"}], len(before)
    )
    if not fine:
        return False
    while after < len(items) and (low(items, after) in _TAIL | NEGATIONS or _again(items, after)):
        after += 1
    while after < len(items) and low(items, after - 1) in _LEADS:
        after -= 1
    phrase, _ = noun_phrase(items, 0)
    if not denied and phrase is not None and index > 0:
        reading.draft.actors.add(entity_name(phrase.words[:1]))
    reading.use(items[:after])
    if not denied or reading.draft.users is None:
        reading.draft.users = not denied
    reading.mode = "" if reading.mode == "wish" else reading.mode
    reading.last_wish = None
    return True


def _again(items: Sequence[Item], index: int) -> bool:
    return _ACCOUNT_TABLE.at(items, index) is not None or low(items, index) in {"or", "up", "out"}


def _private(reading: Reading, items: Sequence[Item]) -> bool:
    words = lows(items)
    if "privately" in words[:6] and len(words) == 1:
        return _own_current(reading, items)
    if "private" in words and "(" not in words[: words.index("private")]:
        index = words.index("private")
        stated = index and words[index - 1] in {"are", "is", "be", "stay", "stays", "remain"}
        if stated or (reading.mode != "fields" and index == 0 and (len(words) == 1 or words[1] == "to")):
            phrase, after = noun_phrase(items, 0)
            if index and phrase is not None and after <= index:
                _own_beside(reading, reading.target)
                if reading.entity_of(phrase.words) or (is_plural(phrase.head) and phrase.head not in NOT_RECORDS):
                    reading.declare(phrase.words)
            elif words[:index] == ["are"]:
                _own_beside(reading, reading.beside)
            end = index + 1
            for tail in _PRIVATE_TO:
                end = max(end, at_phrase(items, index + 1, tail))
            return _own_current(reading, items[:end])
    if "own" in words:
        return _own(reading, items, words.index("own"))
    if "each" in words and "other" in words and {"cannot", "not", "never"} & set(words):
        place = words.index("other") + 1
        phrase, _ = noun_phrase(items, place + (low(items, place) == "'s"))
        reading.current = reading.entity_of(phrase.words) if phrase is not None else reading.current
        return _own_current(reading, items)
    return False


def _own_beside(reading: Reading, name: str | None) -> None:
    """In "notes and todos are private" the notes are private too."""
    beside = reading.draft.entities.get(name or "")
    if reading.mode == "entities" and beside is not None and beside.owned is None:
        beside.owned = True


def _own_current(reading: Reading, items: Sequence[Item]) -> bool:
    entity = reading.draft.entities.get(reading.current or "")
    if entity is None:
        reading.draft.own_all = True
    else:
        entity.owned = True
    reading.draft.users = True
    reading.use(items)
    return True


def _own(reading: Reading, items: Sequence[Item], index: int) -> bool:
    """Read "users only see their own tasks"; "manage their own tasks" is left to the rule for lists."""
    words = lows(items)
    before = words[:index]
    only = "only" in before or "just" in before
    sees = [word for word in before if word in _SEE]
    people = any(word in PEOPLE or word in {"each", "every", "they", "their"} for word in before)
    if not sees or not people or words[0] in {"manage", "keep"}:
        return False
    phrase, after = noun_phrase(items, index)
    reading.draft.users = True
    if phrase is not None:
        last = tuple(word for word in phrase.words if word not in {"own", "private"})
        name = reading.entity_of(last) if last else None
        if name is not None or not only:
            if not last or (last[-1] in {"data", "records", "things", "items"} and name is None):
                reading.draft.own_all = True
            else:
                entity = reading.declare(last)
                entity.owned, reading.target = True, entity.name
        else:
            reading.draft.own_all = True
        reading.use(items[:after])
        reading.mode = "entities"
        return True
    return _own_current(reading, items)


def _shared(reading: Reading, items: Sequence[Item]) -> bool:
    if reading.mode == "fields":
        return False
    words = lows(items)
    for phrase in _SHARED:
        first = phrase.split()[0]
        if first in words[:5]:
            index = words.index(first)
            after = at_phrase(items, index, phrase)
            if after == len(items) and index and words[index - 1] in {"are", "is", "be"}:
                phrase_before, _ = noun_phrase(items, 0)
                name = reading.entity_of(phrase_before.words) if phrase_before else reading.current
                if name in reading.draft.entities:
                    reading.draft.entities[name].owned = False
                else:
                    reading.draft.own_all = False
                reading.use(items)
                return True
    return False
