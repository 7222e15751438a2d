"""What models can do: a table of well-known ones, and what was measured here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import JsonValue, ValidationError

from smaker.core.errors import StorageError
from smaker.core.ports.llm import Traits
from smaker.llm.names import listed
from smaker.llm.wire import Object, section


def _sizes(context: int, answer: int) -> Traits:
    return Traits(context_tokens=context, answer_tokens=answer)


TABLE = {
    "gpt-3.5-turbo": _sizes(16_385, 4_096),
    "gpt-4": _sizes(8_192, 4_096),
    "gpt-4-turbo": _sizes(128_000, 4_096),
    "gpt-4.1": _sizes(1_000_000, 32_768),
    "gpt-4o": _sizes(128_000, 16_384),
    "gpt-5": _sizes(272_000, 128_000),
    "gpt-5-chat": _sizes(128_000, 16_384),
    "gpt-5.1": _sizes(272_000, 128_000),
    "gpt-5.1-chat": _sizes(128_000, 16_384),
    "gpt-5.2": _sizes(272_000, 128_000),
    "gpt-5.2-chat": _sizes(128_000, 16_384),
    "gpt-5.3": _sizes(128_000, 16_384),
    "gpt-5.4": _sizes(1_000_000, 128_000),
    "gpt-5.4-mini": _sizes(272_000, 128_000),
    "gpt-5.4-nano": _sizes(272_000, 128_000),
    "gpt-5.5": _sizes(1_000_000, 128_000),
    "gpt-5.6": _sizes(922_000, 128_000),
    "gpt-6": _sizes(922_000, 128_000),
    "gpt-6.1": _sizes(922_000, 128_000),
    "o1": _sizes(200_000, 100_000),
    "o3": _sizes(200_000, 100_000),
    "o4-mini": _sizes(200_000, 100_000),
    "claude-3-haiku": _sizes(200_000, 4_096),
    "claude-3-opus": _sizes(200_000, 4_096),
    "claude-3-5-haiku": _sizes(200_000, 8_192),
    "claude-3-5-sonnet": _sizes(200_000, 8_192),
    "claude-3-7-sonnet": _sizes(200_000, 64_000),
    "claude-haiku-4": _sizes(200_000, 64_000),
    "claude-sonnet-4": _sizes(200_000, 64_000),
    "claude-sonnet-4-6": _sizes(1_000_000, 128_000),
    "claude-opus-4": _sizes(200_000, 32_000),
    "claude-opus-4-5": _sizes(200_000, 64_000),
    "claude-opus-4-6": _sizes(1_000_000, 128_000),
    "claude-opus-4-7": _sizes(1_000_000, 128_000),
    "claude-opus-4-8": _sizes(1_000_000, 128_000),
    "claude-haiku-5": _sizes(1_000_000, 128_000),
    "claude-sonnet-5": _sizes(1_000_000, 128_000),
    "claude-opus-5": _sizes(1_000_000, 128_000),
    "claude-fable-5": _sizes(1_000_000, 128_000),
    "claude-mythos": _sizes(1_000_000, 128_000),
    "deepseek-chat": _sizes(128_000, 8_192),
    "gemini-2.5": _sizes(1_000_000, 65_535),
}


def known(model: str, *, here: bool) -> Traits:
    """Return what the table says; a model that runs ``here`` has what its server gives it, whatever its name."""
    return Traits() if here else listed(model, TABLE) or Traits()


def common(several: Iterable[Traits]) -> Traits:
    """Return what all of ``several`` can."""
    every = tuple(several)
    return Traits(
        context_tokens=min(one.context_tokens for one in every),
        answer_tokens=min(one.answer_tokens for one in every),
        tools=all(one.tools for one in every),
        structured=all(one.structured for one in every),
        edits=all(one.edits for one in every),
    )


class MeasuredTraits:
    """What ``smaker models check`` found out, kept in a JSON file: one entry per provider, model and address."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, name: str, url: str) -> Traits | None:
        """Return what was measured of "provider/model" at ``url``; None if nothing was, or the file cannot be read."""
        entry = section(self._entries().get(name))
        if entry.get("url") != url:
            return None
        try:
            return Traits.model_validate(entry.get("traits"))
        except ValidationError:
            return None

    def keep(self, name: str, url: str, traits: Traits) -> None:
        """Write down what was measured. Raises StorageError."""
        entries: Object = {**self._entries(), name: {"url": url, "traits": traits.model_dump(mode="json")}}
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
            part.replace(self.path)
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path}: {error.strerror}", hint="Free some space, or correct the folder's rights"
            ) from error

    def _entries(self) -> Object:
        try:
            value: JsonValue = json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}  # never measured, or damaged: the next check writes it anew
        return section(value)
