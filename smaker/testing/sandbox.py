"""A sandbox that runs nothing: what commands would do is written down by the test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from smaker.core.errors import Unavailable
from smaker.core.ports import Command, CommandResult, Mount, Process, SandboxLevel, SandboxStatus
from smaker.core.profile import Profile

Script = Callable[[Command], CommandResult | Mapping[str, bytes]]
"""Given a command: its result, or the files it writes into the workspace (exit 0)."""


class ScriptedSandbox:
    """Implements `smaker.core.ports.Sandbox`; ``commands`` are those it was asked to run."""

    def __init__(self, script: Script | None = None, *, level: SandboxLevel = SandboxLevel.STRONG) -> None:
        self.commands: list[Command] = []
        self.level = level
        self._script = script

    async def probe(self) -> SandboxStatus:
        """Say the level it was made with."""
        return SandboxStatus(name="scripted", level=self.level, detail="nothing is run")

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Do what the script says."""
        self.commands.append(command)
        answer = self._script(command) if self._script else {}
        if isinstance(answer, CommandResult):
            if on_output is not None:
                on_output(answer.output)
            return answer
        for path, content in answer.items():
            target = command.workspace / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        return CommandResult(exit_code=0, output="", seconds=0.0)

    async def start(self, command: Command, on_output: Callable[[str], None] | None = None) -> Process:
        """Raise Unavailable: a script starts no server."""
        del on_output
        raise Unavailable(f"scripted: {' '.join(command.argv)} is not started")


class NoEnvironments:
    """Implements `smaker.core.ports.Environments`: nothing needs installing."""

    async def prepare(
        self, profile: Profile, workspace: Path, on_output: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Return no mounts."""
        del profile, workspace, on_output
        return ()
