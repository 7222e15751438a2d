"""Makes what the terminal app is given, over an engine in this process, and runs the app."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.errors import SmakerError
from smaker.wiring.parts import open_log

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.core.control import NewProject
    from smaker.core.models import Deployment, WorkerInfo
    from smaker.core.ports import Container
    from smaker.core.profile import Profile
    from smaker.tui.app import SmakerApp
    from smaker.tui.services import Services
    from smaker.wiring.driving import Builds
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
    "smaker.wiring.driving",
    "smaker.tui.feed",
)
"""What an engine and the screens over it are made of."""

TERMINAL_S = 1.0  # between two looks whether the terminal is there

SITE = "a landing page with a pricing table that switches monthly and yearly, and a contact form"
TOOL = "a command line tool to keep track of expenses (date, category, amount) with a total per category"


class LocalSettings:
    """Implements `smaker.tui.services.SettingsDesk` over the user's file."""

    def __init__(self, file: Path, load: Callable[..., Loaded], builds: Builds) -> None:
        self.file = file
        self._load = load
        self._done: list[tuple[str, bytes | None, bytes]] = []  # key, the file before, the file after
        self._builds = builds

    def loaded(self) -> Loaded:
        """Every setting and where it came from, read again."""
        return self._load()

    def set(self, key: str, text: str) -> Loaded:
        """Set a key in the user's file; the settings as they are then. Raises ConfigError."""
        from smaker.config import set_value

        before = self._bytes()
        set_value(self.file, key, text)
        self._done.append((key, before, self._bytes() or b""))
        return self._load()

    def try_value(self, key: str, text: str) -> None:
        """Raise the ConfigError that `set` would."""
        from smaker.config import check_value

        check_value(self.file, key, text)

    def has_key(self, variable: str) -> bool:
        """Whether a variable is set."""
        return bool(os.environ.get(variable))

    def undo(self) -> str | None:
        """Take the last `set` back; its key. Raises ConfigError."""
        from smaker.config import put_back

        if not self._done:
            return None
        key, before, after = self._done.pop()
        put_back(self.file, before, after)
        return key

    def _bytes(self) -> bytes | None:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            return None

    async def check(self, provider: str) -> Mapping[str, str]:
        """Ask a provider's model small questions. Raises ConfigError, Unavailable, ModelError."""
        checked = await self._builds.engagements.of(None).models.router.check(provider)
        return {finding.ability: "" if finding.able else finding.why for finding in checked.findings}


class LocalDeployments:
    """Implements `smaker.tui.services.Deployments` on this machine."""

    def __init__(self, local: Local) -> None:
        self._local = local

    async def current(self, project: str) -> Deployment | None:
        """What runs now, and whether it is healthy."""
        targets = [*self._local.targets.values()]
        found = await asyncio.to_thread(lambda: [target.current(project) for target in targets])
        return next((deployment for deployment in found if deployment is not None), None)

    async def containers(self, project: str) -> Sequence[Container]:
        """The containers of a deployment by Compose. Raises Unavailable."""
        return await self._local.containers.containers(project)

    async def stop(self, project: str) -> bool:
        """Stop a project's software; whether any ran."""
        return await self._local.stop(project)

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool) -> None:
        """Give ``heard`` what it printed."""
        await self._local.output(project, heard, follow=follow)


