"""The one door by which text of others reaches the screen: models, files, programs, prompts, settings.

Nothing in it is markup, no character of it steers the terminal, and there is no more of it than a screen can take.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from smaker.core.terminal import sanitize

__all__ = ["cell", "content", "line", "lines"]

WIDEST = 2_000  # characters of one line
LONGEST = 100_000  # characters of a text


def line(text: str) -> str:
    """The text on one line, without control characters; for widgets that take plain strings (`Log`, `TextArea`)."""
    return sanitize(" ".join(_cut(text, WIDEST).split()))


def lines(text: str) -> list[str]:
    """The text line by line, tabs expanded."""
    return sanitize(text).expandtabs(4).split("\n")


def cell(text: str, style: str = "") -> Text:
    """One line for a cell of a `DataTable` or a label of a `Tree`: a plain string there would be read as markup."""
    return Text(line(text), style=style, no_wrap=True, overflow="ellipsis", end="")


def content(text: str, style: str = "") -> Content:
    """Text of any number of lines for `Static`, `Label`, `Button`, an option: shown as it is."""
    shown = "\n".join(lines(_cut(text, LONGEST)))
    return Content.styled(shown, style) if style else Content(shown)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} more characters)"
