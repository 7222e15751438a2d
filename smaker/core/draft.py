"""A change in the making: the pipeline puts tasks and events on it, and it works out the states that follow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from smaker.core.events import EventKind, NewEvent
from smaker.core.models import (
    Answer,
    Budget,
    Deployment,
    DeployTarget,
    Desired,
    Finding,
    Gate,
    Problem,
    ProjectState,
    Proof,
    Stage,
    Task,
    TaskState,
    TestReport,
)
from smaker.core.ports import Build, Change
from smaker.core.queue import is_queued, turn_has_come
from smaker.core.spec import Spec
from smaker.core.typed import title_of

AGENTS: Mapping[Stage, str] = {
    Stage.SPEC: "planner",
    Stage.SKELETON: "coder",
    Stage.IMPLEMENTATION: "coder",
    Stage.TESTS: "tester",
    Stage.RUN: "runner",
    Stage.FIX: "fixer",
    Stage.REVIEW: "reviewer",
    Stage.WEB: "web",
    Stage.DEPLOY: "deployer",
}

_STATES: tuple[tuple[Stage, ProjectState], ...] = (
    (Stage.SPEC, ProjectState.PLANNING),
    (Stage.SKELETON, ProjectState.CODING),
    (Stage.IMPLEMENTATION, ProjectState.CODING),
    (Stage.TESTS, ProjectState.TESTING),
    (Stage.FIX, ProjectState.DEBUGGING),
    (Stage.RUN, ProjectState.TESTING),
    (Stage.REVIEW, ProjectState.TESTING),
    (Stage.WEB, ProjectState.TESTING),
    (Stage.DEPLOY, ProjectState.READY),
)


REPLACED = "replaced"
"""Where the payload of a cancelled task has the id of the one that took its place."""


class Draft:
    """Collects what one decision changes. `change` closes it."""

    def __init__(self, build: Build, at: datetime) -> None:
        self.build = build
        self.at = at
        self.tasks: dict[str, Task] = {task.id: task for task in build.tasks}
        self.spec: Spec | None = None
        self.skeleton: str | None = None
        self.report: TestReport | None = None
        self.clear_report = False
        self.deployment: Deployment | None = None
        self.answers: list[Answer] = []
        self.clear_error = False
        self.budget: Budget | None = None
        self._touched: set[str] = set()
        self._events: list[NewEvent] = []
        self._desired: Desired | None = None
        self._error: Problem | None = None
        self._refused: Problem | None = None
        self._proofs: tuple[Proof, ...] | None = None
        self._number = max((int(task.id[1:]) for task in build.tasks), default=0)

    def event(
        self, kind: EventKind, message: str, *, task: str | None = None, data: dict[str, JsonValue] | None = None
    ) -> None:
        """Add an event."""
        self._events.append(NewEvent(kind=kind, message=message, task=task, data=data or {}))

    def add(
        self,
        stage: Stage,
        title: str,
        *,
        after: tuple[str, ...] = (),
        requirements: tuple[str, ...] = (),
        payload: dict[str, JsonValue] | None = None,
    ) -> Task:
        """Add a task that waits for the tasks ``after``."""
        self._number += 1
        task = Task(
            id=f"t{self._number}",
            project=self.build.project.id,
            stage=stage,
            title=title,
            agent=AGENTS[stage],
            depends_on=after,
            requirements=requirements,
            payload=payload or {},
        )
        self.tasks[task.id] = task
        self._touched.add(task.id)
        return task

    def put(self, task: Task, **values: Any) -> Task:
        """Replace values of a task."""
        changed = self.tasks[task.id].model_copy(update=values)
        self.tasks[task.id] = changed
        self._touched.add(task.id)
        return changed

    def end(
        self, task: Task, state: TaskState, summary: str, *, commit: str | None = None, error: Problem | None = None
    ) -> None:
        """End a task."""
        self.put(
            task,
            state=state,
            finished_at=self.at,
            worker=None,
            lease_until=None,
            commit=commit or task.commit,
            summary=summary,
            error=error,
        )
        kind: EventKind = "task.failed" if state is TaskState.FAILED else "task.finished"
        self.event(kind, f"{task.title}: {summary}", task=task.id, data={"state": state.value, "commit": commit})

    def block(self, task: Task) -> None:
        """Let a task wait for the user."""
        self.put(task, state=TaskState.BLOCKED)

    def findings(self, task: Task, findings: Iterable[Finding]) -> None:
        """Record findings as events."""
        for finding in findings:
            self.event(
                "finding", finding.message, task=task.id, data=finding.model_dump(mode="json", exclude_defaults=True)
            )

    def prove(self, proofs: Iterable[Proof]) -> None:
        """Replace the proofs: whoever writes tests reads all of them again, and keeps those that still stand."""
        self._proofs = tuple(proofs)

    def want(self, desired: Desired) -> None:
        """Change what the user wants."""
        self._desired = desired
        if desired is not self.build.project.desired:
            self.event("project.desired", f"The user wants: {desired.value}", data={"desired": desired.value})

    def cancel_open(self, *, replaced: bool = False) -> None:
        """Cancel every task that has not ended; ``replaced``: the next task that is added takes their place, and as
        long as that stands they are not planned again."""
        for task in list(self.tasks.values()):
            if not task.state.ended:
                payload = {**task.payload, REPLACED: f"t{self._number + 1}"} if replaced else task.payload
                ended = {"state": TaskState.CANCELLED, "finished_at": self.at, "worker": None, "lease_until": None}
                self.put(task, payload=payload, **ended)

    def give_up(self, problem: Problem) -> None:
        """The build cannot succeed as it is."""
        self._error = problem
        self.cancel_open()

    def do_without(self, step: Task, problem: Problem) -> None:
        """A further step cannot be done: what there is stands, and what waits goes on without it."""
        self._refused = problem
        for task in list(self.tasks.values()):
            if not task.state.ended and step.id in task.depends_on:
                self.put(task, depends_on=tuple(name for name in task.depends_on if name != step.id))

    def change(self) -> Change:
        """Work out which tasks are ready and in which state the project is, and return the whole change."""
        self._promote()
        state, error = self._state(), self._error or self._refused
        if state is not self.build.project.state:
            data: dict[str, JsonValue] = {"state": state.value, "from": self.build.project.state.value}
            message = f"{self.build.project.state} → {state}"
            if error is not None:
                data["error"] = error.model_dump(mode="json")
                message += f": {error.message}"
            self.event("project.state", message, data=data)
        return Change(
            state=state,
            desired=self._desired,
            profile=self.spec.profile if self.spec else None,
            name=self.spec.name if self.spec and self._unnamed() else None,
            spec=self.spec,
            skeleton=self.skeleton,
            proofs=self._proofs,
            budget=self.budget,
            error=error,
            clear_report=self.clear_report,
            clear_error=self.clear_error and error is None,
            deployment=self.deployment,
            tasks=tuple(self.tasks[name] for name in sorted(self._touched, key=lambda name: int(name[1:]))),
            report=self.report,
            answers=tuple(self.answers),
            events=tuple(self._events),
        )

    def _promote(self) -> None:
        for task in list(self.tasks.values()):
            if task.state is not TaskState.WAITING:
                continue
            if is_queued(task):
                if not turn_has_come(task, self.tasks.values()):
                    continue
            elif any(self.tasks[name].state is not TaskState.DONE for name in task.depends_on):
                continue
            answered = any(answer.task == task.id for answer in (*self.build.answers, *self.answers))
            if task.stage is Stage.DEPLOY and Gate.DEPLOY in self.build.project.gates and not answered:
                self.block(task)
                target = self.build.project.deploy
                self.event(
                    "question", f"Deploy to {target}?", task=task.id, data={"kind": "gate", "gate": Gate.DEPLOY.value}
                )
                continue
            self.put(task, state=TaskState.READY)
            self.event("task.ready", task.title, task=task.id, data={"stage": task.stage.value})

    def _state(self) -> ProjectState:
        if self._error is not None:
            return ProjectState.FAILED
        project = self.build.project
        active = {task.stage for task in self.tasks.values() if not task.state.ended}
        if active:
            moving = {
                task.stage
                for task in self.tasks.values()
                if task.state in {TaskState.READY, TaskState.RUNNING, TaskState.BLOCKED}
            }
            return next(state for stage, state in _STATES if stage in (moving or active))
        if project.state is ProjectState.FAILED and not self.clear_error:
            return ProjectState.FAILED
        if self.deployment is not None or (project.deployment is not None and self._deployed_last()):
            return ProjectState.DEPLOYED
        return ProjectState.READY if (self.spec or project.spec) else ProjectState.NEW

    def _unnamed(self) -> bool:
        """Whether the project has no plan yet and no name of its user's."""
        project = self.build.project
        return project.spec is None and project.name == title_of(project.prompt)

    def _deployed_last(self) -> bool:
        return self.build.project.deploy is not DeployTarget.NONE or self.build.project.state is ProjectState.DEPLOYED
