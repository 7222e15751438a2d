"""The container engine: the Docker SDK for looking and removing, the command for building and Compose.

Nothing here blocks the event loop. Commands get an environment of their own, in which there is no credential of
smaker's or of its user's; they end with this process, and hold the project's lock as long as they live.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pwd
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import psutil

from smaker.core.errors import Unavailable
from smaker.deploy.failures import engine_away, no_space, says_no_space, too_slow

if TYPE_CHECKING:
    from docker import DockerClient

T = TypeVar("T")

CALL_S = 60  # one call to the engine
MAX_LINE = 1 << 16
TAIL = 200_000  # characters of a command's output that are kept
PLUGINS = ["/usr/local/lib/docker", "/usr/local/libexec/docker", "/usr/lib/docker", "/usr/libexec/docker"]


@dataclass(frozen=True)
class Ended:
    """How a command ended; ``output`` is the last of what it printed."""

    code: int
    output: str


class DockerEngine:
    """One engine on this machine. Made by `connect`."""

    def __init__(self, client: DockerClient, program: str, environment: Mapping[str, str]) -> None:
        self._client = client
        self._program = program
        self._environment = dict(environment)
        self._host = environment["DOCKER_HOST"]

    async def call(self, ask: Callable[[DockerClient], T]) -> T:
        """Ask the engine in a thread. Raises Unavailable, DeployFailed (no space); NotFound of the SDK passes."""
        return await asyncio.to_thread(self._call, ask)

    def _call(self, ask: Callable[[DockerClient], T]) -> T:
        import requests  # noqa: PLC0415  with the SDK, when something is deployed
        from docker.errors import APIError, DockerException, NotFound  # noqa: PLC0415

        try:
            return ask(self._client)
        except NotFound:
            raise
        except APIError as error:
            if says_no_space(str(error)):
                raise no_space(str(error)) from error
            raise Unavailable(f"The Docker engine refused: {error.explanation or error}", code="E_DOCKER") from error
        except (DockerException, requests.RequestException) as error:
            raise engine_away(error, self._host) from error

    async def run(
        self,
        *words: str,
        timeout_s: float,
        what: str,
        heard: Callable[[str], None] | None = None,
        hold: int | None = None,
        separate: bool = False,
    ) -> Ended:
        """Run ``docker WORDS`` and return how it ended. ``heard`` gets its lines; it inherits the file ``hold``;
        ``separate``: the output is standard output alone.

        Raises DeployFailed (timeout) after ending it, Unavailable if it cannot be started. Cancelling ends it too.
        """
        launcher = shutil.which("setpriv")
        argv = (*((launcher, "--pdeathsig", "KILL", "--") if launcher else ()), self._program, *words)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL if separate else asyncio.subprocess.STDOUT,
                env=self._environment,
                pass_fds=() if hold is None else (hold,),
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"{self._program} cannot be started: {error}", hint="See: smaker doctor") from error
        said: list[str] = []
        try:
            async with asyncio.timeout(timeout_s):
                await _read(process, said, heard)
                code = await process.wait()
        except TimeoutError as error:
            raise too_slow(what, timeout_s, "".join(said)[-TAIL:]) from error
        finally:
            await _end(process)
        return Ended(code, "".join(said)[-TAIL:])

    async def compose(
        self, file: Path, name: str, *words: str, timeout_s: float, what: str, hold: int | None = None
    ) -> Ended:
        """Run a command of Compose on a file of ours, in which nothing is left to fill in."""
        given = ("--file", str(file), "--project-name", name, "--env-file", os.devnull, "--ansi", "never")
        return await self.run("compose", *given, *words, timeout_s=timeout_s, what=what, hold=hold)

    async def versions(self) -> str:
        """The engine and Compose, for people: "Docker 28.2, Compose 2.40"."""
        about = await self.call(lambda client: client.api.version())
        compose = await self.run("compose", "version", "--short", timeout_s=CALL_S, what="docker compose version")
        return f"Docker {about['Version']}, Compose {compose.output.strip()}"

    async def close(self) -> None:
        """Close the connections."""
        await asyncio.to_thread(self._client.close)


async def _read(process: asyncio.subprocess.Process, said: list[str], heard: Callable[[str], None] | None) -> None:
    assert process.stdout is not None
    size = 0
    while data := await process.stdout.read(MAX_LINE):
        text = data.decode("utf-8", "replace")
        said.append(text)
        size += len(text)
        while size > 2 * TAIL and len(said) > 1:
            size -= len(said.pop(0))
        if heard is not None:
            heard(text)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command and all it started: the engine then drops what it did for it."""
    if process.returncode is not None:
        return
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                child.kill()
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await asyncio.shield(process.wait())


