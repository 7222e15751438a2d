"""Builds that go on beside something else: beside the terminal app, or in the background without a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.commands import Pause, Resume
from smaker.core.errors import InUse, SmakerError, Unavailable
from smaker.core.models import Desired, ProjectState
from smaker.wiring.engaged import Engagements

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.core.ports import Build
    from smaker.wiring.local import Local

PAUSE_S = 8.0  # how long to wait for a step to end
HAND_OVER_S = 20.0  # how long a process of its own may take until it has the builds
POLL_S = 0.1


class Builds:
    """Implements `smaker.tui.services.Builder` by workers of this process."""

    def __init__(self, local: Local, load: Callable[..., Loaded], *, config: Path | None = None) -> None:
        self.engagements = Engagements(local, load)
        self._local = local
        self._load = load
        self._config = config
        self._driving: dict[str, asyncio.Task[None]] = {}
        self._busy = 0
        self._freed = asyncio.Condition()

    def start(self, project: str, failed: Callable[[SmakerError], None]) -> None:
        """Drive a project until it is settled, when its turn comes; one that is driven already is left alone."""
        if project not in self._driving:
            task = asyncio.create_task(self._drive(project, failed), name=f"build {project}")
            self._driving[project] = task
            task.add_done_callback(lambda _: self._driving.pop(project, None))

    def running(self) -> frozenset[str]:
        """The projects driven or waiting for their turn here."""
        return frozenset(self._driving)

    async def pause_all(self) -> None:
        """Pause every build of here at its next step and wait until they stand still, a few seconds at most."""
        driving = dict(self._driving)
        for project in driving:
            with contextlib.suppress(SmakerError):
                await self._local.control.steer(project, Pause())
        await self._stand_still(driving.values())

    async def detach(self) -> None:
        """Hand every build of here to a process of its own: each stops at its next step, and goes on there."""
        projects = sorted(self._driving)
        if not projects:
            return
        await self.pause_all()
        words = [sys.executable, "-m", "smaker", "--home", str(self._local.home)]
        words += ["--config", str(self._config)] if self._config else []
        process = await asyncio.to_thread(_start, [*words, "background", *projects])
        until = time.monotonic() + HAND_OVER_S
        while time.monotonic() < until and not _ended(process):
            taken = [await self._taken(project) for project in projects]
            if all(taken):
                return
            await asyncio.sleep(POLL_S)
        raise Unavailable(
            "The builds could not be handed to a process of their own; they are paused.",
            hint=f"Go on with: smaker resume {projects[0]}",
        )

    async def close(self) -> None:
        """Give running tasks back: whoever starts next goes on with them."""
        await self._stand_still(self._driving.values(), patience_s=0)
        await self.engagements.close()

    async def _taken(self, project: str) -> bool:
        """Whether another process has a build, or has ended it already."""
        build = await self._local.store.build(project)
        over = {ProjectState.READY, ProjectState.DEPLOYED, ProjectState.FAILED}
        return build.project.desired is Desired.RUN and (
            self._local.lock.holder(project) is not None or build.project.state in over
        )

    @staticmethod
    async def _stand_still(tasks: Iterable[asyncio.Task[None]], *, patience_s: float = PAUSE_S) -> None:
        waiting = set(tasks)
        if waiting and patience_s:
            _, waiting = await asyncio.wait(waiting, timeout=patience_s)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _drive(self, project: str, failed: Callable[[SmakerError], None]) -> None:
        try:
            async with self._freed:
                await self._freed.wait_for(lambda: self._busy < self._load().settings.limits.max_parallel_projects)
                self._busy += 1
            try:
                await self._build(project)
            finally:
                self._busy -= 1
                async with self._freed:
                    self._freed.notify_all()
        except SmakerError as error:
            failed(error)

    async def _build(self, project: str) -> Build:
        mode = (await self._local.store.build(project)).project.mode
        engaged = await asyncio.to_thread(self.engagements.of, mode)
        return await engaged.worker.drive(project)


def _start(words: list[str]) -> int:
    """Start a process that outlives this one and its terminal; return its id."""
    nowhere = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in range(3)]
    return os.posix_spawn(words[0], words, os.environ, file_actions=nowhere, setsid=True)


def _ended(process: int) -> bool:
    return os.waitpid(process, os.WNOHANG)[0] != 0


async def drive_all(local: Local, load: Callable[..., Loaded], projects: Sequence[str]) -> None:
    """Let builds go on until all are settled; a signal pauses them. Raises what ended the first that failed."""
    builds = Builds(local, load)
    failures: list[SmakerError] = []
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    try:
        for project in projects:
            try:
                await local.control.steer(project, Resume())
            except SmakerError as error:
                failures.append(error)  # it has ended meanwhile, or is gone
            else:
                builds.start(project, failures.append)
        while builds.running() and not ending.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), POLL_S)
        if ending.is_set():
            await builds.pause_all()
    finally:
        await builds.close()
    failures = [error for error in failures if not isinstance(error, InUse)]
    if failures:
        raise failures[0]
