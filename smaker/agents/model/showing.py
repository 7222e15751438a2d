"""What a model is shown of the files: all of them where they are few, else a map, and whole what matters most."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

from smaker.agents.codemap import CodeMaps, estimate_tokens, rank_by_meaning, render_map, search
from smaker.agents.edits import WholeFile, render_block
from smaker.core.context import Context
from smaker.core.errors import NotFound, PathError

MAPS = CodeMaps()
"""The indexes of this process, kept between tasks."""

MAP_TOKENS = 4_000
FOUND = 12  # files that a search for the task's words adds


async def shown(context: Context, paths: Sequence[str], *, budget: int) -> str:
    """Files as a model reads them, whole, in the order given, until ``budget`` tokens are used; then their names."""
    parts: list[str] = []
    names: list[str] = []
    left = budget
    for path in paths:
        text = await _text(context, path)
        cost = estimate_tokens(text)
        if cost > left or not text or "\0" in text[:4096]:
            names.append(f"{path} ({len(text):,} characters)")
            continue
        left -= cost
        parts.append(render_block(WholeFile(path, text)))
    if names:
        more = f" and {len(names) - 40} more" if len(names) > 40 else ""
        parts.append("Not shown: " + ", ".join(names[:40]) + more)
    return "\n\n".join(parts) or "(none)"


async def _text(context: Context, path: str) -> str:
    """A file as a model may read it; "" for a link that leads out, and whatever else cannot be read."""
    try:
        return await context.text(path)
    except (NotFound, PathError):
        return ""


def named_in(text: str, paths: Sequence[str]) -> list[str]:
    """The paths that a text names, by their end ("filters/others.py", "others.py"), in the order of the paths."""
    words = {word.strip(".,;:()[]{}`'\"") for word in text.split()}
    ends = {word.lstrip("./") for word in words if "." in word and len(word) > 3}
    return [path for path in paths if any(path == end or path.endswith(f"/{end}") for end in ends)]


async def repository(
    context: Context, paths: Sequence[str], *, budget: int, about: str, first: Sequence[str] = ()
) -> str:
    """The files ``paths`` within ``budget`` tokens; where they do not all fit, a map of the repository, then those of
    ``first`` and those that a search for ``about`` finds."""
    sizes = 0
    for path in paths:
        sizes += len(await _text(context, path)) if sizes <= 4 * budget else 0
    ordered = [*first, *(path for path in paths if path not in first)]
    if sizes <= 3 * budget:
        return await shown(context, ordered, budget=budget)
    async with MAPS.borrow(context.project.id, context, changes=context.changes) as index:
        overview = await asyncio.to_thread(render_map, index, MAP_TOKENS, focus=[*first, *about.split()[:40]])
        wanted = about[:2000]
        similar = await context.similar(wanted, partial(rank_by_meaning, index, wanted))
        found = [hit.path for hit in await asyncio.to_thread(search, index, wanted, limit=FOUND, similar=similar)]
    allowed = set(paths)
    best = [*first, *(path for path in dict.fromkeys(found) if path in allowed and path not in first)]
    whole = await shown(context, best, budget=budget - estimate_tokens(overview))
    return f"The repository, with its main definitions:\n{overview}\n\n{whole}"
