"""Put the layers together: defaults, the user's file, a project's file, the environment, flags."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from smaker.config import schema
from smaker.config.endpoints import key_problem
from smaker.config.layers import Entry, Layer, Notice, environment_layer, flag_layer, project_layer, user_layer
from smaker.config.narrowing import narrow
from smaker.config.schema import Key
from smaker.config.settings import ANTHROPIC, Settings, named
from smaker.core.errors import ConfigError
from smaker.core.secrets import Redactor
from smaker.core.terminal import sanitize

_NO_OVERRIDES: Mapping[str, object] = MappingProxyType({})
_HINT = "See what is set where with: smaker config show"
_MESSAGES = {
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text; put it in quotes",
    "tuple_type": "must be a list, as in [openai, claude]",
    "dict_type": "must hold keys",
    "model_type": "must hold keys",
    "finite_number": "must be a finite number",
    "missing": "is missing",
    "too_short": "must not be empty",
    "extra_forbidden": "is no valid key here",
}
_QUOTED = frozenset({"bool_type", "int_type", "float_type", "string_type", "literal_error", "enum", "tuple_type"})


@dataclass(frozen=True)
class Loaded:
    """The settings in force, and where each came from.

    ``origin`` maps every dotted key to "file:line", "environment NAME", "flag --name" or "default". ``ignored`` tells
    what a project's file may not set, ``warnings`` what is unsafe or probably a mistake; ``files`` were read.
    """

    settings: Settings
    origin: Mapping[str, str]
    ignored: tuple[Notice, ...] = ()
    warnings: tuple[Notice, ...] = ()
    files: tuple[Path, ...] = ()

    def rows(self) -> list[tuple[str, str, str]]:
        """(key, value as YAML, origin) of every setting, credentials masked, for ``smaker config show``."""
        redactor = Redactor()
        shown = {
            schema.join(path): get_value(self.settings, schema.join(path)) for path in schema.leaves(self.settings)
        }
        return [(key, redactor.redact(json.dumps(value)), self.origin[key]) for key, value in shown.items()]


def load_settings(
    *,
    user_file: Path | None,
    project_file: Path | None = None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] = _NO_OVERRIDES,
    required: bool = False,
) -> Loaded:
    """Load the settings. A later layer wins: user file, project file, environment, flags.

    A file that is not there sets nothing, unless the user named it (``required``, or by ``SMAKER_CONFIG``). A project's
    file may only narrow; what else it sets is listed in ``Loaded.ignored``. ``overrides`` maps dotted keys to values.
    Raises ConfigError naming file, line, column, key and the nearest valid key, for everything that is wrong at once.
    """
    stack = _Stack()
    if user_file is not None:
        try:
            stack.add(user_layer(user_file, stack.settings), user_file)
        except FileNotFoundError as error:
            if required or environ.get("SMAKER_CONFIG"):
                raise ConfigError(f"config error: there is no file {user_file}", hint=_HINT) from error
    if project_file is not None:
        with suppress(FileNotFoundError):
            stack.add(narrow(project_layer(project_file, stack.settings), stack.settings), project_file)
    stack.add(environment_layer(environ, stack.settings))
    stack.add(flag_layer(overrides, stack.settings))
    return stack.finish()


def get_value(settings: Settings, key: str) -> Any:
    """The value, or the section, at a dotted key, as plain data. Raises ConfigError with the nearest valid key."""
    path = tuple(key.split("."))
    if not schema.is_key(path):
        raise ConfigError(f"config error: {schema.unknown_key(path, settings)}", hint=_HINT)
    value: Any = settings.model_dump(mode="json")
    for depth, part in enumerate(path, 1):
        if part not in value:
            raise ConfigError(f"config error: {schema.unknown_key(path[:depth], settings)}", hint=_HINT)
        value = value[part]
    return value


def check_keys(loaded: Loaded, environ: Mapping[str, str]) -> None:
    """Check, when a build starts, that the providers of its mode are enabled and their key variables are set.

    Raises ConfigError naming file, line and key.
    """
    llm = loaded.settings.llm
    mode = f"llm.mode is {llm.mode}, from {loaded.origin['llm.mode']}"
    if llm.mode == "hybrid" and not llm.in_use():
        raise ConfigError(f"config error: no provider is enabled ({mode})", hint="Enable one under llm.providers")
    for name in llm.in_use():
        provider, key = llm.providers[name], f"llm.providers.{name}"
        if not provider.enabled:
            where = loaded.origin[f"{key}.enabled"]
            raise ConfigError(
                f"config error: {where}: {key}.enabled is false, but the mode needs it ({mode})",
                hint=f"smaker config set {key}.enabled true",
            )
        variable = provider.api_key_env
        if variable and not environ.get(variable):
            where = loaded.origin[f"{key}.api_key_env"]
            raise ConfigError(
                f"config error: {where}: {key}.api_key_env names {variable}, which is not set ({mode})",
                hint=f"export {variable}=…",
            )


class _Stack:
    """The layers so far: each is valid on top of those below it."""

    def __init__(self) -> None:
        self.settings = Settings()
        self._data: dict[str, Any] = self.settings.model_dump(mode="json")
        self._entries: dict[Key, Entry] = {}
        self._ignored: list[Notice] = []
        self._warnings: list[Notice] = []
        self._files: list[Path] = []

    def add(self, layer: Layer, *files: Path) -> None:
        """Put a layer on top. Raises ConfigError for all that is wrong with it."""
        for path, entry in layer.entries.items():
            section = self._data
            for part in path[:-1]:
                section = section.setdefault(part, {})
            section[path[-1]] = entry.value
        self._entries |= layer.entries
        self._ignored += layer.ignored
        self._warnings += layer.warnings
        self._files += files
        self._validate(layer.problems)

    def finish(self) -> Loaded:
        """The result, after the checks that need all layers."""
        mode = self.settings.llm.mode
        enabled = ("llm", "providers", mode, "enabled")
        if mode in self.settings.llm.providers and enabled not in self._entries:
            # a mode that names a provider enables it, unless someone said otherwise
            reason = self._entries[("llm", "mode")]
            self.add(Layer({enabled: Entry(True, f"{reason.origin} (llm.mode)", reason.where)}))
        self._raise([*self._routing_problems(), *self._key_problems(), *self._embedding_problems()])
        origin = {
            schema.join(path): self._entries[path].origin if path in self._entries else "default"
            for path in schema.leaves(self.settings)
        }
        notices = tuple(self._ignored), tuple(self._warnings)
        return Loaded(self.settings, MappingProxyType(origin), *notices, tuple(self._files))

    def _validate(self, problems: list[str]) -> None:
        try:
            # JSON, because strict JSON takes lists for tuples and words for enumerations, and nothing else for either
            self.settings = Settings.model_validate_json(json.dumps(self._data), strict=True)
        except ValidationError as error:
            seen: set[str] = set()
            for detail in error.errors(include_url=False):
                where, message = self._explain(detail)
                if where not in seen:  # a part that is wrong makes its whole wrong: one message is enough
                    problems.append(f"config error: {where}: {message}")
                seen.add(where)
        self._raise(problems)

    def _raise(self, problems: list[str]) -> None:
        if problems:
            raise ConfigError("\n".join(problems[:10]), hint=_HINT)

    def _explain(self, detail: ErrorDetails) -> tuple[str, str]:
        """Where a value is wrong, and why, in words."""
        loc = detail["loc"]
        words = tuple(str(part) for part in loc)
        depth = next((n for n in range(len(words), 0, -1) if words[:n] in self._entries), 0)
        if depth:
            where, key = self._entries[words[:depth]].place(loc[depth:]), schema.join(words[:depth])
        else:  # something that was not set: blame what stands beside it
            beside = [entry for path, entry in self._entries.items() if path[: len(words) - 1] == words[:-1]]
            where, key = beside[0].where if beside else "default", schema.join(words).removesuffix(".[key]")
        kind = detail["type"]
        message = _MESSAGES.get(kind) or detail["msg"].removeprefix("Value error, ").replace("Input should", "must")
        if kind in _QUOTED and isinstance(detail["input"], str | int | float | bool | None):
            valid = re.findall(r"'(\w+)'", detail.get("ctx", {}).get("expected", ""))
            message += f", not {_quoted(detail['input'])}{_like(str(detail['input']), valid)}"
        return where, f"{key} {message}"

    def _place(self, *path: str) -> str:
        entry = self._entries.get(path)
        return entry.where if entry else "default"

    def _routing_problems(self) -> list[str]:
        """Routes that name providers there are none of."""
        problems: list[str] = []
        known = self.settings.llm.providers
        for role, route in self.settings.llm.routing:
            for name in named(route):
                if name not in known:
                    where = self._place("llm", "routing", role)
                    near = _like(name, list(known))
                    problems.append(f"config error: {where}: llm.routing.{role} names {name!r}, no provider{near}")
        return problems

    def _embedding_problems(self) -> list[str]:
        """Models for embeddings where there can be none."""
        problems: list[str] = []
        for name, provider in self.settings.llm.providers.items():
            if provider.embedding_model is not None and name in ANTHROPIC:
                path = ("llm", "providers", name, "embedding_model")
                why = "the Anthropic protocol has no embeddings; set it on another provider, and null here"
                problems.append(f"config error: {self._place(*path)}: {schema.join(path)}: {why}")
        return problems

    def _key_problems(self) -> list[str]:
        """Providers whose key would go to someone else."""
        problems: list[str] = []
        for name, provider in self.settings.llm.providers.items():
            if wrong := key_problem(name, provider.api_key_env, provider.base_url):
                path = ("llm", "providers", name, wrong[0])
                problems.append(f"config error: {self._place(*path)}: {schema.join(path)}: {wrong[1]}")
        return problems


def _like(word: str, valid: list[str]) -> str:
    """What to add about a wrong word, if one of the valid ones is like it."""
    near = difflib.get_close_matches(word, valid, n=1)
    return f", nearest: {near[0]!r}" if near else ""


def _quoted(value: object) -> str:
    """A value as written, short, with credentials and control characters out of sight."""
    text = sanitize(Redactor().redact(json.dumps(value, ensure_ascii=False)))
    return text if len(text) <= 60 else f"{text[:60]}…"
