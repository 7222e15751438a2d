"""Dependencies of generated projects: each distinct set is installed once, outside every workspace, and shared."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import json
import logging
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from smaker.core.errors import StorageError
from smaker.core.ports import Mount, Sandbox, SandboxStatus
from smaker.core.profile import Profile
from smaker.sandbox.installer import ENV, Installer, Package
from smaker.sandbox.manifest import wanted

RECORD = "smaker-env.json"
"""Written into an environment last: one without it was never finished, and is made anew."""

_FORMAT = 1  # part of the key: raise it when environments are made differently
_POLL_S = 0.1
_log = logging.getLogger(__name__)


class CachedEnvironments:
    """Implements ``core.ports.Environments`` with a folder of environments named by what is in them."""

    def __init__(self, cache: Path, sandbox: Sandbox) -> None:
        self._cache = cache
        self._sandbox = sandbox
        self._locks: dict[str, asyncio.Lock] = {}

    async def prepare(
        self, profile: Profile, workspace: Path, on_output: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Install what the workspace's manifest declares, unless that was done before; return the mount at /env.

        Several at once, in this process or another, wait for one installation. Raises Unavailable with the installer's
        words, SandboxUnavailable, StorageError if the cache cannot be written.
        """
        environment = profile.environment
        if environment.kind == "none":
            return ()
        needed = wanted(environment, workspace)
        try:
            return (Mount(host=await self._ensure(needed, on_output), inside=ENV),)
        except OSError as error:
            raise StorageError(
                f"The environments in {self._cache} cannot be made: {error}",
                hint="Make room, or see who may write there.",
            ) from error

    async def _ensure(self, needed: tuple[str, ...], say: Callable[[str], None] | None) -> Path:
        """Return the folder of a finished environment."""
        status = await self._sandbox.probe()
        key = name_of(needed, status)
        folder = self._cache / key
        if not (folder / RECORD).is_file():
            async with self._locks.setdefault(key, asyncio.Lock()), _locked(self._cache, key, say):
                if not (folder / RECORD).is_file():
                    # outside a box, programs of an environment know the folder they were made in: it is not copied
                    base = await self._ensure((), say) if needed and status.name != "process" else None
                    await self._make(folder, needed, base, say, status)
        return folder

    async def _make(
        self,
        folder: Path,
        needed: tuple[str, ...],
        base: Path | None,
        say: Callable[[str], None] | None,
        status: SandboxStatus,
    ) -> None:
        scratch = folder.with_name(f"{folder.name}.work")
        for place in (folder, scratch):  # what a killed installation left
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        scratch.mkdir()
        if say is not None:
            say(f"Installing {', '.join(needed)}\n" if needed else "Making a Python environment\n")
        installer = Installer(self._sandbox, folder, scratch, say, status)
        try:
            if base is None:
                folder.mkdir()
                await installer.make()
            else:
                await asyncio.to_thread(_copy, base, folder)
            _finish(folder, needed, await installer.add(needed) if needed else [])
        except BaseException:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
            raise
        finally:
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True))


def _copy(base: Path, folder: Path) -> None:
    shutil.copytree(base, folder, symlinks=True)
    (folder / RECORD).unlink()


def name_of(needed: tuple[str, ...], status: SandboxStatus) -> str:
    """Return the name of the environment: equal for equal requirements on equal interpreters."""
    parts = {
        "format": _FORMAT,
        "requirements": needed,
        "python": platform.python_version(),
        "prefix": sys.base_prefix,
        "platform": sysconfig.get_platform(),
        "sandbox": status.name,  # outside a box an environment is not seen at /env, and its programs know their path
        **({"image": status.image} if status.image else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _finish(folder: Path, needed: tuple[str, ...], packages: list[Package]) -> None:
    """Write the record that makes an environment count as made."""
    for package in packages:
        _log.info("installed %s %s sha256:%s", package.name, package.version, package.sha256 or "unknown")
    record = {
        "requirements": needed,
        "packages": [asdict(package) for package in packages],
        "python": platform.python_version(),
        "platform": sysconfig.get_platform(),
        "installed_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    draft = folder / f"{RECORD}.new"
    with draft.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / RECORD)


@asynccontextmanager
async def _locked(cache: Path, key: str, say: Callable[[str], None] | None) -> AsyncGenerator[None]:
    """Hold the lock of one environment against other processes; the kernel drops it with its holder."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{key}.lock").open("a") as file:
        told = False
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if say is not None and not told:
                say("Waiting for another process that installs the same dependencies\n")
                told = True
            await asyncio.sleep(_POLL_S)
        yield
