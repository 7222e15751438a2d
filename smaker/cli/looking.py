"""Verbs that look: they read the record and the repository and change nothing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from smaker.cli.building import Id

if TYPE_CHECKING:
    from smaker.cli.session import Session
    from smaker.core.models import Usage
    from smaker.wiring import Local


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for name, verb in (
        ("list", list_projects),
        ("status", status),
        ("logs", logs),
        ("history", history),
        ("diff", diff),
        ("trace", show_trace),
        ("replay", replay),
        ("cost", cost),
        ("artifacts", artifacts),
    ):
        app.command(name)(verb)


def list_projects(context: typer.Context) -> None:
    """All projects, newest first."""
    from smaker.cli.glance import show_projects

    show_projects(context.obj)


def status(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[ID]", help="A project's id.")] = None,
) -> None:
    """One project (state, tasks, progress, requirements, cost, whether what is deployed answers now), or all."""
    if project is None:
        list_projects(context)
        return
    from smaker.cli.deployments import as_it_answers
    from smaker.cli.views import status_dict, status_text

    session: Session = context.obj
    snapshot = as_it_answers(session, session.look(project))
    session.show(status_dict(snapshot), lambda: status_text(snapshot))


def logs(
    context: typer.Context,
    project: Id,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the build is settled.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only events with a higher number.")] = 0,
    deployment: Annotated[bool, typer.Option("--deployment", help="What the deployed software prints.")] = False,
) -> None:
    """A project's events, or the output of its deployment."""
    if deployment:
        from smaker.cli.deployments import show_output

        show_output(context.obj, project, follow=follow)
        return
    from smaker.cli.live import event_line
    from smaker.core.pipeline import settled

    session: Session = context.obj
    identifier = session.find(project)
    reader = session.reader()
    while True:
        ended = not follow or (settled(reader.build(identifier)) and reader.holder(identifier) is None)
        for event in reader.events(identifier, after=after):
            after = event.seq
            print(event.model_dump_json() if session.json else event_line(event), flush=follow)  # noqa: T201
        if ended:
            return
        time.sleep(0.2)


def history(context: typer.Context, project: Id) -> None:
    """The git history by agent step, with model, tokens and cost."""
    from smaker.cli.columns import table

    session: Session = context.obj
    identifier = session.find(project)

    async def body(local: Local) -> None:
        commits = await local.control.history(identifier)
        values = [
            {
                "commit": commit.sha,
                "step": commit.trailers.get("Smaker-Step"),
                "stage": commit.trailers.get("Smaker-Stage"),
                "agent": commit.trailers.get("Smaker-Agent"),
                "model": commit.trailers.get("Smaker-Model"),
                "tokens": commit.trailers.get("Smaker-Tokens"),
                "cost_usd": commit.trailers.get("Smaker-Cost-USD"),
                "author": commit.author,
                "at": commit.at.isoformat(),
                "subject": commit.subject,
            }
            for commit in commits
        ]
        rows = [
            (
                str(value["commit"])[:8],
                *(str(value[key] or "-") for key in ("step", "agent", "model", "tokens", "subject")),
            )
            for value in values
        ]
        session.show(values, lambda: table(("COMMIT", "STEP", "AGENT", "MODEL", "TOKENS", "SUBJECT"), rows))

    session.local(body)


def diff(
    context: typer.Context,
    project: Id,
    step: Annotated[str | None, typer.Argument(metavar="[STEP]", help="A step (t3.2), task (t3) or commit.")] = None,
) -> None:
    """What a step changed; without one, the user's own edits."""
    session: Session = context.obj
    identifier = session.find(project)

    async def body(local: Local) -> None:
        text = await local.control.diff(identifier, step)
        session.show({"id": identifier, "step": step, "diff": text}, text.rstrip("\n") or "no difference", exact=True)

    session.local(body)


def show_trace(context: typer.Context, project: Id) -> None:
    """Requirement → tests → commits; exit 1 while a must-have requirement is not proved."""
    from smaker.cli.views import trace_dict, trace_text

    session: Session = context.obj
    identifier = session.find(project)

    async def body(local: Local) -> int:
        found = await local.control.trace(identifier)
        session.show(trace_dict(found), lambda: trace_text(found))
        return 0 if found.holds else 1

    raise typer.Exit(session.local(body))


