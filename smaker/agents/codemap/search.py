"""Ranked search: where in a repository a question in words, or a name, is answered.

Rankings are fused by reciprocal rank: of files by the words of path and text, and by the names they define; a name that
the question spells out is a third, and what is near it in meaning a fourth. Each file is one hit, at its best line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from smaker.agents.codemap.index import CodeIndex, SourceFile
from smaker.agents.codemap.words import parts, question

_MOST_WORDS = 12
_RANKED = 50  # files taken from each ranking
_MOST_RANKED = 600  # files to rank: a millisecond
_ENOUGH = 30  # files, of which ten are shown
_PAIRED = 5  # words
_FUSION = 10  # of reciprocal rank fusion: the smaller, the more a first place is worth; 60 is usual for web pages
_COMMON = 0.25  # of all files; a word in more of them tells nothing apart and costs a row for each
_TEST_WORTH = 0.5  # a test has all the words of what it tests
_PLACES = 100  # of a word in one file
_LONGEST_LINE = 160
_IDENTIFIER = re.compile(r"[^\W\d]\w+")


@dataclass(frozen=True, slots=True)
class Hit:
    """A place: ``line`` (from 1) is the best one of ``lines``, (number, text) in order; ``symbol`` is the definition
    it is in ("Ledger.step"), "" at the top of a file."""

    path: str
    line: int
    symbol: str
    lines: tuple[tuple[int, str], ...]
    score: float


@dataclass(frozen=True, slots=True)
class _Word:
    text: str  # what all its forms begin with, in lower case
    worth: float


def search(
    index: CodeIndex, query: str, *, limit: int = 10, context: int = 1, similar: Sequence[str] = ()
) -> list[Hit]:
    """Return the best places for a query, best first; ``context`` lines are shown before and after each. ``similar`` is
    a ranking of paths by what they are about."""
    with index.lock:
        words = _words(index, query)
        scores: dict[str, float] = {}
        if words:
            _fuse(scores, index.ranked(_expression(index, words, ""), (3.0, 1.0, 1.0), _RANKED))
            _fuse(scores, index.ranked(_expression(index, words, "symbols : "), (0.0, 1.0, 0.0), _RANKED))
        named = _named(index, query)
        _fuse(scores, named)
        _fuse(scores, [index.files[path] for path in similar if path in index.files])
        about_tests = any(index.stem(word) == "test" for word in words)
        if not about_tests:
            scores = {
                path: score * (_TEST_WORTH if index.files[path].kind.test else 1) for path, score in scores.items()
            }
        best = sorted(scores, key=lambda path: (-round(scores[path], 9), path))[:limit]
        weighed = [_weigh(index, word) for word in words]
        names = {name for name in _IDENTIFIER.findall(query) if name in index.defined}
        return [_hit(index.files[path], weighed, names, context, scores[path]) for path in best]


def render_hits(hits: Iterable[Hit]) -> str:
    """Show hits to a model: a heading for each, then its lines with their numbers."""
    shown: list[str] = []
    for hit in hits:
        shown.append(f"{hit.path}:{hit.line}" + (f" in {hit.symbol}" if hit.symbol else ""))
        shown += [f"{number:>6} {text}" for number, text in hit.lines]
    return "\n".join([*shown, ""]) if shown else "Nothing found.\n"


def rank_paths(index: CodeIndex, queries: Sequence[str], limit: int) -> list[str]:
    """The files that words lead to, best first."""
    return [hit.path for hit in search(index, " ".join(queries), limit=limit, context=0)]


def clip(line: str) -> str:
    """A line as it is shown: without what comes after many characters, and nothing that moves a cursor."""
    clean = line if line.isprintable() else "".join(c if c.isprintable() or c == "\t" else " " for c in line)
    return clean if len(clean) <= _LONGEST_LINE else clean[: _LONGEST_LINE - 1] + "…"


def enclosing(file: SourceFile, line: int) -> str:
    """The definition a line is in, with those around it, by lines' indents: "Ledger.step"."""
    names: list[str] = []
    inside: int | None = None
    for mark in reversed([mark for mark in file.marks if mark.line <= line]):
        if inside is None:
            row = file.line(line)
            inside = len(row) - len(row.lstrip()) + 3 * (len(row) - len(row.lstrip("\t")))
            if mark.line == line:
                inside += 1
        if mark.indent < inside and not (mark.constant and mark.line != line):
            names.append(mark.name)
            inside = mark.indent
        if inside == 0:
            break
    return ".".join(reversed(names))


