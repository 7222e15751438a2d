"""Example values for documentation: what a person might type for a field of that name. Tests use `samples`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smaker.core.spec import DataField, FieldType
from smaker.profiles.naming import human
from smaker.profiles.samples import sample

# What the last word of a field's name suggests, in the singular; two values, as one replaces the other.
_TEXTS: dict[str, tuple[str, str]] = {
    "category": ("food", "travel"),
    "sport": ("running", "cycling"),
    "exercise": ("squats", "push-ups"),
    "genre": ("novel", "poetry"),
    "note": ("the first one", "changed my mind"),
    "comment": ("the first one", "changed my mind"),
    "description": ("a short description", "a better description"),
    "body": ("a few words", "a few better words"),
    "text": ("a few words", "a few better words"),
    "author": ("Jane Austen", "Italo Calvino"),
    "artist": ("Nina Simone", "Miles Davis"),
    "director": ("Agnès Varda", "Akira Kurosawa"),
    "borrower": ("Sam", "Kim"),
    "customer": ("Sam", "Kim"),
    "client": ("Acme", "Globex"),
    "company": ("Acme", "Globex"),
    "shop": ("the market", "the bakery"),
    "city": ("Lisbon", "Oslo"),
    "country": ("Portugal", "Norway"),
    "location": ("at home", "in town"),
    "place": ("at home", "in town"),
    "address": ("1 Main Street", "2 Main Street"),
    "phone": ("555-0100", "555-0101"),
    "colour": ("green", "blue"),
    "color": ("green", "blue"),
    "unit": ("g", "ml"),
    "currency": ("EUR", "USD"),
    "sku": ("AB-100", "AB-200"),
    "code": ("AB-100", "AB-200"),
    "isbn": ("9780141439518", "9780156453806"),
    "mood": ("good", "tired"),
    "feeling": ("good", "tired"),
    "felt": ("good", "tired"),
    "went": ("well", "slowly"),
}
_NUMBERS: dict[str, tuple[int, int]] = {
    "minute": (30, 45),
    "duration": (30, 45),
    "time": (30, 45),
    "hour": (2, 3),
    "year": (2024, 2025),
    "page": (320, 416),
    "quantity": (2, 5),
    "player": (4, 2),
    "age": (30, 31),
    "weight": (70, 72),
    "distance": (5, 10),
    "kilometer": (5, 10),
    "kilometre": (5, 10),
    "rep": (10, 12),
    "set": (3, 4),
}


def example(field: DataField, record: str, number: int = 1) -> Any:
    """A valid value of ``field`` of ``record``, as `samples.sample` types it; ``number`` is 1 or 2."""
    words = field.name.split("_")
    head = words[-1] if words[-1] in _TEXTS else words[-1].removesuffix("s")
    if field.type in {FieldType.TEXT, FieldType.LONG_TEXT}:
        text = _TEXTS[head][number - 1] if head in _TEXTS else _plain(field, record, number)
        return text if _fits(field, len(text)) else sample(field, number)
    if field.type in {FieldType.INTEGER, FieldType.NUMBER} and head in _NUMBERS:
        value = _NUMBERS[head][number - 1]
        return value if _fits(field, value) else sample(field, number)
    if field.type is FieldType.MONEY and _fits(field, 12.5):
        return ("12.50", "8.90")[number - 1] if _fits(field, 8.9) else "12.50"
    if field.type is FieldType.EMAIL:
        return ("ada@example.org", "alan@example.org")[number - 1]
    if field.type is FieldType.TAGS:
        return (["home", "urgent"], ["work", "later"])[number - 1]
    return sample(field, number)


def _plain(field: DataField, record: str, number: int) -> str:
    """A name for the record where the field is its name, else a text that says what it stands for."""
    if field.name in {"name", "title", "subject", "headline", "label"}:
        return f"{('My first', 'Another')[number - 1]} {human(record)}"
    return f"{('some', 'another')[number - 1]} {human(field.name)}"


def _fits(field: DataField, value: float) -> bool:
    low = field.minimum if field.minimum is not None else value
    return low <= value and (field.maximum is None or value <= field.maximum)


FILTERS: dict[str, Callable[..., Any]] = {"example": example}
