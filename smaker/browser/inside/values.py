"""What a visitor would write into a field, by its type, its label and its bounds; and what should be refused."""

from __future__ import annotations

import re
from typing import Any

from smaker.core.ports.browser import UNIQUE

Field = dict[str, Any]

PASSWORD = f"Correct-horse-7-{UNIQUE}"
PROBE = f'"\'><b data-probe="{UNIQUE}">{UNIQUE}</b>'
LONG = 10_000

_BY_TYPE = {
    "email": f"{UNIQUE}@example.org",
    "url": f"https://example.org/{UNIQUE}",
    "tel": "+441632960123",
    "password": PASSWORD,
    "date": "2030-01-15",
    "datetime-local": "2030-01-15T10:30",
    "time": "10:30",
    "month": "2030-01",
    "week": "2030-W03",
    "color": "#336699",
}
_BY_WORD = (
    (r"e-?mail", f"{UNIQUE}@example.org"),
    (r"user|login|nick|account|handle", UNIQUE),
    (r"pass(word|phrase)|secret", PASSWORD),
    (r"url|website|link|homepage", f"https://example.org/{UNIQUE}"),
    (r"phone|mobile|\btel", "+441632960123"),
    (r"\bzip|post(al)? ?code", "12345"),
    (r"isbn", "9780306406157"),
    (r"date|birthday|deadline|\bdue\b|\bday\b", "2030-01-15"),
    (r"\btime\b", "10:30"),
    (r"\byear", "2001"),
    (r"month", "2030-01"),
    (r"colou?r", "#336699"),
    (r"price|amount|quantity|number|count|minutes|hours|age\b|rating|stock|size|weight|cost|total|servings", "7"),
)
_WRONG = {
    "email": "no address",
    "url": "no address",
    "number": "many",
    "range": "many",
    "date": "2030-02-31",
    "datetime-local": "yesterday",
    "time": "25:61",
    "month": "2030-13",
    "week": "2030-W99",
    "tel": "call me",
    "password": "x",
}
_PATTERNS = (
    UNIQUE,
    "7",
    "12345",
    "ABC-123",
    "abc",
    "ABC",
    "2030-01-15",
    "10:30",
    "#336699",
    "AB12 3CD",
    "123-456-7890",
)
TEXTS = {"text", "search", "textarea", "email", "url", "tel", "password"}


def fillable(field: Field) -> bool:
    """Whether something can be written, ticked or chosen there."""
    return bool(field["shown"]) and not field["disabled"] and field["type"] not in {"file", "image", "hidden"}


def fitting(field: Field) -> str:
    """A value that the field should take."""
    kind = field["type"]
    if kind in {"number", "range"}:
        return _number(field)
    if kind.startswith("select"):
        return next((option for option in field["options"] if option), "")
    bounds = [bound for bound in (field["min"], field["max"]) if bound]
    if kind in _BY_TYPE and kind not in {"email", "url", "tel", "password", "color"} and bounds:
        return bounds[0]
    text = _BY_TYPE.get(kind) or _by_words(field)
    if field["pattern"]:
        text = _matching(field["pattern"], text)
    return _sized(text, field)


def _by_words(field: Field) -> str:
    words = f"{field['key']} {field['label']} {field['hint']} {field['auto']}".lower().replace("_", " ")
    if field["tag"] == "textarea":
        return f"A few words about {UNIQUE}"
    return next((text for pattern, text in _BY_WORD if re.search(pattern, words)), f"Thing {UNIQUE}")


def _number(field: Field) -> str:
    def parsed(text: str, default: float) -> float:
        try:
            return float(text)
        except ValueError:
            return default

    low = parsed(field["min"], 0)
    high = parsed(field["max"], max(low + 100, 100))
    step = parsed(field["step"], 1) or 1
    value = low + step * min(7, int((high - low) // step))
    return f"{value:g}"


def _matching(pattern: str, text: str) -> str:
    letters = "zqabcdef"
    for candidate in (text, *_PATTERNS):
        try:
            if re.fullmatch(pattern, candidate.replace(UNIQUE, letters)):
                return candidate
        except re.error:
            return text
    return text


def _sized(text: str, field: Field) -> str:
    longest, shortest = field["longest"], field["shortest"]
    length = len(text) - len(UNIQUE) + 8 if UNIQUE in text else len(text)
    if longest is not None and 0 <= longest < length:
        return UNIQUE if longest >= 8 else text.replace(UNIQUE, "zq")[:longest]
    if shortest is not None and length < shortest:
        return text + "x" * (shortest - length)
    return text


def wrong(field: Field) -> str:
    """A value that the field should refuse."""
    if field["type"] in _WRONG:
        return _WRONG[field["type"]]
    guess = fitting(field)
    if guess.isdigit() or guess[:1].isdigit():
        return "many"
    return "no address" if "@" in guess else "\u202e\t\\'\";--"


def same_again(field: Field) -> bool:
    """Whether it asks for a password a second time."""
    words = f"{field['key']} {field['label']} {field['hint']}".lower()
    return field["type"] == "password" and bool(re.search(r"confirm|repeat|again|verify|retype|second|2\b", words))
