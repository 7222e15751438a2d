"""Which files of a repository are about what a question asks for, though they may share no word with it.

A file is its path, the lines that define something, and its beginning. Files that hold credentials, foreign or built
ones and data without end are not read by the index, and so are not here either.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from operator import mul

from smaker.agents.codemap.index import CodeIndex, SourceFile
from smaker.agents.codemap.search import rank_paths

MOST = 2_000
"""Files that are compared: in a larger repository the best by their words, then sources before tests and data."""

LONGEST = 4_000  # characters of a file
_DEFINITIONS = 1_500  # of them for lines that define something
_RANKED = 20  # files of the ranking

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
"""Turns texts into vectors of length 1, in their order."""


async def rank_by_meaning(index: CodeIndex, query: str, embed: Embed) -> list[str]:
    """The paths of files that are near ``query``, nearest first. Raises what ``embed`` raises."""
    files = await asyncio.to_thread(_passages, index, query)
    if not files:
        return []
    asked, *vectors = await embed([query, *files.values()])
    return await asyncio.to_thread(_nearest, asked, dict(zip(files, vectors, strict=True)))


def passage(file: SourceFile) -> str:
    """What stands for a file."""
    lines = "\n".join(file.line(mark.line).strip() for mark in file.marks)
    return "\n".join(filter(None, (file.path, lines[:_DEFINITIONS], file.text)))[:LONGEST]


def _passages(index: CodeIndex, query: str) -> dict[str, str]:
    with index.lock:
        files = [file for file in index.files.values() if file.text.strip()]
        order = {file.path: (file.kind.language == "data", file.kind.test, file.path) for file in files}
        paths = sorted(order, key=order.__getitem__)
        if len(paths) > MOST:
            best = [path for path in rank_paths(index, [query], MOST) if path in order]
            paths = [*dict.fromkeys([*best, *paths])][:MOST]
        return {path: passage(index.files[path]) for path in paths}


def _nearest(asked: Sequence[float], vectors: dict[str, Sequence[float]]) -> list[str]:
    scores = {path: round(sum(map(mul, asked, vector)), 6) for path, vector in vectors.items()}
    return sorted((path for path in scores if scores[path] > 0), key=lambda path: (-scores[path], path))[:_RANKED]
