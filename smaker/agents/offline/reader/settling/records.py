"""Settle the records once all is read: which fields are references, what types the rest have, what was left open."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft, FieldDraft, Relation, Words
from smaker.agents.offline.reader.language.words import is_plural, plural, singular
from smaker.agents.offline.reader.product.naming import article, human, listing, record_name
from smaker.agents.offline.reader.product.usual import USUAL_FIELDS, record_of_title
from smaker.agents.offline.reader.rules.field_types import COUNTING, SEVERAL, infer
from smaker.agents.offline.reader.rules.fields import FieldReading
from smaker.agents.offline.reader.rules.reading import Reading, entity_name
from smaker.agents.offline.reader.settling.finding import find_entity, find_fields
from smaker.agents.offline.reader.settling.values import settle_field
from smaker.core.spec import FieldType, ProductKind


def settle(reading: Reading) -> None:
    """Turn what was read into records whose fields have names and types. Works on the draft in place."""
    draft = reading.draft
    _loose_fields(reading)
    _records_of_title(reading)
    if draft.users:
        _people(reading)
    for entity in list(draft.entities.values()):
        _references(reading, entity)
    for relation in sorted(draft.relations, key=lambda relation: relation.only_known):
        _relate(reading, relation)
    _drop_purpose(reading)
    for entity in list(draft.entities.values()):
        _defaults(draft, entity)
        _references(reading, entity)
    for entity in draft.entities.values():
        for field in entity.fields.values():
            settle_field(draft, entity, field)
    apply_constraints(reading, last=False)
    _break_cycles(draft)


def _loose_fields(reading: Reading) -> None:
    """Give fields said of the product to its records: "a todo app with title and due date"."""
    draft = reading.draft
    if not reading.loose:
        return
    if not draft.entities and draft.title:
        reading.declare(record_of_title(draft.title))
    titled = reading.declare(record_of_title(draft.title)) if draft.title else None
    owner = titled or next(iter(draft.entities.values()), None)
    if owner is not None and titled is None and len(draft.entities) > 1:
        said = listing([" ".join(field.words) for field in reading.loose])
        draft.ask(f"Which record has {said}? Taken: {human(owner.name)}.")
    for field in reading.loose:
        if owner is None:
            draft.used.difference_update(token.at for token in field.used)
        else:
            _keep(owner, field)


def _keep(owner: EntityDraft, field: FieldReading) -> None:
    owner.partial = owner.partial or not owner.declared
    owner.add(field.field)


def _records_of_title(reading: Reading) -> None:
    """Where no record was named, the product's title names it: "a habit tracker"."""
    draft = reading.draft
    stores = draft.kind in {ProductKind.API, ProductKind.WEB, ProductKind.CLI, None}
    if draft.entities or not draft.title or not stores:
        return
    words = record_of_title(draft.title)
    entity = reading.declare(words)
    draft.guessed = True
    draft.ask(f"What does it keep? Taken: {human(entity.plural)}.")


def _people(reading: Reading) -> None:
    """The people who log in are kept by the login itself, so they are no record of their own."""
    draft = reading.draft
    for name in draft.actors:
        actor = draft.entities.get(name)
        if actor is not None and not actor.declared and len(draft.entities) > 1:
            del draft.entities[name]
    kept = draft.entities.get("user")
    if kept is not None and any(field.settled for field in kept.fields.values()):
        draft.users = None  # a spec that is extended keeps its records
        draft.reject("accounts", "there are records called user already")
        return
    people = draft.entities.pop("user", None)
    if people is None:
        return
    further = [name for name in people.fields if name not in {"email", "password", "username", "name", "email_address"}]
    for name in further:
        draft.reject(f"{human(name)} of users", "accounts keep an email address and a password only")
    for relation in draft.relations:
        if "user" in {entity_name(relation.parent), singular(relation.parent[-1])}:
            child = reading.entity_of(relation.child)
            if child in draft.entities:
                draft.entities[child].owned = True
    draft.relations = [
        relation
        for relation in draft.relations
        if not {entity_name(relation.parent), entity_name(relation.child)} & {"user"}
    ]


