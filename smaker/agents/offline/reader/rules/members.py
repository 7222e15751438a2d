"""Put fields into records: one by one, from parentheses, and those that turn out to be records of their own."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Relation
from smaker.agents.offline.reader.language.phrases import (
    low,
    split_list,
)
from smaker.agents.offline.reader.language.tokens import Group, Item
from smaker.agents.offline.reader.language.words import (
    word_set,
)
from smaker.agents.offline.reader.product.naming import article, human
from smaker.agents.offline.reader.rules.field_types import COUNTING, is_list_word
from smaker.agents.offline.reader.rules.fields import FieldReading, holds_fields, read_field
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.core.errors import Refused

MOST_FIELDS = 60


_IMPLICIT = word_set(
    "id ids created_at created creation_date date_created created_on identifier creation_time primary_key"
)


def add_field(reading: Reading, entity: str, field: FieldReading) -> None:
    """Add a field to ``entity``, and the kind of record its own parentheses describe, if any."""
    reading.use(field.used)
    if field.field.name in _IMPLICIT:
        return
    draft = reading.draft.entities[entity]
    draft.declared = True
    known = reading.entity_of(field.words)
    if field.group is not None and holds_fields(field.group):
        _nested(reading, entity, field)
        return
    if field.many and known is None and field.field.plural and not is_list_word(field.words[-1]):
        known = reading.declare(field.words).name
        reading.current = entity
    counted = field.words[0] in COUNTING
    if field.field.plural and known is not None and known != entity and not field.field.choices and not counted:
        reading.draft.relations.append(Relation((known,), (entity,), " ".join(field.words), only_known=True))
        return
    if len(draft.fields) >= MOST_FIELDS:
        raise Refused(
            f"The prompt names more than {MOST_FIELDS} fields of {draft.plural.replace('_', ' ')}: too much for one.",
            hint="Ask for the most important ones first, and add the others with: smaker add-step",
        )
    draft.add(field.field)


def _nested(reading: Reading, entity: str, field: FieldReading) -> None:
    inner = field.group
    if inner is None:
        return
    if field.field.plural:
        child = reading.declare(field.words)
        reading.draft.relations.append(Relation((child.name,), (entity,), child.name))
        one, owner = human(child.name), human(entity)
        reading.draft.ask(f"Does {article(one)} belong to {article(owner)}? Taken: yes.")
        read_group_fields(reading, child.name, inner)
    else:
        read_group_fields(reading, entity, inner)
    reading.current = entity


def read_group_fields(reading: Reading, entity: str, group: Group) -> None:
    """Add the fields that parentheses list to ``entity``."""
    reading.draft.entities[entity].declared = True
    for piece in split_list(group.items):
        field = read_field(_without_opener(piece))
        if field is not None:
            reading.use(piece[: len(piece) - len(_without_opener(piece))])
            add_field(reading, entity, field)


def _without_opener(piece: Sequence[Item]) -> Sequence[Item]:
    index = 0
    while index < len(piece) - 1 and low(piece, index) in {
        "with",
        "each",
        "has",
        "have",
        "having",
        "eg",
        "ie",
        "including",
        "fields",
        ":",
        "and",
    }:
        index += 1
    return piece[index:]
