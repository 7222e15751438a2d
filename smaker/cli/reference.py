"""The text of docs/cli.md, made from the verbs themselves, so that it cannot say anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperArgument, TyperOption

from smaker.cli.main import app

HEAD = """# Command line

`smaker [OPTIONS] VERB …`. Made by `make docs`; a test compares. Every verb takes `--json`, before or after it: standard
output then holds JSON alone, everything else goes to standard error. IDs may be shortened to any unique beginning.

| exit code | means |
|---|---|
| 0 | done: READY or DEPLOYED, or the verb worked |
| 1 | the build FAILED, or a check said no |
| 2 | the call or the configuration is off |
| 3 | paused, waiting for you, or over budget: it can be resumed |
| 4 | refused, or something outside could not be reached |
| 78 | there is no sandbox of the needed level |
| 130, 143, 129 | interrupted by Ctrl-C, by SIGTERM, by a closed terminal: it can be resumed |
"""


def reference() -> str:
    """Return the whole page."""
    root = typer.main.get_command(app)
    parts = [HEAD, "\n## Before the verb\n\n", *_options(root)]
    for path, command in _verbs(root, "smaker"):
        usage = " ".join(_words(command))
        parts.append(f"\n## {path}\n\n`{f'{path} {usage}'.strip()}`\n\n{(command.help or '').strip()}\n")
        options = list(_options(command))
        if options:
            parts += ["\n", *options]
    return "".join(parts)


def _verbs(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner: dict[str, Any] | None = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, verb in inner.items():
        if not verb.hidden:
            if getattr(verb, "invoke_without_command", False):
                yield f"{path} {name}", verb
            yield from _verbs(verb, f"{path} {name}")


def _words(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, TyperArgument):
            yield parameter.metavar or (parameter.name or "").upper()
    if command.context_settings.get("allow_extra_args"):
        yield "-- …"


def _options(command: Any) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter, TyperOption) and not parameter.hidden and parameter.name != "help":
            names = ", ".join(f"`{name}`" for name in parameter.opts)
            variable = f" (`{parameter.envvar}`)" if parameter.envvar else ""
            yield f"- {names}{variable}: {parameter.help or ''}\n"
