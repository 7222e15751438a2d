"""Turn wishes into operations: find the record and the fields they speak of, or say why that cannot be."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft, Wish, Words
from smaker.agents.offline.reader.product.naming import human
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.agents.offline.reader.settling.changes import settle_limit, settle_port, settle_set, settle_transfer
from smaker.agents.offline.reader.settling.figures import settle_report
from smaker.agents.offline.reader.settling.finding import NUMERIC, TIMES, field_of, find_fields, label_of, owners_of
from smaker.core.spec import FieldType, Operation, OperationKind

_SEARCHED = frozenset({FieldType.TEXT, FieldType.LONG_TEXT, FieldType.TAGS, FieldType.EMAIL, FieldType.URL})


_FILTERED = frozenset({FieldType.CHOICE, FieldType.BOOLEAN, FieldType.REFERENCE, FieldType.TAGS, FieldType.TEXT})

_ORDERS: dict[str, frozenset[FieldType]] = {
    **dict.fromkeys(("newest", "oldest", "latest", "recent", "chronologically"), TIMES),
    **dict.fromkeys(("highest", "lowest", "cheapest"), NUMERIC),
}


def settle_wishes(reading: Reading) -> list[Operation]:
    """Operations for every wish that can be one; the others go to the draft's unsupported or questions."""
    operations: list[Operation] = []
    _share_formats(reading.draft)
    for wish in reading.draft.wishes:
        for operation in _settle(reading, wish):
            if operation not in operations and not _repeats(operations, operation):
                operations.append(operation)
    return operations


def _repeats(operations: list[Operation], new: Operation) -> bool:
    same = [known for known in operations if known.kind is new.kind and known.entity == new.entity]
    if new.kind is OperationKind.SET:
        return any(known.field == new.field and known.value == new.value for known in same)
    return any(replace_name(known) == replace_name(new) for known in same)


def replace_name(operation: Operation) -> Operation:
    """``operation`` without what it is called."""
    return operation.model_copy(update={"name": None})


def _share_formats(draft: Draft) -> None:
    """ "import and export CSV": the format said once is meant for both."""
    for before, wish in zip(draft.wishes, draft.wishes[1:], strict=False):
        pair = {OperationKind.IMPORT, OperationKind.EXPORT}
        if before.kind in pair and wish.kind in pair and before.format is None and wish.format is not None:
            before.format, before.entity, before.near = (
                wish.format,
                before.entity or wish.entity,
                wish.near or before.near,
            )


def _settle(reading: Reading, wish: Wish) -> list[Operation]:
    match wish.kind:
        case OperationKind.SEARCH:
            return _search(reading, wish)
        case OperationKind.FILTER:
            return _filter(reading, wish)
        case OperationKind.SORT:
            return _sort(reading, wish)
        case OperationKind.SET:
            return settle_set(reading, wish)
        case OperationKind.REPORT:
            return settle_report(reading, wish)
        case OperationKind.EXPORT | OperationKind.IMPORT:
            return settle_port(reading, wish)
        case OperationKind.LIMIT:
            return settle_limit(reading, wish)
        case OperationKind.TRANSFER:
            return settle_transfer(reading, wish)
        case _:
            return []


def _search(reading: Reading, wish: Wish) -> list[Operation]:
    owners = [
        entity
        for entity in owners_of(reading, wish)
        if any(field.type in _SEARCHED for field in entity.fields.values())
    ]
    if wish.field is not None and wish.entity is None:
        found = find_fields(reading.draft, wish.field, wish.near)
        owners = [found[0][0]] if found else owners
    return [Operation(kind=OperationKind.SEARCH, entity=entity.name) for entity in owners]


def _filter(reading: Reading, wish: Wish) -> list[Operation]:
    owners = owners_of(reading, wish)
    if not owners:
        return []
    if wish.by is not None:
        return _by_period(reading, wish, owners, wish.by)
    if wish.field is None:
        if wish.value is not None:
            return _by_state(reading, wish, owners[0])
        fields = [
            (owner, field)
            for owner in owners
            for field in owner.fields.values()
            if field.type in _FILTERED - {FieldType.TEXT}
        ]
        if not fields:
            reading.draft.ask(f"Filter by what in {wish.source!r}? Taken: nothing.")
        return [Operation(kind=OperationKind.FILTER, entity=owner.name, field=field.name) for owner, field in fields]
    found = field_of(reading, wish, wish.field, owners)
    if found is None:
        return []
    entity, field = found
    if wish.value == "list" and field.type in TIMES | NUMERIC:
        return [Operation(kind=OperationKind.SORT, entity=entity.name, field=field.name)]
    return [Operation(kind=OperationKind.FILTER, entity=entity.name, field=field.name)]


def _by_period(reading: Reading, wish: Wish, owners: list[EntityDraft], period: Words) -> list[Operation]:
    """By the month or week of a date; by a field that is called so where there is one."""
    named = [field for field in owners[0].fields.values() if (field.name,) == period]
    if named and wish.field is None:
        return [Operation(kind=OperationKind.FILTER, entity=owners[0].name, field=named[0].name)]
    dated = [(owner, field) for owner in owners for field in owner.fields.values() if field.type in TIMES]
    if wish.field is not None:
        dated = [
            pair for pair in find_fields(reading.draft, wish.field, owners[0].name) if pair[1].type in TIMES
        ] or dated
    if not dated and wish.entity is None:
        dated = [
            (owner, field)
            for owner in reading.draft.entities.values()
            for field in owner.fields.values()
            if field.type in TIMES
        ]
    if not dated:
        reading.draft.reject(wish.source, f"there is no date to tell the {period[0]} by")
        return []
    entity, field = dated[0]
    return [Operation(kind=OperationKind.FILTER, entity=entity.name, field=field.name, by=period[0])]


def _by_state(reading: Reading, wish: Wish, entity: EntityDraft) -> list[Operation]:
    value = (wish.value or "").lower()
    for field in entity.fields.values():
        said = {value, value.removeprefix("un"), value.removeprefix("not ")}
        if field.type is FieldType.CHOICE and set(field.choices) & said:
            return [Operation(kind=OperationKind.FILTER, entity=entity.name, field=field.name)]
        if field.type is FieldType.BOOLEAN and field.name.removeprefix("is_") in said:
            return [Operation(kind=OperationKind.FILTER, entity=entity.name, field=field.name)]
    reading.draft.reject(wish.source, f"no field of a {human(entity.name)} says whether it is {value}")
    return []


def _sort(reading: Reading, wish: Wish) -> list[Operation]:
    owners = owners_of(reading, wish)
    if not owners:
        return []
    if wish.reverse:
        reading.draft.ask(f"Are lists in that order without asking: {wish.source!r}? Taken: no.")
    if wish.field is None:
        return _sort_by_word(reading, wish, owners)
    found = field_of(reading, wish, wish.field, owners)
    if found is None:
        return []
    return [Operation(kind=OperationKind.SORT, entity=found[0].name, field=found[1].name)]


def _sort_by_word(reading: Reading, wish: Wish, owners: list[EntityDraft]) -> list[Operation]:
    """Sort by what "newest first" or "alphabetically" means for the fields there are."""
    for owner in owners:
        kinds = _ORDERS.get(wish.value or "")
        fields = [field.name for field in owner.fields.values() if kinds is not None and field.type in kinds]
        label = label_of(owner) if kinds is None else None
        chosen = fields[0] if fields else label
        if chosen is not None:
            return [Operation(kind=OperationKind.SORT, entity=owner.name, field=chosen)]
    reading.draft.reject(wish.source, "there is no field to sort by")
    return []
