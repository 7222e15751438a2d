"""Live text of others: bounded, virtualised, without markup; it follows the end unless its reader scrolled away."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Log

from smaker.core.terminal import sanitize

LINES = 5_000  # kept
WIDEST = 2_000  # characters of one line; a longer one is broken


class Stream(Log):
    """A `Log` for text that comes in pieces, many lines at a time: what is out of sight costs next to nothing."""

    DEFAULT_CSS = "Stream { scrollbar-size-horizontal: 0; }"  # arrow keys go sideways; the bar would take a line

    def __init__(self, *, lines: int = LINES, **options: Any) -> None:
        super().__init__(max_lines=lines, **options)
        self._follows = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Who scrolls away from the end stays there; who comes back to it follows again."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = self.is_vertical_scroll_end

    def on_resize(self) -> None:
        """A pane that has become lower is not scrolled away from its end."""
        if self._follows:
            self._to_end()

    def _to_end(self) -> None:
        self.scroll_end(animate=False, immediate=True, x_axis=False)

    def pour(self, text: str) -> None:
        """Add a piece of text, wherever it begins and ends."""
        text = sanitize(text.replace("\r\n", "\n").replace("\r", "\n")).expandtabs(4)
        if not text:
            return
        if not self._lines:
            self._lines.append("")
        last = len(self._lines) - 1
        first, *more = text.split("\n")
        room = WIDEST - len(self._lines[last])
        self._lines[last] += first[:room]
        added = [first[room:], *more] if len(first) > room else more
        self._lines += [part for line in added for part in _broken(line)]
        self._width = max(self._width, *map(cell_len, self._lines[last:]))
        self._render_line_cache.discard(last)
        follows = self._follows  # before the text that is forgotten moves it
        self._shorten()
        self._resize()
        if follows:
            self._to_end()
        self.refresh()

    def say(self, text: str) -> None:
        """Add a line of its own."""
        begin = "\n" if self._lines and self._lines[-1] else ""
        self.pour(f"{begin}{text}\n")

    def _shorten(self) -> None:
        """Forget what is too old; who reads further up goes on reading the same."""
        too_many = len(self._lines) - (self.max_lines or LINES)
        if too_many <= 0:
            return
        del self._lines[:too_many]
        self._render_line_cache.clear()
        if not self._follows:
            self.scroll_to(y=self.scroll_y - too_many, animate=False, immediate=True)

    def _resize(self) -> None:
        """Have the scroll bars, which are always there, know of more lines: that lays nothing out anew."""
        size = Size(self._width, len(self._lines))
        if size != self.virtual_size:
            self.set_reactive(Log.virtual_size, size)  # pyright: ignore[reportArgumentType]  a descriptor
            self._scroll_update(size)

    def _render_line_strip(self, y: int, rich_style: Style) -> Strip:
        """Return a line as it is drawn; `Log` makes it anew each time, by way of a `Text`."""
        if self.text_selection is not None:
            return super()._render_line_strip(y, rich_style)
        if (known := self._render_line_cache.get(y)) is None:
            line = self._lines[y]
            known = self._render_line_cache[y] = Strip([Segment(line, rich_style)], cell_len(line))
        return known

    def notify_style_update(self) -> None:
        """Draw in other colours."""
        self._render_line_cache.clear()
        super().notify_style_update()


def _broken(line: str) -> list[str]:
    """The line in parts of at most `WIDEST`."""
    if len(line) <= WIDEST:
        return [line]
    return [line[begin : begin + WIDEST] for begin in range(0, len(line), WIDEST)]
