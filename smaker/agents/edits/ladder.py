"""Apply SEARCH/REPLACE pairs to a file: all of them in the one place each means, or none.

The rungs (see `places`): exact, then white space at line ends, then indentation, then fuzzy. What a rung leaves in
doubt is not decided by the next: a SEARCH that stands in several places is refused, whatever rung found it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from smaker.agents.edits.blocks import Fault, Pair
from smaker.agents.edits.fences import unfenced
from smaker.agents.edits.lines import FileText, lines_of
from smaker.agents.edits.nearest import REMEDY, already_there, nearest_lines, numbered_places, without_numbers
from smaker.agents.edits.places import Place, Rung, Wanted, places_of

MOST_PAIRS = 500
MOST_FAULTS = 5  # told of one file: each shows lines of it


@dataclass(frozen=True, slots=True)
class Applied:
    """The file after all pairs, and the rung on which each was found."""

    content: str
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The file stays as it is; a fault for each pair that could not be applied."""

    faults: tuple[Fault, ...]


def apply_edits(before: str, pairs: Sequence[Pair], *, path: str) -> Applied | Rejected:
    """Return the file after ``pairs``, each looked for in ``before``; refused as a whole if one of them is.

    Line ends and the missing or present newline at the end stay as the file had them. A pair given twice counts once.
    """
    text = FileText.of(before)
    if len(pairs) > MOST_PAIRS:
        message = f"{path}: not changed: {len(pairs)} pairs are too many. Give the whole content in a <file> block."
        return Rejected((Fault(path, pairs[0].line, message),))
    if len(pairs) == 1 and not pairs[0].search.strip() and not before.strip():
        return Applied(FileText.of("").with_changes([(0, 0, lines_of(pairs[0].replace))]), (Rung.CREATED,))
    found: dict[tuple[str, str], Place] = {}
    faults: list[Fault] = []
    for number, pair in enumerate(pairs, 1):
        if (pair.search, pair.replace) in found:
            continue
        place = _place_of(text.lines, pair)
        if isinstance(place, Place):
            found[pair.search, pair.replace] = place
        else:
            which = f"pair {number} of {len(pairs)}: " if len(pairs) > 1 else ""
            faults.append(Fault(path, pair.line, f"{path}: not changed: {which}{place}"))
        if len(faults) == MOST_FAULTS and number < len(pairs):
            message = (
                f"{path}: the pairs after the {number}th were not looked at. Give the whole content in a <file> block."
            )
            faults.append(Fault(path, pair.line, message))
            break
    faults += [] if faults else _overlaps(found, pairs, path)
    if faults:
        return Rejected(tuple(faults))
    content = text.with_changes([(*place.change, place.new) for place in found.values()])
    return Applied(content, tuple(found[pair.search, pair.replace].rung for pair in pairs))


def _place_of(lines: Sequence[str], pair: Pair) -> Place | str:
    """The one place of a pair, or why there is none."""
    if not pair.search.strip():
        return (
            "the SEARCH is empty, but the file is not. Give in SEARCH a line after which the new ones belong, and in "
            "REPLACE that line and the new ones."
        )
    for reading in _readings(pair):
        places = places_of(lines, reading)
        if len(places) == 1:
            return places[0]
        if places:
            return (
                f"the SEARCH stands in {_times(places)} places, and which is meant is not clear. Give more lines "
                f"above or below it, so that it stands in one:\n{numbered_places(lines, places)}"
            )
    wanted = next(iter(_readings(pair)))
    if (line := already_there(lines, wanted.replace)) is not None:
        return f"the SEARCH is not in the file, but the REPLACE is (line {line}): if it is done, leave the pair out."
    return f"the SEARCH is not in the file. The nearest lines are:\n{nearest_lines(lines, wanted.search)}\n{REMEDY}"


def _times(places: Sequence[Place]) -> str:
    return f"{len(places)}" if len(places) <= 10 else "more than 10"


def _readings(pair: Pair) -> Iterator[Wanted]:
    """The pair as written; then without the fences or line numbers that models copy along with the lines."""
    yield Wanted(lines_of(pair.search), lines_of(pair.replace))
    search = unfenced(pair.search, document=False)
    replace = unfenced(pair.replace, document=False) if pair.replace.strip() else ""
    if search is not None and search.strip() and replace is not None:
        yield Wanted(lines_of(search), lines_of(replace))
    plain, new = without_numbers(lines_of(pair.search)), without_numbers(lines_of(pair.replace))
    if plain is not None:
        yield Wanted(plain, lines_of(pair.replace) if new is None else new)


def _overlaps(found: dict[tuple[str, str], Place], pairs: Sequence[Pair], path: str) -> list[Fault]:
    """A fault for each pair whose lines another one has as well."""
    numbers: dict[tuple[str, str], int] = {}
    for number, pair in enumerate(pairs, 1):
        numbers.setdefault((pair.search, pair.replace), number)
    ordered = sorted(found.items(), key=lambda item: (item[1].start, item[1].stop))
    faults: list[Fault] = []
    reach, owner = -1, 0
    for key, place in ordered:
        number = numbers[key]
        if place.start < reach:
            faults.append(
                Fault(
                    path,
                    pairs[number - 1].line,
                    f"{path}: not changed: pairs {min(owner, number)} and {max(owner, number)} overlap: both hold line "
                    f"{place.start + 1} in SEARCH. Write them as one pair.",
                )
            )
        if place.stop > reach:
            reach, owner = place.stop, number
    return faults
