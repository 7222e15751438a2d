"""A sandbox that is chosen when it is first needed: verbs that run nothing neither wait for a probe nor fail by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from smaker.core.ports import Command, CommandResult, Process, Sandbox, SandboxStatus
from smaker.sandbox.limits import Limits


class LazySandbox:
    """Implements `smaker.core.ports.Sandbox` by the one `choose_sandbox` picks. Every method may raise
    SandboxUnavailable. ``say``, or else who waits for the first command, hears what takes its time."""

    def __init__(
        self,
        kind: str,
        limits: Limits | None = None,
        *,
        reach: Literal["registries", "none"] = "registries",
        image: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._kind = kind
        self.limits = limits or Limits()
        self._reach: Literal["registries", "none"] = reach
        self._image = image
        self._say = say
        self._chosen: Sandbox | None = None
        self._choosing = asyncio.Lock()

    async def probe(self) -> SandboxStatus:
        """Choose, and say what was chosen."""
        return await (await self._sandbox()).probe()

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Run to the end."""
        return await (await self._sandbox(on_output)).run(command, on_output)

    async def start(self, command: Command, on_output: Callable[[str], None] | None = None) -> Process:
        """Start in the background."""
        return await (await self._sandbox(on_output)).start(command, on_output)

    async def _sandbox(self, say: Callable[[str], None] | None = None) -> Sandbox:
        async with self._choosing:
            if self._chosen is None:
                from smaker.sandbox.choose import choose_sandbox  # noqa: PLC0415  loaded when something runs

                self._chosen = await choose_sandbox(
                    self._kind, limits=self.limits, reach=self._reach, image=self._image, say=self._say or say
                )
            return self._chosen
