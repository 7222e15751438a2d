"""The way out of an installation leads to the registries and nowhere else."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from smaker.sandbox import sockets
from smaker.sandbox.egress import REFUSED, UNREACHABLE, Egress

Ask = Callable[[bytes], Awaitable[bytes]]
Serve = Callable[[Callable[[bytes], bytes]], Awaitable[int]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """A server that answers what it is sent; returns its port. ``seen`` collects what it got."""
    servers: list[asyncio.Server] = []
    writers: list[asyncio.StreamWriter] = []

    async def start(reply: Callable[[bytes], bytes]) -> int:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            while data := await reader.read(65536):
                writer.write(reply(data))
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for each in (*servers, *writers):
        each.close()
    await asyncio.sleep(0)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[tuple[Ask, Egress]]]]:
    """Open the proxy for some targets; return how to ask it, and the proxy."""
    opened: list[Egress] = []

    async def open_for(*allowed: tuple[str, int], proxy: str | None = None) -> tuple[Ask, Egress]:
        path, listener = sockets.listener(tmp_path, f"{len(opened)}.sock")
        egress = Egress(allowed, proxy)
        await egress.open(listener)
        opened.append(egress)

        async def ask(request: bytes) -> bytes:
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(request)
                writer.write_eof()
                async with asyncio.timeout(10):
                    return await reader.read()
            finally:
                writer.close()

        return ask, egress

    yield open_for
    for egress in opened:
        await egress.close()


TRICKS = {
    "another host": "evil.example:443",
    "suffix": "registry.example.evil.test:443",
    "prefix": "evil-registry.example:443",
    "user part": "registry.example@evil.test:443",
    "user part before": "evil.test@registry.example:443",
    "NUL": "registry.example\0.evil.test:443",
    "hexadecimal address": "0x7f000001:443",
    "decimal address": "2130706433:443",
    "cloud metadata": "169.254.169.254:80",
    "IPv6 loopback": "[::1]:443",
    "loopback": "127.0.0.1:443",
    "another port": "registry.example:22",
    "no port": "registry.example",
    "two dots": "registry.example..:443",
    "wildcard": "*.example:443",
    "octal port": "registry.example:0443443",
    "look-alike": "reg\u0456stry.example:443",
}


@pytest.mark.attack("C46")
@pytest.mark.parametrize("target", TRICKS.values(), ids=TRICKS)
async def test_tricks_are_refused(door, target: str, caplog: pytest.LogCaptureFixture) -> None:
    ask, egress = await door(("registry.example", 443))
    answer = await ask(f"CONNECT {target} HTTP/1.1\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert REFUSED.encode() in answer
    assert not egress.reached
    assert "refused" in caplog.text


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"CONNECT registry.example:443\r\nX: HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT evil.test:443 HTTP/1.1\nCONNECT registry.example:443 HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT registry.example:443 HTTP/1.1\rX\r\n\r\n", 400),
        (b"CONNECT registry.example:443 HTTP/3\r\n\r\n", 400),
        (b"CONNECT  registry.example:443 HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        (b"POST http://registry.example/ HTTP/1.1\r\n\r\n", 405),
        (b"GET https://registry.example/ HTTP/1.1\r\n\r\n", 405),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", 405),
        (b"GET http://evil.test/ HTTP/1.1\r\n\r\n", 403),
        (b"GET http://registry.example:443@evil.test/ HTTP/1.1\r\n\r\n", 403),
        (b"CONNECT registry.example:443 HTTP/1.1\r\n" + b"X: y\r\n" * 4000 + b"\r\n", 431),
    ],
)
async def test_garbage_gets_an_answer(door, request_: bytes, status: int) -> None:
    ask, egress = await door(("registry.example", 443))
    assert (await ask(request_)).startswith(f"HTTP/1.1 {status} ".encode())
    assert not egress.reached


async def test_half_a_request_is_let_go(door) -> None:
    ask, _ = await door(("registry.example", 443))
    assert await ask(b"CONNECT registry.example:443 HT") == b""


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost.", "LocalHost."])
async def test_what_is_allowed_is_joined(door, serve: Serve, name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    port = await serve(bytes.upper)
    ask, egress = await door(("localhost", port))
    answer = await ask(f"CONNECT {name}:{port} HTTP/1.1\r\nHost: x\r\n\r\nhello".encode())
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\nHELLO"
    assert egress.reached == {("localhost", port)}
    assert f"reached localhost:{port}" in caplog.text


async def test_much_passes_without_being_kept(door, serve: Serve) -> None:
    port = await serve(lambda data: data)
    ask, _ = await door(("localhost", port))
    sent = b"x" * (8 << 20)
    answer = await ask(f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode() + sent)
    assert len(answer) == len(sent) + len(b"HTTP/1.1 200 Connection established\r\n\r\n")


async def test_registries_without_tls_are_asked_for_a_path(door, serve: Serve) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()
    port = await serve(lambda data: seen.put_nowait(data) or b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    ask, _ = await door(("localhost", port))
    headers = b"Host: x\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive\r\nAccept: a\r\n\r\n"
    reply = asyncio.create_task(ask(f"GET http://localhost:{port}/simple/six/?a=b HTTP/1.1\r\n".encode() + headers))
    expected = b"GET /simple/six/?a=b HTTP/1.1\r\nHost: x\r\nAccept: a\r\nConnection: close\r\n\r\n"
    assert await asyncio.wait_for(seen.get(), 10) == expected
    reply.cancel()


async def test_a_registry_that_does_not_answer_is_told(door) -> None:
    ask, _ = await door(("localhost", 1))
    answer = await ask(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 502 localhost {UNREACHABLE}".encode())


async def test_the_machines_own_proxy_is_used(door, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def reply(data: bytes) -> bytes:
        seen.append(data)
        return b"HTTP/1.1 200 Fine\r\nVia: test\r\n\r\n" if data.startswith(b"CONNECT") else data[::-1]

    port = await serve(reply)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:s%40cret@127.0.0.1:{port}")
    ask, _ = await door(("registry.example", 443))
    answer = await ask(b"CONNECT registry.example:443 HTTP/1.1\r\n\r\nabc")
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\ncba"
    login = base64.b64encode(b"me:s@cret").decode()
    target = "registry.example:443"
    assert seen[0].decode() == (
        f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {login}\r\n\r\n"
    )


async def test_pips_own_proxy_is_used_and_no_proxy_is_minded(
    door, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    upstream = await serve(lambda data: asked.append(data) or b"HTTP/1.1 407 Login\r\n\r\n")
    registry = await serve(bytes.upper)
    ask, _ = await door(("localhost", registry), ("registry.example", 443), proxy=f"127.0.0.1:{upstream}")
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert (await ask(f"CONNECT localhost:{registry} HTTP/1.1\r\n\r\nhi".encode())).endswith(b"HI")
    assert not asked
    answer = await ask(b"CONNECT registry.example:443 HTTP/1.1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert asked


async def test_connections_end_with_the_proxy(door, serve: Serve, tmp_path: Path) -> None:
    port = await serve(lambda data: data)
    _, egress = await door(("localhost", port))
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "0.sock"))
    writer.write(f"CONNECT localhost:{port} HTTP/1.1\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await egress.close()
    assert await reader.read() == b""
    writer.close()
