"""`?`: every key that does something where the user is, and what the signs mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widgets import Static

from smaker.tui.literal import content
from smaker.tui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from textual.binding import ActiveBinding
    from textual.screen import Screen

SIGNS = (
    "✓ done, ready   ▸ at work   ∘ can begin   · waits   ? waits for you   ‖ paused or stopped   ✗ failed   ▲ deployed"
    "   - cancelled\n\nEscape leads back, q leaves smaker; F1 shows this also where a ? is text. Every verb is in the "
    "palette (ctrl+p). Text is selected with the mouse and copied with ctrl+c."
)


class HelpScreen(Dialog[None]):
    """The bindings of a screen, by where they belong."""

    DEFAULT_CSS = """
    HelpScreen > Vertical { width: 90; }
    HelpScreen VerticalScroll { height: auto; max-height: 32; }
    """

    def __init__(self, screen: Screen[object]) -> None:
        super().__init__("Every key that does something here, and what the signs mean.", "Keys")
        self._keys = keys_text(screen)

    def body(self) -> ComposeResult:
        """The keys."""
        with VerticalScroll():
            yield Static(content(self._keys), id="keys")


def keys_text(screen: Screen[object]) -> str:
    """A line for each key that does something on a screen now: smaker's own, what the signs mean, then those that move
    and select."""
    seen: set[str] = set()
    own: list[str] = []
    common: list[str] = []
    for active in screen.active_bindings.values():
        binding = active.binding
        if not binding.description or binding.action in seen or binding.system:
            continue
        seen.add(binding.action)
        key = screen.app.get_key_display(binding)
        line = f"{key:<12} {binding.tooltip or binding.description}"
        (own if _is_own(active) else common).append(line)
    return "\n".join([*own, "", SIGNS, "", *common])


def _is_own(active: ActiveBinding) -> bool:
    """Whether a class of smaker has the key, and not the kind of widget it is made of."""
    classes = [kind for kind in type(active.node).__mro__ if kind.__module__.startswith("smaker.")]
    named = [entry for kind in classes for entry in kind.__dict__.get("BINDINGS", ())]
    return any(isinstance(entry, Binding) and entry.action == active.binding.action for entry in named)
