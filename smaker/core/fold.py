"""What a change makes of a project and a build, as pure functions: the meaning that every store gives to `Change`."""

from __future__ import annotations

from typing import Any

from smaker.core.models import Project
from smaker.core.ports import Build, Change

_NAMED_ALIKE = tuple(name for name in Change.model_fields if name in Project.model_fields)


def fold_project(project: Project, change: Change) -> Project:
    """The project after a change. Its revision is the store's to count."""
    given = {name: getattr(change, name) for name in _NAMED_ALIKE}
    updated: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if change.clear_error:
        updated["error"] = None
    if change.clear_deployment:
        updated["deployment"] = None
    return project.model_copy(update=updated)


def fold(build: Build, change: Change) -> Build:
    """The build after a change."""
    tasks = {task.id: task for task in build.tasks} | {task.id: task for task in change.tasks}
    return Build(
        project=fold_project(build.project, change),
        tasks=tuple(sorted(tasks.values(), key=lambda task: int(task.id[1:]))),
        answers=(*build.answers, *change.answers),
        report=change.report or (None if change.clear_report else build.report),
    )
