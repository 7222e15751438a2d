"""Verbs that steer a build from any terminal: gates, questions, pause, cancel, rewind, fork, delete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from smaker.cli.building import Id
from smaker.core.commands import Approve, Cancel, Pause, Reject, Reply, Steering
from smaker.core.typed import checked

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.wiring import Local

Words = Annotated[str, typer.Argument(metavar="TEXT", help="In your own words.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for name, verb in (
        ("approve", approve),
        ("reject", reject),
        ("answer", answer),
        ("pause", pause),
        ("cancel", cancel),
        ("rewind", rewind),
        ("fork", fork),
        ("delete", delete),
    ):
        app.command(name)(verb)


def approve(context: typer.Context, project: Id) -> None:
    """Open the gate the build waits at, and go on."""
    _decide(context.obj, project, Approve(), goes_on=True)


def reject(context: typer.Context, project: Id, text: Words) -> None:
    """Refuse what the gate shows, and say what should be different."""
    _decide(context.obj, project, Reject(text=checked(text, "text")), goes_on=True)


def answer(context: typer.Context, project: Id, text: Words) -> None:
    """Answer the question an agent asked, and go on."""
    _decide(context.obj, project, Reply(text=checked(text, "answer")), goes_on=True)


def pause(context: typer.Context, project: Id) -> None:
    """Stop a build at its next step, wherever it runs."""
    _decide(context.obj, project, Pause())


def cancel(context: typer.Context, project: Id) -> None:
    """Stop a build for good."""
    _decide(context.obj, project, Cancel())


def rewind(
    context: typer.Context,
    project: Id,
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step (t3.2), task (t3) or commit.")],
    force: Annotated[bool, typer.Option("--force", help="Save your own edits aside and rewind all the same.")] = False,
) -> None:
    """Put files and plan back to just after a step."""
    session: Session = context.obj
    identifier = session.find(project)

    async def body(local: Local) -> None:
        changed = await local.control.rewind(identifier, step, force=force)
        hint = f"  Go on with: smaker resume {identifier}" if changed.desired.value == "pause" else ""
        session.show(
            {"id": identifier, "step": step, "state": changed.state.value}, f"rewound to {step}: {changed.state}{hint}"
        )

    session.local(body)


def fork(
    context: typer.Context,
    project: Id,
    step: Annotated[str, typer.Argument(metavar="STEP", help="A step (t3.2), task (t3) or commit.")],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="A further instruction for the fork.")] = None,
    model: Annotated[str | None, typer.Option(help="Who continues: a provider, or PROVIDER/MODEL.")] = None,
) -> None:
    """A new project that continues differently from a step of this one."""
    session: Session = context.obj
    instruction = checked(text, "instruction") if text is not None else None
    identifier = session.find(project)

    async def body(local: Local) -> None:
        if model is not None:
            local.models.named(model)  # says now what is wrong with it
        made = await local.control.fork(identifier, step, instruction=instruction, model=model)
        session.warn_of_credentials(local, instruction)
        session.show(
            {"id": made.id, "from": identifier, "step": step, "workspace": made.workspace},
            f"{made.id}  in {made.workspace}\n  Go on with: smaker resume {made.id}",
        )

    session.local(body)


def delete(
    context: typer.Context,
    project: Id,
    keep_files: Annotated[bool, typer.Option("--keep-files", help="Leave the folder where it is.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget a project and remove its folder (never an adopted one)."""
    session: Session = context.obj
    snapshot = session.look(project)
    identifier = snapshot.project.id
    if not yes and not session.json:
        what = (
            "the record" if keep_files or snapshot.project.adopted else f"the record and {snapshot.project.workspace}"
        )
        typer.confirm(f"Delete {snapshot.project.name!r}: {what}?", abort=True, err=True)

    async def body(local: Local) -> None:
        await local.forget(identifier, files=not keep_files)
        session.show({"id": identifier, "deleted": True}, f"{identifier}  deleted")

    session.local(body)


def _decide(session: Session, prefix: str, command: Steering, *, goes_on: bool = False) -> None:
    identifier = session.find(prefix)

    async def body(local: Local) -> int:
        from smaker.cli.live import watch

        changed = await local.control.steer(identifier, command)
        if isinstance(command, Reject | Reply):
            session.warn_of_credentials(local, command.text)
        if goes_on and local.lock.holder(identifier) is None:
            return await watch(session, local, identifier)
        session.show(
            {"id": identifier, "state": changed.state.value, "desired": changed.desired.value},
            f"{identifier}  {command.verb}: {changed.state}",
        )
        return 0

    raise typer.Exit(session.local(body))
