"""The layers of the configuration: files, the environment and flags, each as dotted keys with their origin."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from smaker.config import schema
from smaker.config.document import Document, Node, error_at, parse, position, read_text
from smaker.config.schema import Key
from smaker.config.settings import Settings
from smaker.core.errors import ConfigError
from smaker.core.secrets import scan

SHORT_NAMES = {
    "SMAKER_MODE": "llm.mode",
    "SMAKER_MAX_COST": "budget.max_cost_usd",
    "SMAKER_MAX_TOKENS": "budget.max_tokens",
    "SMAKER_MAX_MINUTES": "budget.max_minutes",
    "SMAKER_MAX_TASK_COST": "budget.max_task_cost_usd",
    "SMAKER_MAX_TASK_TOKENS": "budget.max_task_tokens",
    "SMAKER_MAX_TASK_MINUTES": "budget.max_task_minutes",
    "SMAKER_SANDBOX": "sandbox.kind",
    "SMAKER_DEPLOY": "deploy.target",
    "SMAKER_DATABASE_URL": "server.database_url",
    "SMAKER_REDIS_URL": "server.redis_url",
}
"""Variables with a name of their own; every other setting is ``SMAKER_SECTION__KEY``."""

FLAGS = {
    "llm.mode": "--mode",
    "budget.max_cost_usd": "--max-cost",
    "budget.max_tokens": "--max-tokens",
    "budget.max_minutes": "--max-minutes",
    "budget.max_task_cost_usd": "--max-task-cost",
    "budget.max_task_tokens": "--max-task-tokens",
    "budget.max_task_minutes": "--max-task-minutes",
    "deploy.target": "--deploy",
}
"""What a setting's flag is called on the command line."""

_KEEP_OUT = "keys are never stored in YAML: put it in an environment variable and name that in api_key_env"
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_SETTINGS = frozenset({"commands", "hooks"})  # what other tools let a repository run; here a file may only say it


@dataclass(frozen=True)
class Notice:
    """Something about a file that the user should know: where, which key, and what."""

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """A value set by a layer. ``origin`` is for ``config show``, ``where`` (with the column) for errors."""

    value: Any
    origin: str
    where: str
    node: Node | None = None
    file: str = ""

    def place(self, parts: tuple[str | int, ...]) -> str:
        """Where the part of the value is that a validator found wrong."""
        node, where = self.node, self.where
        for part in parts:
            if node is None:
                break
            inside: Node | None = None
            if node.kind == "sequence" and isinstance(part, int) and part < len(node.items):
                inside = node.items[part]
            elif node.kind == "mapping" and str(part) in node.entries:
                inside = node.entries[str(part)][1]
            if inside is not None:  # validators also name the variant they tried, which is no part of the text
                node, where = inside, f"{self.file}:{inside.line}:{inside.column}"
        return where


@dataclass
class Layer:
    """What one source sets."""

    entries: dict[Key, Entry] = field(default_factory=dict[Key, Entry])
    problems: list[str] = field(default_factory=list[str])
    ignored: list[Notice] = field(default_factory=list[Notice])
    warnings: list[Notice] = field(default_factory=list[Notice])


def user_layer(path: Path, settings: Settings) -> Layer:
    """Read the user's file. Raises FileNotFoundError, ConfigError."""
    layer = file_layer(parse(str(path), read_text(path, follow_links=True)), settings, project=False)
    status = path.stat()
    if status.st_mode & stat.S_IWOTH:
        layer.warnings.append(Notice(str(path), "", f"anyone on this machine may change it; run: chmod o-w {path}"))
    if status.st_uid not in {os.geteuid(), 0}:
        layer.warnings.append(Notice(str(path), "", f"it belongs to another user (uid {status.st_uid})"))
    return layer


def project_layer(path: Path, settings: Settings) -> Layer:
    """Read a project's file, which is not followed if it is a link. Raises FileNotFoundError, ConfigError."""
    return file_layer(parse(str(path), read_text(path, follow_links=False)), settings, project=True)


def file_layer(document: Document, settings: Settings, *, project: bool) -> Layer:
    """The settings in a parsed file. ``settings`` are those of the layers below, for the names they define."""
    layer = Layer()
    _look_for_secrets(document, layer, project=project)
    if document.root is not None:
        _FileWalk(document, settings, layer, project).section((), document.root)
    return layer


def _look_for_secrets(document: Document, layer: Layer, *, project: bool) -> None:
    for hit in scan(document.text):
        if hit.obvious_example:
            continue
        line, column = position(document.text, hit.start)
        what = f"this looks like a credential ({hit.kind}); {_KEEP_OUT}"
        if project:
            raise error_at(document.name, line, column, what)
        layer.warnings.append(Notice(f"{document.name}:{line}:{column}", "", what))


