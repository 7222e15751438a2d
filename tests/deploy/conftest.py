"""A real engine, a small server that does what a test wants, and a look at what is left of a test on the engine."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import subprocess
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from smaker.core.models import Finding, Project
from smaker.core.ports import Deployed, Release
from smaker.core.profile import Profile
from smaker.deploy.compose import ComposeTarget
from smaker.deploy.rollout import Patience

BASE = "python:3.13-slim"

SERVER = """
import http.server, os, pathlib, sys, threading, time
print("the server begins", flush=True)
{before}
COUNT = [0]
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        COUNT[0] += 1
        status, text = 200, "{says}"
        if self.path == "/write":
            with open("/data/written", "a") as out: out.write("x")
        if self.path == "/read":
            written = pathlib.Path("/data/written")
            text = written.read_text() if written.exists() else ""
        {within}
        self.send_response(status)
        for name, value in ({headers}).items(): self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())
    def log_message(self, *words): print(self.path, flush=True)
http.server.ThreadingHTTPServer(("{host}", 8000), Answer).serve_forever()
"""

PREPARED = "smaker-tests/server:1"
"""What all test servers are made on, so that each of them is one layer."""

PREPARE = f"""FROM {BASE}
WORKDIR /app
RUN mkdir /data
EXPOSE 8000
CMD ["python", "-u", "server.py"]
"""

DOCKERFILE = f"FROM {PREPARED}\nCOPY server.py .\n"

COMPOSE = """services:
  app:
    build: .
    init: true
    ports: ["8000:8000"]
    volumes: ["data:/data"]
volumes:
  data:
"""


def server(
    says: str = "one",
    *,
    before: str = "",
    within: str = "",
    headers: Mapping[str, str] | None = None,
    host: str = "0.0.0.0",
) -> str:
    """The program of a server; ``before`` runs before it listens, ``within`` in each answer."""
    return SERVER.format(says=says, before=before, within=within or "pass", headers=dict(headers or {}), host=host)


def software(program: str | None = None, **files: str) -> dict[str, tuple[str, bytes]]:
    """The files of a release: a server, its Dockerfile, its Compose file."""
    given = {"Dockerfile": DOCKERFILE, "compose.yaml": COMPOSE, "server.py": program or server()}
    given |= {name.replace("__", "."): text for name, text in files.items()}
    return {name: ("100644", text.encode()) for name, text in given.items()}


PROFILE = Profile(
    name="server", title="Server", description="", kind="api", health="/health", port=8000, start=("python",)
)


@dataclass
class Shipyard:
    """A home with one project, and a target to deploy it to."""

    home: Path
    project: Project
    patience: Patience
    said: list[str] = field(default_factory=list)
    software: Callable[..., dict[str, tuple[str, bytes]]] = software
    server: Callable[..., str] = server
    smoke: Callable[[str], Awaitable[Sequence[Finding]]] | None = None
    nothing: Mapping[str, list[str]] = field(default_factory=lambda: {"containers": [], "networks": [], "images": []})
    docker: Callable[..., str] = field(default_factory=lambda: docker)
    profile: Profile = PROFILE

    @property
    def target(self) -> ComposeTarget:
        return ComposeTarget(self.home, environ=os.environ, patience=self.patience)

    def release(self, files: Mapping[str, tuple[str, bytes]] | None = None, key: str = "t1") -> Release:
        async def nothing(url: str) -> Sequence[Finding]:
            return ()

        return Release(
            key=f"{self.project.id}.{key}",
            files=software() if files is None else files,
            say=self.said.append,
            smoke=self.smoke or nothing,
        )

    async def deploy(self, files: Mapping[str, tuple[str, bytes]] | None = None, key: str = "t1") -> Deployed:
        return await self.target.deploy(self.project, self.profile, self.release(files, key))

    async def heard(self, words: str) -> None:
        """Wait until a deployment has said this."""
        while words not in "".join(self.said):  # noqa: ASYNC110  what is waited for comes from a program
            await asyncio.sleep(0.05)

    def on_engine(self) -> dict[str, list[str]]:
        """The names of everything on the engine that belongs to the project."""
        label = f"label=smaker.project={self.project.id}"

        def names(*words: str) -> list[str]:
            return sorted(docker(*words, "--filter", label).split())

        return {
            "containers": names("ps", "--all", "--format", "{{.Names}}"),
            "networks": names("network", "ls", "--format", "{{.Name}}"),
            "volumes": names("volume", "ls", "--format", "{{.Name}}"),
            "images": sorted(
                docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"smaker/{self.project.id}/*").split()
            ),
        }

    @property
    def left(self) -> dict[str, list[str]]:
        """The same without the volumes with data, which stay."""
        return {kind: names for kind, names in self.on_engine().items() if kind != "volumes"}


def docker(*words: str) -> str:
    """Run docker as its user does."""
    ran = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine that answers, with the base image; in CI it must be there."""
    if importlib.util.find_spec("docker") is None:
        _absent("the Docker SDK", "pip install 'smaker[deploy]'")
    looked = subprocess.run(["docker", "image", "inspect", BASE], capture_output=True, check=False)
    if looked.returncode:
        _absent("a Docker engine with " + BASE, looked.stderr.decode())
    subprocess.run(["docker", "build", "--quiet", "--tag", PREPARED, "-"], input=PREPARE.encode(), check=True)


def _absent(what: str, why: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks {what}: {why}")
    pytest.skip(f"needs {what}: {why}")


@pytest.fixture
def yard(engine: None, tmp_path: Path) -> Iterator[Shipyard]:
    """A project with a name of its own; afterwards nothing of it is on the engine."""
    identifier = f"t{uuid.uuid4().hex[:8]}"
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    project = Project(
        id=identifier, name="Server", prompt="a server", workspace=str(workspace), created_at=datetime.now(UTC)
    )
    yield Shipyard(tmp_path / "home", project, Patience(build=60, start=60, health=12, smoke=5, others=10))
    label = f"label=smaker.project={identifier}"
    for look, remove in (
        (["ps", "-aq"], ["rm", "-fv"]),
        (["network", "ls", "-q"], ["network", "rm"]),
        (["volume", "ls", "-q"], ["volume", "rm"]),
        (["images", "--format", "{{.Repository}}:{{.Tag}}"], ["rmi"]),
    ):
        which = [f"smaker/{identifier}/*"] if look[0] == "images" else ["--filter", label]
        for name in docker(*look, *which).split():
            subprocess.run(["docker", *remove, name], capture_output=True, check=False)


@pytest.fixture
def run_docker() -> Callable[..., str]:
    """The docker command."""
    return docker
