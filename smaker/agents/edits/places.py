"""Where the lines of a SEARCH stand in a file: the rungs of the ladder, each more forgiving than the one before."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from smaker.agents.edits.indents import shift_between, tabbed
from smaker.agents.edits.lines import collapsed

MOST_PLACES = 11  # looked for: with more than ten, a place more makes no difference
ALIKE = 0.85  # of 1: how like the file's lines those of a fuzzy SEARCH must be, weighted by their length
CLEARLY = 0.1  # how much better than the second best place
CANDIDATES = 10
FREQUENT = 200  # a line that a file holds more often says nothing of the place
MOST_FUZZY_LINES = 200
MOST_FUZZY_WIDTH = 300  # characters; a longer line is alike only if it is equal
LITERAL = re.compile(r"\"[^\"]*\"|'[^']*'|`[^`]*`")
REMARK = re.compile(r"#(?:\s|$).*|//.*|/\*.*|^\*\s.*|<!--.*")
TAB_WIDTHS = (2, 4, 8)


class Rung(StrEnum):
    """How a pair was found."""

    EXACT = "exact"
    TRAILING_SPACE = "trailing space"  # but for white space at the ends of lines
    INDENTATION = "indentation"  # all lines shifted alike
    FUZZY = "fuzzy"  # the lines to change are there; those around them differ a little
    CREATED = "created"  # an empty SEARCH, an empty file


@dataclass(frozen=True, slots=True)
class Place:
    """The lines from ``start`` to before ``stop`` stand for a SEARCH; these of them become ``new``."""

    rung: Rung
    start: int
    stop: int
    change: tuple[int, int]
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A pair as lines: the context that SEARCH and REPLACE share at both ends, and what changes between."""

    search: Sequence[str]
    replace: Sequence[str]

    @property
    def head(self) -> int:
        """How many lines at the beginning stay."""
        shared = 0
        for old, new in zip(self.search, self.replace, strict=False):
            if old != new:
                break
            shared += 1
        return shared

    @property
    def tail(self) -> int:
        """How many lines at the end stay."""
        left = min(len(self.search), len(self.replace)) - self.head
        shared = 0
        while shared < left and self.search[-1 - shared] == self.replace[-1 - shared]:
            shared += 1
        return shared

    @property
    def new(self) -> Sequence[str]:
        """What stands between head and tail afterwards."""
        return self.replace[self.head : len(self.replace) - self.tail]


def places_of(lines: Sequence[str], wanted: Wanted) -> list[Place]:
    """Return where the SEARCH stands by the first rung that finds it: one place, or several if that is not clear."""
    for rung in (_exact, _without_trailing_space, _shifted, _fuzzy):
        if found := rung(lines, wanted):
            return found
    return []


