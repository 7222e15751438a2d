"""`smaker secrets`: credentials that are in a git history already. They are told, never shown, and never taken out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smaker.core.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.core.ports import Credential, HistorySearch

ADVICE = """\
Take each of these as known to others: revoke it where it was issued, or replace it, before anything else.
What is still there: take it out of the file and commit that.
To have one out of the history too, which smaker never rewrites itself: put its value into a file elsewhere, and in a
fresh clone run git filter-repo --replace-text FILE (in messages: --replace-message FILE); then push with --force, and
have every other copy cloned anew. All later commits get new ids, so smaker takes the result as new: smaker adopt.
What only a stash or a ref of its own reaches goes with that: git stash drop, git update-ref -d REF."""

_NAMED = 10  # unsearched objects named one by one


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="Credentials in a history.", rich_markup_mode=None)
    group.command("scan")(scan)
    app.add_typer(group, name="secrets")


def scan(
    context: typer.Context,
    project: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A project's id, or the beginning of it.")
    ] = None,
    folder: Annotated[Path | None, typer.Option("--dir", help="The folder of any git repository instead.")] = None,
) -> None:
    """Search a whole git history, all refs and stashes, for credentials; exit 1 if there is one. Changes nothing."""
    session: Session = context.obj
    if (project is None) == (folder is None):
        raise UsageError(
            "Name one repository: a project's id, or a folder.",
            hint="smaker secrets scan ID, or: smaker secrets scan --dir FOLDER",
        )
    where = folder.absolute() if folder else Path(session.look(project or "").project.workspace)
    result = _search(session, where)
    for line in _cautions(result):
        print(f"smaker: {line}", file=sys.stderr)  # noqa: T201
    values = [{**found.model_dump(), "path": _safe(found.path), "ref": _safe(found.ref)} for found in result.found]
    session.show(values, lambda: _text(result))
    raise typer.Exit(1 if result.found else 0)


def _search(session: Session, where: Path) -> HistorySearch:
    import asyncio

    from smaker.core.clock import SystemClock
    from smaker.wiring import build_workspaces

    workspaces = build_workspaces(session.home / "state", SystemClock())
    with _progress(session) as heard:
        try:
            return asyncio.run(workspaces.search_history(where, heard=heard))
        except WorkspaceError as problem:
            if problem.code != "E_NO_REPOSITORY":
                raise
            raise UsageError(problem.message, hint=problem.hint, code=problem.code) from problem


@contextmanager
def _progress(session: Session) -> Generator[Callable[[int, int], None] | None]:
    """On a terminal a line that moves."""
    if session.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("listing the history …") as status:
        shown = -1

        def heard(done: int, total: int) -> None:
            nonlocal shown
            percent = 100 * done // max(total, 1)
            if percent != shown:
                shown = percent
                status.update(f"searching {total:,} objects … {percent} %")

        yield heard


def _cautions(result: HistorySearch) -> list[str]:
    """What was not searched."""
    lines = ["this clone is shallow: what came before is not here. Get it with: git fetch --unshallow"]
    lines = lines if result.shallow else []
    for one in result.unsearched[:_NAMED]:
        why = "it is not there" if one.size is None else f"{one.size >> 20:,} MB are too large"
        lines.append(f"not searched: {_safe(one.path) or 'an object'} ({one.object[:12]}): {why}")
    more = len(result.unsearched) - _NAMED
    return [*lines, f"not searched: {more:,} more"] if more > 0 else lines


def _text(result: HistorySearch) -> str:
    from smaker.cli.columns import table

    if not result.found:
        return f"no credential in {result.objects:,} objects of the history"
    head = ("KIND", "WHERE", "SINCE", "NOW", "REACHED FROM")
    rows = [
        (found.kind, _place(found), found.commit[:12], _now(found), _safe(found.ref or result.branch) or "")
        for found in result.found
    ]
    return f"{table(head, rows)}\n\n{ADVICE}"


def _place(found: Credential) -> str:
    name = _safe(found.path) or ("a file without a name" if found.inside == "file" else f"the {found.inside}")
    return f"{name}:{found.line}"


def _now(found: Credential) -> str:
    return "still there" if found.current else "gone" if found.inside == "file" else "-"


def _safe(text: str | None) -> str | None:
    """A name of somebody else's, on one line, without what steers a terminal, and without a key that is part of it."""
    from smaker.core.secrets import Redactor
    from smaker.core.terminal import sanitize

    if text is None:
        return None
    return sanitize(Redactor().redact(text)).replace("\n", "\\x0a").replace("\t", "\\x09")
