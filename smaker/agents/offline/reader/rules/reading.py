"""The state of reading a prompt: what is being talked about, which list is open, and which words were understood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from smaker.agents.offline.reader.draft import Draft, EntityDraft, Wish, Words
from smaker.agents.offline.reader.language.tokens import Item, tokens_of
from smaker.agents.offline.reader.language.words import FLUFF, singular, word_set
from smaker.agents.offline.reader.product.naming import record_name, record_plural
from smaker.agents.offline.reader.rules.details import FieldReading
from smaker.core.errors import Refused
from smaker.core.spec import Aggregate, OperationKind

MOST_RECORDS = 40
Mode = Literal["", "fields", "entities", "wish", "product"]
_OWN = frozenset({"private", "own", "personal"})
_SHARED = frozenset({"public", "shared"})
# Adjectives that qualify a kind of record and are no part of its name.
ADJECTIVES = FLUFF | _OWN | _SHARED | word_set("new old favourite favorite online daily")
# Plural nouns that are no kind of record.
NOT_RECORDS = word_set(
    "report reports statistic statistics stats result results history detail details data change changes "
    "information chart charts graph graphs thing things feature features requirement requirements page "
    "pages user users people person everything item_list option options way ways update updates task_list "
    "overview summary list lists form forms view views endpoint endpoints operation operations test tests "
    "record records entry_list crud access content contents number numbers value values name names field "
    "fields"
)


class Reading:
    """What rules share while they read one prompt."""

    def __init__(self, draft: Draft, known: Iterable[str] = (), mentions: Mapping[str, int] | None = None) -> None:
        self.draft = draft
        self.mentions = mentions or {}  # how often an earlier reading came upon each record
        self.counted = Counter[str]()
        self.known = frozenset(known) | frozenset(draft.entities)
        self.current: str | None = None  # the entity last spoken of
        self.mentioned: str | None = None  # the entity this part spoke of
        self.mode: Mode = ""
        self.target: str | None = None  # whose fields are being listed
        self.beside: str | None = None  # the entity of the same list, read before the target
        self.spoken: str | None = None  # the entity spoken of in this sentence
        self.last_field: FieldReading | None = None
        self.last_wish: Wish | None = None
        self.verbs: set[str] = set()  # bare verbs of this sentence: "add, edit and …"
        self.pending: list[tuple[Aggregate, Sequence[Item]]] = []  # "minimum" before "and maximum amount"
        self.listed = False  # a colon has opened a list in this sentence
        self.loose: list[FieldReading] = []  # fields of the product itself: "a todo app with title and due date"

    def use(self, items: Iterable[Item]) -> None:
        """Count the words of ``items`` as understood."""
        self.draft.used.update(token.at for token in tokens_of(items))

    def source(self, items: Sequence[Item]) -> str:
        """The prompt's own words for ``items``, on one line."""
        places = [token for token in tokens_of(items) if token.at >= 0]
        if not places:
            return ""
        text = self.draft.text[min(token.start for token in places) : max(token.end for token in places)]
        return " ".join(text.split())

    def entity_of(self, words: Words) -> str | None:
        """The known entity that ``words`` name ("open tasks", "the book"), or None."""
        for start in range(len(words)):
            said = entity_name(words[start:])
            for name in (said, record_name(said)):
                if name in self.known or name in self.draft.entities:
                    return name
        if not words:
            return None
        tail = "_" + entity_name(words)
        longer = sorted(name for name in {*self.known, *self.draft.entities} if name.endswith(tail))
        return longer[0] if len(longer) == 1 else None

    def knows(self, word: str) -> bool:
        """Whether ``word`` names a record."""
        return self.entity_of((word,)) is not None

    def declare(self, words: Words) -> EntityDraft:
        """Find or add the entity that ``words`` name, and make it the one spoken of."""
        kept = strip_adjectives(words)
        if kept in {("journal",), ("diary",), ("logbook",)}:
            kept = ("entry",)
            self.draft.written = True
        name = self.entity_of(kept) or entity_name(kept)
        entity = self.draft.entities.get(name)
        if entity is None:
            if len(self.draft.entities) >= MOST_RECORDS:
                raise Refused(
                    f"The prompt names more than {MOST_RECORDS} kinds of records: too much to build at once.",
                    hint="Ask for the most important ones first, and add the others with: smaker add-step",
                )
            plain = entity_name(kept)
            said = plain if record_name(plain) == name else name
            name = record_name(said)
            if name != said:
                self.draft.ask(f"{said!r} is a word of Python: what is the record called in code? Taken: {name}.")
            entity = EntityDraft(name, record_plural(said))
            self.draft.entities[name] = entity
        if _OWN & set(words):
            entity.owned = True
        elif _SHARED & set(words):
            entity.owned = False
        self.current = self.mentioned = self.spoken = name
        self.counted[name] += 1
        return entity

    def open_fields(self, entity: str) -> None:
        """The next pieces of the list are fields of ``entity``."""
        if entity not in self.draft.entities:
            entity = self.declare(tuple(entity.split("_"))).name
        self.mode, self.target, self.current = "fields", entity, entity
        self.last_field = None

    def wish_again(self, wish: Wish) -> Wish:
        """Note a further operation said by the same words as ``wish``."""
        again = replace(wish)
        self.draft.wishes.append(again)
        self.last_wish = again
        return again

    def wish(self, kind: OperationKind, items: Sequence[Item], *, entity: Words | None = None) -> Wish:
        """Note an operation said by ``items``, all of whose words are understood."""
        pronoun = {"them", "it", "they", "their"} & {token.low for token in tokens_of(items)}
        wish = Wish(kind, self.source(items), entity=entity, near=self.current)
        wish.alone = self.spoken is None and not pronoun
        if entity is not None and (name := self.entity_of(entity)) is not None:
            self.current = self.spoken = wish.near = name
        self.draft.wishes.append(wish)
        self.use(items)
        self.mode, self.last_wish = "wish", wish
        return wish


def strip_adjectives(words: Words) -> Words:
    """``words`` without leading adjectives: "own private notes" -> "notes"."""
    start = 0
    while start < len(words) - 1 and words[start] in ADJECTIVES:
        start += 1
    return words[start:]


def entity_name(words: Words) -> str:
    """The singular snake_case name of a noun phrase: "time entries" -> time_entry."""
    parts = [word.replace("-", "_").replace("'", "") for word in words]
    return "_".join([*parts[:-1], singular(parts[-1])])[:50].strip("_")
