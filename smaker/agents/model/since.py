"""What was changed since the software was last found well: where something that worked no longer does, the cause is
mostly there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from difflib import unified_diff

from smaker.core.confidential import is_confidential
from smaker.core.context import Context
from smaker.core.errors import SmakerError
from smaker.core.mending import HELD

SHOWN = 4_000  # characters of a difference; of a larger one, and of all that would be more, the files are named
MOST = 40  # files

Changed = Mapping[str, tuple[str, bytes] | None]


async def changed_since_it_held(context: Context) -> str:
    """The differences between the files that were last found well and those at hand, without the plan's; "" where
    there are none, or nothing was found well before."""
    held, now = context.task.payload.get(HELD), await context.tree()
    if not isinstance(held, str) or held == now:
        return ""
    try:
        new, old = await context.changes(held, now), await context.changes(now, held)
    except SmakerError:  # those files are kept no longer
        return ""
    return await asyncio.to_thread(_told, old, new)


def _told(old: Changed, new: Changed) -> str:
    parts: list[str] = []
    names: list[str] = []
    left = SHOWN
    for path in sorted(new):
        if path.startswith(".smaker/"):
            continue
        text = "" if is_confidential(path) else _difference(path, _text(old.get(path)), _text(new[path]))
        if text and len(text) <= left:
            parts.append(text)
            left -= len(text)
        else:
            names.append(path)
    if names:
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        parts.append(f"Changed too: {', '.join(names[:MOST])}{more}")
    return "\n".join(parts)


def _text(entry: tuple[str, bytes] | None) -> str | None:
    """A file's text; "" of one that is not there, None of one that is no text or too large to be compared."""
    if entry is None:
        return ""
    data = entry[1]
    return None if b"\0" in data[:4096] or len(data) > 50 * SHOWN else data.decode("utf-8", "replace")


def _difference(path: str, old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return ""
    lines = unified_diff(old.splitlines(), new.splitlines(), f"a/{path}", f"b/{path}", n=2, lineterm="")
    return "\n".join(lines)
