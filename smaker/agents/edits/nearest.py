"""What a model is shown of a file when its SEARCH was not found in one place: the lines it probably meant, numbered."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from difflib import get_close_matches

from smaker.agents.edits.lines import collapsed
from smaker.agents.edits.places import FREQUENT, Place, equal_runs

MOST_SHOWN = 30
AROUND = 3
MOST_WIDTH = 200
MOST_COMPARED = 3_000  # lines of the file that a line of the SEARCH is held against
NUMBER = re.compile(r"^\s*\d{1,6} ?[|│] ?")
REMEDY = (
    "Copy the lines into SEARCH as they stand in the file, without the numbers, or give the whole content in a "
    "<file> block."
)


def numbered(lines: Sequence[str], start: int, stop: int, *, width: int = 0) -> str:
    """Lines with their numbers, long ones cut."""
    stop = min(stop, start + MOST_SHOWN, len(lines))
    width = width or len(str(stop))
    shown = [line if len(line) <= MOST_WIDTH else f"{line[:MOST_WIDTH]}…" for line in lines[start:stop]]
    return "\n".join(f"{at + 1:>{width}} | {line}".rstrip() for at, line in enumerate(shown, start))


def without_numbers(lines: Sequence[str]) -> list[str] | None:
    """Return the lines without the numbers that `numbered` puts before them, None if one that is not blank has none."""
    if not any(line.strip() for line in lines) or not all(NUMBER.match(line) for line in lines if line.strip()):
        return None
    return [NUMBER.sub("", line, count=1) for line in lines]


def numbered_places(lines: Sequence[str], places: Sequence[Place]) -> str:
    """The first line of each of at most ten places with the line above it."""
    shown = sorted({at for place in places[:10] for at in (place.start - 1, place.start) if at >= 0})
    return "\n".join(numbered(lines, at, at + 1, width=len(str(shown[-1] + 1))) for at in shown)


def already_there(lines: Sequence[str], replace: Sequence[str]) -> int | None:
    """The line, from 1, at which a REPLACE stands in the file once; None if it does not or says too little to tell."""
    if sum(len(line.strip()) for line in replace) < 10:
        return None
    found = equal_runs(lines, replace)
    return found[0] + 1 if len(found) == 1 else None


def nearest_lines(lines: Sequence[str], search: Sequence[str]) -> str:
    """The lines most like the SEARCH with some around them, numbered; the file's first lines if none is like it."""
    start = _nearest(lines, search)
    if start is None:
        return f"(none is like it; the file has {len(lines)} lines, which begin)\n{numbered(lines, 0, 10)}"
    stop = start + len(search)
    if len(search) + 2 * AROUND > MOST_SHOWN:  # from the first line that is the same
        shared = zip(search, range(start, stop), strict=True)
        start = next((at for line, at in shared if 0 <= at < len(lines) and lines[at].split() == line.split()), start)
    first = max(0, min(start, len(lines) - 1) - AROUND)
    return numbered(lines, first, max(stop, first + 1) + AROUND)


def _nearest(lines: Sequence[str], search: Sequence[str]) -> int | None:
    """Where the SEARCH would begin if the lines it shares with the file were where they are."""
    positions: defaultdict[str, list[int]] = defaultdict(list)
    for at, line in enumerate(lines):
        positions[collapsed(line)].append(at)
    votes: Counter[int] = Counter()
    for number, line in enumerate(search):
        text = collapsed(line)
        for at in positions[text] if any(map(str.isalnum, text)) and len(positions[text]) <= FREQUENT else ():
            votes[at - number] += len(text)
    if votes:
        return min(votes, key=lambda start: (-votes[start], start))
    wanted = max(range(len(search)), key=lambda number: len(search[number].strip()))
    texts = [collapsed(line)[:MOST_WIDTH] for line in lines[:MOST_COMPARED]]
    close = get_close_matches(collapsed(search[wanted])[:MOST_WIDTH], texts, n=1, cutoff=0.5)
    return texts.index(close[0]) - wanted if close else None
