"""A sandbox that is tried once, a workspace, and a way to run things as an ordinary user where tests run as root."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.ports import Command
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.docker import DockerSandbox
from smaker.sandbox.local import LocalSandbox

ROOT = Path(__file__).resolve().parents[2]
SOMEBODY = "12345"

AsSomebody = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def box() -> BwrapSandbox:
    return BwrapSandbox()


@pytest.fixture(
    scope="session",
    params=[
        pytest.param(BwrapSandbox, id="bwrap", marks=pytest.mark.sandbox),
        pytest.param(DockerSandbox, id="docker", marks=pytest.mark.engine),
    ],
)
def strong(request: pytest.FixtureRequest) -> type[LocalSandbox]:
    """Each of the strong kinds."""
    return request.param


@pytest.fixture(scope="session")
def walled(strong: type[LocalSandbox]) -> LocalSandbox:
    """A sandbox of each strong kind."""
    return strong()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture
def command(workspace: Path) -> Callable[..., Command]:
    """A command in the workspace; ``code`` is Python's."""

    def make(*argv: str, code: str | None = None, **settings: object) -> Command:
        words = argv if code is None else ("python3", "-c", code, *argv)
        return Command.model_validate({"argv": words, "workspace": workspace, **settings})

    return make


@pytest.fixture
def running() -> Callable[[Path], list[str]]:
    """A way to find processes by what their command lines hold."""

    def find(mark: Path) -> list[str]:
        """Pids of the processes that have ``mark`` in their command line."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and str(mark) in (entry / "cmdline").read_text():
                    found.append(entry.name)
            except OSError:
                continue
        return found

    return find


@pytest.fixture(scope="session")
def as_somebody() -> AsSomebody:
    """Run Python code as an ordinary user, who sees this interpreter and the package wherever they are.

    Folders of root's that lie on the way are hidden behind empty ones, in a mount namespace of that process alone.
    """
    if os.geteuid() != 0:
        pytest.skip("the tests run as an ordinary user already")
    for program in ("unshare", "setpriv", "mount"):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: install util-linux")

    def run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT]
        become = ["setpriv", "--reuid", SOMEBODY, "--regid", SOMEBODY, "--clear-groups"]
        clean = ["env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE=1"]
        words = [*become, *clean, sys.executable, "-W", "error", "-c", code, *arguments]
        script = "\n".join([*_shown(needed), f"cd {shlex.quote(str(ROOT))}", f"exec {shlex.join(words)}"])
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


def _shown(needed: list[Path]) -> list[str]:
    """Shell lines after which everybody can enter ``needed``."""
    closed = {
        path: next((one for one in reversed(path.parents) if not one.stat().st_mode & 0o001), None) for path in needed
    }
    lines = ["keep=$(mktemp -d)", "mount -t tmpfs -o mode=755 none $keep"]
    lines += [f"mkdir $keep/{n}; mount --bind {shlex.quote(str(path))} $keep/{n}" for n, path in enumerate(needed)]
    for top in {one for one in closed.values() if one is not None}:
        lines.append(f"mount -t tmpfs -o mode=755 none {shlex.quote(str(top))}")
    for n, (path, top) in enumerate(closed.items()):
        if top is not None:
            lines.append(f"mkdir -p {shlex.quote(str(path))}; mount --bind $keep/{n} {shlex.quote(str(path))}")
    return lines
