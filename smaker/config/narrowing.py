"""What a project's own file may set: it may narrow what the user allows, never widen it.

A repository is data from someone else. Its ``smaker.yaml`` may lower limits and budgets, choose among the providers and
models the user has enabled, and switch things off. Anything else in it (addresses, key names, the sandbox, the server,
deployment) is ignored, and the user is told.
"""

from __future__ import annotations

import math
from typing import Any

from smaker.config import schema
from smaker.config.layers import Entry, Layer, Notice
from smaker.config.schema import Key
from smaker.config.settings import Llm, Settings

_LOWERED = frozenset({("sandbox", "memory_mb"), ("sandbox", "processes")})
_SWITCHED_OFF: dict[Key, object] = {
    ("sandbox", "network"): "none",
    ("deploy", "target"): "none",
    ("browser", "enabled"): False,
}


def narrow(layer: Layer, allowed: Settings) -> Layer:
    """Return the layer without what a project may not set, each such key noted as ignored."""
    kept: dict[Key, Entry] = {}
    ignored = list(layer.ignored)
    for path, entry in layer.entries.items():
        reason = _refusal(path, entry.value, allowed)
        if reason is None:
            kept[path] = entry
        else:
            message = f"{schema.join(path)} in a project's file is ignored: {reason}"
            ignored.append(Notice(entry.where, schema.join(path), message))
    return Layer(kept, layer.problems, ignored, layer.warnings)


def _refusal(path: Key, value: Any, allowed: Settings) -> str | None:
    if path[0] in {"limits", "budget"} or path in _LOWERED:
        return _not_lower(value, getattr(getattr(allowed, path[0]), path[1]))
    if path in _SWITCHED_OFF:
        off = _SWITCHED_OFF[path]
        return None if value == off else f"a project may only set it to {off!r}"
    if path == ("llm", "mode"):
        return _mode(value, allowed.llm)
    if path[:2] == ("llm", "routing") or path == ("llm", "strategy"):
        return None
    if path[:2] == ("llm", "providers"):
        return _provider(path, value, allowed.llm)
    return "only the user's own configuration may set it"


def _not_lower(value: Any, current: float | None) -> str | None:
    given, bound = (math.inf if number is None else number for number in (value, current))
    if isinstance(given, int | float) and given > bound:
        return f"a project may only lower it, and it is {current}"
    return None  # lower, or not a number, which validation says


def _mode(value: Any, llm: Llm) -> str | None:
    if value in {"offline", llm.mode} or value not in {"openai", "claude", "local", "hybrid"}:
        return None  # the same, less, or no mode, which validation says
    if value in llm.in_use():
        return None
    return f"it would send code to models that the user's mode ({llm.mode}) does not"


def _provider(path: Key, value: Any, llm: Llm) -> str | None:
    _, _, name, key = path
    if name not in llm.providers:
        return "a project may not define providers"
    if key == "model" or (key == "enabled" and value is False) or (key == "embedding_model" and value is None):
        return None
    if key == "enabled":
        return None if llm.providers[name].enabled else "a project may only switch providers off"
    return "only the user's own configuration may set it"
