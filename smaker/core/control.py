"""The front desk as the faces see it: `Control`, and the `Snapshot` a screen or a script reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from pydantic import Field

from smaker.core.commands import Steering, Text
from smaker.core.events import Delta, Event
from smaker.core.models import (
    Artifact,
    Budget,
    BuildLimits,
    DeployTarget,
    Gate,
    Project,
    Step,
    Task,
    TaskState,
    TestReport,
    Usage,
)
from smaker.core.ports import CommitInfo
from smaker.core.proof import Trace, trace
from smaker.core.spec import Frozen, Spec

MAX_SHOWN = 1 << 20  # bytes of a file that are worth showing


class NewProject(Frozen):
    """What a user asks for. ``workspace`` None is the default place; ``adopt`` takes the repository that is there, with
    the plan it was made from and the commit before the work. ``model`` (a provider, or "provider/model") answers for
    every role."""

    prompt: Text
    name: str | None = Field(default=None, max_length=200)
    workspace: Path | None = None
    profile: str | None = None
    mode: str = "offline"
    model: str | None = Field(default=None, max_length=300)
    gates: tuple[Gate, ...] = ()
    deploy: DeployTarget = DeployTarget.NONE
    review: bool = False
    web: bool = False
    budget: Budget = Budget()
    limits: BuildLimits = BuildLimits()
    adopt: bool = False
    spec: Spec | None = None
    skeleton: str | None = None


class Snapshot(Frozen):
    """All there is to show of a build at one moment. ``head`` is main's commit."""

    project: Project
    tasks: tuple[Task, ...]
    steps: tuple[Step, ...]
    artifacts: tuple[Artifact, ...]
    report: TestReport | None
    usage: Usage
    head: str | None = None
    holder: str | None = None

    @property
    def progress(self) -> tuple[int, int]:
        """How many tasks have ended, and how many there are; cancelled ones are neither."""
        counted = [task for task in self.tasks if task.state is not TaskState.CANCELLED]
        return sum(task.state.ended for task in counted), len(counted)

    @property
    def proofs(self) -> Trace:
        """What is proved, as of the newest run; `Control.trace` also looks at the files as they are now."""
        spec, report = self.project.spec, self.report
        if spec is None:
            return Trace(rows=())
        return trace(spec, self.project.proofs, report, tree=report.tree if report else "", broken={})


class Contents(Frozen):
    """What the user's folder has at a path: of the folder itself all ``files`` that are not ignored, by path; of a file
    its ``size`` in bytes and its ``data``, empty where that is more than `MAX_SHOWN`."""

    path: str = ""
    files: tuple[str, ...] = ()
    size: int = 0
    data: bytes = b""


class Watched(Protocol):
    """The half of `Control` that only looks."""

    async def projects(self) -> list[Project]:
        """All projects, newest first."""
        ...

    async def snapshot(self, project: str) -> Snapshot:
        """Everything to show. Raises NotFound."""
        ...

    def events(self, project: str, *, after: int = 0, follow: bool = False) -> AsyncIterator[Event | Delta]:
        """Events with a number above ``after`` (-n: from the newest n on); with ``follow`` then live ones until the
        build is settled."""
        ...


class Control(Watched, Protocol):
    """What every face drives, whether the engine is in this process or behind a server."""

    async def create(self, request: NewProject) -> Project:
        """Record a project; nothing is built yet."""
        ...

    async def resolve(self, prefix: str) -> str:
        """The id that begins with ``prefix``. Raises NotFound, UsageError if there are several."""
        ...

    async def steer(self, project: str, command: Steering) -> Project:
        """Change what is wanted. Raises UsageError if it makes no sense now."""
        ...

    async def delete(self, project: str, *, files: bool) -> None:
        """Forget a project, with its files if ``files``. Raises InUse while it is being built."""
        ...

    async def trace(self, project: str) -> Trace:
        """Which test proves which requirement, for the files as they are now."""
        ...

    async def history(self, project: str) -> list[CommitInfo]:
        """The commits of main, newest first."""
        ...

    async def diff(self, project: str, step: str | None) -> str:
        """What a step changed ("A..B": what came between two steps; None: the user's folder against main)."""
        ...

    async def contents(self, project: str, path: str = "") -> Contents:
        """The files in the user's folder, or what is in one of them. Raises NotFound, PathError."""
        ...

    async def rewind(self, project: str, step: str, *, force: bool) -> Project:
        """Put the project back to just after a step. Raises StaleEdit if the user has edits, unless ``force``."""
        ...

    async def fork(self, project: str, step: str, *, instruction: str | None, model: str | None = None) -> Project:
        """A new project that continues from a step of this one; ``model`` answers for every role from there on."""
        ...

    async def blob(self, sha256: str) -> bytes:
        """The bytes of an artifact or a recorded output."""
        ...

    async def export(self, project: str, destination: Path) -> None:
        """Write the software as a zip archive."""
        ...