@dataclass
class _FileWalk:
    document: Document
    settings: Settings
    layer: Layer
    project: bool

    def section(self, path: Key, node: Node) -> None:
        """Take the keys of a section; one that is empty sets nothing."""
        if node.kind == "scalar" and node.value is None:
            if path[:2] == ("llm", "providers") and len(path) == 3 and path[2] not in self.settings.llm.providers:
                self._problem(node, f"{schema.join(path)}.model is missing")
            return
        if node.kind != "mapping":
            self._problem(node, f"{schema.join(path) or 'a configuration file'} must hold keys, as in 'key: value'")
            return
        for name, (key, value) in node.entries.items():
            self._entry((*path, name), key, value)

    def _entry(self, path: Key, key: Node, value: Node) -> None:
        if path[-1] == "api_key" and schema.is_key((*path[:-1], "api_key_env")):
            if self.project:
                self._problem(key, f"{schema.join(path)}: {_KEEP_OUT}")
            else:
                self._notice(self.layer.warnings, key, path, f"{schema.join(path)} is ignored: {_KEEP_OUT}")
        elif self.project and path[0] in _NOT_SETTINGS:
            self._notice(self.layer.ignored, key, path, f"{schema.join(path)} may not be set in a project's file")
        elif not schema.is_key(path):
            self._problem(key, schema.unknown_key(path, self.settings))
        elif schema.is_section(path):
            self.section(path, value)
        else:
            name = self.document.name
            where = f"{name}:{value.line}:{value.column}"
            self.layer.entries[path] = Entry(value.plain(), f"{name}:{key.line}", where, value, name)

    def _notice(self, notices: list[Notice], node: Node, path: Key, message: str) -> None:
        notices.append(Notice(f"{self.document.name}:{node.line}:{node.column}", schema.join(path), message))

    def _problem(self, node: Node, message: str) -> None:
        self.layer.problems.append(f"config error: {self.document.name}:{node.line}:{node.column}: {message}")


def environment_layer(environ: Mapping[str, str], settings: Settings) -> Layer:
    """The settings in ``SMAKER_…`` variables; an empty one counts as unset. A short name yields to the long one."""
    layer = Layer()
    named = {name: tuple(key.split(".")) for name, key in SHORT_NAMES.items() if environ.get(name)}
    for name in sorted(name for name in environ if name.startswith("SMAKER_") and environ[name]):
        path = tuple(name.removeprefix("SMAKER_").lower().split("__"))
        if len(path) > 1:
            named[name] = path
        elif name not in SHORT_NAMES and (meant := _misspelt(name, settings)):
            layer.warnings.append(Notice(f"environment {name}", "", f"{name} is no setting; did you mean {meant}?"))
    for name, path in named.items():
        where = f"environment {name}"
        if wrong := schema.not_a_setting(path, settings):
            layer.problems.append(f"config error: {where}: {wrong}")
            continue
        try:
            layer.entries[path] = Entry(typed(path, environ[name], where), where, where)
        except ConfigError as error:
            layer.problems.append(error.message)
    return layer


def _misspelt(name: str, settings: Settings) -> str | None:
    """The variable meant by one that holds a section's name but not the two underscores."""
    known = {"SMAKER_" + "__".join(leaf).upper() for leaf in schema.leaves(settings)}
    if not name.startswith(tuple(f"SMAKER_{section.upper()}_" for section in Settings.model_fields)):
        return None
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.9)), None)


def flag_layer(overrides: Mapping[str, object], settings: Settings) -> Layer:
    """The settings given on the command line, as dotted keys; a text is read as in the environment."""
    layer = Layer()
    for key, given in overrides.items():
        path = tuple(key.split("."))
        origin = f"flag {FLAGS.get(key, '--' + path[-1].replace('_', '-'))}"
        if wrong := schema.not_a_setting(path, settings):
            layer.problems.append(f"config error: {origin}: {wrong}")
            continue
        value = given.value if isinstance(given, Enum) else given
        layer.entries[path] = Entry(typed(path, value, origin) if isinstance(value, str) else value, origin, origin)
    return layer


def typed(path: Key, text: str, name: str) -> Any:
    """The value of a text typed for a key: as it stands if the key holds text, else as YAML. Raises ConfigError."""
    if _SURROGATE.search(text):
        raise ConfigError(f"config error: {name}: not valid UTF-8")
    if schema.takes_text(path):
        return None if text in {"null", "~"} and schema.may_be_null(path) else text
    root = parse(name, text).root
    return None if root is None else root.plain()