def _references(reading: Reading, entity: EntityDraft) -> None:
    """Fields named like a record point at it; plural ones mean that the other record points here."""
    for field in list(entity.fields.values()):
        if field.type not in {None, FieldType.REFERENCE} or field.choices:
            continue
        words = tuple(field.name.removesuffix("_id").split("_"))
        if (
            words[-1] in {"user", "owner"}
            and len(words) == 1
            and reading.draft.users
            and "user" not in reading.draft.entities
        ):
            if words[-1] == "user":
                del entity.fields[field.name]
                entity.owned = True
            continue
        target = _target(reading, words, entity) if words[0] not in COUNTING else None
        if target is None and field.plural and words[0] not in COUNTING:
            target = _part(reading, entity, field)
        if target is None:
            continue
        if is_plural(words[-1]):
            del entity.fields[field.name]
            other = reading.draft.entities[target]
            if not any(known.references == entity.name for known in other.fields.values()):
                other.add(FieldDraft(entity.name, FieldType.REFERENCE, references=entity.name))
            continue
        name = "_".join(words)
        if record_name(name) == target:
            name = target
        entity.fields = {(name if key == field.name else key): value for key, value in entity.fields.items()}
        field.name, field.type, field.references = name, FieldType.REFERENCE, target
        if target == entity.name:
            field.required = False


def _part(reading: Reading, entity: EntityDraft, field: FieldDraft) -> str | None:
    """Settle a plural that names no record and no usual field: records of their own if all are such, else words.

    "Polls with options" keeps options; in "movies (title, year, actors)" the actors are a list of words.
    """
    plain = [known for known in entity.fields.values() if known.references is None]
    if field.type is not None or infer(field, entity.name).type is not FieldType.TEXT:
        return None
    if not all(known.plural and infer(known, entity.name).type is FieldType.TEXT for known in plain):
        field.type = FieldType.TAGS if singular(field.name.split("_")[-1]) in SEVERAL else FieldType.TEXT
        return None
    part = reading.declare(tuple(field.name.split("_")))
    reading.draft.ask(f"What is kept of {article(human(part.name))}? Taken: the usual fields.")
    return part.name


def _target(reading: Reading, words: Words, entity: EntityDraft) -> str | None:
    """The record a field of that name points at: the whole name, or its last word ("home team", "parent category")."""
    entities = reading.draft.entities
    for start in range(len(words)):
        tail = "_".join([*words[start:-1], singular(words[-1])])
        name = record_name(tail)
        if name in entities and (name != entity.name or start > 0):
            return name
    return None


def _relate(reading: Reading, relation: Relation) -> None:
    draft = reading.draft
    child, parent = find_entity(reading, relation.child), find_entity(reading, relation.parent)
    if relation.many:
        draft.reject(relation.source, "no blueprint has relations of many to many")
        return
    if (child is None or parent is None) and relation.only_known:
        return
    if child is None or parent is None:
        missing = relation.parent if parent is None else relation.child
        kept = tuple(word for word in missing if word not in {"one", "single", "exactly"}) or missing
        entity = reading.declare(kept)
        child, parent = find_entity(reading, relation.child), find_entity(reading, relation.parent)
        if child is None or parent is None:
            return
        draft.ask(f"What is kept of {article(human(entity.name))}? Taken: the usual fields.")
    if child == parent or (relation.only_known and parent in _needed(draft, child)):
        return  # a guess that says no more than what is known
    owner = draft.entities[child]
    if not any(field.references == parent for field in owner.fields.values()):
        required = False if relation.optional else None
        owner.add(FieldDraft(parent, FieldType.REFERENCE, references=parent, required=required))


def _drop_purpose(reading: Reading) -> None:
    """Drop what "a CLI for chess clubs" names, if other records were described and none refers to it."""
    draft = reading.draft
    purpose = draft.entities.get(draft.purpose or "")
    if purpose is None or purpose.fields or reading.counted[purpose.name] > 1:
        return
    fields = [field for entity in draft.entities.values() for field in entity.fields.values()]
    described = any(entity.declared for entity in draft.entities.values())
    if described and not any(field.references == purpose.name for field in fields):
        del draft.entities[purpose.name]
        draft.title = draft.title or tuple(purpose.name.split("_"))


