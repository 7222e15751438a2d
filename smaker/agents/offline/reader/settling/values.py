"""Settle one field: a safe name, a type, bounds and a default that fit it, whether it must be given."""

from __future__ import annotations

from smaker.agents.offline.reader.draft import Draft, EntityDraft, FieldDraft
from smaker.agents.offline.reader.language.words import singular
from smaker.agents.offline.reader.product.naming import article, field_name, human
from smaker.agents.offline.reader.rules.amounts import is_never_negative
from smaker.agents.offline.reader.rules.field_types import OPTIONAL_HEADS, infer
from smaker.core.spec import FieldType


def settle_field(draft: Draft, entity: EntityDraft, field: FieldDraft) -> None:
    """Give ``field`` a safe name, a type, bounds that fit it, and say whether it must be given."""
    if field.settled:
        return
    field.settled = True
    safe = field_name(field.name)
    if safe != field.name:
        entity.fields = {safe if key == field.name else key: value for key, value in entity.fields.items()}
        field.name = safe
    if field.type is None:
        guess = infer(field, entity.name)
        field.type = guess.type
        field.plain = guess.type is FieldType.TEXT
        field.choices = field.choices or guess.choices
        if guess.minimum is not None:
            field.minimum, field.maximum = guess.minimum, guess.maximum
        if guess.asks:
            draft.ask(guess.asks)
    if field.type is FieldType.DATETIME and field.name == "time" and any("date" in name for name in entity.fields):
        field.type = FieldType.TEXT
    _from_zero(entity, field)
    _bounds(draft, entity, field)
    head = singular(field.name.split("_")[-1])
    if field.type is FieldType.BOOLEAN:
        field.default = (
            field.default if field.default in {"true", "false"} else "true" if field.default == "yes" else "false"
        )
        field.required = False
    elif field.type is FieldType.CHOICE:
        _choice_default(draft, field)
    elif field.default is not None:
        _plain_default(draft, field)
    if field.required is None:
        field.required = not (field.type is FieldType.TAGS or (head in OPTIONAL_HEADS and len(entity.fields) > 1))


def _from_zero(entity: EntityDraft, field: FieldDraft) -> None:
    """Nothing below zero where that has no meaning, unless bounds were said."""
    numeric = field.type in {FieldType.INTEGER, FieldType.NUMBER, FieldType.MONEY} and not field.signed
    unsaid = field.minimum is None and (field.maximum is None or field.maximum > 0)
    if numeric and unsaid and is_never_negative(field.name, entity.name):
        field.minimum = 0


def _bounds(draft: Draft, entity: EntityDraft, field: FieldDraft) -> None:
    if field.exclusive and field.minimum is not None:
        step = {FieldType.INTEGER: 1.0, FieldType.MONEY: 0.01, FieldType.NUMBER: 0.01}.get(
            field.type or FieldType.TEXT, 0.0
        )
        field.minimum, field.exclusive = field.minimum + step, False
    bounded = field.minimum is not None or field.maximum is not None
    if bounded and field.type in {
        FieldType.BOOLEAN,
        FieldType.TAGS,
        FieldType.CHOICE,
        FieldType.DATE,
        FieldType.DATETIME,
        FieldType.REFERENCE,
    }:
        draft.reject(
            f"the bounds of the {human(field.name)} of {article(human(entity.name))}",
            "only numbers and texts have bounds",
        )
        field.minimum = field.maximum = None


def _plain_default(draft: Draft, field: FieldDraft) -> None:
    """Keep a default that is a value of the field's type."""
    value = field.default or ""
    numeric = field.type in {FieldType.INTEGER, FieldType.NUMBER, FieldType.MONEY}
    dated = field.type in {FieldType.DATE, FieldType.DATETIME}
    if (numeric and not value.replace(".", "", 1).isdigit()) or (dated and value not in {"today", "now"}):
        draft.reject(f"the default {value!r} of the {human(field.name)}", "it is no value of its type")
        field.default = None
        return
    field.required = False


def _choice_default(draft: Draft, field: FieldDraft) -> None:
    first = field.name.split("_")[-1] in {"status", "state", "stage"} and field.required is not True
    if field.default is not None and field.default not in field.choices:
        near = [choice for choice in field.choices if choice.startswith(field.default)]
        if not near:
            draft.reject(f"the default {field.default!r} of the {human(field.name)}", "it is none of the values")
        field.default = near[0] if near else None
    if field.default is None and first:
        field.default = field.choices[0]
    if field.default is not None:
        field.required = False
