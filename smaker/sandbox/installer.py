"""Makes Python environments, in a box that reaches the package registries and nothing else."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaker.core.errors import Unavailable
from smaker.core.ports import WORKSPACE, Command, CommandResult, Mount, Sandbox, SandboxStatus
from smaker.sandbox import egress, host

ENV = "/env"
_PYTHON = f"{ENV}/bin/python"
_REPORT = "report.json"
_SCRATCH = f"{WORKSPACE}/tmp"  # noqa: S108 -- the box's own /tmp is small, and in memory
_CACHE = f"{WORKSPACE}/cache"
_UV = ("/run/tools/uv",)
_UV_OPTIONS = ("--no-config", "--no-python-downloads", "--cache-dir", _CACHE)
_UV_COPIES = ("--link-mode", "copy")  # its cache is thrown away
_UV_HERE = ("--python", _PYTHON)
_INSTALL_S = 600.0
_LARGEST_REPORT = 32 << 20
_RELEVANT = ("error", "\u00d7", "╰─>", "hint:", "warning: retrying", "fatal:", "  help:")
_log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Package:
    """One installed distribution; ``sha256`` of the archive it came from, where the installer says so."""

    name: str
    version: str
    sha256: str = ""


class Installer:
    """Works on one environment: ``folder`` is seen as /env, ``scratch`` is an empty folder to work in.

    uv does it where it is on PATH and boxes have this machine's programs, else venv and pip. Every method raises
    Unavailable with the installer's own words.
    """

    def __init__(self, sandbox: Sandbox, folder: Path, scratch: Path, say: Say | None, status: SandboxStatus) -> None:
        self._sandbox = sandbox
        self._scratch = scratch
        self._say = say
        self._mounts = (Mount(host=folder, inside=ENV, writable=True),)
        self._python = host.python_in(status)
        uv = None if status.image else shutil.which("uv")
        self._uv = uv is not None
        if uv is not None:
            self._mounts += (Mount(host=Path(uv).resolve(), inside=_UV[0]),)

    async def make(self) -> None:
        """Fill the empty folder with an environment that holds nothing but pip."""
        if self._uv:
            await self._run(*_UV, "venv", *_UV_OPTIONS, "--allow-existing", "--seed", "--python", self._python, ENV)
        else:
            await self._run(self._python, "-m", "venv", ENV)

    async def add(self, requirements: tuple[str, ...]) -> list[Package]:
        """Install ``requirements`` and what they need, compiled; return what was installed."""
        if self._uv:
            options = (*_UV_OPTIONS, *_UV_COPIES, *_UV_HERE, "--compile-bytecode")
            await self._run(*_UV, "pip", "install", *options, "--", *requirements)
            return _frozen((await self._run(*_UV, "pip", "freeze", *_UV_OPTIONS, *_UV_HERE)).output)
        quiet = ("--no-warn-script-location", "--progress-bar", "off", "--retries", "2")
        await self._run(
            _PYTHON, "-m", "pip", "install", *quiet, "--report", f"{WORKSPACE}/{_REPORT}", "--", *requirements
        )
        return _reported(self._scratch / _REPORT)

    async def _run(self, *argv: str) -> CommandResult:
        (self._scratch / "tmp").mkdir(exist_ok=True)
        command = Command(
            argv=argv,
            workspace=self._scratch,
            profile="install",
            env={"TMPDIR": _SCRATCH, "XDG_CACHE_HOME": _CACHE},
            mounts=self._mounts,
            path=(f"{ENV}/bin",),
            timeout_s=_INSTALL_S,
        )
        result = await self._sandbox.run(command, self._say)
        if result.exit_code != 0:
            raise _failure(result, argv)
        return result


def _reported(path: Path) -> list[Package]:
    """Read pip's report of what it installed. It was written in the box: it is told, not trusted."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            report: Any = json.loads(file.read(_LARGEST_REPORT))
        packages = [
            Package(
                name=str(one["metadata"]["name"]),
                version=str(one["metadata"]["version"]),
                sha256=str(one["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256", "")),
            )
            for one in report["install"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _log.warning("the installer's report cannot be read: %s", error)
        return []
    return sorted(packages, key=lambda package: package.name.lower())


def _frozen(output: str) -> list[Package]:
    pairs = (line.partition("==") for line in output.splitlines() if "==" in line)
    return [Package(name=name.strip(), version=version.strip()) for name, _, version in pairs]


def _failure(result: CommandResult, argv: tuple[str, ...]) -> Unavailable:
    lines = [line.rstrip() for line in result.output.splitlines() if line.strip()]
    relevant = [line for line in lines if line.lower().lstrip().startswith(_RELEVANT)]
    said = "\n".join((relevant or lines)[-8:]) or "(it said nothing)"
    if result.limit is not None:
        return Unavailable(
            f"Installing the dependencies broke the {result.limit} bound after {result.seconds:.0f} s:\n{said}",
            hint="Try again; if it happens again, see whether the package index is slow: smaker doctor",
        )
    return Unavailable(
        f"The dependencies could not be installed (exit code {result.exit_code} of {Path(argv[0]).name}):\n{said}",
        hint=_hint(result.output),
    )


def _hint(output: str) -> str:
    """Return what to do, by what the installer said."""
    if egress.UNREACHABLE in output:
        return (
            "This machine seems to be offline: its package index does not answer. Connect it, or point pip at an index "
            "or folder that can be reached: pip config set global.find-links FOLDER"
        )
    if egress.REFUSED in output:
        return (
            "Installations reach only the indexes that pip and npm are configured with: pip config set global.index-url"
        )
    if "Failed to establish a new connection" in output or "dns error" in output:
        return "Installations reach no registry: sandbox.network is none, or pip is configured with folders alone."
    if "ensurepip" in output or "No module named venv" in output:
        return "This Python cannot make environments. On Debian and Ubuntu: sudo apt install python3-venv"
    if "No matching distribution" in output or "no version" in output.lower() or "not found in the" in output:
        return "See whether name and version in pyproject.toml are right, and whether the index has them."
    return "The lines above are the installer's own."
