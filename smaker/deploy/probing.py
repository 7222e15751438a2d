"""Whether deployed software is well: its containers run, its ports answer, its health path says 200, several times."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smaker.core.errors import Unavailable
from smaker.core.http_probe import http_get
from smaker.deploy.failures import DeployFailed, crashed, never_healthy
from smaker.deploy.judging import Port

IN_A_ROW = 3  # answers of 200, one after the other: what flaps is not healthy
PROBE_S = 5.0
PAUSE_S = 0.15


@dataclass(frozen=True)
class Seen:
    """One container as the engine describes it."""

    id: str
    service: str
    status: str  # "running", "exited", …
    health: str  # "healthy", "unhealthy", "starting", or "" without a health check
    exit_code: int
    restarts: int
    out_of_memory: bool
    ports: Mapping[tuple[int, str], tuple[str, int]]  # (port, protocol) inside -> (address, port) of this machine
    image: str


def seen(attributes: Mapping[str, Any]) -> Seen:
    """Read what the engine says of a container."""
    state, network = attributes.get("State") or {}, attributes.get("NetworkSettings") or {}
    ports: dict[tuple[int, str], tuple[str, int]] = {}
    for name, bindings in (network.get("Ports") or {}).items():
        number, _, protocol = name.partition("/")
        for binding in bindings or ():
            address = binding["HostIp"]
            if (int(number), protocol) not in ports or address not in {"127.0.0.1", "::1"}:  # the worst is remembered
                ports[int(number), protocol] = (address, int(binding["HostPort"]))
    labels = (attributes.get("Config") or {}).get("Labels") or {}
    return Seen(
        id=attributes["Id"],
        service=labels.get("com.docker.compose.service", ""),
        status=state.get("Status", ""),
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        exit_code=int(state.get("ExitCode") or 0),
        restarts=int(attributes.get("RestartCount") or 0),
        out_of_memory=bool(state.get("OOMKilled")),
        ports=ports,
        image=attributes.get("Image", ""),
    )


class Transcript:
    """What each probe saw, for people: a line with its time, what was asked and what came."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._began = time.monotonic()
        self._say = say
        self._last = ""
        self.lines: list[str] = []

    def note(self, asked: str, came: str) -> None:
        """Write a line down; what differs from the last one is also shown."""
        line = f"{asked} → {came}"
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self.lines.append(f"{at} +{time.monotonic() - self._began:.2f}s {line}")
        if line != self._last:
            self._say(line + "\n")
        self._last = line

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True)
class Wanted:
    """What is to be found well: the containers that ``look`` describes, and a port that answers a path."""

    look: Callable[[], Awaitable[Sequence[Seen]]]
    log: Callable[[Seen], Awaitable[str]]
    main: Port
    path: str
    exactly: bool  # the path must answer 200; else any answer below 500 counts
    once: frozenset[str]


async def wait_until_well(wanted: Wanted, transcript: Transcript, *, timeout_s: float, settled: bool) -> list[Seen]:
    """Return the containers once all are well. ``settled``: health checks of their own must be green, too; else they
    may not have been made yet.

    Raises DeployFailed: a container ended, or the time is over.
    """
    deadline = time.monotonic() + timeout_s
    good = 0
    containers: Sequence[Seen] = ()
    while True:
        containers = await wanted.look()
        await _check_running(containers, wanted)
        waiting = [entry for entry in containers if entry.service not in wanted.once and not _green(entry, settled)]
        for entry in waiting:
            transcript.note(f"health check of {entry.service}", entry.health or entry.status)
        good = good + 1 if await _answers(containers, wanted, transcript, deadline) else 0
        if good >= IN_A_ROW and not waiting:
            for entry in containers:
                if entry.health:
                    transcript.note(f"health check of {entry.service}", entry.health)
            return list(containers)
        if time.monotonic() > deadline:
            what = f"GET {wanted.path} was never answered as it should be in {timeout_s:g} s"
            if good >= IN_A_ROW:
                what = f"The health check of {waiting[0].service} was not green in {timeout_s:g} s"
            logs = [await wanted.log(entry) for entry in containers]
            raise never_healthy(what, str(transcript), "\n".join(logs))
        await asyncio.sleep(PAUSE_S)


async def _check_running(containers: Sequence[Seen], wanted: Wanted) -> None:
    for entry in containers:
        ended = entry.status in {"exited", "dead"}
        if entry.restarts or (ended and not (entry.service in wanted.once and entry.exit_code == 0)):
            raise crashed(entry.service, entry.exit_code, await wanted.log(entry), out_of_memory=entry.out_of_memory)


def _green(entry: Seen, settled: bool) -> bool:
    return entry.status == "running" and entry.health in ({"healthy", ""} if settled else {"healthy", "", "starting"})


async def _answers(containers: Sequence[Seen], wanted: Wanted, transcript: Transcript, deadline: float) -> bool:
    port = published(containers, wanted.main)
    asked = f"GET http://127.0.0.1:{port}{wanted.path}"
    if port is None:
        transcript.note(asked, "not published yet")
        return False
    began = time.monotonic()
    try:
        patience = min(PROBE_S, max(1.0, deadline - began))
        status, _ = await http_get(port, wanted.path, timeout_s=patience)
    except Unavailable as error:
        transcript.note(asked, error.message)
        return False
    transcript.note(asked, f"{status} ({1000 * (time.monotonic() - began):.0f} ms)")
    return status == 200 if wanted.exactly else status < 500


def published(containers: Sequence[Seen], port: Port) -> int | None:
    """The port of this machine that leads to a port of a service."""
    for entry in containers:
        if entry.service == port.service and (port.target, port.protocol) in entry.ports:
            return entry.ports[port.target, port.protocol][1]
    return None


async def check_ports(containers: Sequence[Seen], expected: Sequence[Port], transcript: Transcript) -> None:
    """Exactly the expected ports are published, on loopback alone, and each answers. Raises DeployFailed."""
    found = {Port(entry.service, *inside): where for entry in containers for inside, where in entry.ports.items()}
    if set(found) != set(expected):
        odd = ", ".join(sorted(map(str, set(found) ^ set(expected))))
        raise DeployFailed("E_DEPLOY_PORTS", f"Other ports are published than expected: {odd}", detail=odd)
    for port, (address, number) in found.items():
        if address not in {"127.0.0.1", "::1"}:
            raise DeployFailed("E_DEPLOY_PORTS", f"{port} is published on {address}", detail=str(port))
        if port.protocol == "tcp":
            answers = await _accepts(number)
            transcript.note(f"connect to {port} at 127.0.0.1:{number}", "open" if answers else "closed")
            if not answers:
                message = f"{port} is published and nothing listens there"
                raise DeployFailed("E_DEPLOY_PORTS", message, evidence=str(transcript), detail=str(port))


async def _accepts(port: int) -> bool:
    """Whether a connection stays open: the engine's own forwarder accepts any, and closes it where nobody listens."""
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return False
    try:
        async with asyncio.timeout(0.3):
            return bool(await reader.read(1))
    except TimeoutError:
        return True
    except OSError:
        return False
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