def build_services(local: Local, builds: Builds, file: Path, load: Callable[..., Loaded]) -> Services:
    """What the app is given, of an engine in this process."""
    from smaker.tui.services import Services
    from smaker.wiring.checkup import Place, examine
    from smaker.wiring.reader import open_reader

    def draft(prompt: str, mode: str | None = None, model: str | None = None) -> NewProject:
        engaged = builds.engagements.of(mode)
        if model is not None:
            engaged.models.named(model)  # says now what is wrong with it
        return local.draft(prompt, engaged).model_copy(update={"model": model})

    async def replay(project: str) -> str:
        found = await local.replay(project)
        verdict = "equal to what is there" if found.equal else f"different: the record says {found.recorded[:12]}"
        return f"{found.tasks} tasks, {found.steps} steps, tree {found.tree[:12]}: {verdict}"

    def profiles() -> Sequence[Profile]:
        return [loaded.profile for loaded in local.catalog.all()]

    async def workers() -> Sequence[WorkerInfo]:
        return await local.store.workers()

    return Services(
        control=local.control,
        builder=builds,
        settings=LocalSettings(file, load, builds),
        deployments=LocalDeployments(local),
        draft=draft,
        adopt=local.adopt,
        forget=lambda project, files: local.forget(project, files=files),
        profiles=profiles,
        workers=workers,
        checkup=lambda: asyncio.to_thread(examine, Place(local.home, load, lambda: open_reader(local.home))),
        replay=replay,
        sample=SITE if shutil.which("node") else TOOL,
        notices=local.notices,
    )


def run_terminal(home: Path, file: Path, load: Callable[..., Loaded], *, config: Path | None = None) -> int:
    """Run the app over an engine in this process until its user leaves; return the exit code. ``config`` is the file
    that the user named. Raises what kept the engine from opening, or ended the app."""
    return asyncio.run(_run(home, file, load, config))


async def _run(home: Path, file: Path, load: Callable[..., Loaded], config: Path | None) -> int:
    from smaker.tui.app import SmakerApp
    from smaker.wiring.reader import FirstLook

    async with AsyncExitStack() as opened:

        async def connect() -> Services:
            settings = (await asyncio.to_thread(_load_engine, load)).settings
            from smaker.wiring.driving import Builds
            from smaker.wiring.local import open_local

            local = await opened.enter_async_context(open_local(home, settings))
            builds = Builds(local, load, config=config)
            opened.push_async_callback(builds.close)
            services = build_services(local, builds, file, load)
            _spare_collections()
            return services

        gc.disable()
        app = SmakerApp(connect, partial(FirstLook, home), str(home))
        ended_by = _end_by_signals(app)
        _end_with_terminal(app, ended_by)
        await app.run_async()
    if isinstance(app.failure, SmakerError):
        raise app.failure
    if app.failure is not None:
        with open_log(home):  # there may be no engine yet, whose log it would be in
            raise app.failure
    return 128 + ended_by[0] if ended_by else app.return_code or 0


def _spare_collections() -> None:
    """Have the garbage collector pass over what is there for good (modules, styles, tables): to look through all of it
    takes a fifth of a second, in which no key is answered."""
    gc.freeze()
    gc.set_threshold(2_000, 10, 50)
    gc.enable()


def _end_by_signals(app: SmakerApp) -> list[int]:
    """Have signals end the app in good order: the terminal is put back, and tasks are given back. The same signal once
    more ends it at once. Return where the first is noted."""
    loop = asyncio.get_running_loop()
    got: list[int] = []

    def end(number: int) -> None:
        got.append(number)
        loop.remove_signal_handler(number)
        app.exit()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        loop.add_signal_handler(number, end, number)
    return got


def _end_with_terminal(app: SmakerApp, got: list[int]) -> None:
    """End the app as by SIGHUP when its terminal is gone. The kernel tells that only the processes of the terminal's
    own session; another one would read the end of its input for ever."""
    loop = asyncio.get_running_loop()

    def look() -> None:
        try:
            termios.tcgetattr(0)
        except termios.error:
            got.append(signal.SIGHUP)
            app.exit()
        else:
            loop.call_later(TERMINAL_S, look)

    if os.isatty(0):
        loop.call_later(TERMINAL_S, look)


def _load_engine(load: Callable[..., Loaded]) -> Loaded:
    """Import in a thread what takes long, so that the first screen can be painted; return the settings."""
    for module in ENGINE:
        import_module(module)
    return load()
