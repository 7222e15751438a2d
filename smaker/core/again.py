"""Doing stages of a build again: which there are to begin from, what went wrong last, and the tasks that brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smaker.core.errors import UsageError
from smaker.core.models import DeployTarget, Desired, Project, ProjectState, Stage, Task, TaskState
from smaker.core.planned import TITLES, implement, look_and_deploy
from smaker.core.queue import MENDS, WELL

if TYPE_CHECKING:
    from smaker.core.draft import Draft
    from smaker.core.ports import Build

_ORDER = tuple(Stage)
_NO_PLAN = "There is no plan yet to restart from."
_PLAN = "Begin with: smaker restart --from spec"


def beginnings(project: Project) -> tuple[Stage, ...]:
    """The stages that a project can be built again from."""
    if project.spec is None:
        return (Stage.SPEC,)
    if project.skeleton is None:
        return Stage.SPEC, Stage.SKELETON
    lacking = {
        Stage.FIX,
        *([Stage.REVIEW] if project.mode == "offline" else []),
        *([] if project.spec.gui else [Stage.WEB]),
        *([Stage.DEPLOY] if project.deploy is DeployTarget.NONE else []),
    }
    return tuple(stage for stage in Stage if stage not in lacking)


def restart(draft: Draft, stage: Stage | None) -> None:
    """Do a stage and what follows it again, in new tasks; None: what went wrong last, or everything if nothing did.
    Raises UsageError."""
    if any(task.state is TaskState.RUNNING for task in draft.build.tasks):
        raise UsageError("The build is running.", hint="Pause it first with: smaker pause")
    wrong = _wrong(draft.build) if stage is None else None
    stage = stage or (wrong.stage if wrong is not None else Stage.SPEC)
    if stage is Stage.FIX:
        stage = Stage.RUN
    by_hand = wrong is not None and "by_hand" in wrong.payload
    if not by_hand:
        _check(draft.build.project, stage)
    draft.cancel_open()
    draft.clear_error = True
    draft.want(Desired.RUN)
    if wrong is not None and by_hand:
        draft.add(wrong.stage, wrong.title, payload=wrong.payload)
    else:
        _add(draft, stage)


def _wrong(build: Build) -> Task | None:
    """The task because of which a build has failed or was cancelled: of those that ended together, last of all."""
    ended = [task for task in build.tasks if task.finished_at is not None]
    if build.project.state is not ProjectState.FAILED or not ended:
        return None
    last = max(task.finished_at for task in ended if task.finished_at is not None)
    return min((task for task in ended if task.finished_at == last), key=_innocence)


def _innocence(task: Task) -> tuple[int, int]:
    """How little a task has to do with the end of a build: first one that failed, then one after which nothing could be
    mended, then those that were cancelled, at work before waiting, and steps of the queue last."""
    if task.state is not TaskState.CANCELLED:
        rank = 0 if task.state is TaskState.FAILED else 1
    elif task.stage is Stage.SPEC and "instruction" in task.payload and task.started_at is None:
        rank = 4
    else:
        rank = 2 if task.started_at is not None else 3
    return rank, _ORDER.index(task.stage)


def _check(project: Project, stage: Stage) -> None:
    possible = beginnings(project)
    if stage in possible:
        return
    if project.spec is None:
        raise UsageError(_NO_PLAN, hint=_PLAN)
    if project.skeleton is None:
        raise UsageError("Nothing is built yet.", hint=f"Begin with: smaker restart --from {possible[-1]}")
    if stage is Stage.WEB:
        raise UsageError("The software has no pages to try in a browser.", hint="Restart it from another stage.")
    if stage is Stage.REVIEW:
        raise UsageError("Only a model can review, and this project is built by rules.", hint="Restart it from tests.")
    raise UsageError("The project has no target to deploy to.", hint="Deploy it with: smaker deploy ID")


def _add(draft: Draft, stage: Stage) -> None:
    spec = draft.build.project.spec
    if stage is Stage.SPEC or spec is None:
        plans = [task for task in draft.build.tasks if task.stage is Stage.SPEC]
        if draft.build.project.state is not ProjectState.FAILED:  # a step that was refused is not asked for again
            plans = [task for task in plans if task.state is TaskState.DONE] or plans
        payload = {name: value for name, value in plans[-1].payload.items() if name not in {MENDS, WELL}}
        if draft.build.project.state is ProjectState.FAILED:
            payload[MENDS] = True
        elif draft.build.project.state in {ProjectState.READY, ProjectState.DEPLOYED}:
            payload[WELL] = True
        draft.add(Stage.SPEC, "Plan", payload=payload)
    elif stage is Stage.SKELETON:
        first = draft.add(Stage.SKELETON, "Skeleton")
        implement(draft, spec, spec.modules, after=first.id)
    elif stage is Stage.IMPLEMENTATION:
        ready = [task for task in draft.build.tasks if task.state is TaskState.DONE]
        anchor = next((task for task in reversed(ready) if task.stage in {Stage.SKELETON, Stage.SPEC}), None)
        if anchor is None:
            raise UsageError(_NO_PLAN, hint=_PLAN)
        implement(draft, spec, spec.modules, after=anchor.id)
    else:
        after: tuple[str, ...] = ()
        if stage is Stage.TESTS:
            after = (draft.add(Stage.TESTS, "Acceptance tests").id,)
        if stage in {Stage.TESTS, Stage.RUN, Stage.WEB}:
            after = (draft.add(Stage.RUN, TITLES[Stage.RUN], after=after).id,)
        look_and_deploy(draft, spec, after, wanted=Stage.RUN if stage is Stage.TESTS else stage)
