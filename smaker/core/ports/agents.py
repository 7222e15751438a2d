"""Who does tasks, and who puts finished software where it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from smaker.core.models import (
    Deployment,
    Outcome,
    Project,
)
from smaker.core.profile import Profile

if TYPE_CHECKING:
    from smaker.core.context import Context


class Agent(Protocol):
    """Does one kind of task. Deterministic given the recorded results of its context's effects."""

    async def run(self, context: Context) -> Outcome:
        """Do the task."""
        ...


class Deployer(Protocol):
    """Puts finished software where it answers, and takes it away again."""

    async def deploy(self, project: Project, profile: Profile) -> Deployment:
        """Start it, wait until it is healthy, and return where it answers. Raises BuildFailed with its output if it
        never is; nothing is left running then."""
        ...

    async def stop(self, project: str) -> bool:
        """Stop it; whether anything ran."""
        ...

    def current(self, project: str) -> Deployment | None:
        """What runs now, if anything."""
        ...
