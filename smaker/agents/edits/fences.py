"""Code fences that a model put around a file's content, told from fences that belong to it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

FENCE = re.compile(r" {0,3}(`{3,}+|~{3,}+)([^`\n]*)$")
PROSE_SUFFIXES = {".md", ".markdown", ".mdx", ".txt", ".rst", ".adoc", ".j2", ".jinja", ".tmpl"}
PROSE_NAMES = {"readme", "changelog", "contributing", "license", "notice"}
PROSE_LANGUAGES = {"markdown", "md", "mdx", "text", "txt", "rst", "asciidoc", "jinja", "jinja2"}


def may_hold_fences(path: str) -> bool:
    """Whether a fence on the first line can be the file's own: documents and templates."""
    name = PurePosixPath(path.lower())
    return name.suffix in PROSE_SUFFIXES or name.name in PROSE_NAMES


def begins_with_fence(content: str) -> bool:
    """Whether the first line that is not blank opens a fence."""
    return FENCE.match(content.lstrip("\r\n").partition("\n")[0]) is not None


def unfenced(content: str, *, document: bool) -> str | None:
    """Return the content without the one fence around all of it, None if there is none.

    In a ``document`` the fence must be marked as one (```` ```markdown ````) and the fences within it must pair.
    """
    lines = content.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    while lines and not lines[0].strip():
        lines.pop(0)
    first, last = (FENCE.match(lines[0]), FENCE.match(lines[-1])) if len(lines) > 1 else (None, None)
    if first is None or last is None or last[2].strip() or last[1][0] != first[1][0] or len(last[1]) < len(first[1]):
        return None
    inner = lines[1:-1]
    if document and not (first[2].strip().lower() in PROSE_LANGUAGES and _paired(inner)):
        return None
    return "".join(f"{line}\n" for line in inner)


def _paired(lines: list[str]) -> bool:
    """Whether every fence that opens is closed: within an open one, a line with a language is text."""
    opened = ""
    for line in lines:
        fence = FENCE.match(line)
        if fence is None:
            continue
        if not opened:
            opened = fence[1]
        elif not fence[2].strip() and fence[1].startswith(opened):
            opened = ""
    return not opened
