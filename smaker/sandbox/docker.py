"""The sandbox for machines that have Docker and no bubblewrap that works: a container for every command.

The engine makes the container and is not needed afterwards: the first process in it calls back on a socket, gets its
order and the program's descriptors, and is killed directly. So output, deadlines and bounds are those of any box, and
when smaker dies, the socket ends, the process ends, and the engine removes the container.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import struct
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaker.core.errors import SandboxUnavailable, UsageError
from smaker.core.ports import Command, SandboxLevel, SandboxStatus
from smaker.sandbox import docker_engine, docker_image, docker_policy, doors, host, policy, seccomp, sockets, spawn
from smaker.sandbox import variables as names
from smaker.sandbox.box import Started
from smaker.sandbox.containers import ContainerTree, owner, remove_orphans
from smaker.sandbox.docker_engine import Engine, Refused
from smaker.sandbox.docker_image import Image
from smaker.sandbox.doors import Doors
from smaker.sandbox.limits import Limits
from smaker.sandbox.local import LocalSandbox, Reach
from smaker.sandbox.registries import Registries
from smaker.sandbox.spawn import Program

_INSIDE = "/run/smaker"
_PROXY = f"{_INSIDE}/proxy.sock"
_RELAY = doors.relay(docker_policy.PYTHON, f"{_INSIDE}/relay.py")
_ACCOUNTS = "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nmaker:x:{uid}:{gid}:maker:/home/maker:/bin/sh\n"
_GROUPS = "root:x:0:\nmaker:x:{gid}:\n"
_PROBE_S = 20.0
_ANSWER_S = 30.0
_LOOK_S = 1.0
_MADE_S = 10.0


@dataclass(frozen=True)
class _Means:
    """What was found on this machine."""

    engine: Engine
    abilities: docker_policy.Abilities
    image: Image
    filter: bytes | None


class DockerSandbox(LocalSandbox):
    """Runs commands in containers of this machine's engine. ``image``: whose programs they have, by default one that is
    made for it; ``say`` hears how it is made or pulled."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        reach: Reach = "registries",
        image: str | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(limits, reach=reach)
        self._image = image
        self._say = say
        self._means: _Means | None = None

    @property
    def needed(self) -> SandboxLevel:
        """The lowest level at which commands are run."""
        return SandboxLevel.PARTIAL

    async def _try(self) -> SandboxStatus:
        try:
            engine = await docker_engine.find()
            about: dict[str, Any] = await engine.ask("GET", "/info")
            await remove_orphans(engine)
            options = {option.partition(",")[0] for option in about.get("SecurityOptions") or []}
            abilities = docker_policy.Abilities(
                user="0:0" if "name=rootless" in options else f"{os.geteuid()}:{os.getegid()}",
                remapped="name=userns" in options,
                memory=bool(about.get("MemoryLimit")),
                processes=bool(about.get("PidsLimit")),
            )
            image = await docker_image.ready(engine, self._image, self._say)
            self._means = _Means(engine, abilities, image, seccomp.program())
            with tempfile.TemporaryDirectory(prefix="smaker-probe-") as folder:
                command = Command(argv=("true",), workspace=Path(folder), timeout_s=_PROBE_S)
                result = await (await self._box(command, background=False)).wait()
        except SandboxUnavailable as error:
            return _off(error.message, error.hint)
        except OSError as error:
            return _off(str(error), "Make room or rights for temporary folders, and try again: smaker doctor")
        if result.exit_code != 0:
            return _off(
                f"true ended with exit code {result.exit_code} in {image.name}: {result.output.strip()}",
                "Name another image: sandbox.image",
            )
        level = SandboxLevel.STRONG
        words = [f"containers of {image.name}", *_bounds(abilities)]
        if self._means.filter is None and "name=seccomp" not in options:
            level = SandboxLevel.PARTIAL
            words.append("partial: neither the engine nor smaker filters system calls here")
        return SandboxStatus(name="docker", level=level, detail="; ".join(words), image=image.id)

    async def _launch(self, command: Command, closing: AsyncExitStack, *, background: bool) -> Started:
        means = self._means
        if means is None:
            raise SandboxUnavailable("The sandbox was not tried yet.", hint="Find out what is missing: smaker doctor")
        if command.network:
            raise UsageError(
                "Containers never share this machine's network.", hint="Do without it, or set sandbox.kind to bwrap."
            )
        if command.profile == "browser":
            raise SandboxUnavailable(
                "Containers have the programs of their image, and this machine's browser is none of them.",
                hint="To have pages tried in a browser, install bubblewrap and set sandbox.kind to bwrap.",
            )
        workspace = policy.workspace_folder(command)
        found = await self.registries() if command.profile == "install" else None
        folder = sockets.private_folder(closing)
        control, listener = sockets.listener(folder, "control.sock", socket.SOCK_SEQPACKET)
        with ExitStack() as near, ExitStack() as far:
            far.callback(listener.close)
            output, written = spawn.pipe(near, far)
            reports, reported = spawn.pipe(near, far)
            gates = await self._doors(command, found, near, far, closing)
            stdin = None if command.stdin is None else spawn.readable(command.stdin, far)
            given = {written: [1, 2], **({} if stdin is None else {stdin: [0]})} | {one: [one] for one in gates.keep}
            order = docker_policy.order(
                command,
                env=names.environment(command.env, (*command.path, *means.image.path), gates.variables),
                prefix=gates.prefix,
                limits=self.limits,
                background=background,
                rules=means.filter,
                targets=list(given.values()),
            )
            own = [(host.INSIDE, f"{docker_policy.OWN}/inside"), (control, docker_policy.CONTROL)]
            own += [(host.INSIDE / "etc" / name, f"/etc/{name}") for name in ("hosts", "nsswitch.conf")]
            own += _accounts(folder, means.abilities.user)
            readable = (*gates.readable, *((path, inside) for path, inside in gates.sockets if path.exists()))
            config = docker_policy.container(
                means.image,
                means.abilities,
                self.limits,
                mounts=docker_policy.mounts(command, workspace, own, readable),
                disks=docker_policy.memory_disks(workspace, means.image, means.abilities, self.limits),
                owner=owner(),
            )
            description = spawn.readable(json.dumps(order).encode("ascii"), far)
            link = await _start(means.engine, config, listener)
            closing.callback(link.close)
            program = _first_process(link)
            socket.send_fds(link, [b"start"], [description, reported, *given])
            near.pop_all()
        tree = ContainerTree(program, reports, memory=means.abilities.memory, processes=means.abilities.processes)
        return Started(
            program=program,
            tree=tree,
            output=output,
            group=tree,
            socket=gates.socket,
            ready=gates.ready,
            folders=(workspace, *(mount.host for mount in command.mounts if mount.writable)),
        )

    @staticmethod
    async def _doors(
        command: Command, found: Registries | None, near: ExitStack, far: ExitStack, closing: AsyncExitStack
    ) -> Doors:
        if command.profile == "web" and command.port is not None:
            gates = doors.web(command.port, _RELAY, near, far, closing)
        elif found is not None:
            gates = await doors.registries(found, _RELAY, _PROXY, closing)
        else:
            gates = Doors()
        if command.reach:
            doors.others(gates, command.reach, _RELAY, _INSIDE)
        return gates


