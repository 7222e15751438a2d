"""The tools with which a model has a program run beside its commands: start it, read what it prints, stop it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from smaker.agents.model.arguments import Arguments, Tools
from smaker.core.background import Look
from smaker.core.context import Context

LISTENS_S = 30.0  # time a program has until it listens

_Name = Annotated[str, Field(pattern=r"^[\w-]{1,30}$")]


class StartProcess(Arguments):
    """Start a server beside your commands, which reach it at 127.0.0.1:PORT, and wait until it listens. It runs until
    stop_process, or your last answer."""

    command: Annotated[str, Field(min_length=1, max_length=4000, description="as in run_command; $PORT is set")]
    port: Annotated[int, Field(ge=0, le=65535, description="0: none")] = 8000
    name: _Name = "server"


class ReadOutput(Arguments):
    """What it printed since you last saw its output, and whether it runs."""

    name: _Name = "server"


class StopProcess(Arguments):
    """Stop it; you get the rest of its output."""

    name: _Name = "server"


class Processes:
    """These tools for one task."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def tools(self) -> Tools:
        """The tools by name."""
        return {
            "start_process": (StartProcess, self._start),
            "read_output": (ReadOutput, self._read),
            "stop_process": (StopProcess, self._stop),
        }

    async def end(self) -> None:
        """Stop what still runs."""
        for name in self._context.running:
            await self._context.stop(name)

    async def _start(self, given: StartProcess) -> str:
        look = await self._context.start(
            ("bash", "-c", given.command),
            name=given.name,
            port=given.port or None,
            variables={"PORT": str(given.port)} if given.port else {},
            timeout_s=LISTENS_S,
        )
        if look.running:
            state = f"it runs and listens on port {given.port}" if given.port else "it runs"
        elif look.exit_code is None:
            state = f"it did not listen on port {given.port} within {LISTENS_S:g} s, and was stopped"
        else:
            state = _ended(look)
        return _told(look, state)

    async def _read(self, given: ReadOutput) -> str:
        look = await self._context.output_of(given.name)
        return _told(look, "it runs" if look.running else _ended(look))

    async def _stop(self, given: StopProcess) -> str:
        look = await self._context.stop(given.name)
        return _told(look, "stopped" if look.exit_code is None else _ended(look))


def _ended(look: Look) -> str:
    return f"it has ended: {look.limit or f'exit code {look.exit_code}'}"


def _told(look: Look, state: str) -> str:
    return f"{look.output.rstrip() or '(no new output)'}\n({state})"