def engine_host(environ: Mapping[str, str]) -> str:
    """The address of the engine that the user's docker command talks to. Raises Unavailable if it is elsewhere."""
    from docker.context import ContextAPI  # noqa: PLC0415
    from docker.errors import DockerException  # noqa: PLC0415

    host = environ.get("DOCKER_HOST", "")
    if not host:
        try:
            context = ContextAPI.get_current_context()
            host = (context.Host if context else None) or "unix:///var/run/docker.sock"
        except (DockerException, OSError, ValueError, KeyError, TypeError):  # the user's file is not as it should be
            host = "unix:///var/run/docker.sock"
    host = host.replace("http+unix://", "unix://", 1)
    if not host.startswith("unix://"):
        raise Unavailable(
            f"The Docker engine at {host} is not one of this machine.",
            hint="Use a local engine: unset DOCKER_HOST, or docker context use default",
            code="E_DOCKER_REMOTE",
        )
    return host


def open_client(environ: Mapping[str, str]) -> tuple[DockerClient, str]:
    """Connect to the engine (blocks). Raises Unavailable with what is missing: the SDK, the engine, the permission."""
    try:
        from docker import DockerClient  # noqa: PLC0415  0.3 s: only where something is deployed
        from docker.errors import DockerException  # noqa: PLC0415
    except ImportError as error:
        raise Unavailable(
            "The target compose needs the Docker SDK for Python.",
            hint="Install it with: pip install 'smaker[deploy]'",
            code="E_DOCKER_SDK",
        ) from error
    host = engine_host(environ)
    try:
        with socket.socket(socket.AF_UNIX) as probe:  # the SDK would say less, and leave its own open
            probe.settimeout(CALL_S)
            probe.connect(host.removeprefix("unix://"))
        client = DockerClient(base_url=host, version="auto", timeout=CALL_S)
    except (DockerException, OSError) as error:
        raise engine_away(error, host) from error
    return client, host


def clean_environment(folder: Path, host: str, environ: Mapping[str, str]) -> dict[str, str]:
    """What docker is started with: no credential of anybody's. ``folder`` gets a configuration of our own, that knows
    where the user's plug-ins are and nothing of their registries."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    homes = [Path(environ.get("HOME", "/")), Path(pwd.getpwuid(os.getuid()).pw_dir)]
    places = [Path(environ["DOCKER_CONFIG"])] if environ.get("DOCKER_CONFIG") else []
    places += [home / ".docker" for home in homes] + [Path(place) for place in PLUGINS]
    plugins = [str(place / "cli-plugins") for place in places if (place / "cli-plugins").is_dir()]
    fresh = folder / "config.new"
    fresh.write_text(json.dumps({"cliPluginsExtraDirs": plugins}), encoding="utf-8")
    fresh.replace(folder / "config.json")
    kept = {"PATH": environ.get("PATH", os.defpath), "HOME": str(folder), "DOCKER_CONFIG": str(folder)}
    if environ.get("DOCKER_BUILDKIT"):
        kept["DOCKER_BUILDKIT"] = environ["DOCKER_BUILDKIT"]
    return kept | {"DOCKER_HOST": host, "BUILDKIT_PROGRESS": "plain", "COMPOSE_PROGRESS": "plain", "LC_ALL": "C.UTF-8"}


async def connect(folder: Path, environ: Mapping[str, str] = os.environ) -> DockerEngine:
    """The engine of this machine. Raises Unavailable with what is missing and how to mend it."""
    program = shutil.which("docker", path=environ.get("PATH"))
    client, host = await asyncio.to_thread(open_client, environ)
    if program is None:
        client.close()
        raise Unavailable(
            "The target compose needs the docker command.",
            hint="Install Docker's command line with Compose v2.",
            code="E_DOCKER_COMMAND",
        )
    environment = await asyncio.to_thread(clean_environment, folder, host, environ)
    engine = DockerEngine(client, program, environment)
    found = await engine.run("compose", "version", "--short", timeout_s=CALL_S, what="docker compose version")
    if found.code or not found.output.strip().removeprefix("v")[:1].isdigit():
        await engine.close()
        raise Unavailable(
            "The target compose needs Compose v2: `docker compose version` does not answer.",
            hint="Install Docker's Compose plug-in.",
            code="E_DOCKER_COMPOSE",
        )
    return engine
