"""Operations that change, move or limit records, of what was wished for."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import EntityDraft, FieldDraft, Wish, Words
from smaker.agents.offline.reader.language.words import plural, singular
from smaker.agents.offline.reader.product.naming import article, human
from smaker.agents.offline.reader.rules.reading import Reading, entity_name
from smaker.agents.offline.reader.settling.finding import field_of, find_entity, owners_of
from smaker.agents.offline.reader.settling.values import settle_field
from smaker.core.spec import FieldType, Operation, OperationKind

_SAME_STATE = (
    {"done", "completed", "complete", "finished"},
    {"closed", "done", "resolved", "solved"},
    {"cancelled", "canceled"},
    {"favourite", "favorite", "favourites", "favorites"},
    {"active", "activated"},
)


_OPEN = ("open", "todo", "to do", "new", "pending")


def settle_set(reading: Reading, wish: Wish) -> list[Operation]:
    """ "mark done", "archive": the field that holds the state, made if there is none, and the value to set."""
    owners = owners_of(reading, wish)
    if not owners or wish.value is None:
        return []
    value = wish.value.replace("_", " ")
    undo = value.startswith("-")
    value = value.removeprefix("-")
    if wish.field is not None:
        found = field_of(reading, wish, wish.field, owners)
        if found is None:
            return []
        return _operation(found[0], found[1], value, wish)
    if wish.entity is None and len(owners) > 1:
        owners = [owner for owner in owners if _state(owner, value, undo=undo)] or owners[:1]
    owner = owners[0]
    found_state = _state(owner, value, undo=undo)
    if found_state is None and wish.entity is None:
        for other in reading.draft.entities.values():
            if (found_state := _state(other, value, undo=undo)) is not None:
                owner = other
                break
    if found_state is not None:
        return _operation(owner, found_state[0], found_state[1], wish)
    name = singular(value.replace(" ", "_").replace("-", "_")) if value != "checked" else "done"
    field = owner.add(FieldDraft(name, FieldType.BOOLEAN))
    settle_field(reading.draft, owner, field)
    return _operation(owner, field, "false" if undo else "true", wish)


def _operation(owner: EntityDraft, field: FieldDraft, value: str, wish: Wish) -> list[Operation]:
    if field.type is FieldType.BOOLEAN and value not in {"true", "false"}:
        value = "false" if value in {"no", "off", "false"} else "true"
    return [Operation(kind=OperationKind.SET, entity=owner.name, field=field.name, value=value, name=wish.name)]


def _state(owner: EntityDraft, value: str, *, undo: bool) -> tuple[FieldDraft, str] | None:
    """The field of ``owner`` that holds the state ``value``, and the value to set."""
    flags = [field for field in owner.fields.values() if field.type is FieldType.BOOLEAN]
    if value == "checked":
        return (flags[0], "true") if len(flags) == 1 else _state(owner, "done", undo=undo)
    same = {value, singular(value)}.union(*(group for group in _SAME_STATE if value in group))
    for field in owner.fields.values():
        if field.type is FieldType.CHOICE:
            if undo and set(field.choices) & same:
                opened = next((choice for choice in _OPEN if choice in field.choices), None)
                if opened is not None:
                    return field, opened
            elif not undo:
                chosen = next((choice for choice in field.choices if choice == value), None) or next(
                    (choice for choice in field.choices if choice in same), None
                )
                if chosen is not None:
                    return field, chosen
    for field in owner.fields.values():
        said = field.name.replace("_", " ")
        if field.type is FieldType.BOOLEAN and said.removeprefix("is ") in same | {"done"} & same:
            return field, "false" if undo else "true"
    return None


def settle_port(reading: Reading, wish: Wish) -> list[Operation]:
    """Export or import of each record that is meant."""
    owners = owners_of(reading, wish)
    format_ = wish.format or "csv"
    if wish.format is None:
        reading.draft.ask(f"Which format is meant by {wish.source!r}? Taken: CSV.")
    return [Operation(kind=wish.kind, entity=owner.name, format=format_) for owner in owners]


def settle_limit(reading: Reading, wish: Wish) -> list[Operation]:
    """At most so many records, by user or by one of their fields."""
    draft = reading.draft
    owner_name = find_entity(reading, wish.entity or ())
    if wish.condition or owner_name is None:
        why = (
            f"a limit counts all records, not only those that are {wish.condition}"
            if wish.condition
            else "there is nothing of that name to count"
        )
        draft.reject(wish.source, why)
        return []
    owner = draft.entities[owner_name]
    by: str | None = None
    if (
        wish.by is not None
        and singular(wish.by[-1]) in {"user", "person", "account", "people"}
        and find_entity(reading, wish.by) is None
    ):
        draft.users = True
        if draft.own_all is False or any(entity.owned is not None for entity in draft.entities.values()):
            owner.owned = True  # where nothing was said of any record, all are private
        by = "user"
    elif wish.by is not None:
        fields = [field for field in owner.fields.values() if _names(field, wish.by)]
        if not fields:
            draft.reject(wish.source, f"{human(owner.plural)} have no {' '.join(wish.by)} to count by")
            return []
        by = fields[0].name
    return [Operation(kind=OperationKind.LIMIT, entity=owner.name, limit=wish.limit, by=by)]


def _names(field: FieldDraft, words: Words) -> bool:
    return {field.name, field.references} & {
        "_".join(words),
        entity_name(words),
        f"{entity_name(words)}_record",
    } != set()


def settle_transfer(reading: Reading, wish: Wish) -> list[Operation]:
    """Find or make the record of what lies where, with the two it refers to and the quantity."""
    draft = reading.draft
    place = find_entity(reading, wish.by or ())
    moved = find_entity(reading, wish.topic) if wish.topic else None
    if place is None:
        draft.reject(wish.source, "there is nothing of that name to move between")
        return []
    levels = [
        entity
        for entity in draft.entities.values()
        if any(field.references == place for field in entity.fields.values())
        and any(field.type is FieldType.INTEGER for field in entity.fields.values())
        and any(field.references not in {None, place} for field in entity.fields.values())
    ]
    if levels:
        return [_level_operation(levels[0], place)]
    if moved is None or moved == place:
        others = [
            entity.name
            for entity in draft.entities.values()
            if entity.name != place
            and not any(
                field.references == entity.name for known in draft.entities.values() for field in known.fields.values()
            )
        ]
        if not others:
            draft.reject(wish.source, "there is nothing to move")
            return []
        moved = others[0]
    if any(field.references == place for field in draft.entities[moved].fields.values()):
        draft.ask(f"How is {article(human(moved))} moved? Taken: by changing its {human(place)}.")
        return []
    for field in draft.entities[moved].fields.values():
        if field.type is FieldType.INTEGER and field.name in {"quantity", "stock", "qty", "amount", "count"}:
            field.minimum = 0 if field.minimum is None else field.minimum
    name = next(
        name for name in ("stock", "stock_level", f"{moved}_stock", f"{moved}_at_{place}") if name not in draft.entities
    )
    level = EntityDraft(name, plural(name) if "_" not in name else f"{name}s", declared=True)
    level.add(FieldDraft(moved, FieldType.REFERENCE, required=True, references=moved))
    level.add(FieldDraft(place, FieldType.REFERENCE, required=True, references=place))
    level.add(FieldDraft("quantity", FieldType.INTEGER, required=True, minimum=0))
    draft.entities[name] = level
    return [_level_operation(level, place)]


def _level_operation(level: EntityDraft, place: str) -> Operation:
    quantity = next(field for field in level.fields.values() if field.type is FieldType.INTEGER)
    topic = next(field for field in level.fields.values() if field.references not in {None, place})
    by = next(field for field in level.fields.values() if field.references == place)
    quantity.minimum = 0 if quantity.minimum is None else quantity.minimum
    name = "move_stock" if level.name == "stock" else f"move_{level.name}"
    return Operation(
        kind=OperationKind.TRANSFER, entity=level.name, field=quantity.name, by=by.name, topic=topic.name, name=name
    )
