"""The browser in a box: started through core's sandbox, given one port, judged by the files it leaves behind."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from smaker.browser import programs
from smaker.browser.as_test import as_scenario, as_test
from smaker.browser.programs import INSIDE, Programs
from smaker.core.errors import SandboxUnavailable, Unavailable
from smaker.core.ports import Command, CommandResult, Sandbox, SandboxLevel, SandboxStatus
from smaker.core.ports.browser import Action, BrowserJob, BrowserResult, Dialect, Discovery

RESULT = "result.json"
_START = f"{INSIDE}/smaker/browser/inside/start.py"
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
_PROBE_S = 60.0
_AROUND_S = 30.0  # to start and to end, beyond the job's own seconds
_DOCTOR = "Find out what is missing with: smaker doctor"
_LARGEST = 32 << 20  # bytes of a result


class BoxedBrowser:
    """Implements `smaker.core.ports.browser.Browser`. ``executable``: a Chromium, where the usual places have none."""

    def __init__(self, sandbox: Sandbox, executable: Path | None = None) -> None:
        self._sandbox = sandbox
        self._executable = executable
        self._status: asyncio.Task[SandboxStatus] | None = None

    async def probe(self) -> SandboxStatus:
        """Start it once and show a page; cached."""
        if self._status is None:
            self._status = asyncio.create_task(self._try())
        return await asyncio.shield(self._status)

    async def run(
        self,
        job: BrowserJob,
        folder: Path,
        *,
        socket: Path | None = None,
        on_output: Callable[[str], None] | None = None,
    ) -> BrowserResult:
        """Do the job; ``folder`` gets pictures and traces. Raises Unavailable, SandboxUnavailable, PathError."""
        found = await asyncio.to_thread(programs.find, self._executable)
        ran = await self._sandbox.run(
            Command(
                argv=_words(found),
                workspace=folder,
                profile="browser",
                mounts=found.mounts,
                stdin=job.model_dump_json().encode(),
                timeout_s=job.limits.seconds + _AROUND_S,
                reach={} if socket is None else {job.port: socket},
            ),
            on_output,
        )
        return await asyncio.to_thread(_result, folder, ran)

    def as_test(self, discovery: Discovery, dialect: Dialect) -> str:
        """The source of a test that is red while a discovery shows."""
        return as_test(discovery, dialect)

    def as_scenario(self, name: str, actions: Sequence[Action], dialect: Dialect) -> str:
        """The source of a test that plays actions and holds what they expect."""
        return as_scenario(name, actions, dialect)

    async def _try(self) -> SandboxStatus:
        try:
            status = await self._sandbox.probe()
            found = await asyncio.to_thread(programs.find, self._executable)
            with tempfile.TemporaryDirectory(prefix="smaker-browser-") as folder:
                ran = await self._sandbox.run(
                    Command(
                        argv=(*_words(found), "probe"),
                        workspace=Path(folder),
                        profile="browser",
                        mounts=found.mounts,
                        timeout_s=_PROBE_S,
                    )
                )
        except (Unavailable, SandboxUnavailable) as error:
            return _off(error.message, error.hint)
        if ran.exit_code != 0:
            last = "\n".join(ran.output.strip().splitlines()[-5:])
            return _off(f"Chromium ({found.executable}) does not start: {last}", programs.MISSING_BROWSER)
        return SandboxStatus(name="browser", level=status.level, detail=ran.output.strip().splitlines()[-1])


def _words(found: Programs) -> tuple[str, ...]:
    return (_PYTHON, "-I", "-S", _START, *found.packages, "--", found.executable, found.axe)


def _off(detail: str, remedy: str) -> SandboxStatus:
    return SandboxStatus(name="browser", level=SandboxLevel.OFF, detail=detail, remedy=remedy)


def _result(folder: Path, ran: CommandResult) -> BrowserResult:
    """Read what the box left, without trust: plain files that are named, and nothing else stays."""
    said = ran.output[-1000:].strip()
    try:
        result = BrowserResult.model_validate_json(_bytes(folder / RESULT))
    except (OSError, ValidationError) as error:
        raise Unavailable(
            f"The browser ended ({ran.limit or ran.exit_code}) without a result: {said}", hint=_DOCTOR
        ) from error
    if result.ended == "crash" and not result.actions and ran.limit is None:
        raise Unavailable(f"The browser did not start, or would not go on: {said}", hint=_DOCTOR)
    kept: set[str] = set()
    for path in folder.iterdir():
        plain = stat.S_ISREG(path.lstat().st_mode)
        if plain and path.name in result.files:
            kept.add(path.name)
        elif not path.is_dir() or path.is_symlink():
            path.unlink()
    ended = result.ended
    if ran.limit is not None:
        ended = "seconds" if ran.limit == "timeout" else "crash"
    return result.model_copy(
        update={"ended": ended, "files": tuple(name for name in dict.fromkeys(result.files) if name in kept)}
    )


def _bytes(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_LARGEST)
