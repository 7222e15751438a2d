"""Numbers with their nouns, as a person says them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``number`` of what ``noun`` (in the singular, with a regular plural) names: "1 test", "2 tests"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
