"""The app itself: it opens the engine behind its first screen, hands on what changed, and knows the screens by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from smaker.core.errors import SmakerError
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.live import LiveScreen, complaint

if TYPE_CHECKING:
    from smaker.tui.feed import Feed
    from smaker.tui.services import Services

Connect = Callable[[], Awaitable["Services"]]

SCREEN_TABLE: dict[str, str] = {
    "project": "smaker.tui.screens.project:ProjectScreen",
}
"""Screens that are loaded when they are first shown."""


class SmakerApp(App[None]):
    """`smaker` as a full screen. ``connect`` makes what it drives; it is called once the first screen is there."""

    class Moved(Message):
        """The feed has something to take."""

    TITLE = "smaker"
    CSS_PATH = "styles/app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", "Quit"),
        Binding("ctrl+q", "leave", "Quit", show=False),
        Binding("ctrl+c", "leave", "Quit", show=False),
    ]

    def __init__(self, connect: Connect) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self.failure: SmakerError | None = None  # why there is no engine, if it could not be opened
        self._connect = connect
        self._services: Services | None = None
        self._feed: Feed | None = None

    @property
    def connected(self) -> bool:
        """Whether the engine is there."""
        return self._feed is not None

    @property
    def services(self) -> Services:
        """What the app is given. Not before it is `connected`."""
        assert self._services is not None
        return self._services

    @property
    def feed(self) -> Feed:
        """What there is to show. Not before the app is `connected`."""
        assert self._feed is not None
        return self._feed

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the projects."""
        return Dashboard()

    def on_mount(self) -> None:
        """Open the engine while the first screen is being painted."""
        self._open()

    @work
    async def _open(self) -> None:
        try:
            self._services = await self._connect()
        except SmakerError as error:
            self.failure = error
            self.exit()
            return
        feed = await asyncio.to_thread(import_module, "smaker.tui.feed")
        self._feed = feed.Feed(self._services.control, lambda: self.post_message(self.Moved()))
        for notice in self._services.notices:
            self.notify(notice, severity="warning", timeout=30, markup=False)
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen):
                screen.refresh_all()
        await self.feed.run()

    def on_smaker_app_moved(self) -> None:
        """Hand on what changed to the uppermost full screen."""
        batch = self.feed.take()
        screen = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, LiveScreen)), None)
        if screen is not None and screen.is_mounted:
            screen.moved(batch)

    def show(self, name: str, *arguments: object) -> None:
        """Put a screen of `SCREEN_TABLE` on top; it is made with ``arguments``."""
        module, _, attribute = SCREEN_TABLE[name].partition(":")
        self.push_screen(getattr(import_module(module), attribute)(*arguments))

    def complain(self, error: SmakerError) -> None:
        """Tell the user what went wrong, and what to do next."""
        self.notify(complaint(error), severity="error", timeout=15, markup=False)

    async def action_leave(self) -> None:
        """Pause what is being built here, and end."""
        if self._services is not None:
            await self._services.builder.pause_all()
        self.exit()
