"""Where builds, events, the ledger and blobs are kept, and what one transaction does to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from smaker.core.events import Event, NewEvent
from smaker.core.models import (
    Answer,
    Artifact,
    Budget,
    Deployment,
    Desired,
    Problem,
    Project,
    ProjectState,
    Proof,
    Step,
    Task,
    TestReport,
    WorkerInfo,
)
from smaker.core.spec import Frozen, Spec


class Change(Frozen):
    """What one transaction does to a build. None leaves a value as it is; ``tasks`` are inserted or replaced by id.

    Ownership columns of a task (attempt, worker, lease) are the store's: a replaced task keeps them unless it ends.
    """

    state: ProjectState | None = None
    desired: Desired | None = None
    profile: str | None = None
    name: str | None = None
    spec: Spec | None = None
    skeleton: str | None = None
    proofs: tuple[Proof, ...] | None = None  # replaces all
    budget: Budget | None = None
    error: Problem | None = None
    clear_error: bool = False
    deployment: Deployment | None = None
    clear_deployment: bool = False
    sandbox_level: int | None = None
    tasks: tuple[Task, ...] = ()
    report: TestReport | None = None
    clear_report: bool = False
    answers: tuple[Answer, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    events: tuple[NewEvent, ...] = ()


class Build(Frozen):
    """A project and all that belongs to deciding what happens next."""

    project: Project
    tasks: tuple[Task, ...] = ()
    answers: tuple[Answer, ...] = ()
    report: TestReport | None = None  # the newest

    def task(self, identifier: str) -> Task:
        """Return the task with that id; raises KeyError."""
        for candidate in self.tasks:
            if candidate.id == identifier:
                return candidate
        raise KeyError(identifier)


class Store(Protocol):
    """Where builds, events, the ledger and blobs are kept. Every method may raise StorageError."""

    async def create(self, project: Project, change: Change) -> list[Event]:
        """Insert a project with its first tasks and events, in one transaction. Raises Conflict if the id exists."""
        ...

    async def projects(self) -> list[Project]:
        """Return all projects, newest first."""
        ...

    async def build(self, project: str) -> Build:
        """Return the whole build. Raises NotFound."""
        ...

    async def desired(self, project: str) -> Desired:
        """Return what the user wants of the project now: one cheap read, done at every step. Raises NotFound."""
        ...

    async def apply(
        self, project: str, change: Change, *, revision: int | None = None, fence: tuple[str, int] | None = None
    ) -> list[Event]:
        """Apply a change in one transaction and return its numbered events.

        ``revision``: raises Conflict unless the project is still at it. ``fence`` (task id, attempt): raises Fenced
        unless that attempt is the current one and the task is RUNNING. Raises NotFound.
        """
        ...

    async def delete(self, project: str) -> None:
        """Remove a project and all that belongs to it."""
        ...

    async def claim(
        self, worker: str, *, capabilities: Sequence[str], lease_s: float, project: str | None = None
    ) -> Task | None:
        """Take the oldest task that is READY, or RUNNING with its lease run out, of a project whose desired state is
        RUN, whose needs are a subset of ``capabilities``. The attempt grows by one, the state is RUNNING."""
        ...

    async def heartbeat(self, project: str, task: str, attempt: int, *, lease_s: float) -> Desired:
        """Extend the lease and return what the user wants of the project. Raises Fenced."""
        ...

    async def release(self, project: str, task: str, attempt: int) -> None:
        """Give a claimed task back (READY), keeping its ledger. A stale attempt is ignored."""
        ...

    async def begin_step(self, step: Step) -> None:
        """Append an intent. Raises Fenced if ``step.attempt`` is not the task's current attempt."""
        ...

    async def finish_step(self, step: Step, events: Sequence[NewEvent] = ()) -> list[Event]:
        """Append a result with its events in one transaction; a second result for a step is ignored. Raises Fenced."""
        ...

    async def steps(self, project: str, task: str | None = None) -> list[Step]:
        """Return the ledger in order of (task's number, index); an unfinished intent has ``finished_at`` None."""
        ...

    async def add_steps(self, project: str, steps: Sequence[Step]) -> None:
        """Append what was recorded elsewhere (of another project, or read from a file) to the ledger of a project that
        has no step of their tasks yet. Raises NotFound."""
        ...

    async def events(self, project: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events with seq > ``after`` in order; with ``after`` -n those from the newest n on."""
        ...

    async def emit(self, project: str, events: Sequence[NewEvent]) -> list[Event]:
        """Append events outside a change."""
        ...

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their sha-256 in hex; equal bytes are stored once."""
        ...

    async def get_blob(self, sha256: str) -> bytes:
        """Return stored bytes. Raises NotFound, or StorageError if they no longer match their hash."""
        ...

    async def artifacts(self, project: str) -> list[Artifact]:
        """Return a project's artifacts, oldest first."""
        ...

    async def save_worker(self, worker: WorkerInfo) -> None:
        """Insert or refresh a worker."""
        ...

    async def workers(self) -> list[WorkerInfo]:
        """Return the known workers."""
        ...

    async def close(self) -> None:
        """Write what is waiting and release the database."""
        ...
