"""A TCP port on this machine's loopback that reaches a Unix socket: how a browser gets to a program in a box."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from types import TracebackType

from smaker.core.errors import Unavailable
from smaker.sandbox.streams import Joiner, join


class TcpBridge(Joiner):
    """A listening port; each connection to it is joined to a new one to the socket."""

    def __init__(self, socket_path: Path) -> None:
        super().__init__()
        self._socket = socket_path
        self.port = 0

    async def __aenter__(self) -> TcpBridge:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self, host: str, port: int) -> None:
        """Listen. Raises Unavailable if the port cannot be had."""
        try:
            self._server = await asyncio.start_server(self.accept, host, port)
        except OSError as error:
            raise Unavailable(
                f"Port {port} on {host} cannot be listened on: {error.strerror or error}",
                hint="Choose another port, or stop the program that uses it.",
            ) from error
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Join a connection to the program; if that ended, the caller sees a closed connection."""
        await join((reader, writer), await asyncio.open_unix_connection(str(self._socket)))


async def listen_on(socket_path: Path, host: str = "127.0.0.1", port: int = 0) -> TcpBridge:
    """Forward TCP connections to ``host``:``port`` (0: any free one; see ``.port``) to the Unix socket.

    Raises ValueError if ``host`` is not a loopback address, Unavailable if the port cannot be listened on.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address: a generated program is not shown to the network")
    bridge = TcpBridge(socket_path)
    await bridge.open(host, port)
    return bridge