def equal_runs(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Where ``wanted`` stands in ``lines``; more than ten places are not looked for."""
    found: list[int] = []
    wanted = list(wanted)
    lines = list(lines)
    first = wanted[0]
    at = -1
    while len(found) < MOST_PLACES:
        try:
            at = lines.index(first, at + 1)
        except ValueError:
            break
        if lines[at : at + len(wanted)] == wanted:
            found.append(at)
    return found


def _exact(lines: Sequence[str], wanted: Wanted) -> list[Place]:
    return [_place(Rung.EXACT, at, wanted, wanted.new) for at in equal_runs(lines, wanted.search)]


def _without_trailing_space(lines: Sequence[str], wanted: Wanted) -> list[Place]:
    starts = equal_runs([line.rstrip() for line in lines], [line.rstrip() for line in wanted.search])
    return [_place(Rung.TRAILING_SPACE, at, wanted, wanted.new) for at in starts]


def _shifted(lines: Sequence[str], wanted: Wanted) -> list[Place]:
    found: list[Place] = []
    for at in equal_runs([line.strip() for line in lines], [line.strip() for line in wanted.search]):
        new = _reindented(lines[at : at + len(wanted.search)], wanted.search, wanted.new)
        if new is not None:
            found.append(_place(Rung.INDENTATION, at, wanted, new))
    return found


def _reindented(actual: Sequence[str], given: Sequence[str], new: Sequence[str]) -> list[str] | None:
    """``new`` shifted as ``given`` is against ``actual``, with tabs where the file has them and the model has not."""
    readings: list[tuple[Sequence[str] | None, Sequence[str] | None]] = [(given, new)]
    if any(line.startswith("\t") for line in actual):
        readings += [(tabbed(given, width), tabbed(new, width)) for width in TAB_WIDTHS]
    for lines, more in readings:
        if lines is None or more is None:
            continue
        shift = shift_between((line, there) for line, there in zip(lines, actual, strict=True) if line.strip())
        shifted = shift.apply(more) if shift is not None else None
        if shifted is not None:
            return shifted
    return None


def _place(rung: Rung, start: int, wanted: Wanted, new: Sequence[str]) -> Place:
    stop = start + len(wanted.search)
    return Place(rung, start, stop, (start + wanted.head, stop - wanted.tail), tuple(new))


def _fuzzy(lines: Sequence[str], wanted: Wanted) -> list[Place]:
    """The lines to change are all there but for white space, and those around them nearly: blank lines do not count."""
    search = [(at, collapsed(line)) for at, line in enumerate(wanted.search) if line.strip()]
    there = [(at, collapsed(line)) for at, line in enumerate(lines) if line.strip()]
    if not search or len(search) > MOST_FUZZY_LINES or len(search) > len(there):
        return []
    window = _Windows(there, search, wanted)
    scored = sorted(((window.likeness(at), at) for at in window.candidates()), reverse=True)
    good = [(score, at) for score, at in scored if score >= ALIKE and score > scored[0][0] - CLEARLY]
    found = [window.place(lines, at) for _, at in good]
    return [place for place in found if place is not None] if None not in found else []


class _Windows:
    """Runs of a file's lines that are not blank, as long as the SEARCH, each known by where it begins."""

    def __init__(self, there: list[tuple[int, str]], search: list[tuple[int, str]], wanted: Wanted) -> None:
        self._there = there
        self._search = search
        self._wanted = wanted
        self._known = {text for _, text in there}
        core = range(wanted.head, len(wanted.search) - wanted.tail)
        self._core = [number for number, (at, _) in enumerate(search) if at in core]
        self._before = sum(at < wanted.head for at, _ in search)
        """How many lines of the SEARCH that are not blank come before what changes."""

    def candidates(self) -> list[int]:
        """The windows that hold what is to change, those with the most equal lines first."""
        positions: defaultdict[str, list[int]] = defaultdict(list)
        for number, (_, text) in enumerate(self._there):
            positions[text].append(number)
        last = len(self._there) - len(self._search)
        votes: Counter[int] = Counter()
        for number, (_, text) in enumerate(self._search):
            if len(positions[text]) <= FREQUENT:
                votes.update(at - number for at in positions[text] if 0 <= at - number <= last)
        needed = self._core or [
            number for number in (self._before - 1, self._before) if 0 <= number < len(self._search)
        ]
        held = [at for at in votes if all(self._equal(at, number) for number in needed)]
        return sorted(held, key=lambda at: (-votes[at], at))[:CANDIDATES]

    def _equal(self, at: int, number: int) -> bool:
        return self._there[at + number][1] == self._search[number][1]

    def likeness(self, at: int) -> float:
        """From 0 to 1, by lines, long ones counting more; 0 if a line is another one, or elsewhere in the file."""
        total = sum(len(text) for _, text in self._search)
        lost = 0.0
        for number, (_, text) in enumerate(self._search):
            if self._equal(at, number):
                continue
            alike = _ratio(text, self._there[at + number][1]) if text not in self._known else 0.0
            lost += len(text) * (1 - alike)
            if not alike or lost > total * (1 - ALIKE + CLEARLY):
                return 0.0
        return 1 - lost / total

    def place(self, lines: Sequence[str], at: int) -> Place | None:
        """The lines of a window, None if they are indented in no one way against the SEARCH."""
        equal = [number for number in range(len(self._search)) if self._equal(at, number)]
        given = [self._wanted.search[self._search[number][0]] for number in equal]
        actual = [lines[self._there[at + number][0]] for number in equal]
        new = _reindented(actual, given, self._wanted.new)
        if new is None:
            return None
        start, stop = self._there[at][0], self._there[at + len(self._search) - 1][0] + 1
        change = self._changed(lines, at)
        return Place(Rung.FUZZY, min(start, change[0]), max(stop, change[1]), change, tuple(new))

    def _changed(self, lines: Sequence[str], at: int) -> tuple[int, int]:
        """The range that changes. Blank lines are counted from the nearest line that is not, as far as they go."""
        search, head = self._wanted.search, self._wanted.head
        core = search[head : len(search) - self._wanted.tail]
        if self._core:
            first = self._there[at + self._core[0]][0]
            start = first - _blanks(lines, first, -1, _leading(core))
            last = self._there[at + self._core[-1]][0] + 1
            return start, last + _blanks(lines, last, 1, _leading(core[::-1]))
        if self._before:
            after = self._there[at + self._before - 1][0] + 1
            start = after + _blanks(lines, after, 1, _leading(search[:head][::-1]))
        else:
            first = self._there[at][0]
            start = first - _blanks(lines, first, -1, _leading(search[head:]))
        return start, start + _blanks(lines, start, 1, len(core))


def _leading(lines: Sequence[str]) -> int:
    """How many blank lines come first."""
    return next((number for number, line in enumerate(lines) if line.strip()), len(lines))


def _blanks(lines: Sequence[str], at: int, step: int, most: int) -> int:
    """How many blank lines follow ``at`` (or come before it, with a step of -1), ``most`` at most."""
    look: Callable[[int], int] = (lambda count: at + count) if step > 0 else (lambda count: at - 1 - count)
    count = 0
    while count < most and 0 <= look(count) < len(lines) and not lines[look(count)].strip():
        count += 1
    return count


def _ratio(one: str, other: str) -> float:
    """How alike two lines are; 0 unless they say the same but for literals, remarks and punctuation."""
    if max(len(one), len(other)) > MOST_FUZZY_WIDTH or _words(one) != _words(other):
        return 0.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= 0.5 else 0.0


def _words(line: str) -> list[str]:
    """The names and numbers of a line of code."""
    return re.findall(r"\w+", REMARK.sub("", LITERAL.sub('""', line)))
