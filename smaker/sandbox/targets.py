"""What the attack table attacks: decoys on this machine, made for one run and removed after it."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import sys
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

_ENVIRONMENT = "SMAKER_ATTACK_SECRET"
_SERVICES = (
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/dbus/system_bus_socket",
    "/tmp/.X11-unix/X0",  # noqa: S108
)


class Targets:
    """Listeners, files, a process and a secret. Use as an async context manager."""

    def __init__(self) -> None:
        self.canary = f"smaker-attack-{secrets.token_hex(8)}"
        self.workspace = Path()
        self.description: dict[str, Any] = {}
        self._outside = Path()
        self._closing = AsyncExitStack()
        self._heard = False
        self._decoy: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Targets:
        try:
            await self._set_up()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def _set_up(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="smaker-attack-"))
        self._closing.callback(shutil.rmtree, folder, ignore_errors=True)
        self.workspace, self._outside = folder / "work", folder / "outside"
        self._write_files()
        key = self._outside / "id_ed25519"
        descriptor = os.open(key, os.O_RDONLY)
        os.set_inheritable(descriptor, True)
        self._closing.callback(os.close, descriptor)
        os.environ[_ENVIRONMENT] = self.canary
        self._closing.callback(os.environ.pop, _ENVIRONMENT, None)
        self._decoy = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", "-c", "import time; time.sleep(600)", self.canary),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self._closing.push_async_callback(self._end_decoy)
        self.description = {
            "canary": self.canary,
            "workspace_inside": ".",
            "outside": str(self._outside),
            "key": str(key),
            "pid": self._decoy.pid,
            "services": [*filter(os.path.exists, _SERVICES), str(self._outside / "socket")],
            **await self._listen(),
        }

    def _write_files(self) -> None:
        (self.workspace / ".git" / "hooks").mkdir(parents=True)
        (self.workspace / ".git" / "config").write_text("[core]\n", "utf-8")
        (self.workspace / ".smaker").mkdir()
        self._outside.mkdir()
        (self._outside / "id_ed25519").write_text(self.canary, "utf-8")
        (self.workspace / "leads-out").symlink_to(self._outside)

    async def _listen(self) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), local_addr=("127.0.0.1", 0))
        self._closing.callback(datagrams.close)
        tcp = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        servers = [tcp, await asyncio.start_unix_server(self._answer, str(self._outside / "socket"))]
        hidden = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        hidden.bind("\0" + self.canary)
        servers.append(await asyncio.start_unix_server(self._answer, sock=hidden))
        port6 = 0
        with suppress(OSError):
            tcp6 = await asyncio.start_server(self._answer, "::1", 0)
            servers.append(tcp6)
            port6 = tcp6.sockets[0].getsockname()[1]
        for server in servers:
            self._closing.callback(server.close)
        return {
            "tcp": tcp.sockets[0].getsockname()[1],
            "tcp6": port6,
            "udp": datagrams.get_extra_info("sockname")[1],
            "abstract": self.canary,
            "socket": str(self._outside / "socket"),
        }

    async def _answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(self.canary.encode())
            await writer.drain()
        writer.close()

    def heard(self) -> None:
        """A datagram arrived."""
        self._heard = True

    async def _end_decoy(self) -> None:
        if self._decoy is not None:
            with suppress(ProcessLookupError):
                self._decoy.kill()
            await self._decoy.wait()

    def evidence(self) -> dict[str, str]:
        """Return, by the attempt's name, what happened here in spite of what the attempt itself saw."""
        found: dict[str, str] = {}
        if self._heard:
            found["UDP to the host"] = "the datagram arrived"
        if self._decoy is None or self._decoy.returncode is not None:
            found["signal a process of the host"] = "the process is gone"
        if (self._outside / "id_ed25519").read_text("utf-8") != self.canary:
            found["write through a hard link"] = "the file outside was changed"
        places = {
            "write outside the workspace": self._outside / "written",
            "write through a symbolic link": self._outside / "through-link",
            "write the host's /tmp": Path("/tmp", self.canary),  # noqa: S108
            "write a git hook": self.workspace / ".git" / "hooks" / "pre-commit",
        }
        found.update({name: f"{path} was written" for name, path in places.items() if path.exists()})
        places["write the host's /tmp"].unlink(missing_ok=True)
        config = self.workspace / ".git" / "config"
        if not config.is_file():
            found["replace the git directory"] = "it was replaced"
        elif config.read_text("utf-8") != "[core]\n":
            found["write git's configuration"] = "it was changed"
        return found


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] -- as asyncio documents it
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._targets.heard()
        if self._transport is not None:
            self._transport.sendto(data, addr)
