"""What a build looks like: the JSON other people's scripts read, and text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smaker.core.budget import all_bounds
from smaker.core.models import ProjectState, Stage, Task, TaskState, TestStatus
from smaker.core.spec import ProductKind

if TYPE_CHECKING:
    from smaker.core.control import Snapshot
    from smaker.core.proof import Trace

MARKS = {
    TaskState.DONE: "✓",
    TaskState.FAILED: "✗",
    TaskState.RUNNING: "▸",
    TaskState.READY: "·",
    TaskState.WAITING: "·",
    TaskState.BLOCKED: "?",
    TaskState.CANCELLED: "-",
}


def status_dict(snapshot: Snapshot) -> dict[str, Any]:
    """The object of ``smaker status ID --json``."""
    project, report = snapshot.project, snapshot.report
    done, total = snapshot.progress
    return {
        "id": project.id,
        "name": project.name,
        "prompt": project.prompt,
        "state": project.state.value,
        "desired": project.desired.value,
        "profile": project.profile or (project.spec.profile if project.spec else None),
        "mode": project.mode,
        "workspace": project.workspace,
        "head": snapshot.head,
        "tasks": [_task_dict(task) for task in snapshot.tasks],
        "progress": {"done": done, "total": total},
        "requirements": [
            {
                "id": row.requirement,
                "text": row.text,
                "must": row.must,
                "proved_by": [test.id for test in row.tests if test.proves],
            }
            for row in snapshot.proofs.rows
        ],
        "questions": _assumed(snapshot),
        "unsupported": list(project.spec.unsupported) if project.spec else [],
        "tests": None
        if report is None
        else {
            "passed": report.count(TestStatus.PASSED),
            "failed": report.count(TestStatus.FAILED),
            "skipped": report.count(TestStatus.SKIPPED),
            "coverage": report.coverage,
        },
        "usage": snapshot.usage.model_dump(),
        "budget": [bound.data() for bound in all_bounds(project.budget, snapshot.tasks, snapshot.steps)],
        "deployment": None
        if project.deployment is None
        else {
            "target": project.deployment.target.value,
            "url": project.deployment.url,
            "healthy": project.deployment.healthy,
        },
        "asks": next(
            (
                {"task": task.id, "text": task.question}
                for task in snapshot.tasks
                if task.state is TaskState.BLOCKED and task.question
            ),
            None,
        ),
        "held_by": snapshot.holder,
        "error": None
        if project.error is None
        else {"code": project.error.code, "message": project.error.message, "hint": project.error.hint},
    }


def _task_dict(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "stage": task.stage.value,
        "title": task.title,
        "state": task.state.value,
        "attempt": task.attempt,
        "agent": task.agent,
        "model": task.model,
        "seconds": task.seconds,
        "commit": task.commit,
    }


def _assumed(snapshot: Snapshot) -> list[str]:
    """What the plan left open and what agents would have asked, each with what was taken instead."""
    spec = snapshot.project.spec
    dropped = {task.id for task in snapshot.tasks if task.state is TaskState.CANCELLED}
    taken = [step.assumption for step in snapshot.steps if step.assumption and step.task not in dropped]
    return [*(spec.questions if spec else ()), *dict.fromkeys(taken)]


def summary_text(snapshot: Snapshot) -> str:
    """How a build ended, and what to type next."""
    project, report = snapshot.project, snapshot.report
    lines = [f"{project.state}  {project.name}  ({project.id})", f"  files  {project.workspace}"]
    if report is not None:
        passed = report.count(TestStatus.PASSED)
        covered = f", {report.coverage:.0f} % of lines covered" if report.coverage is not None else ""
        lines.append(f"  tests  {passed} of {report.ran} pass{covered}")
    rows = snapshot.proofs.rows
    if rows:
        proved = sum(row.proved for row in rows)
        lines.append(f"  proof  {proved} of {len(rows)} requirements proved")
    if project.deployment is not None:
        well = project.deployment.healthy
        lines.append(f"  runs   {project.deployment.url}{'' if well else '  does not answer well now'}")
        lines += [] if well else [f"         smaker logs {project.id} --deployment   or   smaker deploy {project.id}"]
    assumed, missing = _assumed(snapshot), project.spec.unsupported if project.spec else ()
    lines += [f"  open   {question}" for question in assumed]
    lines += [f"  not built  {entry}" for entry in missing]
    if assumed or missing:
        lines.append(f'         to have it otherwise: smaker add-step {project.id} "…"')
    if project.error is not None:
        lines.append(f"  why    {project.error.message}")
        if project.error.hint:
            lines.append(f"         {project.error.hint}")
    blocked = next((task for task in snapshot.tasks if task.state is TaskState.BLOCKED), None)
    if blocked is not None and blocked.question:
        lines.append(f"  asks   {blocked.question}")
        lines.append(f"         smaker answer {project.id} TEXT")
    elif blocked is not None:
        gate = "the deployment" if blocked.stage is Stage.DEPLOY else "the plan"  # no words of a model's here
        lines.append(f"  waits  {gate}: smaker approve {project.id}   or   smaker reject {project.id} TEXT")
    elif project.state in {ProjectState.READY, ProjectState.DEPLOYED}:
        library = project.spec is not None and project.spec.kind is ProductKind.LIBRARY
        first = "" if library else f"smaker run {project.id}   "
        lines.append(f"  next   {first}smaker trace {project.id}   smaker history {project.id}")
    elif project.state is not ProjectState.FAILED:
        lines.append(f"  next   smaker resume {project.id}")
    return "\n".join(lines)


def status_text(snapshot: Snapshot) -> str:
    """A project in full."""
    lines = [summary_text(snapshot), ""]
    for task in snapshot.tasks:
        seconds = f"{task.seconds:6.1f} s" if task.seconds is not None else " " * 8
        lines.append(f"  {MARKS[task.state]} {task.id:<4} {task.stage:<15} {seconds}  {task.title}")
    if snapshot.holder:
        lines.append(f"\n  held by {snapshot.holder}")
    return "\n".join(lines)


def trace_dict(found: Trace) -> dict[str, Any]:
    """The object of ``smaker trace ID --json``."""
    return {
        "holds": found.holds,
        "stale": found.stale,
        "requirements": [
            {
                "id": row.requirement,
                "text": row.text,
                "must": row.must,
                "proved": row.proved,
                "tests": [{"id": test.id, "status": test.status, "reason": test.reason} for test in row.tests],
                "paths": [{"name": path.name, "taken": not path.reason, "reason": path.reason} for path in row.paths],
                "commits": list(row.commits),
            }
            for row in found.rows
        ],
    }


def trace_text(found: Trace) -> str:
    """Requirement → tests → commits, for people."""
    lines: list[str] = []
    for row in found.rows:
        commits = " ".join(commit[:8] for commit in row.commits[:4])
        lines.append(
            f"{'✓' if row.proved else '✗'} {row.requirement:<5} {' '.join(row.text.split())}  {commits}".rstrip()
        )
        lines += [f"        {test.id}  {test.reason or test.status}" for test in row.tests]
        lines += [] if row.tests else ["        no test names it"]
        lines += [f"        in a browser: {path.name}  {path.reason or 'taken'}" for path in row.paths]
    unproved = len(found.unproved)
    lines.append("")
    if found.weakened:
        lines.append(f"{len(found.weakened)} tests no longer assert what they proved: put them back")
    if found.stale:
        lines.append(f"No proof holds: {found.stale}. Run them with: smaker test ID")
    if unproved or found.holds:
        lines.append("every requirement is proved" if not unproved else f"{unproved} requirements are not proved")
    return "\n".join(lines)
