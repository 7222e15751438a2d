"""A checkbox whose state is told by its sign; Textual's own tells it by colour alone."""

from __future__ import annotations

from textual.widgets import Checkbox


class Tick(Checkbox):
    """✓ or nothing."""

    @property
    def BUTTON_INNER(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]  # noqa: N802
        """The sign; Textual has one for both states, as a constant."""
        return "✓" if self.value else " "
