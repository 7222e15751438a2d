"""What a commit says of the step that made it: the trailers that the history, the costs and a resume are read from."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.core.models import Project, Task, Usage
from smaker.core.ports import SandboxLevel


def trailers(
    project: Project, task: Task, step: int, *, spent: Usage, model: str, serves: Sequence[str]
) -> list[tuple[str, str]]:
    """The trailers of a commit in order. ``spent`` is since the last commit; ``serves`` are ids of requirements."""
    level = project.sandbox_level
    unboxed = [("Smaker-Sandbox", "off")] if level is not None and level <= SandboxLevel.WEAK else []
    served = [("Smaker-Requirement", ", ".join(serves))] if serves else []
    return [
        ("Smaker-Project", task.project),
        ("Smaker-Task", task.id),
        ("Smaker-Step", f"{task.id}.{step}"),
        ("Smaker-Stage", task.stage.value),
        ("Smaker-Agent", task.agent),
        ("Smaker-Model", model or project.mode),
        ("Smaker-Tokens", f"{spent.tokens_in}/{spent.tokens_out}"),
        ("Smaker-Cost-USD", f"{spent.cost_usd:.6f}".rstrip("0").rstrip(".")),
        *unboxed,
        *served,
    ]
