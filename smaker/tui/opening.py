"""An app that is there before its engine: what the record says is shown first, and keys that come early are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.actions import ActionParseResult, parse
from textual.dom import DOMNode
from textual.message import Message

from smaker.core.errors import SmakerError
from smaker.tui.intake import IntakeApp
from smaker.tui.screens.live import LiveScreen

if TYPE_CHECKING:
    from smaker.core.control import Control, Watched
    from smaker.tui.feed import Feed
    from smaker.tui.services import Services

Connect = Callable[[], Awaitable["Services"]]
Watch = Callable[["Coming"], "Watched"]

LOOK_S = 0.5  # for looking at the record before the engine is loaded: what reads and paints shares one lock with that


class Coming:
    """An engine that will be there."""

    def __init__(self) -> None:
        self.wanted = asyncio.Event()  # set when it should be loaded: somebody waits, or all else is done
        self._engine: asyncio.Future[Control] = asyncio.Future()

    @property
    def here(self) -> bool:
        """Whether it is there."""
        return self._engine.done()

    def arrive(self, engine: Control) -> None:
        """It is there."""
        self._engine.set_result(engine)

    async def wait(self) -> Control:
        """The engine, once it is there."""
        self.wanted.set()
        return await asyncio.shield(self._engine)  # who no longer waits must not end it for the others


class OpeningApp(IntakeApp):
    """``connect`` makes what the app drives, ``watch`` what it shows from the first moment on, given the engine that is
    to come; ``place`` names where builds are kept. Both are called once the first screen is there."""

    NEED_ENGINE: ClassVar[frozenset[str]] = frozenset()
    """Names of its actions that are kept until the engine is there."""

    class Moved(Message):
        """The feed has something to take."""

    def __init__(self, connect: Connect, watch: Watch, place: str) -> None:
        super().__init__()
        self.place = place
        self.failure: Exception | None = None  # why there is no engine, or what ended the app
        self._connect = connect
        self._watch = watch
        self._services: Services | None = None
        self._feed: Feed | None = None
        self._kept: list[Callable[[], object]] = []  # to be done once the engine is there

    @property
    def watching(self) -> bool:
        """Whether the projects are known."""
        return self._feed is not None and self._feed.ready

    @property
    def connected(self) -> bool:
        """Whether the engine is there."""
        return self._services is not None

    @property
    def services(self) -> Services:
        """What the app is given. Not before it is `connected`."""
        assert self._services is not None
        return self._services

    @property
    def feed(self) -> Feed:
        """What there is to show. Not before the app is `watching`, which it is when it is `connected`."""
        assert self._feed is not None
        return self._feed

    def on_mount(self) -> None:
        """Look at the record and open the engine while the first screen is being painted."""
        self._coming = Coming()
        self._open()

    @work
    async def _open(self) -> None:
        feed = await asyncio.to_thread(import_module, "smaker.tui.feed")
        self._feed = feed.Feed(self._watch(self._coming), lambda: self.post_message(self.Moved()), self._driven_here)
        self._keep_up()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._coming.wanted.wait(), LOOK_S)
        try:
            self._services = await self._connect()
        except SmakerError as error:
            self.failure = error
            self.exit(return_code=error.exit_code)
            return
        self._coming.arrive(self._services.control)
        self.opened()
        for doing in self._kept:
            self.call_later(doing)

    @work
    async def _keep_up(self) -> None:
        await self.feed.run()

    def shown(self) -> None:
        """What the feed had is being shown: once that is painted, the engine is loaded."""
        if not self._coming.wanted.is_set():
            self.call_after_refresh(self._coming.wanted.set)

    def _driven_here(self) -> frozenset[str]:
        return self._services.builder.running() if self._services is not None else frozenset()

    def opened(self) -> None:
        """Do what the engine is needed for at once."""

    def when_connected(self, doing: Callable[[], object]) -> None:
        """Do something, which may be awaited, once the engine is there. Not after that."""
        self._coming.wanted.set()
        self._kept.append(doing)

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Do what a key stands for; what needs the engine once that is there."""
        where, name, _ = parse(action) if isinstance(action, str) else action
        whose = self if where == "app" else default_namespace or self
        doing = partial(super().run_action, action, default_namespace, namespaces)
        if self.connected or not isinstance(whose, OpeningApp | LiveScreen) or name not in whose.NEED_ENGINE:
            return await doing()
        self.when_connected(doing)
        return True
