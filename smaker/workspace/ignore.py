"""Which files git would ignore, by the rules of ``.gitignore``.

Own matcher, because the rules are foreign text: translated to regular expressions a line such as ``*a*a*a*a*a*b``
takes seconds for one name of 90 letters and stops every other thread meanwhile. Here a name costs at most its length
times the pattern's. Names are matched as bytes (shown as Latin-1), as git does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

MAX_RULES_FILE = 1 << 20  # bytes; a longer .gitignore is not read

_Token = str | frozenset[str] | None  # a character, a set of them, or None for "any"
_STAR = "*star*"
_ALL = frozenset(map(chr, range(256)))
_POSIX: dict[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": lambda c: c in " \t",
    "cntrl": lambda c: c < " " or c == "\x7f",
    "digit": str.isdigit,
    "graph": lambda c: "!" <= c <= "~",
    "lower": str.islower,
    "print": lambda c: " " <= c <= "~",
    "punct": lambda c: "!" <= c <= "~" and not c.isalnum(),
    "space": str.isspace,
    "upper": str.isupper,
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}


class _Unmatchable(Exception):
    """The pattern is malformed: git lets it match nothing."""


@dataclass(frozen=True)
class _Segment:
    """One component of a pattern. ``tokens`` None stands for ``**``."""

    tokens: tuple[_Token, ...] | None

    @cached_property
    def literal(self) -> str | None:
        """The whole component if it has no wildcard."""
        tokens = self.tokens or ()
        return "".join(t for t in tokens if isinstance(t, str)) if _plain(tokens) else None

    @cached_property
    def suffix(self) -> str | None:
        """What follows a single leading star."""
        tokens = self.tokens or ()
        rest = tokens[1:]
        return "".join(t for t in rest if isinstance(t, str)) if tokens[:1] == (_STAR,) and _plain(rest) else None

    def matches(self, name: str) -> bool:
        """Whether a path component matches; linear but for one step back to the last star."""
        if self.literal is not None:
            return name == self.literal
        if self.suffix is not None:
            return name.endswith(self.suffix)
        tokens = self.tokens or ()
        at = position = 0
        star = resume = -1
        while position < len(name):
            token = tokens[at] if at < len(tokens) else _STAR
            if at < len(tokens) and token == _STAR:
                star, resume = at, position
                at += 1
            elif at < len(tokens) and _accepts(token, name[position]):
                at += 1
                position += 1
            elif star >= 0:
                resume += 1
                at, position = star + 1, resume
            else:
                return False
        return all(token == _STAR for token in tokens[at:])


@dataclass(frozen=True)
class _Rule:
    segments: tuple[_Segment, ...]
    anchored: bool
    folders_only: bool
    negated: bool

    def matches(self, parts: tuple[str, ...]) -> bool:
        if not self.anchored:
            return self.segments[0].tokens is None or self.segments[0].matches(parts[-1])
        at = position = 0
        star = resume = -1
        while position < len(parts):
            segment = self.segments[at] if at < len(self.segments) else None
            if segment is not None and segment.tokens is None:
                if at == len(self.segments) - 1:
                    return True
                star, resume = at, position
                at += 1
            elif segment is not None and segment.matches(parts[position]):
                at += 1
                position += 1
            elif star >= 0:
                resume += 1
                at, position = star + 1, resume
            else:
                return False
        return at == len(self.segments)


class Rules:
    """The rules that hold in a folder: those of its own file before those of the folders above."""

    def __init__(self, text: bytes, *, depth: int = 0, above: Rules | None = None) -> None:
        self.text = text
        self.above = above
        self._depth = depth  # components of the path of the folder that the file is in
        lines = text.removeprefix(b"\xef\xbb\xbf").decode("latin-1").split("\n")
        self._rules = [rule for line in lines if (rule := _rule(line)) is not None]
        self._rules.reverse()

    def ignores(self, parts: tuple[str, ...], *, folder: bool) -> bool:
        """Whether the path (components from the root, as `as_bytes` gives them) is ignored by itself; that a folder
        above it is ignored is for the caller to know."""
        rules: Rules | None = self
        while rules is not None:
            inside = parts[rules._depth :]
            for rule in rules._rules:
                if (folder or not rule.folders_only) and rule.matches(inside):
                    return not rule.negated
            rules = rules.above
        return False


def as_bytes(name: str) -> str:
    """A file name as the matcher wants it: one character per byte."""
    return name if name.isascii() else os.fsencode(name).decode("latin-1")


def _rule(line: str) -> _Rule | None:
    line = line.removesuffix("\r")
    stripped = line.rstrip(" ")
    if len(stripped) < len(line) and _ends_escaped(stripped):
        stripped += " "
    line = stripped
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    line = line[negated:]
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    anchored = "/" in line
    try:
        segments = _segments(_tokens(line.removeprefix("/")))
    except _Unmatchable:
        return None
    return _Rule(segments, anchored, folders_only, negated) if segments else None


def _ends_escaped(text: str) -> bool:
    return (len(text) - len(text.rstrip("\\"))) % 2 == 1


def _tokens(pattern: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\":
            if at == len(pattern):
                raise _Unmatchable
            tokens.append(pattern[at])
            at += 1
        elif char == "*":
            tokens.append(_STAR)
        elif char == "?":
            tokens.append(None)
        elif char == "[":
            members, at = _members(pattern, at)
            tokens.append(members)
        else:
            tokens.append(char)
    return tokens


def _members(pattern: str, at: int) -> tuple[frozenset[str], int]:
    """Return the characters of a bracket that begins before ``at``, and where it ends."""
    negated = pattern[at : at + 1] in {"!", "^"}
    at += negated
    members: set[str] = set()
    first, previous = True, ""
    while first or pattern[at : at + 1] != "]":
        first = False
        char = pattern[at : at + 1]
        if not char:
            raise _Unmatchable
        if char == "[" and pattern[at + 1 : at + 2] == ":":
            end = pattern.find(":]", at + 2)
            known = _POSIX.get(pattern[at + 2 : end]) if end >= 0 else None
            if known is None:
                raise _Unmatchable
            members |= {c for c in map(chr, range(128)) if known(c)}
            at, previous = end + 2, ""
        elif char == "-" and previous and pattern[at + 1 : at + 2] not in {"", "]"}:
            at += 1
            last, at = _escaped(pattern, at)
            members |= set(map(chr, range(ord(previous), ord(last) + 1)))
            previous = ""
        else:
            previous, at = _escaped(pattern, at)
            members.add(previous)
    return (_ALL - members if negated else frozenset(members)), at + 1


def _escaped(pattern: str, at: int) -> tuple[str, int]:
    if pattern[at] == "\\":
        at += 1
        if at == len(pattern):
            raise _Unmatchable
    return pattern[at], at + 1


def _segments(tokens: list[_Token]) -> tuple[_Segment, ...]:
    segments: list[_Segment] = []
    current: list[_Token] = []
    for item in [*tokens, "/"]:
        if item == "/":
            stars = len(current) > 1 and all(t == _STAR for t in current)
            if not (stars and segments and segments[-1].tokens is None):
                segments.append(_Segment(None if stars else tuple(current)))
            current = []
        else:
            current.append(item)
    return tuple(segments) if tokens else ()


def _plain(tokens: tuple[_Token, ...]) -> bool:
    return all(isinstance(token, str) and token != _STAR for token in tokens)


def _accepts(token: _Token, char: str) -> bool:
    return token is None or (char in token if isinstance(token, frozenset) else token == char)
