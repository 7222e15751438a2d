"""Where commands of generated software run, and the environments they find there."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Literal, Protocol

from smaker.core.profile import Profile
from smaker.core.spec import Frozen


class SandboxLevel(IntEnum):
    """How much a sandbox holds (safety levels): OFF and LIMITS hold little and are never chosen silently."""

    OFF = 0
    WEAK = 1
    PARTIAL = 2
    STRONG = 3


SandboxProfile = Literal["run", "install", "web", "browser"]
"""With "web" there is a port, with "install" a way to the registries; "browser" may reserve addresses that it never
touches."""


class Mount(Frozen):
    """A host path seen inside the box at ``inside``."""

    host: Path
    inside: str
    writable: bool = False


class Command(Frozen):
    """A command for the box. ``argv`` is never parsed by a shell; the workspace is `WORKSPACE` inside, writable."""

    argv: tuple[str, ...]
    workspace: Path
    cwd: str = "."
    profile: SandboxProfile = "run"
    network: bool = False  # full network, only where the user asked for it
    env: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    path: tuple[str, ...] = ()  # folders put before PATH inside
    stdin: bytes | None = None
    timeout_s: float = 120.0
    max_output: int = 1 << 20  # bytes kept, half head and half tail
    port: int | None = None  # profile "web": the port the program listens on inside
    reach: dict[int, Path] = {}
    """Ports of 127.0.0.1 inside that lead to Unix sockets of the host: those of other boxes (`Process.socket`). Not
    with ``network``, where the box shares the machine's ports."""


class CommandResult(Frozen):
    """How a command ended. ``limit`` names the bound that stopped it; ``output`` is stdout and stderr as they came."""

    exit_code: int
    output: str
    seconds: float
    limit: Literal["timeout", "output", "memory", "processes", "disk", "cancelled"] | None = None
    dropped_bytes: int = 0


class Process(Protocol):
    """A background process tree in the box."""

    @property
    def pid(self) -> int:
        """The pid of the box on the host."""
        ...

    @property
    def socket(self) -> Path | None:
        """Profile "web": a Unix socket on the host that reaches the port inside."""
        ...

    def tail(self, lines: int = 50) -> str:
        """The last lines of its output."""
        ...

    async def wait_for_text(self, text: str, *, timeout_s: float) -> None:
        """Wait until the output contains ``text``. Raises Unavailable with the tail if it ends or time runs out."""
        ...

    async def wait_for_port(self, *, timeout_s: float) -> None:
        """Profile "web": wait until the port inside accepts a connection. Raises Unavailable with the tail."""
        ...

    async def wait(self) -> CommandResult:
        """Wait for its end."""
        ...

    async def stop(self) -> None:
        """End the whole tree; nothing survives."""
        ...


class SandboxStatus(Frozen):
    """What a probe found."""

    name: str
    level: SandboxLevel
    detail: str
    remedy: str = ""
    image: str = ""
    """The image whose programs boxes have, by its content; empty: boxes have this machine's programs."""


class Sandbox(Protocol):
    """Runs commands of generated projects confined."""

    async def probe(self) -> SandboxStatus:
        """Try it by running something; cached."""
        ...

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Run to the end. ``on_output`` sees decoded pieces as they come.

        Raises SandboxUnavailable, PathError (no such workspace or ``cwd``), UsageError (words no system can pass on).
        """
        ...

    async def start(self, command: Command, on_output: Callable[[str], None] | None = None) -> Process:
        """Start in the background, without a deadline: it runs until ``stop``. Otherwise as ``run``."""
        ...


class Environments(Protocol):
    """Dependencies of generated projects, installed once per distinct set, outside every workspace."""

    async def prepare(
        self, profile: Profile, workspace: Path, on_output: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Install what the workspace's manifest declares (in the box, profile "install") unless it is there already,
        and return the read-only mounts that provide it at /env. Raises Unavailable."""
        ...
