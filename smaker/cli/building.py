"""Verbs that build: they start or continue a build in the foreground, with live progress."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smaker.core.commands import AddStep, Restart, Resume, RunStage, Steering
from smaker.core.errors import UsageError
from smaker.core.models import Budget, DeployTarget, Gate, Stage
from smaker.core.typed import MAX_PROMPT, checked

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.wiring import Local

Id = Annotated[str, typer.Argument(metavar="ID", help="A project's id, or the beginning of it.")]
MaxCost = Annotated[float | None, typer.Option(help="Spend at most so many US dollars.")]
MaxTokens = Annotated[int | None, typer.Option(help="Use at most so many tokens.")]
MaxMinutes = Annotated[float | None, typer.Option(help="Take at most so many minutes.")]
MaxTaskCost = Annotated[float | None, typer.Option(help="Spend at most so many US dollars on one task.")]
MaxTaskTokens = Annotated[int | None, typer.Option(help="Use at most so many tokens for one task.")]
MaxTaskMinutes = Annotated[float | None, typer.Option(help="Take at most so many minutes for one task.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for name, verb in (
        ("init", init),
        ("adopt", adopt),
        ("add-step", add_step),
        ("resume", resume),
        ("restart", restart),
        ("test", test),
        ("web", web),
        ("run", run),
        ("deploy", deploy),
        ("stop", stop),
    ):
        settings = {"allow_extra_args": True, "ignore_unknown_options": True} if name == "run" else {}
        app.command(name, context_settings=settings)(verb)
    app.command("supervise", hidden=True)(supervise)


def init(
    context: typer.Context,
    prompt: Annotated[str | None, typer.Argument(help="What to build; - reads standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="Read the prompt from a file.")] = None,
    folder: Annotated[Path | None, typer.Option("--dir", help="The workspace: a folder that is empty or new.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the project.")] = None,
    profile: Annotated[str | None, typer.Option(help="The stack profile to build with.")] = None,
    mode: Annotated[str | None, typer.Option(help="offline, openai, claude, local or hybrid.")] = None,
    approve: Annotated[str, typer.Option(help="Wait for you at these gates: plan,deploy,questions.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Approve everything, ask nothing.")] = False,
    deploy: Annotated[str | None, typer.Option(help="none, process or compose.")] = None,
    review: Annotated[
        bool | None, typer.Option("--review/--no-review", help="Have a model look for what the tests do not see.")
    ] = None,
    browser: Annotated[
        bool | None, typer.Option("--web/--no-web", help="Try software with pages in a real browser.")
    ] = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    max_task_cost: MaxTaskCost = None,
    max_task_tokens: MaxTaskTokens = None,
    max_task_minutes: MaxTaskMinutes = None,
    no_start: Annotated[bool, typer.Option("--no-start", help="Only create the project.")] = False,
) -> None:
    """Create a project from a prompt and build it."""
    session: Session = context.obj
    text = _prompt(prompt, file)
    gates = () if yes else _gates(approve)
    bounds = _bounds(max_cost, max_tokens, max_minutes, max_task_cost, max_task_tokens, max_task_minutes)
    overrides = {
        "llm__mode": mode,
        "deploy__target": deploy,
        "llm__review": review,
        "browser__enabled": browser,
        **{f"budget__{name}": value for name, value in bounds.items()},
    }

    async def body(local: Local) -> int:
        if profile is not None:
            local.catalog.load(profile)
        request = local.draft(text).model_copy(
            update={"name": name, "workspace": folder, "profile": profile, "gates": gates}
        )
        project = await local.control.create(request)
        session.warn_of_credentials(local, text)
        if no_start:
            session.show(
                {"id": project.id, "workspace": project.workspace}, f"{project.id}  created in {project.workspace}"
            )
            return 0
        return await _build(session, local, project.id)

    raise typer.Exit(session.local(body, **overrides))


def adopt(
    context: typer.Context,
    where: Annotated[str, typer.Argument(metavar="PATH_OR_URL", help="A git repository.")],
    prompt: Annotated[str, typer.Argument(help="What to do with it.")],
    folder: Annotated[Path | None, typer.Option("--dir", help="Where to clone an address to.")] = None,
    mode: Annotated[str | None, typer.Option(help="offline, openai, claude, local or hybrid.")] = None,
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_minutes: MaxMinutes = None,
    max_task_cost: MaxTaskCost = None,
    max_task_tokens: MaxTaskTokens = None,
    max_task_minutes: MaxTaskMinutes = None,
) -> None:
    """Take an existing repository: recognise its stack, run its tests, carry on."""
    session: Session = context.obj
    text = _prompt(prompt, None)
    bounds = _bounds(max_cost, max_tokens, max_minutes, max_task_cost, max_task_tokens, max_task_minutes)
    overrides = {"llm__mode": mode, **{f"budget__{name}": value for name, value in bounds.items()}}

    async def body(local: Local) -> int:
        project = await local.adopt(where, local.draft(text), folder)
        session.warn_of_credentials(local, text)
        return await _build(session, local, project.id)

    raise typer.Exit(session.local(body, **overrides))


def add_step(
    context: typer.Context,
    project: Id,
    text: Annotated[str, typer.Argument(help="What to add.")],
    now: Annotated[
        bool, typer.Option("--now", help="Plan it as soon as what runs has ended, not after all else.")
    ] = False,
) -> None:
    """Add a further instruction, planned and built on top of what is there."""
    _steer_and_build(context.obj, project, AddStep(text=checked(text, "step"), now=now))


def resume(
    context: typer.Context,
    project: Id,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Let it spend so many US dollars in all.")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=0, help="Let it use so many tokens in all.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0.01, help="Let it take so many minutes in all.")] = None,
    max_task_cost: Annotated[float | None, typer.Option(min=0, help="Let each task spend so many US dollars.")] = None,
    max_task_tokens: Annotated[int | None, typer.Option(min=0, help="Let each task use so many tokens.")] = None,
    max_task_minutes: Annotated[
        float | None, typer.Option(min=0.01, help="Let each task take so many minutes.")
    ] = None,
) -> None:
    """Go on with a build that was paused, killed, ran out of budget or could not reach something."""
    session: Session = context.obj
    bounds = _bounds(max_cost, max_tokens, max_minutes, max_task_cost, max_task_tokens, max_task_minutes)
    more = session.look(project).project.budget.model_copy(update=bounds) if bounds else None
    _steer_and_build(session, project, Resume(budget=more))


def restart(
    context: typer.Context,
    project: Id,
    stage: Annotated[Stage | None, typer.Option("--from", help="The stage to begin with.")] = None,
) -> None:
    """Do the stages from one on again."""
    _steer_and_build(context.obj, project, Restart(stage=stage))


def test(context: typer.Context, project: Id) -> None:
    """Run the tests now, on the files as they are."""
    _steer_and_build(context.obj, project, RunStage(stage=Stage.RUN))


def web(context: typer.Context, project: Id) -> None:
    """Try the software in a real browser now, on the files as they are: every page, link, form and control."""
    _steer_and_build(context.obj, project, RunStage(stage=Stage.WEB))


def deploy(
    context: typer.Context,
    project: Id,
    target: Annotated[DeployTarget, typer.Option(help="process or compose.")] = DeployTarget.PROCESS,
) -> None:
    """Start the software in the background and check that it is healthy."""
    if target is DeployTarget.NONE:
        raise UsageError("There is no deployment to nowhere.", hint="Use: smaker deploy ID --target process")
    _steer_and_build(context.obj, project, RunStage(stage=Stage.DEPLOY, target=target))


def run(
    context: typer.Context,
    project: Id,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to answer on; 0 is any free one.")] = 0,
) -> None:
    """Start the built software and print where it answers; what follows "--" goes to a command-line tool, which sees
    the files of its own folder alone."""
    session: Session = context.obj
    identifier = session.find(project)
    extra = [word for word in context.args if word != "--"]

    async def body(local: Local) -> int:
        from smaker.cli.serving import run_software

        return await run_software(session, local, identifier, port=port, extra=extra)

    raise typer.Exit(session.local(body))


def stop(context: typer.Context, project: Id) -> None:
    """Stop the deployed software."""
    session: Session = context.obj
    identifier = session.find(project)

    async def body(local: Local) -> int:
        stopped = await local.stop(identifier)
        session.show({"id": identifier, "stopped": stopped}, "stopped" if stopped else "nothing was running")
        return 0

    raise typer.Exit(session.local(body))


def supervise(context: typer.Context, project: Id) -> None:
    """Keep the software of a project up (run by `smaker deploy`)."""
    session: Session = context.obj

    async def body(local: Local) -> int:
        from smaker.cli.serving import supervise_software

        return await supervise_software(local, project)

    raise typer.Exit(session.local(body))


def _steer_and_build(session: Session, prefix: str, command: Steering) -> None:
    identifier = session.find(prefix)

    async def body(local: Local) -> int:
        await local.control.steer(identifier, command)
        if isinstance(command, AddStep):
            session.warn_of_credentials(local, command.text)
        return await _build(session, local, identifier, joins=isinstance(command, AddStep))

    raise typer.Exit(session.local(body))


async def _build(session: Session, local: Local, project: str, *, joins: bool = False) -> int:
    """Drive a build in the foreground and return its exit code; ``joins``: leave it to the process that drives it."""
    from smaker.cli.live import watch
    from smaker.core.errors import InUse

    try:
        local.lock.acquire(project)
        local.lock.release(project)
    except InUse as error:
        if not joins:
            raise
        session.show({"id": project, "queued": True}, f"{error.message} It takes the step up.")
        return 0
    return await watch(session, local, project)


def _bounds(*given: float | None) -> dict[str, float]:
    """The bounds that were typed, by their names in a budget, whose order the options have."""
    return {name: value for name, value in zip(Budget.model_fields, given, strict=True) if value is not None}


def _prompt(given: str | None, file: Path | None) -> str:
    if file is not None and given is not None:
        raise UsageError("There are two prompts: an argument and --file.", hint="Give one of them.")
    if file is not None:
        if not file.is_file():
            raise UsageError(f"There is no file {file}.", hint="Name a text file with the prompt.")
        with file.open("rb") as content:
            raw = _limited(content.read(MAX_PROMPT * 4 + 1), str(file))
    elif given == "-":
        raw = _limited(sys.stdin.buffer.read(MAX_PROMPT * 4 + 1), "standard input")
    elif given is None:
        raise UsageError(
            "There is no prompt.", hint='Type what you want built: smaker init "a REST API to track books"'
        )
    else:
        raw = os.fsencode(given)
    try:
        return checked(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError("The prompt is not text (UTF-8).", hint="Give it as plain text.") from error


def _limited(raw: bytes, where: str) -> bytes:
    if len(raw) > MAX_PROMPT * 4:
        raise UsageError(f"{where} is too long for a prompt.", hint=f"Keep it under {MAX_PROMPT:,} characters.")
    return raw


def _gates(words: str) -> tuple[Gate, ...]:
    gates: list[Gate] = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        try:
            gates.append(Gate(word))
        except ValueError as error:
            raise UsageError(f"There is no gate {word!r}.", hint="The gates are: plan, deploy, questions") from error
    return tuple(gates)
