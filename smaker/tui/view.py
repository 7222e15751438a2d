"""A project as screens show it: the newest snapshot, the events since, and what follows from both."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from smaker.core.control import Snapshot
from smaker.core.events import Event
from smaker.core.models import Desired, Project, ProjectState, Stage, Task, TaskState, TestStatus, Usage
from smaker.core.queue import queued

RECENT = 200  # events kept of each project

_LOUDEST = (
    TaskState.FAILED,
    TaskState.BLOCKED,
    TaskState.RUNNING,
    TaskState.READY,
    TaskState.WAITING,
    TaskState.DONE,
)

ENDED = frozenset({ProjectState.READY, ProjectState.DEPLOYED, ProjectState.FAILED})


@dataclass(frozen=True)
class Facts:
    """What a snapshot says, in figures: proved and all requirements, tests by how they ended."""

    snapshot: Snapshot

    @cached_property
    def stages(self) -> tuple[tuple[Stage, TaskState], ...]:
        """The stages of the build in order, each with the state of the task in it that most needs to be seen. What
        failed on the way to a build that is well is not to be seen any more."""
        well = self.snapshot.project.state in {ProjectState.READY, ProjectState.DEPLOYED}
        past = {TaskState.CANCELLED, *([TaskState.FAILED] if well else [])}
        found: dict[Stage, set[TaskState]] = {}
        for task in self.snapshot.tasks:
            if task.state not in past:
                found.setdefault(task.stage, set()).add(task.state)
        return tuple(
            (stage, next(state for state in _LOUDEST if state in found[stage])) for stage in Stage if stage in found
        )

    @cached_property
    def requirements(self) -> tuple[int, int]:
        """How many requirements are proved, of how many."""
        rows = self.snapshot.proofs.rows
        return sum(row.proved for row in rows), len(rows)

    @cached_property
    def tests(self) -> tuple[int, int, int]:
        """Tests that passed, failed and were skipped in the newest run."""
        report = self.snapshot.report
        if report is None:
            return 0, 0, 0
        return (
            report.count(TestStatus.PASSED),
            report.count(TestStatus.FAILED),
            report.count(TestStatus.SKIPPED),
        )

    @cached_property
    def last_at(self) -> datetime:
        """When something last happened, as far as the record says."""
        times = [task.finished_at or task.started_at for task in self.snapshot.tasks]
        times += [step.finished_at or step.started_at for step in self.snapshot.steps[-5:]]
        return max((at for at in times if at is not None), default=self.snapshot.project.created_at)


@dataclass
class ProjectView:
    """One project. ``seq`` is the number of the last event that was taken in; ``events`` are the newest."""

    project: Project
    facts: Facts | None = None
    seq: int = 0
    fault: str = ""  # why it cannot be read, if so
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=RECENT))

    @property
    def id(self) -> str:
        """The project's id."""
        return self.project.id

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest snapshot, None until there is one."""
        return self.facts.snapshot if self.facts else None

    @property
    def tasks(self) -> Sequence[Task]:
        """The tasks, in the order in which they were planned."""
        return self.facts.snapshot.tasks if self.facts else ()

    @property
    def usage(self) -> Usage:
        """Tokens and money so far."""
        return self.facts.snapshot.usage if self.facts else Usage()

    @property
    def holder(self) -> str | None:
        """Which process drives it."""
        return self.facts.snapshot.holder if self.facts else None

    @property
    def waiting(self) -> Task | None:
        """The task that waits at a gate, or for an answer to its ``question``."""
        return next((task for task in self.tasks if task.state is TaskState.BLOCKED), None)

    @property
    def queue(self) -> list[Task]:
        """The further steps that wait for their turn, the next first."""
        return queued(self.tasks)

    @property
    def moving(self) -> bool:
        """Whether something may happen without the user."""
        return self.project.desired is Desired.RUN and self.project.state not in ENDED and self.waiting is None

    @property
    def status(self) -> str:
        """The state in one word: the project's, or what keeps it from going on."""
        if self.project.state not in ENDED:
            if self.waiting is not None:
                return "ASKS" if self.waiting.question else "WAITS"
            if self.project.desired is not Desired.RUN:
                return "PAUSED"
            if self.facts is not None and self.holder is None:
                return "STOPPED"
        return self.project.state.value

    @property
    def last_at(self) -> datetime:
        """When something last happened."""
        return self.events[-1].at if self.events else self.facts.last_at if self.facts else self.project.created_at
