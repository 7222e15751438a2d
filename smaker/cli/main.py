"""The verbs, and the options before them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from smaker.cli import building, deployments, exporting, looking, models, opening, secrets, steering, tools
from smaker.cli.session import Session

app = typer.Typer(
    name="smaker",
    help="The Software Maker: type what you want built; it is planned, written, tested, run and deployed.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option("--home", envvar="SMAKER_HOME", help="Where projects and the record are kept.")
    ] = None,
    server: Annotated[
        str | None, typer.Option("--server", envvar="SMAKER_SERVER", help="A team server instead of this machine.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", envvar="SMAKER_CONFIG", help="The user's configuration file.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Standard output holds JSON alone.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say only what matters.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Type what you want built: smaker init "a REST API to track books (title, author, year)"."""
    if version:
        from smaker import __version__

        typer.echo(f"smaker {__version__}")
        raise typer.Exit
    context.obj = Session(home, config, server, json=json, quiet=quiet, verbose=verbose)
    if context.invoked_subcommand is None:
        opening.open_or_help(context)


opening.register(app)
building.register(app)
looking.register(app)
exporting.register(app)
steering.register(app)
deployments.register(app)
tools.register(app)
models.register(app)
secrets.register(app)
