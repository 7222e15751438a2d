"""Finds models in tables by their names, which carry dates and sizes that tables do not list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def listed(model: str, table: Mapping[str, T]) -> T | None:
    """Return the entry of the longest key that ``model`` begins with, if a part of its name ends there.

    What stands before a slash is not looked at: "openai/gpt-4.1-2025-04-14" is found as "gpt-4.1".
    """
    name = model.rpartition("/")[2]
    fitting = [key for key in table if name == key or name.startswith((f"{key}-", f"{key}@", f"{key}:"))]
    return table[max(fitting, key=len)] if fitting else None
