"""A file of any length with colours by what its words are; only the lines that are seen are made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from smaker.tui.literal import WIDEST, line, lines

if TYPE_CHECKING:
    from rich.style import Style

COLOURED = 300_000  # characters; a longer file is shown without colours

Words = list[tuple[str, str]]
"""A line: what kind of word ("" for others), and the word."""

_KINDS = (
    ("Comment", "comment"),
    ("Keyword", "keyword"),
    ("Literal.String", "string"),
    ("Literal.Number", "number"),
    ("Name.Function", "name"),
    ("Name.Class", "name"),
    ("Name.Tag", "keyword"),
    ("Name.Attribute", "name"),
    ("Name.Decorator", "name"),
    ("Generic.Heading", "keyword"),
    ("Operator.Word", "keyword"),
)


class SourceView(ScrollView, can_focus=True):
    """Shows one file."""

    DEFAULT_CSS = """
    SourceView { background: $background; scrollbar-size-vertical: 1; }
    SourceView > .source--comment { color: $text-muted; text-style: italic; }
    SourceView > .source--keyword { color: $text-accent; text-style: bold; }
    SourceView > .source--string { color: $text-success; }
    SourceView > .source--number { color: $text-warning; }
    SourceView > .source--name { color: $text-primary; }
    SourceView > .source--gutter { color: $text-muted; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "source--comment",
        "source--keyword",
        "source--string",
        "source--number",
        "source--name",
        "source--gutter",
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._lines: Sequence[Words] = ()
        self._said = ""
        self._widest = 0
        self._looks: dict[str, Style] = {}

    @property
    def text(self) -> str:
        """What is shown: the file, or what is said instead."""
        return "\n".join("".join(word for _, word in words) for words in self._lines) or self._said

    async def show_text(self, text: str, path: str, *, stay: bool = False) -> None:
        """Show a file's text, from its beginning, or where its reader is."""
        self._lines = await asyncio.to_thread(colour, text, path)
        self._said = "" if text else "(empty)"
        self._fit(stay=stay)

    def say(self, text: str) -> None:
        """Show a line instead."""
        self._lines, self._said = (), line(text)
        self._fit(stay=False)

    def _fit(self, *, stay: bool) -> None:
        widths = (sum(cell_len(word) for _, word in words) for words in self._lines)
        self._widest = max(widths, default=0)
        gutter = len(str(len(self._lines))) + 2
        self.virtual_size = Size(gutter + self._widest, max(1, len(self._lines)))
        if not stay:
            self.scroll_to(0, 0, animate=False)
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme: other colours."""
        super().notify_style_update()
        self._looks.clear()

    def action_page_down(self) -> None:
        """At once."""
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

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        left, top = self.scroll_offset
        number, width = top + y, self.size.width
        if number >= len(self._lines):
            said = f" {self._said}" if y == 0 and not self._lines else ""
            return Strip([Segment(said, self._look(""))]).adjust_cell_length(width, self._look(""))
        gutter = f"{number + 1:>{len(str(len(self._lines)))}}  "
        words = Strip([Segment(word, self._look(kind)) for kind, word in self._lines[number]])
        body = words.crop(left, left + width).adjust_cell_length(max(0, width - len(gutter)), self._look(""))
        return Strip.join([Strip([Segment(gutter, self._look("gutter"))]), body])

    def _look(self, kind: str) -> Style:
        look = self._looks.get(kind)
        if look is None:
            look = self.rich_style
            if kind:
                look += self.get_component_rich_style(f"source--{kind}")
            self._looks[kind] = look
        return look


def colour(text: str, path: str) -> list[Words]:
    """The lines of a file, each word with its kind; without kinds where the file is long or in no known language."""
    plain = [_cut(entry) for entry in lines(text.removesuffix("\n"))]
    if len(text) > COLOURED:
        return [[("", entry)] for entry in plain]
    from pygments.lexers import get_lexer_for_filename
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_for_filename(path, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return [[("", entry)] for entry in plain]
    return _by_line((_kind(str(token)), word) for token, word in lexer.get_tokens("\n".join(plain)))


def _cut(entry: str) -> str:
    return entry if len(entry) <= WIDEST else f"{entry[:WIDEST]} …"


def _kind(token: str) -> str:
    name = token.removeprefix("Token.")
    return next((kind for beginning, kind in _KINDS if name.startswith(beginning)), "")


def _by_line(words: Iterable[tuple[str, str]]) -> list[Words]:
    found: list[Words] = [[]]
    for kind, word in words:
        first, *rest = word.split("\n")
        if first:
            found[-1].append((kind, first))
        found += [[(kind, part)] if part else [] for part in rest]
    return found