def replay(
    context: typer.Context,
    project: Annotated[str, typer.Argument(metavar="ID_OR_FILE", help="A project's id, or a file with a record.")],
) -> None:
    """Rebuild from the ledger with no model and no network; exit 1 unless the files are equal."""
    session: Session = context.obj
    file = Path(project)
    kept = file.is_file()
    identifier = file.name if kept else session.find(project)

    async def body(local: Local) -> int:
        result = await (local.replay_file(file) if kept else local.replay(identifier))
        verdict = "equal" if result.equal else "different"
        value = {"id": identifier, "equal": result.equal, "tree": result.tree, "recorded": result.recorded}
        text = f"{verdict}: {result.tasks} tasks, {result.steps} steps, tree {result.tree[:12]}"
        session.show(value, text if result.equal else f"{text}, the record says {result.recorded[:12]}")
        return 0 if result.equal else 1

    raise typer.Exit(session.local(body))


def cost(
    context: typer.Context,
    project: Annotated[str | None, typer.Argument(metavar="[ID]", help="A project's id.")] = None,
) -> None:
    """Tokens and money by stage, agent and model, and what is spent of each bound."""
    from smaker.cli.columns import table
    from smaker.core.budget import Bound, all_bounds
    from smaker.core.models import Usage

    session: Session = context.obj
    reader = session.reader()
    chosen = [session.find(project)] if project else [known.id for known in reader.listed()]
    groups: dict[tuple[str, str, str], Usage] = {}
    bounds: list[tuple[str, Bound]] = []
    for identifier in chosen:
        build, steps = reader.build(identifier), reader.steps(identifier)
        bounds += [(identifier, bound) for bound in all_bounds(build.project.budget, build.tasks, steps)]
        for step in steps:
            task = build.task(step.task)
            key = (task.stage.value, task.agent, step.model or build.project.mode)
            groups[key] = groups.get(key, Usage()) + step.usage
    total = sum(groups.values(), Usage())
    values: list[dict[str, Any]] = [
        {"stage": stage, "agent": agent, "model": model, **usage.model_dump()}
        for (stage, agent, model), usage in groups.items()
    ]

    def row(*names: str, usage: Usage) -> tuple[str, ...]:
        return (*names, str(usage.calls), str(usage.tokens_in), str(usage.tokens_out), f"{usage.cost_usd:.4f}")

    rows = [row(*names, usage=usage) for names, usage in groups.items()]
    rows.append(row("total", "", "", usage=total))
    head = ("STAGE", "AGENT", "MODEL", "CALLS", "TOKENS IN", "TOKENS OUT", "USD")
    shown = [(identifier, bound.task or "all", str(bound), f"{bound.share:.0%}") for identifier, bound in bounds]
    budget: list[dict[str, Any]] = [{"project": identifier, **bound.data()} for identifier, bound in bounds]
    session.show(
        {"by": values, "total": total.model_dump(), "budget": budget},
        lambda: table(head, rows) + ("\n\n" + table(("PROJECT", "TASK", "SPENT", "SHARE"), shown) if shown else ""),
    )


def artifacts(
    context: typer.Context,
    project: Id,
    out: Annotated[Path | None, typer.Option("--out", help="Copy them into a folder.")] = None,
) -> None:
    """Reports, coverage and whatever else a build kept."""
    from smaker.cli.columns import table

    session: Session = context.obj
    identifier = session.find(project)
    reader = session.reader()
    found = reader.artifacts(identifier)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for artifact in found:
            (out / f"{artifact.id}-{Path(artifact.name).name}").write_bytes(reader.blob(artifact.sha256))
    rows = [(artifact.id, artifact.kind, f"{artifact.size:,}", artifact.name) for artifact in found]
    session.show(
        [artifact.model_dump(mode="json") for artifact in found],
        lambda: table(("ID", "KIND", "BYTES", "NAME"), rows) if rows else "nothing was kept yet",
    )
