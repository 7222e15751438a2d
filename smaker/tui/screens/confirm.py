"""Asks before something is done that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from smaker.tui.literal import content


class Confirm(ModalScreen[bool]):
    """A question with what follows from a yes; its result is the answer. Nothing is done by Escape."""

    DEFAULT_CSS = """
    Confirm { align: center middle; }
    Confirm > Vertical { width: 72; max-width: 95%; height: auto; max-height: 90%; border: round $warning;
        background: $panel; padding: 0 1; }
    Confirm #question { text-style: bold; height: auto; }
    Confirm #detail { height: auto; max-height: 16; margin-top: 1; }
    Confirm Horizontal { height: 1; margin: 1 0 0 0; }
    Confirm Button { margin-right: 2; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape", "answer(False)", "No"),
        Binding("left,right", "app.focus_next", "Choose", show=False),
    ]

    def __init__(self, question: str, detail: str = "", *, yes: str = "Yes") -> None:
        super().__init__()
        self._question = question
        self._detail = detail
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, what follows, the two answers."""
        with Vertical():
            yield Static(content(f"? {self._question}"), id="question")
            if self._detail:
                with VerticalScroll(id="detail", can_focus=False):
                    yield Static(content(self._detail))
            with Horizontal():
                yield Button(content(f"{self._yes} (y)"), id="yes", compact=True)
                yield Button("No (n)", id="no", variant="primary", compact=True)

    def on_mount(self) -> None:
        """No is what Enter says, until the other is chosen."""
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by mouse or Enter."""
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)
