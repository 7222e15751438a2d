"""A diff of any length: only the rows that are seen are made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from smaker.tui.changes import Spans, changes
from smaker.tui.literal import line
from smaker.tui.patch import Patch, Row, Side, parse

if TYPE_CHECKING:
    from rich.style import Style

_CACHED = 1024  # rows


class DiffView(ScrollView, can_focus=True):
    """Shows a `Patch`: unified, or old and new side by side; a sign says what a colour says too. Within a line that was
    changed, what differs is reversed."""

    DEFAULT_CSS = """
    DiffView { height: 1fr; background: $background; scrollbar-size-vertical: 1; }
    DiffView > .diff--file { background: $primary-muted; color: $foreground; text-style: bold; }
    DiffView > .diff--hunk { color: $text-accent; }
    DiffView > .diff--old { color: $text-error; background: $error-muted; }
    DiffView > .diff--new { color: $text-success; background: $success-muted; }
    DiffView > .diff--gone { color: $text-error; background: $error-muted; text-style: bold reverse; }
    DiffView > .diff--come { color: $text-success; background: $success-muted; text-style: bold reverse; }
    DiffView > .diff--plain { color: $foreground; }
    DiffView > .diff--number { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "diff--file",
        "diff--hunk",
        "diff--old",
        "diff--new",
        "diff--gone",
        "diff--come",
        "diff--plain",
        "diff--number",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "beside", "Side by side/unified"),
        Binding("n", "file(1)", "Next file"),
        Binding("N", "file(-1)", "Previous file", show=False),
    ]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.beside = False
        self.patch = Patch(())
        self._rows: list[Row] = []
        self._starts: list[int] = []
        self._said = ""
        self._digits = 3
        self._widest = 0
        self._strips: LRUCache[tuple[int, int], Strip] = LRUCache(_CACHED)
        self._looks: dict[str, Style] = {}

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    async def show_diff(self, diff: str, nothing: str = "Nothing changed.") -> None:
        """Show a unified diff, from its beginning; without any, say so."""
        self.say("…")
        patch = await asyncio.to_thread(parse, diff)
        self.patch = patch
        if not patch.files:
            self.say(line(nothing))
            return
        await self._arrange()
        self.scroll_to(0, 0, animate=False)

    def say(self, text: str) -> None:
        """Show a line instead."""
        self.patch, self._rows, self._starts, self._said, self._widest = Patch(()), [], [], text, len(text)
        self._fit()

    async def action_beside(self) -> None:
        """Old and new side by side, or one under the other; what is on top stays there as near as may be."""
        at = self._rows[min(self.scroll_offset.y, len(self._rows) - 1)] if self._rows else None
        self.beside = not self.beside
        await self._arrange()
        if at is not None:
            self.scroll_to(0, _near(self._rows, at), animate=False)

    def action_page_down(self) -> None:
        """At once: frames of an animation over thousands of rows are work that nobody can read."""
        self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """At once, too."""
        self.scroll_page_up(animate=False)

    def action_scroll_home(self) -> None:
        """At once, too."""
        self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """At once, too."""
        self.scroll_end(animate=False, immediate=True)

    def action_file(self, by: int) -> None:
        """To the beginning of the next file, or the one before."""
        here = self.scroll_offset.y
        later = [start for start in self._starts if start > here]
        earlier = [start for start in self._starts if start < here]
        if by > 0 and later:
            self.scroll_to(y=later[0], animate=False)
        elif by < 0 and earlier:
            self.scroll_to(y=earlier[-1], animate=False)

    # --- rows ---------------------------------------------------------------------------------------------------------

    async def _arrange(self) -> None:
        patch, beside = self.patch, self.beside
        rows, starts = await asyncio.to_thread(lambda: patch.rows(beside=beside))
        if patch is self.patch and beside is self.beside:
            self._rows, self._starts = rows, starts
            numbers = [side.number for row in rows for side in (row.old, row.new) if side]
            self._digits = max(3, len(str(max(numbers, default=0))))
            self._widest = max(map(_width, rows), default=0)
            self._fit()

    def _fit(self) -> None:
        self._strips.clear()
        gutter = self._digits + 3
        half = self.size.width // 2 - gutter
        width = self.size.width + max(0, self._widest - half) if self.beside else 2 * gutter + self._widest
        self.virtual_size = Size(width, max(1, len(self._rows)))
        self.refresh()

    def on_resize(self) -> None:
        """Rows are made for a width."""
        self._fit()

    def notify_style_update(self) -> None:
        """Another theme: other colours."""
        super().notify_style_update()
        self._strips.clear()
        self._looks.clear()

    def render_line(self, y: int) -> Strip:
        """One row of what is seen."""
        left, top = self.scroll_offset
        number, width = top + y, self.size.width
        if number >= len(self._rows):
            said = f" {self._said}" if not self._rows and not y else ""
            return Strip([Segment(set_cell_size(said, width), self._look("plain"))], width)
        key = (number, left)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._strip(self._rows[number], left, width)
        return strip

    def _look(self, name: str) -> Style:
        """The colours of a kind of text."""
        look = self._looks.get(name)
        if look is None:
            look = self._looks[name] = self.rich_style + self.get_component_rich_style(f"diff--{name}")
        return look

    def _strip(self, row: Row, left: int, width: int) -> Strip:
        if row.heading:
            look = self._look("file" if row.heading == "file" else "hunk")
            return Strip([Segment(_window(f" {row.text}", 0, width), look)], width)
        if self.beside:
            half = width // 2
            middle = Segment("│", self._look("number"))
            return Strip(
                [*self._side(row.old, left, half), middle, *self._side(row.new, left, width - half - 1)], width
            )
        numbers = "".join(f"{side.number if side else '':>{self._digits}} " for side in (row.old, row.new))
        side = row.new or row.old
        assert side is not None
        return Strip([Segment(numbers, self._look("number")), *self._text(side, left, width - len(numbers))], width)

    def _side(self, side: Side | None, left: int, width: int) -> list[Segment]:
        if side is None:
            return [Segment(" " * max(0, width), self._look("number"))]
        number = f"{side.number:>{self._digits}} "
        return [Segment(number, self._look("number")), *self._text(side, left, width - len(number))]

    def _text(self, side: Side, left: int, width: int) -> list[Segment]:
        name = {"+": "new", "-": "old"}.get(side.sign, "plain")
        look = self._look(name)
        if (spans := _changed(side)) and width > 2:
            marked = self._look("come" if name == "new" else "gone")
            shown = Strip(_marked(side.text, spans, look, marked)).crop(left, left + width - 2)
            return [Segment(f"{side.sign} ", look), *shown.adjust_cell_length(width - 2, look)]
        text = f"{side.sign} {_window(side.text, left, max(0, width - 2))}"
        return [Segment(set_cell_size(text, max(0, width)), look)]

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        """Rows show another part of their lines."""
        super().watch_scroll_x(old_value, new_value)
        self.refresh(Region(0, 0, *self.size))


