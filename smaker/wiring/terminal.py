"""Makes what the terminal app is given, over an engine in this process, and runs the app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.core.errors import SmakerError
    from smaker.core.models import WorkerInfo
    from smaker.core.ports import Build
    from smaker.core.profile import Profile
    from smaker.tui.services import Services
    from smaker.wiring.local import Local

ENGINE = (
    "smaker.config.load",
    "smaker.core.engine",
    "smaker.core.worker",
    "smaker.store.sql",
    "smaker.profiles",
    "smaker.workspace",
    "smaker.agents.inspection",
    "smaker.deploy.compose",
    "smaker.wiring.models",
    "smaker.tui.feed",
)
"""What an engine and the screens over it are made of."""

PAUSE_S = 8.0  # how long to wait for a step to end


class LocalBuilder:
    """Implements `smaker.tui.services.Builder` by the worker of this process."""

    def __init__(self, local: Local) -> None:
        self._local = local
        self._turns = asyncio.Semaphore(local.settings.limits.max_parallel_projects)
        self._driving: dict[str, asyncio.Task[Build]] = {}

    def start(self, project: str, failed: Callable[[SmakerError], None]) -> None:
        """Drive a project until it is settled, when its turn comes; one that is driven already is left alone."""
        from smaker.core.errors import SmakerError

        if project in self._driving:
            return

        def ended(task: asyncio.Task[Build]) -> None:
            del self._driving[project]
            if task.cancelled():
                return
            error = task.exception()
            if isinstance(error, SmakerError):
                failed(error)
            elif error is not None:
                raise error

        task = self._driving[project] = asyncio.create_task(self._drive(project), name=f"build {project}")
        task.add_done_callback(ended)

    def running(self) -> frozenset[str]:
        """The projects driven or waiting for their turn here."""
        return frozenset(self._driving)

    async def pause_all(self) -> None:
        """Pause every build of here at its next step and wait until they stand still, a few seconds at most."""
        from smaker.core.commands import Pause

        driving = dict(self._driving)
        for project in driving:
            await self._local.control.steer(project, Pause())
        if driving:
            _, late = await asyncio.wait(driving.values(), timeout=PAUSE_S)
            await self._end(late)

    async def close(self) -> None:
        """Give running tasks back: whoever starts next goes on with them."""
        await self._end(set(self._driving.values()))

    async def _drive(self, project: str) -> Build:
        async with self._turns:
            return await self._local.worker.drive(project)

    @staticmethod
    async def _end(tasks: set[asyncio.Task[Build]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class LocalSettings:
    """Implements `smaker.tui.services.SettingsDesk` over the user's file."""

    def __init__(self, file: Path, load: Callable[[], Loaded], local: Local) -> None:
        self.file = file
        self._load = load
        self._local = local

    def loaded(self) -> Loaded:
        """Every setting and where it came from, read again."""
        return self._load()

    def set(self, key: str, text: str) -> Loaded:
        """Set a key in the user's file; the settings as they are then. Raises ConfigError."""
        from smaker.config import set_value

        set_value(self.file, key, text)
        return self._load()

    async def check(self, provider: str) -> Mapping[str, str]:
        """Ask a provider's model small questions. Raises ConfigError, Unavailable, ModelError."""
        checked = await self._local.models.router.check(provider)
        return {finding.ability: "" if finding.able else finding.why for finding in checked.findings}


class LocalDeployments:
    """Implements `smaker.tui.services.Deployments` on this machine."""

    def __init__(self, local: Local) -> None:
        self._local = local

    async def stop(self, project: str) -> bool:
        """Stop a project's software; whether any ran."""
        return await self._local.stop(project)

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool) -> None:
        """Give ``heard`` what it printed."""
        await self._local.output(project, heard, follow=follow)


def build_services(local: Local, builder: LocalBuilder, file: Path, load: Callable[[], Loaded]) -> Services:
    """What the app is given, of an engine in this process."""
    from smaker.tui.services import Services
    from smaker.wiring.checkup import Place, examine
    from smaker.wiring.reader import open_reader

    def profiles() -> Sequence[Profile]:
        return [loaded.profile for loaded in local.catalog.all()]

    async def workers() -> Sequence[WorkerInfo]:
        return await local.store.workers()

    return Services(
        control=local.control,
        builder=builder,
        settings=LocalSettings(file, load, local),
        deployments=LocalDeployments(local),
        draft=local.draft,
        adopt=local.adopt,
        forget=lambda project, files: local.forget(project, files=files),
        profiles=profiles,
        workers=workers,
        checkup=lambda: asyncio.to_thread(examine, Place(local.home, load, lambda: open_reader(local.home))),
        place=str(local.home),
        notices=local.notices,
    )


def run_terminal(home: Path, file: Path, load: Callable[[], Loaded]) -> None:
    """Run the app over an engine in this process until its user leaves. Raises what kept the engine from opening."""
    asyncio.run(_run(home, file, load))


async def _run(home: Path, file: Path, load: Callable[[], Loaded]) -> None:
    from smaker.tui.app import SmakerApp

    async with AsyncExitStack() as opened:

        async def connect() -> Services:
            settings = (await asyncio.to_thread(_load_engine, load)).settings
            from smaker.wiring.local import open_local

            local = await opened.enter_async_context(open_local(home, settings))
            builder = LocalBuilder(local)
            opened.push_async_callback(builder.close)
            return build_services(local, builder, file, load)

        app = SmakerApp(connect)
        await app.run_async()
    if app.failure is not None:
        raise app.failure


def _load_engine(load: Callable[[], Loaded]) -> Loaded:
    """Import in a thread what takes long, so that the first screen can be painted; return the settings."""
    for module in ENGINE:
        import_module(module)
    return load()
