"""Live text of others: bounded, virtualised, without markup; it follows the end unless its reader scrolled away."""

from __future__ import annotations

from typing import Any

from textual.widgets import Log

from smaker.core.terminal import sanitize

LINES = 5_000  # kept
WIDEST = 2_000  # characters of one line; a longer one is broken


class Stream(Log):
    """A `Log` for text that comes in pieces."""

    def __init__(self, *, lines: int = LINES, **options: Any) -> None:
        super().__init__(max_lines=lines, **options)

    def pour(self, text: str) -> None:
        """Add a piece of text, wherever it begins and ends."""
        text = sanitize(text.replace("\r\n", "\n").replace("\r", "\n"))
        follow = self.is_vertical_scroll_end
        last = len(self._lines) - 1
        self._render_line_cache.discard(last)  # the line that goes on
        room = WIDEST - (len(self._lines[-1]) if self._lines else 0)
        if len(text) > room:
            text = _broken(text, room)
        self.write(text, scroll_end=follow)

    def say(self, text: str) -> None:
        """Add a line of its own."""
        begin = "\n" if self._lines and self._lines[-1] else ""
        self.pour(f"{begin}{text}\n")


def _broken(text: str, room: int) -> str:
    """The text with lines of at most `WIDEST`, the first of at most ``room``."""
    parts: list[str] = []
    for line in text.splitlines(keepends=True):
        rest = line
        while len(rest) > max(1, room):
            parts.append(f"{rest[: max(1, room)]}\n")
            rest, room = rest[max(1, room) :], WIDEST
        parts.append(rest)
        room = WIDEST
    return "".join(parts)
