"""Verbs about smaker itself: profiles, configuration, the sandbox, and whether all it needs is there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from smaker.core.errors import UsageError

if TYPE_CHECKING:
    from smaker.cli.session import Session


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.add_typer(_profiles(), name="profiles")
    app.add_typer(_config(), name="config")
    app.add_typer(_sandbox(), name="sandbox")
    app.command("doctor")(doctor)


def _profiles() -> typer.Typer:
    group = typer.Typer(invoke_without_command=True, help="The stacks smaker builds with.", rich_markup_mode=None)

    @group.callback()
    def listing(context: typer.Context) -> None:
        if context.invoked_subcommand is not None:
            return
        from smaker.cli.columns import table
        from smaker.profiles import Catalog

        session: Session = context.obj
        found = [loaded.profile for loaded in Catalog(session.home / "profiles").all()]
        rows = [(profile.name, profile.kind.value, profile.description) for profile in found]
        values = [{"name": profile.name, "kind": profile.kind.value, "title": profile.title} for profile in found]
        session.show(values, lambda: table(("NAME", "KIND", "WHAT IT IS"), rows))

    @group.command("show")
    def show(context: typer.Context, name: Annotated[str, typer.Argument(metavar="PROFILE")]) -> None:
        """One profile in full."""
        import yaml

        from smaker.profiles import Catalog

        session: Session = context.obj
        loaded = Catalog(session.home / "profiles").load(name)
        value = {**loaded.profile.model_dump(mode="json"), "folder": str(loaded.root)}
        session.show(value, lambda: yaml.safe_dump(value, sort_keys=False, allow_unicode=True).rstrip())

    return group


def _config() -> typer.Typer:
    group = typer.Typer(help="The configuration, and where each value comes from.", rich_markup_mode=None)

    @group.command("show")
    def show(context: typer.Context) -> None:
        """Every value, and the file, variable or flag behind it."""
        from smaker.cli.columns import table

        session: Session = context.obj
        loaded = session.settings()
        rows = loaded.rows()
        values = {key: {"value": value, "from": origin} for key, value, origin in rows}
        for notice in (*loaded.warnings, *loaded.ignored):
            print(f"smaker: {notice}", file=sys.stderr)  # noqa: T201
        session.show(values, lambda: table(("KEY", "VALUE", "FROM"), rows))

    @group.command("get")
    def get(context: typer.Context, key: Annotated[str, typer.Argument(metavar="KEY")]) -> None:
        """One value."""
        from smaker.config import get_value

        session: Session = context.obj
        value = get_value(session.settings().settings, key)
        session.show({"key": key, "value": value}, str(value))

    @group.command("set")
    def assign(
        context: typer.Context,
        key: Annotated[str, typer.Argument(metavar="KEY")],
        value: Annotated[str, typer.Argument(metavar="VALUE")],
    ) -> None:
        """Write one value to the user's file; comments stay."""
        from smaker.config import set_value

        session: Session = context.obj
        file = session.file
        set_value(file, key, value)
        session.show({"key": key, "value": value, "file": str(file)}, f"{key}: {value}  ({file})")

    @group.command("path")
    def path(context: typer.Context) -> None:
        """Where the user's file is."""
        session: Session = context.obj
        file = session.file
        session.show({"path": str(file), "exists": file.exists()}, str(file))

    @group.command("edit")
    def edit(context: typer.Context) -> None:
        """Open the user's file in $EDITOR, and check it afterwards."""
        session: Session = context.obj
        file = session.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
        if not editor:
            raise UsageError("No editor is named.", hint=f"Set EDITOR, or edit {file} yourself.")
        subprocess.run([*editor.split(), str(file)], check=False)
        session.settings()
        session.say(f"{file} is fine.")

    return group


def _sandbox() -> typer.Typer:
    group = typer.Typer(help="The box in which generated software runs.", rich_markup_mode=None)

    @group.command("run", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
    def run(
        context: typer.Context,
        network: Annotated[bool, typer.Option("--network", help="Share this machine's network.")] = False,
        profile: Annotated[str, typer.Option(help="run, install or web.")] = "run",
        folder: Annotated[Path, typer.Option("--dir", help="The folder to see as /work.")] = Path(),
        timeout: Annotated[float, typer.Option(min=0.1, help="Seconds.")] = 120,
    ) -> None:
        """Run a command in the box a build would use: smaker sandbox run -- CMD."""
        session: Session = context.obj
        argv = tuple(word for index, word in enumerate(context.args) if not (index == 0 and word == "--"))
        if not argv:
            raise UsageError("There is no command.", hint="Type it after two dashes: smaker sandbox run -- ls -la")
        if profile not in {"run", "install", "web"}:
            raise UsageError(f"There is no sandbox profile {profile!r}.", hint="The profiles are: run, install, web")
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder.", hint="Name one with --dir.")
        raise typer.Exit(_run_boxed(session, argv, folder.absolute(), profile, network=network, timeout_s=timeout))

    return group


def _run_boxed(
    session: Session,
    argv: tuple[str, ...],
    folder: Path,
    profile: Literal["run", "install", "web"] | str,
    *,
    network: bool,
    timeout_s: float,
) -> int:
    import asyncio

    from smaker.core.ports import Command
    from smaker.wiring import build_sandbox

    sandbox = build_sandbox(session.settings().settings)
    command = Command.model_validate(
        {"argv": argv, "workspace": folder, "profile": profile, "network": network, "timeout_s": timeout_s}
    )

    def echo(text: str) -> None:
        if not session.json:
            sys.stdout.write(text)
            sys.stdout.flush()

    result = asyncio.run(sandbox.run(command, echo))
    if result.limit:
        print(f"smaker: stopped: {result.limit} after {result.seconds:.1f} s", file=sys.stderr)  # noqa: T201
    if session.json:
        session.show(result.model_dump(mode="json"), "")
    return result.exit_code


def doctor(
    context: typer.Context,
    attack: Annotated[
        bool, typer.Option("--attack", help="Attack the sandbox from inside, and say what held.")
    ] = False,
) -> None:
    """What is there, whether it works, and how to mend what is missing."""
    from smaker.cli.checkup import attack_sandbox, examine

    session: Session = context.obj
    raise typer.Exit(attack_sandbox(session) if attack else examine(session))