def _names_nothing(field: FieldDraft, entity: EntityDraft) -> bool:
    """Whether a field cannot tell one record from another: tags, yes/no, "ingredients"."""
    kind = field.type or infer(field, entity.name).type
    return kind in {FieldType.TAGS, FieldType.BOOLEAN} or (kind is FieldType.LONG_TEXT and field.plural)


def _defaults(draft: Draft, entity: EntityDraft) -> None:
    """Give a record without fields of its own the usual ones, and say so."""
    own = [field for field in entity.fields.values() if field.references is None]
    kinds = {field.type or infer(field, entity.name).type for field in own}
    if entity.name == "entry" and draft.written and own and FieldType.LONG_TEXT not in kinds:
        entity.add(FieldDraft("body"))
        draft.ask("Which text does an entry have? Taken: body.")
    lists_only = bool(own) and all(_names_nothing(field, entity) for field in own)
    linked = len(entity.fields) - len(own)
    unnamed = entity.partial and not kinds & {FieldType.TEXT, FieldType.LONG_TEXT}
    if (own and not lists_only and not unnamed) or (entity.declared and linked > 1):
        return
    base = entity.name.removesuffix("_record").split("_")[-1]
    names = USUAL_FIELDS.get(base, ("name",))
    if linked:
        taken = {word for field in entity.fields.values() for word in field.name.split("_")}
        names = tuple(name for name in names if name.split("_")[0] not in taken) or ("name",)
    if (unnamed and not lists_only) or FieldType.LONG_TEXT in kinds:
        names = names[:1]
    added = [name for name in names if not {name, plural(name)} & set(entity.fields)]
    entity.fields = {**{name: FieldDraft(name) for name in added}, **entity.fields}
    draft.ask(
        f"Which fields does {article(human(entity.name))} have? Taken: {listing([human(name) for name in added])}."
    )


def apply_constraints(reading: Reading, *, last: bool) -> None:
    """Apply what was said of fields outside their lists; ``last``: what finds no field becomes a question."""
    draft = reading.draft
    waiting, draft.constraints = draft.constraints, []
    for constraint in waiting:
        owner = find_entity(reading, constraint.entity) if constraint.entity else constraint.near
        words = constraint.field
        found = find_fields(draft, words, owner)
        if not found and len(words) > 1 and (owner := find_entity(reading, words[:-1])) is not None:
            found = find_fields(draft, words[-1:], owner)
        if not found and not last:
            draft.constraints.append(constraint)
        elif not found:
            draft.ask(f"What does {constraint.source!r} speak of? There is no such field. Taken: left out.")
        for entity, field in found:
            change = constraint.change
            field.unique = field.unique or change.unique
            field.required = field.required if change.required is None else change.required
            field.minimum = field.minimum if change.minimum is None else change.minimum
            field.maximum = field.maximum if change.maximum is None else change.maximum
            field.exclusive = change.exclusive
            if change.signed:
                field.signed, field.minimum = True, change.minimum
            field.default = field.default if change.default is None else change.default
            if change.type is not None:
                field.type, field.choices = change.type, change.choices or field.choices
            field.settled = False
            settle_field(draft, entity, field)


def _break_cycles(draft: Draft) -> None:
    """Let no record need itself through others: such a reference may stay empty."""
    for entity in draft.entities.values():
        for field in entity.fields.values():
            if field.references and entity.name in _needed(draft, field.references):
                field.required = False


def _needed(draft: Draft, start: str) -> set[str]:
    """The records that must exist before one of ``start`` can, itself included."""
    found, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name in found or name not in draft.entities:
            continue
        found.add(name)
        fields = draft.entities[name].fields.values()
        waiting += [field.references for field in fields if field.references and field.required is not False]
    return found
