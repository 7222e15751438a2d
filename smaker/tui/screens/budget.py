"""Asks for the bounds of a budget, and says beside each field what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import ValidationError
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from smaker.core.budget import Bound
from smaker.core.models import Budget
from smaker.tui.literal import content

FIELDS = {
    "max_cost_usd": "US dollars",
    "max_tokens": "tokens",
    "max_minutes": "minutes",
    "max_task_cost_usd": "US dollars a task",
    "max_task_tokens": "tokens a task",
    "max_task_minutes": "minutes a task",
}
"""The bounds, as a person calls them."""

UNITS = {"k": 1_000, "M": 1_000_000}


class BudgetForm(ModalScreen[Budget | None]):
    """The bounds of a budget; the result is what they are to be, None if nothing was changed."""

    DEFAULT_CSS = """
    BudgetForm { align: center middle; }
    BudgetForm > Vertical { width: 76; max-width: 98%; height: auto; border: round $primary; background: $panel;
        padding: 0 1; }
    BudgetForm #budget-title { text-style: bold; margin-bottom: 1; height: auto; }
    BudgetForm Horizontal { height: 1; margin-bottom: 1; }
    BudgetForm Label { width: 20; }
    BudgetForm Input { width: 16; }
    BudgetForm .said { width: 1fr; padding-left: 1; color: $text-muted; }
    BudgetForm .wrong { color: $text-error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Leave it"),
        Binding("enter", "take", "Take it"),
        Binding("down", "app.focus_next", "Next", show=False),
        Binding("up", "app.focus_previous", "Previous", show=False),
    ]

    def __init__(self, budget: Budget, spent: Sequence[Bound] = ()) -> None:
        super().__init__()
        self._budget = budget
        self._spent = {
            ("max_cost_usd" if bound.what == "cost" else f"max_{bound.what}"): bound
            for bound in spent
            if bound.task is None
        }

    def compose(self) -> ComposeResult:
        """A line for each bound."""
        with Vertical():
            title = "What the build may spend in all (empty: no bound). Enter takes it and goes on, Escape leaves it."
            yield Static(title, id="budget-title", markup=False)
            for name, words in FIELDS.items():
                with Horizontal():
                    value: float | None = getattr(self._budget, name)
                    yield Label(words, markup=False)
                    yield Input(
                        "" if value is None else f"{value:g}" if value < 1e6 else str(value), id=name, compact=True
                    )
                    yield Static(content(self._about(name)), id=f"said-{name}", classes="said")

    def _about(self, name: str) -> str:
        bound = self._spent.get(name)
        return f"{bound} spent" if bound is not None else ""

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is wrong with it, if so."""
        name = event.input.id or ""
        _, wrong = _read(name, event.value)
        said = self.query_one(f"#said-{name}", Static)
        said.update(content(f"✗ {wrong}" if wrong else self._about(name)))
        said.set_class(bool(wrong), "wrong")

    def on_input_submitted(self) -> None:
        """Enter in a field, after all that was typed in it."""
        self.action_take()

    def action_take(self) -> None:
        """Hand back the bounds, if all are right."""
        found = {name: _read(name, self.query_one(f"#{name}", Input).value) for name in FIELDS}
        bad = next((name for name, (_, wrong) in found.items() if wrong), None)
        if bad is not None:
            self.query_one(f"#{bad}").focus()
            return
        made = Budget.model_validate({name: value for name, (value, _) in found.items()})
        self.dismiss(made if made != self._budget else None)


def _read(name: str, text: str) -> tuple[float | None, str]:
    """The bound that a text says, and what is wrong with it."""
    text = text.strip().replace(",", "")
    if not text:
        return None, ""
    number, unit = (text[:-1], UNITS[text[-1]]) if text[-1] in UNITS else (text, 1)
    try:
        value = float(number) * unit
        Budget.model_validate({name: int(value) if name.endswith("tokens") else value})
    except ValidationError as error:
        return None, error.errors()[0]["msg"].replace("Input should", "must")
    except (ValueError, OverflowError):
        return None, "must be a number"
    return int(value) if name.endswith("tokens") else value, ""
