"""Docker's engine on this machine, asked over its Unix socket: no SDK and no docker command is needed for a box."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from smaker.core.errors import SandboxUnavailable
from smaker.sandbox import host

_CALL_S = 60.0
_MAKE_S = 900.0  # the longest silence while an image is pulled or built
_USUAL = "/var/run/docker.sock"
_CONTEXT = ("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


class Refused(SandboxUnavailable):
    """The engine's answer is no; ``status`` as in HTTP."""

    def __init__(self, status: int, said: str, hint: str = "") -> None:
        super().__init__(f"The Docker engine refused: {said}", hint=hint or "See how it does with: docker info")
        self.status = status
        self.said = said


class Engine:
    """One engine. Every method raises SandboxUnavailable if it does not answer, Refused if it says no."""

    def __init__(self, address: Path) -> None:
        self.address = address

    async def ask(
        self, method: str, path: str, *, body: object = None, timeout_s: float = _CALL_S, **query: object
    ) -> Any:
        """Make one call and return what its JSON says."""
        async with self._open(timeout_s) as client:
            answer = await client.request(method, path, params=_query(query), json=body)
            return _read(answer.status_code, answer.content)

    async def follow(self, path: str, content: bytes = b"", **query: object) -> AsyncGenerator[dict[str, Any]]:
        """Make an image, and yield what is told about it meanwhile. Raises Refused if that ends badly."""
        headers = {"Content-Type": "application/x-tar"}
        async with (
            self._open(_MAKE_S) as client,
            client.stream("POST", path, params=_query(query), content=content, headers=headers) as answer,
        ):
            if answer.status_code >= httpx.codes.BAD_REQUEST:
                _read(answer.status_code, await answer.aread())
            async for line in answer.aiter_lines():
                if not line.strip():
                    continue
                told = json.loads(line)
                if "error" in told:
                    raise Refused(answer.status_code, str(told["error"]))
                yield told

    @asynccontextmanager
    async def _open(self, timeout_s: float) -> AsyncGenerator[httpx.AsyncClient]:
        transport = httpx.AsyncHTTPTransport(uds=str(self.address), verify=False)
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://docker", timeout=timeout_s, trust_env=False
            ) as client:
                yield client
        except (httpx.HTTPError, ValueError) as error:
            raise SandboxUnavailable(
                f"The Docker engine at {self.address} does not answer: {error or type(error).__name__}",
                hint="Start it again: sudo systemctl restart docker",
            ) from error


def _query(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _read(status: int, content: bytes) -> Any:
    """Return the JSON of an answer. Raises Refused, ValueError."""
    if status >= httpx.codes.BAD_REQUEST:
        try:
            said = str(json.loads(content)["message"])
        except (ValueError, KeyError, TypeError):
            said = content.decode("utf-8", "replace")[:500] or str(status)
        raise Refused(status, said)
    return json.loads(content) if content.strip() else None


async def find(environ: Mapping[str, str] = os.environ) -> Engine:
    """Return the engine that the user's docker command talks to. Raises SandboxUnavailable with what is missing."""
    address = environ.get("DOCKER_HOST") or await host.ask(*_CONTEXT) or f"unix://{_USUAL}"
    if not address.startswith("unix://"):
        raise SandboxUnavailable(
            f"The Docker engine at {address} is not one of this machine.",
            hint="Use a local engine: unset DOCKER_HOST, or docker context use default",
        )
    path = Path(address.removeprefix("unix://"))
    try:
        await asyncio.to_thread(_connect, path)
    except PermissionError as error:
        raise SandboxUnavailable(
            f"The Docker engine at {path} may not be used by this user.",
            hint="Let yourself in with: sudo usermod -aG docker $USER (then log in again), or use rootless Docker.",
        ) from error
    except OSError as error:
        raise SandboxUnavailable(
            f"No Docker engine answers at {path}.",
            hint="Start it (sudo systemctl start docker), or install Docker's engine.",
        ) from error
    return Engine(path)


def _connect(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_CALL_S)
        link.connect(str(path))
