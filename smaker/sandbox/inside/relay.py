"""Joins the box to the host through a Unix socket, then becomes the program. Standard library only; runs inside.

``relay.py serve LISTENER READY PORT -- PROGRAM …``
    Connections that the host makes to the listening socket LISTENER (a descriptor) are joined to PORT on loopback.
    A byte is written to the descriptor READY once something listens on PORT.

``relay.py egress SOCKET PORT [SOCKET PORT …] -- PROGRAM …``
    Connections to 127.0.0.1:PORT inside are joined to the Unix socket SOCKET: the host's proxy, which decides, or the
    program of another box.
"""

from __future__ import annotations

import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractServer, StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

    Dial = Callable[[], Awaitable[tuple[StreamReader, StreamWriter]]]

CHUNK = 65536
LOOPBACK = ("127.0.0.1", "::1")
SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.25


def detached() -> bool:
    """Fork a process that the program does not know: not its child, without its input and output. True in it."""
    if child := os.fork():
        os.waitpid(child, 0)
        return False
    if os.fork():
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    return True


def relay(ways: list[tuple[socket.socket, Dial]], ready: int | None = None) -> None:
    """Join every connection to a listener with one that its ``dial`` makes, for ever. ``ready``: a byte is written to
    that descriptor once the first of them can be dialled."""
    import asyncio  # noqa: PLC0415 -- costs 60 ms, and the program does not wait for it

    async def pump(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.close()

    async def join(dial: Dial, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            far_reader, far_writer = await dial()
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))
        far_writer.close()
        writer.close()

    async def announce(dial: Dial, descriptor: int) -> None:
        pause = SHORTEST_PAUSE_S
        while True:
            try:
                _, writer = await dial()
            except OSError:
                await asyncio.sleep(pause)
                pause = min(pause * 1.2, LONGEST_PAUSE_S)
            else:
                writer.close()
                os.write(descriptor, b"1")
                os.close(descriptor)
                return

    servers: list[AbstractServer] = []

    async def main() -> None:
        for listener, dial in ways:
            begin = asyncio.start_unix_server if listener.family == socket.AF_UNIX else asyncio.start_server
            servers.append(await begin(partial(join, dial), sock=listener))
        if ready is not None:
            await announce(ways[0][1], ready)
        await asyncio.Event().wait()

    asyncio.run(main())


def serve(listener: socket.socket, ready: int, port: int) -> None:
    """Join the host's connections to ``port`` on either loopback address."""
    import asyncio  # noqa: PLC0415 -- costs 60 ms, and the program does not wait for it

    async def dial() -> tuple[StreamReader, StreamWriter]:
        for host in LOOPBACK[:-1]:
            try:
                return await asyncio.open_connection(host, port)
            except OSError:
                continue
        return await asyncio.open_connection(LOOPBACK[-1], port)

    relay([(listener, dial)], ready)


def egress(ways: list[tuple[socket.socket, str]]) -> None:
    """Join the box's connections to each listener to the Unix socket beside it."""
    import asyncio  # noqa: PLC0415 -- costs 60 ms, and the program does not wait for it

    relay([(listener, partial(asyncio.open_unix_connection, path)) for listener, path in ways])


def main(words: list[str], program: list[str]) -> int:
    """Start the relay beside the program, then become the program; return only if it cannot be started."""
    if words[0] == "serve":
        number, ready, port = map(int, words[1:])
        listener = socket.socket(fileno=number)
        if detached():
            serve(listener, ready, port)
        os.close(ready)
        listener.close()
    else:
        ways = [
            (socket.create_server((LOOPBACK[0], int(port)), backlog=128), path)
            for path, port in zip(words[1::2], words[2::2], strict=True)
        ]
        if detached():
            egress(ways)
        for listener, _ in ways:
            listener.close()
    try:
        os.execvp(program[0], program)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{program[0]}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    mark = sys.argv.index("--")
    sys.exit(main(sys.argv[1:mark], sys.argv[mark + 1 :]))
