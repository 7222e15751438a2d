"""A port on loopback that reaches a program's Unix socket."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from smaker.core.errors import Unavailable
from smaker.sandbox.bridge import listen_on


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def exchange(port: int, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        with suppress(OSError):  # where nobody reads any more
            writer.write(data)
            await writer.drain()
            writer.write_eof()

    sending = asyncio.create_task(send())
    answer = await reader.read()
    await sending
    writer.close()
    return answer


async def test_bytes_pass_both_ways(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(echo, str(tmp_path / "web.sock"))
    async with await listen_on(tmp_path / "web.sock") as bridge:
        assert bridge.port > 0
        sizes = (0, 1, 100_000, 3 << 20)
        answers = await asyncio.gather(*(exchange(bridge.port, b"x" * size) for size in sizes))
    assert [len(answer) for answer in answers] == list(sizes)
    server.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", bridge.port)


async def test_open_connections_end_with_the_bridge(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(echo, str(tmp_path / "web.sock"))
    bridge = await listen_on(tmp_path / "web.sock")
    reader, writer = await asyncio.open_connection("127.0.0.1", bridge.port)
    writer.write(b"hello")
    assert await reader.read(5) == b"hello"
    await bridge.close()
    assert await reader.read() == b""
    writer.close()
    server.close()


async def test_a_program_that_is_gone_closes_the_connection(tmp_path: Path) -> None:
    async with await listen_on(tmp_path / "gone.sock") as bridge:
        assert await exchange(bridge.port, b"hello") == b""


async def test_a_taken_port_is_told(tmp_path: Path) -> None:
    async with await listen_on(tmp_path / "a.sock") as bridge:
        with pytest.raises(Unavailable, match=f"Port {bridge.port} on 127.0.0.1") as refusal:
            await listen_on(tmp_path / "b.sock", port=bridge.port)
    assert refusal.value.hint


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
async def test_only_loopback_is_listened_on(tmp_path: Path, host: str) -> None:
    with pytest.raises(ValueError):
        await listen_on(tmp_path / "web.sock", host=host)
