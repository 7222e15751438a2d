"""Verbs about what is deployed: what it prints, and how all of it goes away."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from smaker.core.terminal import sanitize

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.core.control import Snapshot
    from smaker.wiring import Local


ANSWERS_WITHIN_S = 1.0


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("clean")(clean)


def clean(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[ID]", help="A project's id.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a project's containers, images and their data; without one, what no project needs any more."""
    session: Session = context.obj
    identifier = session.find(project) if project is not None else None
    if identifier is not None and not yes and not session.json:
        typer.confirm(f"Remove the containers and the data of {identifier}?", abort=True, err=True)

    async def body(local: Local) -> None:
        found = await local.clean(identifier)
        text = f"{found.containers} containers removed; forgotten: {', '.join(found.projects) or 'nothing'}"
        session.show({"containers": found.containers, "projects": [*found.projects]}, text)

    session.local(body)


def as_it_answers(session: Session, snapshot: Snapshot) -> Snapshot:
    """The same, with the health of what is deployed as it is now, and not as it was recorded."""
    project = snapshot.project
    if project.deployment is None or project.spec is None:
        return snapshot
    import asyncio
    from urllib.parse import urlsplit

    from smaker.core.errors import SmakerError
    from smaker.core.http_probe import answers_well
    from smaker.profiles import Catalog

    try:
        path = Catalog(session.home / "profiles").of(project.spec).profile.health
    except SmakerError:  # the user's own profile is gone: any answer counts
        path = None
    port = urlsplit(project.deployment.url).port or 80
    well = asyncio.run(answers_well(port, path, timeout_s=ANSWERS_WITHIN_S))
    now = project.deployment.model_copy(update={"healthy": well})
    return snapshot.model_copy(update={"project": project.model_copy(update={"deployment": now})})


def show_output(session: Session, prefix: str, *, follow: bool) -> None:
    """Print what the deployed software printed; with ``follow`` until it ends. Raises NotFound if there is none."""
    identifier = session.find(prefix)

    def show(text: str) -> None:
        sys.stdout.write(sanitize(text))
        sys.stdout.flush()

    async def body(local: Local) -> None:
        await local.output(identifier, show, follow=follow)

    session.local(body)
