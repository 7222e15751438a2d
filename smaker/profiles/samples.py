"""Example values of fields, for tests and documentation: deterministic, valid, and different for different numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from smaker.core.ports.browser import UNIQUE
from smaker.core.spec import DataField, Entity, FieldType
from smaker.profiles.naming import column, sentence

FIRST_DAY = date(2026, 1, 15)
_LETTERS = 8  # that stand for UNIQUE when it is typed


def sample(field: DataField, number: int = 1) -> Any:
    """A valid value of ``field`` as JSON has it (money as a string such as "11.50"); references give ``number``."""
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return _text(field, number)
        case FieldType.INTEGER:
            return int(_bounded(field, 10 + number))
        case FieldType.NUMBER:
            return _bounded(field, 10.5 + number)
        case FieldType.MONEY:
            return f"{_bounded(field, 10.5 + number):.2f}"
        case FieldType.BOOLEAN:
            return number % 2 == 1
        case FieldType.DATE:
            return (FIRST_DAY + timedelta(days=31 * (number - 1))).isoformat()
        case FieldType.DATETIME:
            return (FIRST_DAY + timedelta(days=31 * (number - 1))).isoformat() + "T09:30:00Z"
        case FieldType.EMAIL:
            return f"person{number}@example.org"
        case FieldType.URL:
            return f"https://example.org/{number}"
        case FieldType.CHOICE:
            return field.choices[(number - 1) % len(field.choices)]
        case FieldType.TAGS:
            return [f"tag{number}", "shared"]
        case FieldType.REFERENCE:
            return number


def typed(field: DataField, number: int = 1) -> str:
    """The same as a person types it into a page: texts with "{unique}" in them, if there is room."""
    value = sample(field, number)
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return _unlike_any(field, value)
        case FieldType.EMAIL:
            return f"{UNIQUE}{number}@example.org"
        case FieldType.URL:
            return f"https://example.org/{UNIQUE}/{number}"
        case FieldType.DATETIME:
            return value[:16]
        case FieldType.TAGS:
            return ", ".join([UNIQUE, *value])
        case FieldType.NUMBER:
            return f"{value:g}"
        case FieldType.BOOLEAN:
            return str(value).lower()
        case _:
            return str(value)


def invalid(field: DataField) -> Any:
    """A value that ``field`` must refuse, or None where every value of its JSON type is fine."""
    match field.type:
        case FieldType.TEXT | FieldType.LONG_TEXT:
            return "" if field.required else None
        case FieldType.INTEGER | FieldType.NUMBER | FieldType.MONEY:
            return field.minimum - 1 if field.minimum is not None else "not a number"
        case FieldType.BOOLEAN:
            return "perhaps"
        case FieldType.DATE | FieldType.DATETIME:
            return "yesterday"
        case FieldType.EMAIL:
            return "not an address"
        case FieldType.URL:
            return "not a link"
        case FieldType.CHOICE:
            return "none of these"
        case FieldType.TAGS:
            return 7
        case FieldType.REFERENCE:
            return 999_999


def payload(entity: Entity, number: int = 1) -> dict[str, Any]:
    """A valid record of ``entity`` without its references: stored name -> value."""
    return {column(field): sample(field, number) for field in entity.fields if field.type is not FieldType.REFERENCE}


def period(day: str, kind: str) -> str:
    """The month ("2026-01") or the ISO week ("2026-W03") of a day or moment."""
    return date.fromisoformat(day[:10]).strftime({"month": "%Y-%m", "week": "%G-W%V"}[kind])


def _text(field: DataField, number: int) -> str:
    text = f"{sentence(field.name)} {number}"
    if field.maximum is not None and len(text) > field.maximum:
        text = str(number).rjust(int(min(field.maximum, 3)), "x")[: int(field.maximum)]
    if field.minimum is not None and len(text) < field.minimum:
        text = text.ljust(int(field.minimum), "x")
    return text


def _unlike_any(field: DataField, text: str) -> str:
    for longer in (f"{text} {UNIQUE}", UNIQUE):
        length = len(longer) - len(UNIQUE) + _LETTERS
        if (field.minimum or 0) <= length <= (field.maximum if field.maximum is not None else length):
            return longer
    return text


def _bounded(field: DataField, value: float) -> float:
    if field.maximum is not None and value > field.maximum:
        low = field.minimum if field.minimum is not None else field.maximum - 5
        span = max(1, int(field.maximum - low))
        value = low + int(value) % span
    if field.minimum is not None and value < field.minimum:
        value = field.minimum + value % 10
    return value


FILTERS: dict[str, Callable[..., Any]] = {
    "sample": sample,
    "typed": typed,
    "invalid": invalid,
    "payload": payload,
    "period": period,
}
