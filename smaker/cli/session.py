"""What every verb shares: the global options, output as text or JSON, and the way into the engine."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from smaker.core.errors import UsageError
from smaker.core.terminal import sanitize

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.core.control import Snapshot
    from smaker.wiring import Local, Reader

Result = TypeVar("Result")


@dataclass
class Session:
    """One run of the program."""

    home_option: Path | None = None
    config_option: Path | None = None
    server: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False

    @cached_property
    def home(self) -> Path:
        """Where projects and the record are kept. Raises UsageError if it cannot be a folder."""
        from smaker.config import data_home

        home = (self.home_option or data_home(os.environ)).expanduser().absolute()
        if home.exists() and not home.is_dir():
            raise UsageError(f"{home} is not a folder.", hint="Name one with: smaker --home DIR …")
        return home

    @property
    def file(self) -> Path:
        """The user's configuration file, which need not exist."""
        from smaker.config import user_config_path

        return self.config_option or user_config_path(os.environ)

    def only_here(self) -> None:
        """Raise UsageError if a server was named."""
        if self.server:
            raise UsageError("Team servers are not part of this version.", hint="Leave --server and SMAKER_SERVER out.")

    def settings(self, **overrides: object) -> Loaded:
        """The configuration from all its layers. Raises ConfigError."""
        from smaker.config import load_settings

        given = {key.replace("__", "."): value for key, value in overrides.items() if value is not None}
        named = self.config_option is not None
        return load_settings(user_file=self.file, environ=os.environ, overrides=given, required=named)

    def local(self, body: Callable[[Local], Awaitable[Result]], **overrides: object) -> Result:
        """Run ``body`` with an engine and a worker in this process. Raises UsageError for --server."""
        import asyncio

        self.only_here()
        settings = self.settings(**overrides).settings

        async def run() -> Result:
            from smaker.wiring import open_local

            async with open_local(self.home, settings) as local:
                for notice in local.notices:
                    self.warn(notice)
                return await body(local)

        return asyncio.run(run())

    def reader(self) -> Reader:
        """The record, read without starting an engine; recovered first, if it was found to be damaged."""
        from smaker.wiring import found_damaged, open_reader

        if found_damaged(self.home):
            self.local(_nothing)
        return open_reader(self.home)

    def find(self, prefix: str) -> str:
        """The id that begins with ``prefix``. Raises NotFound, UsageError."""
        from smaker.core.listing import pick

        return pick([project.id for project in self.reader().listed()], prefix)

    def look(self, prefix: str) -> Snapshot:
        """All there is to show of a project, read without starting an engine."""
        return self.reader().snapshot(self.find(prefix))

    def say(self, text: str) -> None:
        """Print a line for a person: to standard output, or to standard error where that is for JSON alone."""
        if not self.quiet:
            print(sanitize(text), file=sys.stderr if self.json else sys.stdout)

    def warn(self, text: str) -> None:
        """Tell a person what should not be missed, on standard error."""
        print(sanitize(f"smaker: {text}"), file=sys.stderr)  # noqa: T201

    def warn_of_credentials(self, local: Local, text: str | None) -> None:
        """Tell a person that what they typed holds a credential, if it does."""
        from smaker.core.typed import masked

        if told := masked(text or "", local.redactor.redact)[1]:
            self.warn(told)

    def show(self, value: Any, text: str | Callable[[], str], *, exact: bool = False) -> None:
        """Print the result of a verb: ``value`` as JSON, or ``text``, which may quote models and foreign files: nothing
        in it steers the terminal. ``exact``: where it goes to no terminal, byte for byte as it is (a patch)."""
        if self.json:
            print(json.dumps(value, ensure_ascii=False, default=str))  # noqa: T201
        else:
            shown = text() if callable(text) else text
            print(shown if exact and not sys.stdout.isatty() else sanitize(shown))  # noqa: T201


async def _nothing(local: Local) -> None:
    """Opening the record is what recovers it."""
    del local
