"""Reports of what was wished for: which number of which record, condensed how, grouped by what."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft, FieldDraft, Wish, Words
from smaker.agents.offline.reader.product.naming import article, human, listing
from smaker.agents.offline.reader.rules.reading import Reading, entity_name
from smaker.agents.offline.reader.settling.finding import (
    NUMERIC,
    TIMES,
    field_of,
    find_entity,
    find_fields,
    label_of,
    owners_of,
)
from smaker.core.spec import Aggregate, FieldType, Operation, OperationKind


def settle_report(reading: Reading, wish: Wish) -> list[Operation]:
    """The figure that was wished for, if its number and its groups can be found."""
    draft = reading.draft
    if wish.condition:
        draft.reject(wish.source, f"a report counts all records, not only those that are {wish.condition}")
        return []
    owner, field = _measured(reading, wish)
    if owner is None:
        return []
    aggregate = wish.aggregate or (Aggregate.COUNT if field is None else Aggregate.SUM)
    if field is None and aggregate is not Aggregate.COUNT:
        draft.ask(
            f"Of what in {wish.source!r}? No field of {human(owner.plural)} is a number. Taken: how many there are."
        )
        aggregate = Aggregate.COUNT
    measured = None if aggregate is Aggregate.COUNT else field
    by: str | None = None
    if wish.by == ("month",):
        if not any(known.type in TIMES for known in owner.fields.values()):
            draft.reject(wish.source, "there is no date to tell the month by")
            return []
        by = "month"
    elif wish.by is not None:
        if wish.by[-1] in {"day", "week", "year", "quarter", "hour"} and not find_fields(draft, wish.by, owner.name):
            draft.reject(wish.source, "reports are grouped by month or by a field")
            return []
        if wish.by[-1] in {"user", "users"}:
            draft.reject(wish.source, "reports are not grouped by user")
            return []
        by_words = wish.by
        if find_entity(reading, wish.by) == owner.name and (label := label_of(owner)) is not None:
            by_words = (label,)  # "total rent per property" of the properties themselves
        found = field_of(
            reading, Wish(wish.kind, wish.source, entity=(owner.name,), near=owner.name), by_words, [owner]
        )
        if found is None or found[0].name != owner.name:
            return []
        by = found[1].name
    name = _report_name(aggregate, measured, by, owner)
    return [
        Operation(
            kind=OperationKind.REPORT,
            entity=owner.name,
            aggregate=aggregate,
            field=measured.name if measured else None,
            by=by,
            name=name,
        )
    ]


def _report_name(aggregate: Aggregate, field: FieldDraft | None, by: str | None, owner: EntityDraft) -> str:
    word = {Aggregate.SUM: "total", Aggregate.COUNT: "count"}.get(aggregate, aggregate.value)
    numbers = [known for known in owner.fields.values() if known.type in NUMERIC]
    named = field is not None and not (aggregate is Aggregate.SUM and (len(numbers) == 1 or field.name == "amount"))
    parts = [word, field.name if field is not None and named else "", f"per_{by}" if by else ""]
    return "_".join(part for part in parts if part)


def _measured(reading: Reading, wish: Wish) -> tuple[EntityDraft | None, FieldDraft | None]:
    """The record a report is about and the number it condenses."""
    draft = reading.draft
    if wish.field is not None:
        _make_numbers(draft, wish)
        found = [
            pair
            for pair in find_fields(draft, wish.field, wish.near)
            if pair[1].type in NUMERIC or wish.aggregate is Aggregate.COUNT
        ]
        if wish.entity is not None and (owner := find_entity(reading, wish.entity)) is not None:
            found = [pair for pair in found if pair[0].name == owner]
        if wish.by and wish.by != ("month",):
            found = [
                pair for pair in found if _has(pair[0], wish.by) or pair[0].name == find_entity(reading, wish.by)
            ] or found
        if found:
            return found[0]
    if wish.entity is not None or wish.field is None or find_entity(reading, wish.field) is None:
        owners = owners_of(reading, wish)
    else:
        owners = [draft.entities[find_entity(reading, wish.field) or ""]]
    if wish.by and wish.by != ("month",) and wish.entity is None:
        owners = (
            [owner for owner in owners if _has(owner, wish.by)]
            or [owner for owner in draft.entities.values() if _has(owner, wish.by)]
            or owners
        )
    if not owners:
        return None, None
    owner = owners[0]
    if wish.aggregate is Aggregate.COUNT:
        return owner, None
    numbers = [field for field in owner.fields.values() if field.type in NUMERIC]
    money = [field for field in numbers if field.type is FieldType.MONEY]
    chosen = money or numbers
    if wish.aggregate is None and not money:
        return owner, None
    if len(chosen) > 1:
        names = [human(field.name) for field in chosen]
        draft.ask(f"Which number is meant by {wish.source!r}: {listing(names, 'or')}? Taken: {names[0]}.")
    if wish.field is not None and not chosen:
        missing = " ".join(wish.field)
        draft.ask(f"What does {wish.source!r} speak of? There is no number {missing!r}. Taken: how many there are.")
    return owner, chosen[0] if chosen else None


def _make_numbers(draft: Draft, wish: Wish) -> None:
    """What is added up is a number, where nothing said what it is."""
    for entity, field in find_fields(draft, wish.field or (), wish.near):
        if field.plain and wish.aggregate not in {None, Aggregate.COUNT} and not field.unique:
            field.type, field.plain = FieldType.NUMBER, False
            draft.ask(f"Is the {human(field.name)} of {article(human(entity.name))} a number? Taken: yes.")


def _has(owner: EntityDraft, words: Words) -> bool:
    names = {"_".join(words), entity_name(words)}
    return any(
        field.name.removesuffix("_record") in names or field.references in names for field in owner.fields.values()
    )
