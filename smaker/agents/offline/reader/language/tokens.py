"""Split a prompt into words, marks and parenthesised groups, and into the statements its lines and bullets make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"(?P<number>\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?)|(?P<word>[^\W\d_]\w*(?:['-]\w+)*)|(?P<mark>[<>]=|->|\.\.+|\S)"
)
_BULLET = re.compile(r"^(?P<indent> *)(?:[-*+\u2022\u00b7\u25e6]|\(?\d{1,2}[.)]|\(?[a-z]\))\s+(?=\S)")
_HEADING = re.compile(r"^ *#{1,6} +(?=\S)")
_MAX_DEPTH = 4  # of parentheses; deeper ones are read as commas
_ALIASES = {
    "e-mail": "email",
    "e-mails": "emails",
    "to-do": "todo",
    "to-dos": "todos",
    "signup": "signup",
    "web-app": "webapp",
    "command-line": "commandline",
    "landing-page": "landingpage",
    "can't": "cannot",
    "cant": "cannot",
    "mustn't": "cannot",
    "shouldn't": "cannot",
    "won't": "cannot",
    "couldn't": "cannot",
    "don't": "not",
    "doesn't": "not",
    "isn't": "not",
    "aren't": "not",
    "needn't": "not",
    "hasn't": "not",
    "haven't": "not",
    "&": "and",
    "favourites": "favourites",
}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark; ``at`` is its place among the prompt's tokens, -1 for one the reader put in itself."""

    text: str
    low: str
    kind: str  # "word", "number", "mark"
    at: int = -1
    start: int = 0
    end: int = 0
    spaced: bool = True  # white space stands before it


@dataclass(frozen=True, slots=True)
class Group:
    """What stands in a pair of parentheses."""

    items: tuple[Item, ...]


Item = Token | Group


@dataclass(slots=True)
class Line:
    """A line or wrapped paragraph, with the bullets that stand below it."""

    tokens: list[Token]
    indent: int
    bullet: bool
    heading: bool
    children: list[Line] = field(default_factory=list)


def mark(text: str) -> Token:
    """A mark the reader puts in itself, as the comma between two bullets."""
    return Token(text, text, "mark")


def tokens_of(items: Iterable[Item]) -> Iterator[Token]:
    """Every token in ``items``, groups opened."""
    for item in items:
        if isinstance(item, Group):
            yield from tokens_of(item.items)
        else:
            yield item


def split_lines(text: str) -> tuple[list[Line], list[Token]]:
    """Return the lines of ``text`` as trees (bullets below their header), and all tokens in order."""
    every: list[Token] = []
    lines: list[Line] = []
    offset, previous, blank = 0, "", True
    for raw in text.split("\n"):
        bullet, heading = _BULLET.match(raw), _HEADING.match(raw)
        begin = bullet.end() if bullet else heading.end() if heading else 0
        found = list(_tokenise(raw, begin, offset, len(every)))
        every += found
        offset += len(raw) + 1
        if not raw.strip():
            blank = True
            continue
        indent = len(raw) - len(raw.lstrip(" "))
        joins = lines and not blank and not bullet and not heading and _continues(lines[-1], previous, raw, indent)
        if joins:
            lines[-1].tokens += found
        else:
            lines.append(Line(found, indent, bool(bullet), bool(heading)))
        previous, blank = raw.rstrip(), False
    return _tree(lines), every


def _continues(line: Line, previous: str, raw: str, indent: int) -> bool:
    if line.heading or previous.endswith((":", ";")) or raw.lower().lstrip().startswith(("add ", "also ")):
        return False
    if line.bullet:
        return indent > line.indent
    ended = previous.endswith((".", "!", "?"))
    return len(previous) >= 60 or (not ended and raw.lstrip()[:1].islower())


def _tokenise(raw: str, begin: int, offset: int, first: int) -> Iterator[Token]:
    at = first
    for match in _TOKEN.finditer(raw, begin):
        text, kind = match.group(), match.lastgroup or "mark"
        start = match.start()
        spaced = start == begin or raw[start - 1].isspace()
        low = _ALIASES.get(text.lower()) or _fold(text.lower())
        if kind == "word" and not low.isascii():
            kind = "number"  # no name can be made of it, but it counts as something said
        if kind == "mark" and low == "and":
            kind = "word"
        if kind == "word" and low.endswith("'s"):
            yield Token(text[:-2], low[:-2], "word", at, offset + start, offset + match.end() - 2, spaced)
            yield Token("'s", "'s", "mark", at + 1, offset + match.end() - 2, offset + match.end(), spaced=False)
            at += 2
            continue
        yield Token(text, low, kind, at, offset + start, offset + match.end(), spaced)
        at += 1


def _fold(text: str) -> str:
    """``text`` without accents: "café" -> "cafe"."""
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _tree(lines: list[Line]) -> list[Line]:
    """Hang bullets below the line they belong to: a deeper bullet, or a line that announces a list."""
    roots: list[Line] = []
    stack: list[Line] = []
    header: Line | None = None
    for line in lines:
        if not line.bullet:
            roots.append(line)
            header, stack = line, []
            continue
        while stack and stack[-1].indent >= line.indent:
            stack.pop()
        if stack:
            stack[-1].children.append(line)
        elif header is not None and (header.heading or _announces(header)):
            header.children.append(line)
        else:
            roots.append(line)
        stack.append(line)
    return roots


def _announces(line: Line) -> bool:
    last = line.tokens[-1] if line.tokens else None
    return last is not None and (last.low in {":", "-"} or len(line.tokens) <= 4)


def nest(tokens: Iterable[Token]) -> list[Item]:
    """Turn matching parentheses into groups; a stray one is dropped, one nested too deep becomes a comma."""
    stack: list[list[Item]] = [[]]
    too_deep = 0
    for token in tokens:
        if token.low == "(" and token.kind == "mark":
            if len(stack) > _MAX_DEPTH:
                too_deep += 1
                stack[-1].append(mark(","))
            else:
                stack.append([])
        elif token.low == ")" and token.kind == "mark":
            if too_deep:
                too_deep -= 1
                stack[-1].append(mark(","))
            elif len(stack) > 1:
                inner = Group(tuple(stack.pop()))
                stack[-1].append(inner)
        else:
            stack[-1].append(token)
    while len(stack) > 1:
        inner = Group(tuple(stack.pop()))
        stack[-1].append(inner)
    return stack[0]


def sentences(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Split at full stops, question and exclamation marks and semicolons outside parentheses."""
    current: list[Item] = []
    for item in items:
        if isinstance(item, Token) and item.kind == "mark" and item.low in {".", "!", "?", ";"}:
            if current:
                yield current
            current = []
        else:
            current.append(item)
    if current:
        yield current
