"""What every way of asking a provider has in common: where it is, and what came back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

from smaker.core.ports.llm import Request, ToolCall

Finish = Literal["stop", "length", "calls", "filtered"]
Object = dict[str, JsonValue]
OnText = Callable[[str], None]


@dataclass(frozen=True)
class Deadlines:
    """Seconds: to connect, until a stream begins, between two pieces of it, and for a whole answer."""

    connect_s: float = 10.0
    first_s: float = 600.0
    idle_s: float = 120.0
    total_s: float = 1800.0


LOCAL = Deadlines(first_s=1200.0, idle_s=180.0, total_s=3600.0)
"""For models on this machine, which may have no graphics card and read and write a few tokens a second."""


@dataclass(frozen=True)
class Endpoint:
    """One model of one provider. ``url`` is its base URL, "" where there is no other than the provider's own."""

    provider: str
    model: str
    url: str
    key: str | None = field(default=None, repr=False)
    deadlines: Deadlines = field(default_factory=Deadlines)


@dataclass(frozen=True)
class Tokens:
    """What the provider counted; ``into`` is the whole question, of which ``cached`` and ``stored`` are parts."""

    into: int = 0
    out: int = 0
    cached: int = 0  # read from the provider's prompt cache
    stored: int = 0  # written to it


@dataclass(frozen=True)
class Answer:
    """What one call brought, before it is priced. ``tokens`` None: the provider did not count."""

    text: str
    calls: tuple[ToolCall, ...]
    finish: Finish
    model: str
    tokens: Tokens | None


class Wire(Protocol):
    """A way to ask one model."""

    async def call(self, request: Request, on_text: OnText | None) -> Answer:
        """Ask once, and stream if ``on_text`` is given. Raises ModelFault."""
        ...


def count(value: JsonValue) -> int:
    """Return ``value`` if it is a count, else 0: providers leave counts out, or send null."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def section(value: JsonValue) -> Object:
    """Return ``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def arguments_object(arguments: str) -> Object:
    """Return the arguments of an earlier call as protocols want to see them again: an object, whatever was written."""
    try:
        value: JsonValue = json.loads(arguments)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"unreadable": arguments}
