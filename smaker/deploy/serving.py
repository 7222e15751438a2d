"""Serve one project's software on a port of this machine: in the sandbox, behind a bridge, asked for its health."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smaker.core.errors import BuildFailed, Unavailable, UsageError
from smaker.core.http_probe import http_get
from smaker.core.ports import Command, Environments, Process, Sandbox
from smaker.core.profile import Profile


class Bridge(Protocol):
    """A listener on this machine that forwards to a Unix socket."""

    @property
    def port(self) -> int:
        """The port it listens on."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...


Listen = Callable[[Path, str, int], Awaitable[Bridge]]
"""Listen on (host, port) and forward to a socket; port 0 is any free one."""


@dataclass(frozen=True)
class Served:
    """Software that answers."""

    url: str
    port: int
    process: Process


async def start_boxed(
    sandbox: Sandbox,
    environments: Environments,
    profile: Profile,
    package: str,
    workspace: Path,
    on_output: Callable[[str], None] | None = None,
) -> Process:
    """Start the profile's server in the sandbox and wait until it listens.

    Raises UsageError if the profile has no server, BuildFailed with its output if it ends or never listens.
    """
    if not profile.start or profile.port is None:
        raise UsageError(f"A {profile.title} is not a server.", hint="Use it with: smaker run ID -- --help")
    mounts = await environments.prepare(profile, workspace, on_output)
    command = Command(
        argv=profile.start_command(package),
        env=profile.start_variables(package),
        workspace=workspace,
        profile="web",
        mounts=mounts,
        path=("/env/bin",) if mounts else (),
        timeout_s=10 * 365 * 86_400.0,
        port=profile.port,
    )
    process = await sandbox.start(command)
    try:
        await process.wait_for_port(timeout_s=60)
    except Unavailable as error:
        tail = process.tail(30)
        await process.stop()
        raise BuildFailed(f"The software did not start: {error.message}", hint=tail) from error
    return process


async def healthy(process: Process, profile: Profile, *, timeout_s: float = 5) -> bool:
    """Whether the software answers its health path with 200 (any answer counts where it has none)."""
    assert process.socket is not None
    try:
        status, _ = await http_get(process.socket, profile.health or "/", timeout_s=timeout_s)
    except Unavailable:
        return False
    return status == 200 if profile.health else status < 500


@asynccontextmanager
async def served(
    process: Process, profile: Profile, listen: Listen, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncGenerator[Served]:
    """Make a started process reachable on ``host:port`` for the length of the block, then stop it.

    Raises BuildFailed if it is not healthy, Unavailable if the port is taken.
    """
    try:
        if not await healthy(process, profile, timeout_s=30):
            raise BuildFailed(f"The software is not healthy: GET {profile.health}", hint=process.tail(30))
        assert process.socket is not None
        bridge = await listen(process.socket, host, port)
        try:
            yield Served(url=f"http://{host}:{bridge.port}", port=bridge.port, process=process)
        finally:
            await bridge.close()
    finally:
        await process.stop()
