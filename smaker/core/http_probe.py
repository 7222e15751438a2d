"""Ask a program one question over HTTP, on a Unix socket or a TCP port of this machine: is it healthy?"""

from __future__ import annotations

import asyncio
from pathlib import Path

from smaker.core.errors import Unavailable

MAX_REPLY = 1 << 20  # bytes


async def http_get(where: Path | int, path: str, *, timeout_s: float) -> tuple[int, bytes]:
    """Return status and body of ``GET path`` from a Unix socket or a port of 127.0.0.1.

    Raises Unavailable if there is no answer in time, or it is not HTTP. Redirects are not followed.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if isinstance(where, Path):
                reader, writer = await asyncio.open_unix_connection(str(where))
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", where)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                reply = await _read_to_end(reader)
            finally:
                writer.close()
    except TimeoutError as error:
        raise Unavailable(f"no answer to GET {path} in {timeout_s:g} s") from error
    except OSError as error:
        raise Unavailable(f"no connection for GET {path}: {error}") from error
    head, _, body = reply.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise Unavailable(f"the answer to GET {path} is not HTTP: {reply[:80]!r}")
    return int(words[1]), body


async def answers_well(port: int, path: str | None, *, timeout_s: float) -> bool:
    """Whether a port of this machine answers ``path`` with 200; with no path, whether it answers "/" below 500."""
    try:
        status, _ = await http_get(port, path or "/", timeout_s=timeout_s)
    except Unavailable:
        return False
    return status == 200 if path else status < 500


async def _read_to_end(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size < MAX_REPLY and (part := await reader.read(65536)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)