def _width(row: Row) -> int:
    sides = (row.old, row.new)
    return (
        max((len(side.text) if side.text.isascii() else cell_len(side.text) for side in sides if side), default=0) + 2
    )


def _changed(side: Side) -> Spans:
    """The parts of a line that the one in its place does not have."""
    if side.other is None:
        return ()
    return changes(side.text, side.other)[0] if side.sign == "-" else changes(side.other, side.text)[1]


def _marked(text: str, spans: Spans, look: Style, marked: Style) -> list[Segment]:
    """A line in pieces, those of ``spans`` in a look of their own."""
    pieces: list[Segment] = []
    done = 0
    for start, end in spans:
        pieces += [Segment(text[done:start], look), Segment(text[start:end], marked)]
        done = end
    return [*pieces, Segment(text[done:], look)]


def _window(text: str, left: int, width: int) -> str:
    """The part of a line that is seen: ``width`` columns from the column ``left``."""
    if text.isascii():
        return text[left : left + width].ljust(width)
    while left > 0 and text:
        left -= cell_len(text[0])
        text = text[1:]
    return set_cell_size(text, width)


def _near(rows: list[Row], wanted: Row) -> int:
    """The row that shows what another arrangement of rows shows in ``wanted``."""
    for index, row in enumerate(rows):
        if row == wanted or (row.old and row.old == wanted.old) or (row.new and row.new == wanted.new):
            return index
    return 0
