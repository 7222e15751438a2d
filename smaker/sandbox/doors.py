"""The doors of a box: the port of a web program, the way to those of other boxes, and that of an installation to the
registries.

A program with a door is started by the relay (``inside/relay.py``), which runs beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from smaker.sandbox import host, sockets, spawn
from smaker.sandbox.egress import Egress
from smaker.sandbox.registries import Registries

RELAY = host.INSIDE / "relay.py"
_PROXY_PORT = 3128

Start = tuple[str, ...]
"""How the relay is started in a box; the last word is where the box sees it."""


@dataclass
class Doors:
    """What a program's doors need: words before its own, descriptors, variables, and files to see."""

    prefix: tuple[str, ...] = ()
    keep: tuple[int, ...] = ()
    variables: dict[str, str] = field(default_factory=dict[str, str])
    readable: tuple[tuple[Path, str], ...] = ()
    sockets: tuple[tuple[Path, str], ...] = ()  # of other boxes: they may be gone when this one is made
    socket: Path | None = None
    ready: int | None = None


def relay(python: str, path: str) -> Start:
    """Return the words that start the relay, which the box sees at ``path``, by its Python."""
    return (python, "-I", "-S", path)


def web(port: int, start: Start, near: ExitStack, far: ExitStack, closing: AsyncExitStack) -> Doors:
    """Let the host reach ``port`` inside by a Unix socket. The box gets the listening socket itself, not its path: it
    cannot put another one in its place. ``start`` is the relay's (``relay``)."""
    path, listener = sockets.listener(sockets.private_folder(closing), "web.sock")
    far.callback(listener.close)
    ready, said = spawn.pipe(near, far)
    words = (*start, "serve", str(listener.fileno()), str(said), str(port), "--")
    return Doors(
        prefix=words,
        keep=(listener.fileno(), said),
        readable=((RELAY, start[-1]),),
        socket=path,
        ready=ready,
    )


def others(gates: Doors, reach: Mapping[int, Path], start: Start, folder: str) -> None:
    """Add to the doors of a box ports of its loopback that lead to these sockets, which it sees in ``folder``."""
    inside = {port: f"{folder}/{port}.sock" for port in reach}
    ways = (word for port, path in inside.items() for word in (path, str(port)))
    gates.prefix += (*start, "egress", *ways, "--")
    gates.readable = tuple(dict.fromkeys((*gates.readable, (RELAY, start[-1]))))
    gates.sockets = tuple((reach[port], path) for port, path in inside.items())


async def registries(found: Registries, start: Start, proxy: str, closing: AsyncExitStack) -> Doors:
    """Let an installation reach the registries of ``found`` and nothing else.

    ``start`` is the relay's; ``proxy`` is where the box sees the socket of the proxy.
    """
    readable = tuple((folder, str(folder)) for folder in found.folders)
    if not found.hosts:
        return Doors(variables=dict(found.variables), readable=readable)
    path, listener = sockets.listener(sockets.private_folder(closing), "proxy.sock")
    egress = Egress(found.hosts, found.proxy)
    await egress.open(listener)
    closing.push_async_callback(egress.close)
    address = f"http://127.0.0.1:{_PROXY_PORT}"
    names = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "npm_config_proxy", "npm_config_https_proxy")
    return Doors(
        prefix=(*start, "egress", proxy, str(_PROXY_PORT), "--"),
        variables={**found.variables, **dict.fromkeys(names, address)},
        readable=(*readable, (path, proxy), (RELAY, start[-1])),
    )
