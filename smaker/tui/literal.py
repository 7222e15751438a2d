"""The one door by which text of others reaches the screen: models, files, programs, prompts, settings.

Nothing in it is markup, and no character of it steers the terminal.
"""

from __future__ import annotations

from rich.text import Text
from textual.content import Content

from smaker.core.terminal import sanitize

__all__ = ["cell", "content", "line", "lines"]


def line(text: str) -> str:
    """The text on one line, without control characters; for widgets that take plain strings (`Log`, `TextArea`)."""
    return sanitize(" ".join(text.split()))


def lines(text: str) -> list[str]:
    """The text line by line, tabs expanded."""
    return sanitize(text).expandtabs(4).split("\n")


def cell(text: str, style: str = "") -> Text:
    """One line for a cell of a `DataTable` or a label of a `Tree`: a plain string there would be read as markup."""
    return Text(line(text), style=style, no_wrap=True, overflow="ellipsis", end="")


def content(text: str, style: str = "") -> Content:
    """Text of any number of lines for `Static`, `Label`, `Button`, an option: shown as it is."""
    return Content.styled("\n".join(lines(text)), style) if style else Content("\n".join(lines(text)))
