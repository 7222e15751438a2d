"""Read a YAML file of settings as nodes that know their line and column, and refuse what YAML hides.

Nodes are built from the parser's events, not by a loader: nothing is ever constructed but texts, numbers, true, false
and null (as YAML 1.2 has it, so that ``no`` is a word and ``0777`` no number), duplicate keys and tags are errors, and
size, depth and the reach of aliases are bounded before anything is expanded.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from smaker.core.errors import ConfigError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 5_000

Value = str | int | float | bool | None

_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,30}|(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{0,30})?)(?:[eE][-+]?[0-9]{1,4})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")


@dataclass
class Node:
    """A value at ``text[start:end]``. ``line`` and ``column`` count from 1; ``size`` counts nodes, aliases expanded."""

    kind: Literal["scalar", "sequence", "mapping"]
    line: int
    column: int
    start: int
    end: int
    flow: bool = True  # written on one line or in brackets, so that ``end`` is where it ends
    value: Value = None
    items: list[Node] = field(default_factory=list["Node"])
    entries: dict[str, tuple[Node, Node]] = field(default_factory=dict[str, "tuple[Node, Node]"])
    size: int = 1

    def plain(self) -> Any:
        """The value as Python data."""
        if self.kind == "sequence":
            return [item.plain() for item in self.items]
        if self.kind == "mapping":
            return {key: value.plain() for key, (_, value) in self.entries.items()}
        return self.value

    def last_end(self) -> int:
        """Where the text of the node's last part ends."""
        if self.flow:
            return self.end
        parts = self.items or [value for _, value in self.entries.values()]
        return max((part.last_end() for part in parts), default=self.end)


@dataclass
class Document:
    """A file's text and its root, None if it holds nothing."""

    name: str
    text: str
    root: Node | None


def error_at(name: str, line: int, column: int, what: str) -> ConfigError:
    """A configuration error in a file."""
    return ConfigError(f"config error: {name}:{line}:{column}: {what}")


def read_text(path: Path, *, follow_links: bool) -> str:
    """Return a file's text. Raises FileNotFoundError, and ConfigError if it cannot be read or is no plain UTF-8."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow_links else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        if not follow_links and path.is_symlink():
            raise ConfigError(f"config error: {path} is a symbolic link; it must be a file of its own") from error
        raise ConfigError(f"config error: cannot read {path}: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ConfigError(f"config error: {path} is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"config error: cannot read {path}: {error.strerror}") from error
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"config error: {path} is larger than {MAX_BYTES // 1024} kB; it was not read")
    return _decode(str(path), data)


def _decode(name: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise error_at(name, 1, 1, "the file is UTF-16; save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        raise error_at(name, *position(before, len(before)), "not valid UTF-8; save the file as UTF-8") from error
    if control := _CONTROL.search(text):
        raise error_at(name, *position(text, control.start()), f"control character U+{ord(control[0]):04X}")
    return text


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def parse(name: str, text: str) -> Document:
    """Parse one YAML document. ``name`` is what errors call the text. Raises ConfigError with line and column."""
    import yaml  # noqa: PLC0415  loaded when the first file is read

    builder = _Builder(name)
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        offset = min(mark.index, len(text.rstrip())) if mark else 0
        what = f"{error.problem or 'not valid YAML'}{f' ({error.context})' if error.context else ''}"
        if text[offset : offset + 1] == "\t":
            what = "a tab where only spaces may stand"
        raise error_at(name, *position(text, offset), what) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"config error: {name}: not valid YAML: {error}") from error
    return Document(name, text, builder.root)


def resolve(text: str) -> Value:
    """The value of an unquoted scalar in YAML 1.2: ``no``, ``0777``, ``12:30`` and dates are texts."""
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


class _Builder:
    """Puts nodes together from events, with every bound checked as they come."""

    def __init__(self, name: str) -> None:
        self.root: Node | None = None
        self._name = name
        self._open: list[tuple[Node, str | None]] = []  # containers being filled, with the anchor of each
        self._keys: list[Node | None] = []  # for each, the key that waits for its value
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self._count = 0

    def take(self, event: Any) -> None:
        """Take the parser's next event."""
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise self._error(event, "a second document; a configuration file is one document")
        elif kind in {"SequenceEndEvent", "MappingEndEvent"}:
            node, anchor = self._open.pop()
            self._keys.pop()
            if node.flow:
                node.end = event.end_mark.index
            self._finish(node, anchor, event)
        elif kind == "AliasEvent":
            target = self._anchors.get(event.anchor)
            if target is None:
                raise self._error(event, f"the alias *{event.anchor} names nothing above it")
            self._add(self._node(event, target.kind, target), event, target.size)
        elif kind in {"ScalarEvent", "SequenceStartEvent", "MappingStartEvent"}:
            self._value(event, kind)

    def _value(self, event: Any, kind: str) -> None:
        if event.tag is not None:
            raise self._error(event, f"YAML tags are not allowed: {event.tag[:60]!r}")
        if kind == "ScalarEvent":
            node = self._node(event, "scalar")
            plain = event.style in {None, ""}
            node.value = resolve(event.value) if plain else event.value
            node.flow = event.style not in {"|", ">"}
            self._add(node, event, 1, raw=event.value, anchor=event.anchor)
            return
        node = self._node(event, "sequence" if kind == "SequenceStartEvent" else "mapping")
        node.flow = bool(event.flow_style)
        if len(self._open) >= MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} levels deep")
        if self._open and self._open[-1][0].kind == "mapping" and self._keys[-1] is None:
            raise self._error(event, "a key must be a word, not a list or a mapping")
        self._open.append((node, event.anchor))
        self._keys.append(None)

    def _finish(self, node: Node, anchor: str | None, event: Any) -> None:
        children = node.items or [value for _, value in node.entries.values()]
        node.size = 1 + sum(child.size for child in children)
        self._add(node, event, 1, anchor=anchor)

    def _add(self, node: Node, event: Any, count: int, *, raw: str | None = None, anchor: str | None = None) -> None:
        self._count += count
        if self._count > MAX_NODES:
            raise self._error(event, f"more than {MAX_NODES} values, aliases expanded")
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        container = self._open[-1][0]
        if container.kind == "sequence":
            container.items.append(node)
            return
        key = self._keys[-1]
        if key is None:
            if raw is None:
                raise self._error(event, "a key must be a word written out")
            if raw in container.entries:
                first = container.entries[raw][0].line
                raise self._error(event, f"the key {raw[:60]!r} is here twice, first in line {first}")
            node.value = raw
            self._keys[-1] = node
        else:
            container.entries[str(key.value)] = (key, node)
            self._keys[-1] = None

    def _node(self, event: Any, kind: Literal["scalar", "sequence", "mapping"], target: Node | None = None) -> Node:
        start, end = event.start_mark, event.end_mark
        node = Node(kind, start.line + 1, start.column + 1, start.index, end.index)
        if target is not None:
            node.value, node.items, node.entries, node.size = target.value, target.items, target.entries, target.size
        return node

    def _error(self, event: Any, what: str) -> ConfigError:
        return error_at(self._name, event.start_mark.line + 1, event.start_mark.column + 1, what)
