"""The lines of an answer that open or close a block. A tag counts on a line of its own, indented by three at most."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

TAG = re.compile(r"^ {0,3}<(/?)(file|edit|delete|think)(?![\w:.-])([^\n]*)$", re.MULTILINE | re.IGNORECASE)
MAX_TAG = 5_000  # characters; a path has 4,096 at most
VALUE = r"\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’|[^\s\"'“”‘’<>=]+"  # noqa: RUF001  typographic quotes are meant
ATTRIBUTE = re.compile(rf"\s+([\w:.-]+)\s*=\s*({VALUE})")
QUOTES = "\"'“”‘’"  # noqa: RUF001
CLOSING = re.compile(rf"(?:end\s*=\s*)?({VALUE})?\s*>", re.IGNORECASE)
MISNAMED = {"name", "filename", "file", "src", "target"}
"""Attributes that stand where ``path`` belongs."""


class Form(Enum):
    """What a line with a tag is."""

    OPENS = auto()  # <file path="a">
    EMPTY = auto()  # <file path="a"/> or <file path="a"></file>
    CLOSES = auto()  # </file>
    NEARLY = auto()  # <file path="a">text, <file name="a">, <edit>
    INLINE = auto()  # <file path="a">text</file>
    FOREIGN = auto()  # <file original="a">: a file's own markup


@dataclass(frozen=True, slots=True)
class Tag:
    """One such line: from ``start`` to ``end`` in the answer, its newline not counted."""

    start: int
    end: int
    kind: str
    form: Form
    attributes: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path it names, "" if none."""
        return self.attributes.get("path", "").strip()

    @property
    def token(self) -> str:
        """The word in ``end``: the block closes only where it is named again. "" if none."""
        return self.attributes.get("end", "")

    @property
    def begins_block(self) -> bool:
        """Whether a block of ours begins here."""
        return self.form in {Form.OPENS, Form.EMPTY}


def tags_of(text: str, start: int = 0) -> Iterator[Tag]:
    """Yield every line with a tag, in order, from ``start`` on."""
    for match in TAG.finditer(text, start):
        rest = match[3].rstrip()
        read = _read(match[2].lower(), bool(match[1]), rest) if len(rest) <= MAX_TAG else None
        if read is not None:
            form, attributes = read
            yield Tag(match.start(), match.end(), match[2].lower(), form, MappingProxyType(attributes))


def _read(kind: str, closes: bool, rest: str) -> tuple[Form, dict[str, str]] | None:
    if closes:
        closing = CLOSING.fullmatch(rest.lstrip())
        return (Form.CLOSES, {"end": (closing[1] or "").strip(QUOTES)}) if closing else None
    if kind == "think":
        return None
    attributes: dict[str, str] = {}
    at = 0
    while match := ATTRIBUTE.match(rest, at):
        attributes[match[1].lower()] = match[2].strip(QUOTES)
        at = match.end()
    after = rest[at:].strip().lower()
    if after in {"/>", f"></{kind}>"} and "path" in attributes:
        return Form.EMPTY, attributes
    if after == ">":
        if "path" in attributes:
            return Form.OPENS, attributes
        return (Form.FOREIGN if attributes and not MISNAMED & attributes.keys() else Form.NEARLY), attributes
    if not after.startswith(">") or not ("path" in attributes or kind == "delete"):
        return None
    return (Form.INLINE if after.endswith(f"</{kind}>") else Form.NEARLY), attributes