def _words(index: CodeIndex, query: str) -> list[str]:
    known = [word for word in question(query[:1000])[:_MOST_WORDS] if index.frequency(word)]
    most = max(20.0, _COMMON * len(index.files))
    rare = [word for word in known if index.frequency(word) <= most]
    return rare or sorted(known, key=lambda word: (index.frequency(word), word))[:1]


def _expression(index: CodeIndex, words: list[str], column: str) -> str:
    """What to rank: files with any of the words. Where those are too many to rank at once, the ones with a rare word
    or with two of them; where those still are, with a rare word or the rarest and one other."""
    rarest = sorted(words, key=lambda word: (index.frequency(word), word))
    quoted = [f'"{word}"' for word in rarest]
    best = f"{column}({' OR '.join(quoted)})"
    if len(words) == 1 or index.count(best) <= _MOST_RANKED:
        return best
    known = 0
    rare: list[str] = []
    for word in rarest:
        known += index.frequency(word)
        if known > _MOST_RANKED:
            break
        rare.append(f'"{word}"')
    for pairs in (combinations(quoted[:_PAIRED], 2), product(quoted[:1], quoted[1:_PAIRED])):
        either = " OR ".join([*rare, *(f"({one} AND {other})" for one, other in pairs)])
        count = index.count(f"{column}({either})")
        if count < _ENOUGH:
            break
        best = f"{column}({either})"
        if count <= _MOST_RANKED:
            break
    return best


def _weigh(index: CodeIndex, word: str) -> _Word:
    stem = index.stem(word)
    same = 0
    while same < min(len(word), len(stem)) and word[same] == stem[same]:
        same += 1
    if same > 3 and same < len(word) and stem.endswith("i"):  # retries and retry are both retri
        same -= stem[same - 1] == "i"
    return _Word(word[:same] or word, math.log(1 + len(index.files) / index.frequency(word)))


def _fuse(scores: dict[str, float], ranking: Sequence[SourceFile]) -> None:
    for place, file in enumerate(ranking, 1):
        scores[file.path] = scores.get(file.path, 0.0) + 1 / (_FUSION + place)


def _named(index: CodeIndex, query: str) -> list[SourceFile]:
    """The files that define a name the query spells out: first those whose name is the rarest."""
    found: dict[str, None] = {}
    names = dict.fromkeys(name for name in _IDENTIFIER.findall(query) if len(parts(name)) > 1 or name[0].isupper())
    for name in sorted((name for name in names if name in index.defined), key=lambda n: (len(index.defined[n]), n)):
        found.update(dict.fromkeys(sorted(index.defined[name], key=lambda path: (index.files[path].kind.test, path))))
    return [index.files[path] for path in list(found)[:_RANKED]]


def _hit(file: SourceFile, words: list[_Word], names: set[str], context: int, score: float) -> Hit:
    worth: dict[int, float] = {}
    lower = file.text.lower()
    if len(lower) != len(file.text):  # a few letters have a longer lower case: places would not be the same
        lower = file.text
    for word in words:
        at = lower.find(word.text)
        seen: set[int] = set()
        places = 0
        while at >= 0 and places < _PLACES:
            seen.add(file.line_at(at))
            at = lower.find(word.text, at + len(word.text))
            places += 1
        for line in seen:
            worth[line] = worth.get(line, 0.0) + word.worth
    for mark in file.marks:
        name = mark.name.lower()
        extra = sum(word.worth for word in words if word.text in name)
        if mark.name in names:
            extra += 2 * sum(word.worth for word in words)
        if extra:
            worth[mark.line] = worth.get(mark.line, 0.0) + extra
    line = min(worth, key=lambda number: (-round(worth[number], 6), number), default=1)
    last = file.line_at(len(file.text))
    shown = range(max(1, line - context), min(last, line + context) + 1)
    lines = tuple((number, clip(file.line(number))) for number in shown) if file.text else ()
    return Hit(file.path, line, enclosing(file, line), lines, score)
