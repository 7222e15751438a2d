"""What every full screen shares: a way to the app, to what it is given, and to what changed."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from smaker.core.errors import SmakerError

if TYPE_CHECKING:
    from smaker.tui.app import SmakerApp
    from smaker.tui.feed import Batch, Feed
    from smaker.tui.services import Services


class LiveScreen(Screen[None]):
    """A screen that is told what changed while it is on top, and shows all anew when it comes back."""

    NEED_ENGINE: ClassVar[frozenset[str]] = frozenset()
    """Names of its actions that are kept until the engine is there."""

    @property
    def smaker(self) -> SmakerApp:
        """The app."""
        return cast("SmakerApp", self.app)

    @property
    def services(self) -> Services:
        """What the app is given. Only after the first `refresh_all`."""
        return self.smaker.services

    @property
    def feed(self) -> Feed:
        """What there is to show. Only after the first `refresh_all`."""
        return self.smaker.feed

    def __init__(self) -> None:
        super().__init__()
        self.painted = False  # whether its widgets are there

    def on_mount(self) -> None:
        """Show what there is, if the engine was quicker."""
        self.painted = True
        if self.smaker.watching:
            self.call_later(self.refresh_all)

    def on_screen_resume(self) -> None:
        """Show what happened meanwhile."""
        if self.painted and self.smaker.watching:
            self.refresh_all()

    def refresh_all(self) -> None:
        """Show everything anew: the screen is on top again, or the engine is there now."""

    def moved(self, batch: Batch) -> None:
        """Show what changed. Must be quick."""

    async def attempt(self, doing: Awaitable[object], done: str = "", *, project: str | None = None) -> bool:
        """Do something for the user and say how it went; whether it went well. ``project`` is looked at again."""
        try:
            await doing
        except SmakerError as error:
            self.complain(error)
            return False
        finally:
            self.feed.refresh(project)
        if done:
            self.notify(done, markup=False)
        return True

    def complain(self, error: SmakerError) -> None:
        """Tell the user what went wrong, and what to do next."""
        self.smaker.complain(error)
