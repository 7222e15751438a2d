"""Continue differently from a commit, in a project of its own."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static, TextArea

from smaker.core.errors import SmakerError, UsageError
from smaker.core.typed import checked
from smaker.tui.literal import content
from smaker.tui.screens.dialogs import Dialog


@dataclass(frozen=True)
class Continuation:
    """How a fork goes on: what is different, and who answers from there on."""

    instruction: str | None
    model: str | None


class ForkDialog(Dialog[Continuation]):
    """Asks for both; without ``models`` nobody can be named."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "done", "Fork")]

    def __init__(self, told: str, models: Collection[str]) -> None:
        super().__init__(told, "Fork")
        self._models = models

    def body(self) -> ComposeResult:
        """The words, the model, a button."""
        yield Static("What should be different? (or nothing)", markup=False)
        yield TextArea("", id="fork-words", soft_wrap=True, show_line_numbers=False)
        if self._models:
            listed = ", ".join(sorted(self._models))
            yield Static(content(f"Who goes on? A provider, or provider/model: {listed}. Empty: as before."))
            yield Input(placeholder="as before", id="fork-model")
        with Horizontal():
            yield Button("Fork (ctrl+s)", id="done", variant="primary")

    def action_done(self) -> None:
        """Give them back, if they are right."""
        text = self.query_one("#fork-words", TextArea).text
        model = "".join(field.value.strip() for field in self.query("#fork-model").results(Input))
        try:
            if model and model.partition("/")[0] not in self._models:
                raise UsageError(
                    f"No provider {model.partition('/')[0]!r} is switched on.",
                    hint="There are: " + ", ".join(sorted(self._models)),
                )
            instruction = checked(text, "instruction") if text.strip() else None
        except SmakerError as error:
            self.tell(error)
        else:
            self.dismiss(Continuation(instruction, model or None))

    def on_button_pressed(self) -> None:
        """The same."""
        self.action_done()
