"""Noun phrases, word patterns and number ranges in a run of tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.tokens import Group, Item, Token
from smaker.agents.offline.reader.language.words import AUXILIARIES, BREAKS, DETERMINERS, FLUFF, number, word_set

Meaning = TypeVar("Meaning")
_MANY = word_set("many several multiple various")
_ASKING = word_set("how what where when why")
_ASKED_OF = word_set("it they he she i we you")
_HOW = word_set("long far often well much many")
_MODALS = word_set("can could may might must shall should will would")
_LONGEST_QUESTION = 7


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: its words without determiners, and the tokens it took."""

    words: Words
    tokens: tuple[Token, ...]
    determiner: str = ""

    @property
    def head(self) -> str:
        """Its last word, the noun that the others qualify."""
        return self.words[-1]

    @property
    def many(self) -> bool:
        """Whether it speaks of several: "many tasks"."""
        return self.determiner in _MANY


def low(items: Sequence[Item], index: int) -> str:
    """The lower-case text of an item, "(" for a group, "" beyond the ends."""
    if not 0 <= index < len(items):
        return ""
    item = items[index]
    return "(" if isinstance(item, Group) else item.low


def lows(items: Sequence[Item]) -> list[str]:
    """`low` of every item."""
    return ["(" if isinstance(item, Group) else item.low for item in items]


def said(items: Sequence[Item]) -> str:
    """The lower-case text of ``items``, with spaces where there were some: "10k", "in progress"."""
    text = ""
    for place, item in enumerate(items):
        joined = isinstance(item, Token) and not item.spaced
        text += ("" if joined or place == 0 else " ") + low(items, place)
    return text


def is_word(items: Sequence[Item], index: int) -> bool:
    """Whether there is a word at ``index``."""
    if not 0 <= index < len(items):
        return False
    item = items[index]
    return isinstance(item, Token) and item.kind == "word"


def at_phrase(items: Sequence[Item], index: int, text: str) -> int:
    """The index after the words of ``text`` if they stand at ``index``, else -1."""
    return _at(items, index, tuple(text.split()))


def _at(items: Sequence[Item], index: int, words: Words) -> int:
    for offset, word in enumerate(words):
        if low(items, index + offset) != word:
            return -1
    return index + len(words)


class PhraseTable(Generic[Meaning]):
    """Phrases and what each means, found by their first word; the longest that fits is meant."""

    def __init__(self, entries: Iterable[tuple[str, Meaning]]) -> None:
        self._by_first: dict[str, list[tuple[Words, Meaning]]] = {}
        for phrase, meaning in entries:
            words = tuple(phrase.split())
            self._by_first.setdefault(words[0], []).append((words, meaning))
        for phrases in self._by_first.values():
            phrases.sort(key=lambda entry: -len(entry[0]))

    def at(self, items: Sequence[Item], index: int) -> tuple[Meaning, int] | None:
        """What the words at ``index`` mean and the index after them, or None."""
        for words, meaning in self._by_first.get(low(items, index), ()):
            after = _at(items, index, words)
            if after >= 0:
                return meaning, after
        return None

    def after(self, items: Sequence[Item], index: int) -> int:
        """The index after a phrase of the table that stands at ``index``, or ``index``."""
        found = self.at(items, index)
        return found[1] if found is not None else index


def noun_phrase(items: Sequence[Item], start: int, *, limit: int = 5, whole: bool = False) -> tuple[Phrase | None, int]:
    """Read a noun phrase at ``start``; returns it (or None) and the index after it.

    Adjectives that say little ("a simple list") are left out, unless the ``whole`` phrase is a name ("full name").
    """
    index, determiner, taken = start, "", list[Token]()
    skipped = DETERMINERS if whole else DETERMINERS | FLUFF
    while is_word(items, index) and low(items, index) in skipped:
        determiner = low(items, index) if low(items, index) in DETERMINERS else determiner
        taken.append(token(items, index))
        index += 1
    words: list[str] = []
    while is_word(items, index) and low(items, index) not in BREAKS and len(words) < limit:
        if low(items, index) in DETERMINERS:
            break
        words.append(low(items, index))
        taken.append(token(items, index))
        index += 1
    if not words and taken and taken[-1].low in {"thing", "things", "stuff", "features"}:
        words = [taken[-1].low]  # "things (name)": the word that says little is the noun itself
    if not words:
        return None, start
    return Phrase(tuple(words), tuple(taken), determiner), index


def token(items: Sequence[Item], index: int) -> Token:
    """The token at ``index``, which must not be a group."""
    item = items[index]
    if isinstance(item, Group):
        raise TypeError("a group is no token")
    return item


def split_list(items: Sequence[Item]) -> list[list[Item]]:
    """Split a list at its commas and "and"; "between 1 and 5" and "date and time" stay whole."""
    pieces: list[list[Item]] = [[]]
    for index, item in enumerate(items):
        if isinstance(item, Token) and item.low in {",", ";", "and", "plus"} and not holds_together(items, index):
            pieces.append([])
        else:
            pieces[-1].append(item)
    return [piece for piece in pieces if piece]


def holds_together(items: Sequence[Item], index: int) -> bool:
    """Whether the "and" at ``index`` stands within "between 1 and 5", "monthly and yearly"."""
    if low(items, index) != "and":
        return False
    if value_at(items, index - 1) is not None and value_at(items, index + 1) is not None:
        return True
    if {low(items, index - 1), low(items, index + 1)} in (
        {"monthly", "yearly"},
        {"monthly", "annual"},
        {"drag", "drop"},
    ):
        return True
    before = lows(items[max(0, index - 4) : index])
    return "between" in before and "and" not in before[before.index("between") :]


def question_clause(items: Sequence[Item], index: int) -> int:
    """The index after a question that names one thing ("how it felt", "where they were bought"), or -1.

    It ends its part of the sentence, and asks of something that happened or is so: "where they can add notes" does not.
    """
    if low(items, index) not in _ASKING:
        return -1
    place = index + 1 + (low(items, index) == "how" and low(items, index + 1) in _HOW)
    counted = low(items, place - 1) == "many" and is_word(items, place) and low(items, place) not in BREAKS
    if not (counted or low(items, place) in _ASKED_OF) or low(items, place + 1) in _MODALS | {"want", "need"}:
        return -1
    begin = end = place + 1
    while (
        is_word(items, end) and low(items, end) not in {"and", "or", "but", "plus"} and end - index < _LONGEST_QUESTION
    ):
        end += 1
    last = low(items, end)
    verbs = [word for word in lows(items[begin:end]) if word not in AUXILIARIES]
    whole = (
        last in {"", "and", "or", "plus", ",", ";", "."} and verbs and low(items, begin) not in {"has", "have", "had"}
    )
    return end if whole else -1


def value_at(items: Sequence[Item], index: int) -> float | None:
    """The number at ``index``, in figures or words, or None."""
    if not 0 <= index < len(items) or isinstance(items[index], Group):
        return None
    return number(low(items, index))
