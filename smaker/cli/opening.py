"""`smaker` without a verb and `smaker tui`: the terminal app, where there is a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smaker.cli.direct import lacking, open_app
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
    if missing := lacking():
        raise UsageError(f"The terminal app cannot be shown: {missing}.", hint="Use the verbs: smaker --help")
    _end(open_app(context.obj))


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
    missing = lacking()
    if missing or session.json or session.quiet:
        typer.echo(context.get_help())
        if missing:
            session.warn(f"the terminal app is not shown: {missing}")
        raise typer.Exit
    _end(open_app(session))


def _end(code: int) -> None:
    if code:
        raise typer.Exit(code)
