"""What has been read so far: entities, fields and operations that may still change, before a Spec is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from smaker.core.spec import Aggregate, FieldType, OperationKind, ProductKind

Words = tuple[str, ...]
"""A noun phrase in lower case as it was written: ("due", "date"), ("books",)."""


@dataclass
class FieldDraft:
    """A field; ``type`` is None until it is named or inferred, ``required`` until it is said or implied."""

    name: str
    type: FieldType | None = None
    required: bool | None = None
    unique: bool = False
    choices: tuple[str, ...] = ()
    default: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False  # the minimum itself is not allowed ("must be positive")
    signed: bool = False  # it was said that it may be below zero
    references: str | None = None
    plural: bool = False
    unit: str = ""
    plain: bool = False  # nothing said or suggested a type, so it is a text
    settled: bool = False  # nothing about it is open any more


@dataclass
class EntityDraft:
    """An entity; ``declared`` once fields were named for it."""

    name: str
    plural: str
    fields: dict[str, FieldDraft] = field(default_factory=dict)
    owned: bool | None = None
    declared: bool = False
    partial: bool = False  # only some fields were said, of the product: "a todo app with due dates"

    def add(self, new: FieldDraft) -> FieldDraft:
        """Add ``new``, or merge what it says into the field of that name; returns the field kept."""
        old = self.fields.setdefault(new.name, new)
        if old is not new:
            old.type = new.type or old.type
            old.required = old.required if new.required is None else new.required
            old.unique = old.unique or new.unique
            old.choices = new.choices or old.choices
            old.default = old.default if new.default is None else new.default
            old.minimum = old.minimum if new.minimum is None else new.minimum
            old.maximum = old.maximum if new.maximum is None else new.maximum
            old.exclusive = old.exclusive or new.exclusive
            old.signed = old.signed or new.signed
            old.references = new.references or old.references
        return old


@dataclass
class Wish:
    """An operation as it was said; names are resolved once every entity is known."""

    kind: OperationKind
    source: str  # the words of the prompt
    entity: Words | None = None
    near: str | None = None  # the entity that was being talked about
    field: Words | None = None
    by: Words | None = None
    value: str | None = None
    aggregate: Aggregate | None = None
    format: str | None = None
    limit: int | None = None
    topic: Words | None = None
    name: str | None = None
    reverse: bool = False
    alone: bool = False  # nothing was spoken of in its sentence
    condition: str = ""  # "open" in "3 open loans": what an operation has no place for


@dataclass
class Constraint:
    """Something said of a field elsewhere than in its list: "quantity can't be negative"."""

    field: Words
    source: str
    change: FieldDraft
    entity: Words | None = None
    near: str | None = None


@dataclass
class Relation:
    """``child`` belongs to ``parent``; both as they were written."""

    child: Words
    parent: Words
    source: str
    many: bool = False  # many to many, which no blueprint has
    optional: bool = False
    only_known: bool = False  # a guess, kept only if both are entities


@dataclass
class Draft:
    """Everything read from a prompt."""

    text: str
    kind: ProductKind | None = None
    kind_words: str = ""
    title: Words = ()
    written: bool = False  # a journal: its entries have a text
    purpose: str | None = None  # the record in "a CLI for chess clubs", if no other is named with it
    guessed: bool = False  # its only record was guessed from the title
    entities: dict[str, EntityDraft] = field(default_factory=dict)
    wishes: list[Wish] = field(default_factory=list)
    constraints: list[Constraint] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    users: bool | None = None
    actors: set[str] = field(default_factory=set)  # who signs up: "members", "landlords"
    own_all: bool | None = None  # True: everybody's records are private; False: shared
    topics: list[str] = field(default_factory=list)
    registry: bool = False
    sections: list[str] = field(default_factory=list)
    toggles: list[str] = field(default_factory=list)
    forms: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    used: set[int] = field(default_factory=set)  # tokens some rule has read

    def reject(self, source: str, why: str = "") -> None:
        """Note something that was understood and cannot be done."""
        text = f"{source}: {why}" if why else source
        if text not in self.unsupported:
            self.unsupported.append(text)

    def ask(self, question: str) -> None:
        """Note a decision that was taken for the user."""
        if question not in self.questions:
            self.questions.append(question)
