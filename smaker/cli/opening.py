"""`smaker` without a verb and `smaker tui`: the terminal app, where there is a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from smaker.core.errors import UsageError

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.wiring import Local


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command("tui")(tui)
    app.command("background", hidden=True)(background)


def tui(context: typer.Context) -> None:
    """Watch and steer all builds on a full screen; `smaker` alone is the same."""
    if lacking := _lacking():
        raise UsageError(f"The terminal app cannot be shown: {lacking}.", hint="Use the verbs: smaker --help")
    _open(context.obj)


def background(context: typer.Context, projects: Annotated[list[str], typer.Argument(metavar="ID...")]) -> None:
    """Go on with builds without a terminal (run by the terminal app when it is left)."""
    session: Session = context.obj

    async def body(local: Local) -> None:
        from smaker.wiring.driving import drive_all

        await drive_all(local, session.settings, projects)

    session.local(body)


def open_or_help(context: typer.Context) -> None:
    """Open the app; without a terminal, print the verbs and say what the app needs."""
    session: Session = context.obj
    lacking = _lacking()
    if lacking or session.json or session.quiet:
        typer.echo(context.get_help())
        if lacking:
            session.warn(f"the terminal app is not shown: {lacking}")
        raise typer.Exit
    _open(session)


def _lacking() -> str:
    """What the app needs and does not have here."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return "it needs a terminal for input and output"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return "the terminal cannot move its cursor (TERM)"
    return ""


def _open(session: Session) -> None:
    from smaker.wiring.terminal import run_terminal

    session.only_here()
    named = session.config_option.absolute() if session.config_option else None
    if code := run_terminal(session.home, session.file, session.settings, config=named):
        raise typer.Exit(code)
