"""Questions about the keys of the settings: which there are, which is nearest to a wrong one, what a value may be."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from smaker.config.settings import Settings

Key = tuple[str, ...]
"""A key of the settings, from the outermost section inwards. Only under ``llm.providers`` do users choose names."""


def join(path: Key) -> str:
    """The dotted form of a key."""
    return ".".join(path)


def is_section(path: Key) -> bool:
    """Whether ``path`` holds further keys rather than a value. Raises KeyError for a key that cannot be."""
    kind = _kind(path)
    return _names(kind) is not None or _is_model(kind)


def is_key(path: Key) -> bool:
    """Whether ``path`` is a key or a section."""
    try:
        _kind(path)
    except KeyError:
        return False
    return True


def children(path: Key, settings: Settings) -> list[str]:
    """The valid keys under a section; under ``llm.providers`` the names in ``settings``."""
    kind = _kind(path)
    return list(settings.llm.providers) if _names(kind) is not None else list(kind.model_fields)


def leaves(settings: Settings) -> Iterator[Key]:
    """Every key that holds a value, in order."""
    yield from _leaves((), settings)


def _leaves(path: Key, settings: Settings) -> Iterator[Key]:
    for name in children(path, settings):
        child = (*path, name)
        if is_section(child):
            yield from _leaves(child, settings)
        else:
            yield child


def nearest(path: Key, settings: Settings) -> str | None:
    """The valid key most like the unknown ``path``: among its siblings, else one of that name elsewhere."""
    siblings = children(path[:-1], settings)
    if close := difflib.get_close_matches(path[-1], siblings, n=1, cutoff=0.6):
        return join((*path[:-1], close[0]))
    known = [*leaves(settings), *((name,) for name in Settings.model_fields)]
    named = {leaf[-1]: leaf for leaf in reversed(known)}
    if close := difflib.get_close_matches(path[-1], list(named), n=1, cutoff=0.75):
        return join(named[close[0]])
    return None


def is_entry(path: Key) -> bool:
    """Whether ``path`` is a section whose name its user chose, and which can therefore be new."""
    return len(path) > 1 and is_key(path) and _names(_kind(path[:-1])) is not None


def not_a_setting(path: Key, settings: Settings) -> str | None:
    """What is wrong with a key that should hold a value, or None."""
    if not is_key(path):
        return unknown_key(path, settings)
    if is_section(path):
        return f"{join(path)!r} is a section; its keys are: {', '.join(children(path, settings))}"
    return None


def unknown_key(path: Key, settings: Settings) -> str:
    """What to say of a key that is none."""
    while len(path) > 1 and not is_key(path[:-1]):
        path = path[:-1]
    if not is_section(path[:-1]):
        return f"{join(path[:-1])!r} holds a value, no keys: there is no {join(path)!r}"
    near = nearest(path, settings)
    if near is not None:
        return f"unknown key {join(path)!r}, nearest valid key: {near!r}"
    valid = ", ".join(children(path[:-1], settings))
    return f"unknown key {join(path)!r}, valid keys here: {valid}"


def takes_text(path: Key) -> bool:
    """Whether the value of a key is a text, so that words typed for it need no quotes."""
    parts = [part for part in _alternatives(_kind(path)) if part is not type(None)]
    return all(part is str or get_origin(part) is Literal or _is(part, Enum) for part in parts)


def choices(path: Key) -> tuple[str, ...]:
    """The words a value is one of, as they are typed; none where it is free."""
    found: list[str] = []
    for part in _alternatives(_kind(path)):
        if part is bool:
            found += ["true", "false"]
        elif get_origin(part) is Literal:
            found += [str(word) for word in get_args(part)]
        elif _is(part, Enum):
            found += [str(member.value) for member in part]
        elif part is not type(None):
            return ()
    return tuple(found)


def may_be_null(path: Key) -> bool:
    """Whether a key may be null."""
    return type(None) in _alternatives(_kind(path))


def _kind(path: Key) -> Any:
    """The type at ``path``. Raises KeyError."""
    kind: Any = Settings
    for key in path:
        inside = _names(kind)
        if inside is not None:
            kind = inside
        elif _is_model(kind) and key in kind.model_fields:
            kind = kind.model_fields[key].annotation
        else:
            raise KeyError(join(path))
    return kind


def _names(kind: Any) -> Any | None:
    """The type of the values where a user chooses the names, else None."""
    if get_origin(kind) is dict and _is_model(get_args(kind)[1]):
        return get_args(kind)[1]
    return None


def _is_model(kind: Any) -> bool:
    return _is(kind, BaseModel)


def _is(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base)


def _alternatives(kind: Any) -> list[Any]:
    if get_origin(kind) is Annotated:
        return _alternatives(get_args(kind)[0])
    if get_origin(kind) in {Union, types.UnionType}:
        return [part for option in get_args(kind) for part in _alternatives(option)]
    return [kind]
