"""The only way out of an installation: a proxy on a Unix socket that joins to the machine's package registries.

It answers ``CONNECT host:port`` (and plain GET for registries without TLS) if host and port are on the list, compared
as whole strings: no address arithmetic, no suffixes, no user part. Everything else is 403, garbage is 400.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import ssl
import urllib.request
from collections.abc import Iterable
from socket import socket
from urllib.parse import unquote, urlsplit

from smaker.sandbox.registries import Target
from smaker.sandbox.streams import Joiner, Streams, closing, join, pump

REFUSED = "is not a package registry of this machine"
UNREACHABLE = "cannot be reached from this machine"
"""Words of the proxy's answers, by which an installer's output shows what went wrong."""

_LONGEST_HEAD = 16384
_HEAD_S = 10.0
_CONNECT_S = 20.0
_PLAIN = re.compile(r"http://([^/?#]+)([/?#].*)?", re.IGNORECASE)
_log = logging.getLogger(__name__)


class _Answer(Exception):
    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Egress(Joiner):
    """The proxy of one installation. ``proxy`` is what the machine's pip goes through, where no variable names one."""

    def __init__(self, allowed: Iterable[Target], proxy: str | None = None) -> None:
        super().__init__()
        self._allowed = frozenset(allowed)
        self._proxy = proxy
        self.reached: set[Target] = set()

    async def open(self, listening: socket) -> None:
        """Serve on a listening Unix socket until ``close``."""
        self._server = await asyncio.start_unix_server(self.accept, sock=listening, limit=_LONGEST_HEAD)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection: join it, or say why not."""
        try:
            await self._answer(reader, writer)
        except _Answer as answer:
            writer.write(f"HTTP/1.1 {answer.status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode("ascii"))

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HEAD_S):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.LimitOverrunError:
                raise _Answer("431 Request Header Fields Too Large") from None
        method, target, version, headers = _parse(head)
        if not re.fullmatch(r"HTTP/1\.[01]", version):
            raise _Answer("400 Bad Request")
        if method == "CONNECT":
            name, _, port = target.rpartition(":")
            where = self._check(name, port)
            far, _ = await self._dial(where, tunnel=True)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await join((reader, writer), far)
            return
        plain = _PLAIN.fullmatch(target)
        if method not in {"GET", "HEAD"} or plain is None:
            raise _Answer("405 Method Not Allowed")
        name, _, port = plain[1].partition(":")
        where = self._check(name, port or "80")
        far, login = await self._dial(where, tunnel=False)
        asked = plain[2] or "/" if login is None else target  # a proxy is asked by the whole URL
        request = f"{method} {asked} HTTP/1.1\r\n{headers}{login or ''}Connection: close\r\n\r\n"
        async with closing(far[1]):
            far[1].write(request.encode("latin-1"))
            await pump(far[0], writer)

    def _check(self, name: str, port: str) -> Target:
        """Return the target if it is on the list. Upper case and one trailing dot are the same name."""
        where = (name.lower().removesuffix("."), int(port) if re.fullmatch(r"[0-9]{1,5}", port) else -1)
        if where in self._allowed:
            return where
        shown = re.sub(r"[^A-Za-z0-9.:\[\]_-]", "?", f"{name}:{port}")[:100]
        _log.warning("an installation was refused to reach %s", shown)
        raise _Answer(f"403 {shown} {REFUSED}")

    async def _dial(self, where: Target, *, tunnel: bool) -> tuple[Streams, str | None]:
        """Connect; also return the login header of the machine's own proxy, None if there is no such proxy."""
        name, port = where
        login: str | None = None
        try:
            async with asyncio.timeout(_CONNECT_S):
                upstream = self._upstream("https" if tunnel else "http", name)
                if upstream is None:
                    far = await asyncio.open_connection(name, port)
                else:
                    far, login = await _through(upstream, where, tunnel=tunnel)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            _log.warning("the registry %s:%d cannot be reached: %s", name, port, error)
            raise _Answer(f"502 {name} {UNREACHABLE}") from error
        self.reached.add(where)
        _log.info("an installation reached %s:%d", name, port)
        return far, login

    def _upstream(self, scheme: str, name: str) -> str | None:
        """Return the proxy this machine uses for ``scheme``, unless the machine says that ``name`` needs none."""
        if urllib.request.proxy_bypass(name):
            return None
        proxies = urllib.request.getproxies()
        return proxies.get(scheme) or proxies.get("all") or self._proxy


def _parse(head: bytes) -> tuple[str, str, str, str]:
    """Return method, target, version and the headers to hand on. Raises _Answer for what is no request."""
    lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or any("\r" in line or "\n" in line for line in lines):
        raise _Answer("400 Bad Request")
    dropped = ("connection:", "proxy-", "keep-alive:", "upgrade:")
    headers = "".join(f"{line}\r\n" for line in lines[1:] if line and not line.lower().startswith(dropped))
    return words[0], words[1], words[2], headers


async def _through(upstream: str, where: Target, *, tunnel: bool) -> tuple[Streams, str]:
    """Connect by way of the machine's own proxy; also return the header it wants. Raises OSError."""
    parts = urlsplit(upstream if "://" in upstream else f"http://{upstream}")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise OSError(f"the machine's proxy is of the kind {parts.scheme!r}, which is not supported")
    login = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        login = f"Proxy-Authorization: Basic {base64.b64encode(pair).decode('ascii')}\r\n"
    secure = ssl.create_default_context() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=secure)
    if tunnel:
        name = f"{where[0]}:{where[1]}"
        writer.write(f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{login}\r\n".encode("ascii"))
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except BaseException:
            writer.close()
            raise
        if head.split(b" ", 2)[1:2] != [b"200"]:
            writer.close()
            raise OSError(f"the machine's proxy answered {head.splitlines()[0].decode('latin-1')!r}")
    return (reader, writer), login
