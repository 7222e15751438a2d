"""Find the records and fields that words name."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft, FieldDraft, Wish, Words
from smaker.agents.offline.reader.language.words import singular
from smaker.agents.offline.reader.product.naming import article, human
from smaker.agents.offline.reader.rules.reading import Reading, entity_name
from smaker.agents.offline.reader.settling.values import settle_field
from smaker.core.spec import FieldType, OperationKind

NUMERIC = frozenset({FieldType.INTEGER, FieldType.NUMBER, FieldType.MONEY})
TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})


def owners_of(reading: Reading, wish: Wish) -> list[EntityDraft]:
    """The records a wish speaks of: those it names, else those spoken of before it, else all."""
    draft = reading.draft
    if wish.entity is not None:
        name = find_entity(reading, wish.entity)
        if name is not None:
            return [draft.entities[name]]
        title = {entity_name(draft.title)} if draft.title else set[str]()
        if entity_name(wish.entity) not in title and len(draft.entities) != 1:
            draft.ask(f"What does {wish.source!r} speak of? There are no {' '.join(wish.entity)}. Taken: left out.")
            return []
    everywhere = (
        wish.alone
        and wish.field is None
        and wish.kind in {OperationKind.SEARCH, OperationKind.EXPORT, OperationKind.IMPORT}
    )
    if everywhere and len(draft.entities) > 1:
        draft.ask(f"Which records are meant by {wish.source!r}? Taken: all.")
    elif wish.near is not None and (name := find_entity(reading, (wish.near,))) is not None:
        return [draft.entities[name]]
    return list(draft.entities.values())


def field_of(
    reading: Reading, wish: Wish, words: Words, owners: list[EntityDraft]
) -> tuple[EntityDraft, FieldDraft] | None:
    """Find the field ``words`` name, first in ``owners``; one that was never listed is added to the first of them."""
    near = owners[0].name if len(owners) == 1 else None
    found = find_fields(reading.draft, words, near)
    if wish.entity is not None and near is not None:
        found = [pair for pair in found if pair[0].name == near]
    if found:
        return found[0]
    if len(words) > 1 and (owner := find_entity(reading, words[:-1])) is not None:
        inner = find_fields(reading.draft, words[-1:], owner)
        if inner and inner[0][0].name == owner:
            return inner[0]
    owner_draft = owners[0] if owners else None
    if owner_draft is None or len(words) > 2:
        reading.draft.ask(
            f"What does {wish.source!r} speak of? There is no field {' '.join(words)!r}. Taken: left out."
        )
        return None
    name = entity_name(words)
    field = owner_draft.add(FieldDraft(name, required=None))
    settle_field(reading.draft, owner_draft, field)
    kind = field.type.value.replace("_", " ") if field.type else "text"
    reading.draft.ask(
        f"What is the {human(name)} of {article(human(owner_draft.name))}? It was not among its fields. "
        f"Taken: a field of type {kind}."
    )
    return owner_draft, field


_LABELS = ("name", "title", "subject", "headline", "label", "code", "sku", "number", "question", "text")


def find_entity(reading: Reading, words: Words) -> str | None:
    """The record that ``words`` name, by its safe name; None if there is none."""
    name = reading.entity_of(words)
    return name if name in reading.draft.entities else None


def _is_time(words: Words, last: list[str]) -> bool:
    """Whether "start time" is said of the field "starts_at"."""
    return len(words) == 2 and words[1] in {"time", "date", "day"} and singular(words[0]) == singular(last[0])


def find_fields(draft: Draft, words: Words, near: str | None) -> list[tuple[EntityDraft, FieldDraft]]:
    """The fields that ``words`` name: of the record spoken of if it has one, else of every record."""
    names = {"_".join(words), entity_name(words), "_".join([*words[:-1], words[-1] + "s"])}
    exact: list[tuple[EntityDraft, FieldDraft]] = []
    loose: list[tuple[EntityDraft, FieldDraft]] = []
    for entity in draft.entities.values():
        for field in entity.fields.values():
            said = field.name.removesuffix("_record")
            last = said.split("_")
            bare = said.removesuffix("_on").removesuffix("_at")
            if {said, bare, entity_name(tuple(last)), field.references or said} & names:
                exact.append((entity, field))
            elif _is_time(words, last) or (
                len(words) == 1 and singular(words[0]) in {singular(last[-1]), singular(last[0])}
            ):
                loose.append((entity, field))
    for found in (exact, loose):
        here = [pair for pair in found if pair[0].name == near]
        if here or found:
            return here or found
    return []


def label_of(entity: EntityDraft) -> str | None:
    """The field that names a record to a person."""
    for name in _LABELS:
        field = entity.fields.get(name)
        if field is not None and field.type in {FieldType.TEXT, FieldType.EMAIL}:
            return name
    return next((field.name for field in entity.fields.values() if field.type is FieldType.TEXT), None)
