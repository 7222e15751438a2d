"""Names in the conventions of the languages that profiles write."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from smaker.core.spec import DataField, FieldType


def words(name: str) -> list[str]:
    """Split a snake_case, kebab-case or spaced name."""
    return name.replace("-", " ").replace("_", " ").split()


def pascal(name: str) -> str:
    """due_date -> DueDate."""
    return "".join(word[:1].upper() + word[1:] for word in words(name))


def camel(name: str) -> str:
    """due_date -> dueDate."""
    text = pascal(name)
    return text[:1].lower() + text[1:]


def kebab(name: str) -> str:
    """due_date -> due-date."""
    return "-".join(words(name))


def snake(name: str) -> str:
    """due-date -> due_date."""
    return "_".join(words(name))


def human(name: str) -> str:
    """due_date -> due date."""
    return " ".join(words(name))


def sentence(name: str) -> str:
    """due_date -> Due date."""
    text = human(name)
    return text[:1].upper() + text[1:]


def article(name: str) -> str:
    """Put "a" or "an" before a name: expense -> an expense."""
    text = human(name)
    return f"{'an' if text[:1].lower() in 'aeio' or text.startswith('un') else 'a'} {text}"


def column(field: DataField) -> str:
    """The stored name of a field: references are kept as "<name>_id"."""
    return f"{field.name}_id" if field.type is FieldType.REFERENCE else field.name


def literal(value: object) -> str:
    """A value as source code of Python, strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(key)}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        inner = ", ".join(literal(item) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    return repr(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "pascal": pascal,
    "camel": camel,
    "kebab": kebab,
    "snake": snake,
    "human": human,
    "sentence": sentence,
    "article": article,
    "column": column,
    "literal": literal,
}
