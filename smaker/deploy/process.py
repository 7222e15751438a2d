"""Deploy target "process": a supervisor in the background that keeps the software up and its health known.

The supervisor is this program run once more (``smaker supervise ID``). What it does is in one file,
``<home>/deployments/<project>.json``, replaced atomically; its output and the software's go to ``<project>.log``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import psutil
from pydantic import ValidationError

from smaker.core.errors import BuildFailed, NotFound, UsageError
from smaker.core.models import Deployment, DeployTarget, Project
from smaker.core.ports import Deployed, Process, Release
from smaker.core.profile import Profile
from smaker.core.spec import Frozen
from smaker.deploy.serving import Listen, healthy, served

START_S = 90.0  # how long a deployment may take to become healthy
CHECK_S = 2.0
MAX_RESTARTS = 5


class Supervised(Frozen):
    """What the supervisor says of itself. ``created`` is its process start time, so that a reused pid is noticed."""

    pid: int
    created: float
    url: str = ""
    healthy: bool = False
    restarts: int = 0
    error: str = ""


class ProcessTarget:
    """Implements `smaker.core.ports.Deployer`. ``supervisor`` is how this program is run again, without the id."""

    def __init__(self, home: Path, supervisor: Sequence[str]) -> None:
        self._folder = home / "deployments"
        self._supervisor = tuple(supervisor)

    def lacking(self, profile: Profile, package: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """Nothing: the software runs from its folder. Raises UsageError if the profile has no server."""
        del package, paths
        if profile.port is None or not profile.start:
            raise UsageError(
                f"A {profile.title} has nothing that runs in the background.",
                hint="Use it with: smaker run ID -- --help",
            )
        return {}

    async def deploy(self, project: Project, profile: Profile, release: Release) -> Deployed:
        """Replace what runs of the project by what is built now. Raises BuildFailed; nothing is left running then."""
        del profile, release  # the supervisor reads the plan, and runs what is in the project's folder
        await self.stop(project.id)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._state(project.id).unlink(missing_ok=True)
        log = self.log(project.id)
        with log.open("wb") as output:
            child = subprocess.Popen(  # noqa: ASYNC220  it outlives this process, so no loop may own it
                [*self._supervisor, project.id],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                close_fds=True,
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            state = self._read(project.id)
            if state and state.healthy:
                where = Deployment(target=DeployTarget.PROCESS, url=state.url, healthy=True, pid=state.pid)
                return Deployed(deployment=where)
            if child.poll() is not None or (state and state.error):
                break
            await asyncio.sleep(0.1)
        state = self._read(project.id)
        await self.stop(project.id)
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        tail = log.read_text(errors="replace")[-2000:]
        raise BuildFailed(f"The deployment did not become healthy. {state.error if state else ''}".strip(), hint=tail)

    async def stop(self, project: str) -> bool:
        """End the supervisor and all it runs; whether there was one."""
        state = self._read(project)
        process = _alive(state) if state else None
        if process is None:
            self._state(project).unlink(missing_ok=True)
            return False
        process.terminate()
        gone, alive = await asyncio.to_thread(psutil.wait_procs, [process], timeout=10)
        for left in alive:
            left.kill()
        self._state(project).unlink(missing_ok=True)
        return bool(gone or alive)

    def current(self, project: str) -> Deployment | None:
        """What runs now."""
        state = self._read(project)
        if state is None or _alive(state) is None or not state.url:
            return None
        return Deployment(target=DeployTarget.PROCESS, url=state.url, healthy=state.healthy, pid=state.pid)

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool = False) -> None:
        """Give ``heard`` what was printed; with ``follow`` until it ends. Raises NotFound if nothing was deployed."""
        try:
            with self.log(project).open("rb") as log:
                while True:
                    running = follow and self.current(project) is not None
                    while data := await asyncio.to_thread(log.read, 1 << 16):
                        heard(data.decode("utf-8", "replace"))
                    if not running:
                        return
                    await asyncio.sleep(0.2)
        except FileNotFoundError as error:
            raise NotFound(
                "Nothing of this project is deployed.", hint=f"Deploy it with: smaker deploy {project}"
            ) from error

    def log(self, project: str) -> Path:
        """The file with the output."""
        return self._folder / f"{project}.log"

    def report(self, project: str, state: Supervised) -> None:
        """Replace the state file (the supervisor's side)."""
        path = self._state(project)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(state.model_dump_json(), encoding="utf-8")
        fresh.replace(path)

    def _state(self, project: str) -> Path:
        return self._folder / f"{project}.json"

    def _read(self, project: str) -> Supervised | None:
        try:
            return Supervised.model_validate_json(self._state(project).read_bytes())
        except (OSError, ValidationError):
            return None


async def supervise(
    target: ProcessTarget,
    project: str,
    profile: Profile,
    *,
    start: Callable[[], Awaitable[Process]],
    listen: Listen,
    port: int = 0,
) -> None:
    """Keep the software up until this coroutine is cancelled: start it again when it ends, at most a few times in a
    row, and write down whether it is healthy."""
    me = psutil.Process()
    state = Supervised(pid=me.pid, created=me.create_time())
    target.report(project, state)
    restarts = 0
    while True:
        began = time.monotonic()
        try:
            async with served(await start(), profile, listen, port=port) as software:
                port = software.port  # a restart answers where the first start did
                state = state.model_copy(
                    update={"url": software.url, "healthy": True, "restarts": restarts, "error": ""}
                )
                target.report(project, state)
                ended = asyncio.ensure_future(software.process.wait())
                while not ended.done():
                    await asyncio.wait({ended}, timeout=CHECK_S)
                    well = not ended.done() and await healthy(software.process, profile)
                    if well != state.healthy:
                        state = state.model_copy(update={"healthy": well})
                        target.report(project, state)
                print(software.process.tail(50), flush=True)  # noqa: T201  the log file
        except BuildFailed as error:
            print(f"{error.message}\n{error.hint}", flush=True)  # noqa: T201
            state = state.model_copy(update={"healthy": False, "error": error.message})
            target.report(project, state)
        restarts = 0 if time.monotonic() - began > 60 else restarts + 1
        if restarts > MAX_RESTARTS:
            raise BuildFailed(f"The software ended {restarts} times in a row.", hint="See: smaker logs ID")
        await asyncio.sleep(min(30.0, 0.5 * 2**restarts))


def _alive(state: Supervised) -> psutil.Process | None:
    try:
        process = psutil.Process(state.pid)
        same = abs(process.create_time() - state.created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return process if same else None
