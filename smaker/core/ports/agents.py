"""Who does tasks, and who puts finished software where it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from smaker.core.models import (
    Deployment,
    Finding,
    Outcome,
    Project,
)
from smaker.core.profile import Profile
from smaker.core.spec import Frozen

if TYPE_CHECKING:
    from smaker.core.context import Context


class Agent(Protocol):
    """Does one kind of task. Deterministic given the recorded results of its context's effects."""

    async def run(self, context: Context) -> Outcome:
        """Do the task."""
        ...


@dataclass(frozen=True)
class Release:
    """What is to be deployed. ``key`` makes it happen once: asked again with it after a crash, a target finds what is
    there and goes on."""

    key: str
    files: Mapping[str, tuple[str, bytes]]  # path -> (git mode, bytes): what is committed, and nothing else
    say: Callable[[str], None]  # live output
    smoke: Callable[[str], Awaitable[Sequence[Finding]]]  # given the address of the software before anyone uses it


class Kept(Frozen):
    """Something to keep of a deployment: an artifact that is text."""

    kind: str
    name: str
    media_type: str
    text: str


class Deployed(Frozen):
    """How a deployment ended. ``deployment`` is None where the software is at fault: ``findings`` say what of it, and
    what ran before runs still. With a deployment they are warnings."""

    deployment: Deployment | None
    findings: tuple[Finding, ...] = ()
    kept: tuple[Kept, ...] = ()


class Container(Frozen):
    """One container of a deployment. ``health`` is "" where it has no health check; ``ports`` are this machine's."""

    service: str
    status: str  # "running", "exited", …
    health: str
    restarts: int
    ports: tuple[int, ...]
    image: str


class Deployer(Protocol):
    """Puts finished software where it answers, and takes it away again."""

    def lacking(self, profile: Profile, package: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """The files this target needs that are not among a project's ``paths``, as the profile knows them. Raises
        UsageError if it does not."""
        ...

    async def deploy(self, project: Project, profile: Profile, release: Release) -> Deployed:
        """Start it, wait until it is healthy, and return where it answers; else nothing of it is left. Raises
        Unavailable if what the target needs is not there, BuildFailed."""
        ...

    async def stop(self, project: str) -> bool:
        """Stop it; whether anything ran."""
        ...

    def current(self, project: str) -> Deployment | None:
        """What runs now, if anything."""
        ...
