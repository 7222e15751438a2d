"""A diff to look at, and where something follows from it, the question whether to do it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content
from smaker.tui.widgets.diff_view import DiffView


class Review(ModalScreen[bool]):
    """``told`` above a diff; with a ``verb`` y answers yes. Its result is whether that was the answer."""

    DEFAULT_CSS = """
    Review { align: center middle; }
    Review > Vertical { width: 96%; height: 94%; background: $surface; border: solid $primary; }
    Review #told { height: auto; max-height: 40%; padding: 0 1; border-bottom: solid $primary; }
    Review #told Static { height: auto; }
    Review #summary { height: 1; padding: 0 1; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("escape", "answer(False)", "Back"),
    ]
    AUTO_FOCUS = "DiffView"

    def __init__(
        self, title: str, told: str, diff: str | Callable[[], Awaitable[str]], *, verb: str = "", nothing: str = ""
    ) -> None:
        super().__init__()
        self._heading = title
        self._told = told
        self._diff = diff
        self._verb = verb
        self._nothing = nothing or "No file changes."

    def compose(self) -> ComposeResult:
        """What it means, the diff, the keys."""
        with Vertical() as box:
            box.border_title = cell(self._heading)
            with VerticalScroll(id="told", can_focus=False):
                yield Static(content(self._told))
            yield Static("", id="summary", markup=False)
            yield DiffView(id="review-diff")
            yield Footer()

    def on_mount(self) -> None:
        """Fetch the diff."""
        self.query_one("#told").display = bool(self._told)
        self._fill()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is a yes only where something is asked."""
        return bool(self._verb) if action == "answer" and parameters == (True,) else True

    @work
    async def _fill(self) -> None:
        view = self.query_one(DiffView)
        try:
            diff = self._diff if isinstance(self._diff, str) else await self._diff()
        except SmakerError as error:
            view.say(f"✗ {complaint(error)}")
            return
        await view.show_diff(diff, self._nothing)
        asked = f"{self._verb}?  y yes · Escape no" if self._verb else ""
        parts = [view.patch.summary if view.patch.files else "", asked]
        self.query_one("#summary", Static).update(content("  ·  ".join(filter(None, parts))))

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)
