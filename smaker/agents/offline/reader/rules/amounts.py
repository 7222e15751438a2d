"""Which numbers cannot be below zero by what they mean: minutes, pages, prices; temperatures and scores can."""

from __future__ import annotations

from smaker.agents.offline.reader.language.words import singular, word_set

_NEVER_NEGATIVE = word_set(
    "minute second hour day week month duration length width height depth distance weight size area volume age "
    "quantity qty count number stock inventory capacity headcount population mileage streak page word line seat "
    "player guest passenger participant attendee person people copy bottle piece like vote view rep set lap "
    "serving portion calorie bed bedroom bathroom room gram kilogram kg km kilometer kilometre mile metre meter "
    "litre liter price cost fee fare salary wage rent tip toll donation deposit budget spending expense allowance "
    "consumption rainfall humidity diameter radius"
)
_SPENT = word_set("expense spending cost purchase bill donation ingredient dose medication item supply intake")
"""Records of which the amount is one of money spent, or of a thing."""
_SIGNED = word_set("change difference delta balance offset adjustment goal")
_TIMES = word_set("prep preparation cooking cook running playing play travel waiting lead")


def is_never_negative(field: str, record: str) -> bool:
    """Whether a number called ``field`` of ``record`` (both snake_case) is zero or more by its meaning."""
    words = [singular(word) for word in field.split("_")]
    if words[:2] in (["how", "many"], ["how", "far"]):
        return True
    if _SIGNED & set(words):
        return False
    if words[-1] == "amount":
        return singular(record.rsplit("_", maxsplit=1)[-1]) in _SPENT
    if words[-1] == "time":
        return bool(_TIMES & set(words[:-1]))
    head = words[words.index("per") - 1] if "per" in words[1:] else words[-1]
    return head in _NEVER_NEGATIVE
