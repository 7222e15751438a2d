"""What the sandboxes of this machine have in common: run to the end, start in the background, probe once."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Literal

from smaker.core.errors import SandboxUnavailable, UsageError
from smaker.core.ports import Command, CommandResult, Process, SandboxLevel, SandboxStatus
from smaker.sandbox import cgroup, registries
from smaker.sandbox.box import Box, Started, run_to_end
from smaker.sandbox.limits import Limits
from smaker.sandbox.registries import Registries

Reach = Literal["registries", "none"]


class LocalSandbox(ABC):
    """Implements ``core.ports.Sandbox`` by processes of this machine.

    ``reach`` is what installations may reach: the machine's package registries, or nothing. ``control_groups`` False:
    bounds are kept by process and by looking, as where no groups can be made.
    """

    def __init__(
        self, limits: Limits | None = None, *, reach: Reach = "registries", control_groups: bool = True
    ) -> None:
        self.limits = limits or Limits()
        self._reach = reach
        self._control_groups = control_groups
        self._status: asyncio.Task[SandboxStatus] | None = None
        self._registries: asyncio.Task[Registries] | None = None

    async def probe(self) -> SandboxStatus:
        """Try it by running something; cached."""
        if self._status is None:
            self._status = asyncio.create_task(self._try())
        return await asyncio.shield(self._status)

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Run to the end; cancellation kills the tree first. Raises SandboxUnavailable, PathError, UsageError."""
        await self._require()
        return await run_to_end(await self._box(command, background=False, on_output=on_output))

    async def start(self, command: Command, on_output: Callable[[str], None] | None = None) -> Process:
        """Start in the background: no deadline, until ``stop``. Raises SandboxUnavailable, PathError, UsageError."""
        await self._require()
        return await self._box(command, background=True, on_output=on_output)

    async def registries(self) -> Registries:
        """What installations may reach; asked of this machine's pip and npm once."""
        if self._registries is None:
            self._registries = asyncio.create_task(registries.find())
        found = await asyncio.shield(self._registries)
        return found if self._reach == "registries" else replace(found, hosts=frozenset())

    async def _require(self) -> None:
        status = await self.probe()
        if status.level < self.needed:
            raise SandboxUnavailable(
                f"The sandbox {status.name} does not work here: {status.detail}", hint=status.remedy
            )

    def _groups(self) -> cgroup.Groups | None:
        return cgroup.find(self.limits) if self._control_groups else None

    @property
    @abstractmethod
    def needed(self) -> SandboxLevel:
        """The lowest level at which commands are run."""

    @abstractmethod
    async def _try(self) -> SandboxStatus: ...

    @abstractmethod
    async def _launch(self, command: Command, closing: AsyncExitStack, *, background: bool) -> Started:
        """Start the program, as the last thing that can fail. ``closing`` holds what must outlive the program."""

    async def _box(self, command: Command, *, background: bool, on_output: Callable[[str], None] | None = None) -> Box:
        if not command.argv or any("\0" in word for word in command.argv):
            raise UsageError("A command needs words, without NUL characters.", hint="Name a program and its arguments.")
        try:
            async with AsyncExitStack() as closing:
                started = await self._launch(command, closing, background=background)
                return Box(started, command, self.limits, closing.pop_all(), background=background, on_output=on_output)
        except OSError as error:
            raise SandboxUnavailable(
                f"A box could not be prepared: {error}", hint="Find out what is missing with: smaker doctor"
            ) from error