async def _start(engine: Engine, config: dict[str, Any], listener: socket.socket) -> socket.socket:
    """Make and start a container, and return the connection of its first process. Nothing is left if that fails."""
    name = f"smaker-box-{secrets.token_hex(8)}"
    listener.setblocking(False)
    starting = asyncio.ensure_future(_make(engine, name, config, listener))
    try:
        return await asyncio.shield(starting)
    except BaseException:
        await asyncio.shield(_discard(engine, name, starting))
        raise


async def _make(engine: Engine, name: str, config: dict[str, Any], listener: socket.socket) -> socket.socket:
    try:
        await engine.ask("POST", "/containers/create", body=config, name=name)
        await engine.ask("POST", f"/containers/{name}/start")
    except Refused as refusal:
        hint = "Name an image that has python3: sandbox.image" if "executable file not found" in refusal.said else ""
        raise SandboxUnavailable(
            f"The box cannot be set up: {refusal.said}", hint=hint or "Find out what is missing with: smaker doctor"
        ) from refusal
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _ANSWER_S
    while loop.time() < deadline:
        try:
            async with asyncio.timeout(_LOOK_S):
                return (await loop.sock_accept(listener))[0]
        except TimeoutError:
            try:
                await engine.ask("GET", f"/containers/{name}/json")
            except Refused:
                break  # it ended, and is removed
    raise SandboxUnavailable(
        "The container started, and does not reach the socket it was given. An engine in a virtual machine, as Docker "
        "Desktop's, cannot be used; nor can an image whose Python is older than 3.10.",
        hint="Install Docker's engine on this machine itself, or bubblewrap.",
    )


async def _discard(engine: Engine, name: str, starting: asyncio.Future[socket.socket]) -> None:
    """Remove it once it is made: the engine goes on making what nobody waits for."""
    await asyncio.wait({starting}, timeout=_MADE_S)
    starting.cancel()
    await asyncio.wait({starting})
    if not starting.cancelled() and starting.exception() is None:
        starting.result().close()
    try:
        await engine.ask("DELETE", f"/containers/{name}", force="1", v="1")
    except SandboxUnavailable:
        return  # it was not made, or is being removed; what is made even later, the next start removes


def _first_process(link: socket.socket) -> Program:
    """Return the process that called back. Raises SandboxUnavailable if it died since, or cannot be seen."""
    size = struct.calcsize("3i")
    pid = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    try:
        return Program(pid, os.pidfd_open(pid))
    except OSError as error:
        link.close()
        raise SandboxUnavailable(
            f"The first process of a container is not to be seen from here: {error}",
            hint="Run smaker outside of containers, or use bubblewrap.",
        ) from error


def _accounts(folder: Path, user: str) -> list[tuple[Path, str]]:
    """Write the accounts a box knows: its own user has a name."""
    uid, _, gid = user.partition(":")
    found: list[tuple[Path, str]] = []
    for name, text in (("passwd", _ACCOUNTS), ("group", _GROUPS)):
        file = folder / name
        file.write_text(text.format(uid=uid, gid=gid), "ascii")
        file.chmod(0o644)
        found.append((file, f"/etc/{name}"))
    secret = folder / "shadow"
    secret.touch(mode=0)  # the root of a box has no right to read it
    return [*found, (secret, "/etc/shadow"), (secret, "/etc/gshadow")]


def _bounds(abilities: docker_policy.Abilities) -> list[str]:
    missing = [name for name, held in (("memory", abilities.memory), ("processes", abilities.processes)) if not held]
    if not missing:
        return ["memory and processes bounded by control groups"]
    return [f"{' and '.join(missing)} counted four times a second and not bounded by the kernel"]


def _off(detail: str, remedy: str) -> SandboxStatus:
    return SandboxStatus(name="docker", level=SandboxLevel.OFF, detail=detail, remedy=remedy)
