"""Read wishes for figures: "total per category", "average rating per movie", "count tasks by status"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from smaker.agents.offline.reader.draft import Words
from smaker.agents.offline.reader.language.phrases import low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, word_set
from smaker.agents.offline.reader.rules.reading import ADJECTIVES, Reading
from smaker.agents.offline.reader.rules.views import MONTHS
from smaker.core.spec import Aggregate, OperationKind

_AGGREGATES: dict[str, Aggregate] = {
    **dict.fromkeys(["total", "totals", "sum", "sums", "summed", "totalled", "totaled"], Aggregate.SUM),
    **dict.fromkeys(["count", "counts", "counting", "counted"], Aggregate.COUNT),
    **dict.fromkeys(["average", "averages", "mean", "avg", "averaged"], Aggregate.AVERAGE),
    **dict.fromkeys(["maximum", "max", "highest", "largest", "biggest", "longest"], Aggregate.MAXIMUM),
    **dict.fromkeys(["minimum", "min", "lowest", "smallest", "shortest", "cheapest"], Aggregate.MINIMUM),
}
_SUMMARIES = word_set("summary summaries report reports statistics stats breakdown overview spending analytics")
_SHOW = word_set(
    "show shows see view display displays report reports calculate calculates compute computes get give "
    "print list lists tell know find output return provide me us with up"
)
_BY = frozenset({"per", "by"})
_UNTIL_BY = 9


def read_report(reading: Reading, items: Sequence[Item]) -> bool:
    """Read a figure and what it is grouped by."""
    start = 0
    while low(items, start) in _SHOW | DETERMINERS | FLUFF and low(items, start) not in {"report", "reports"}:
        start += 1
    if low(items, start) in {"report", "reports"} and low(items, start + 1) in _AGGREGATES | {"the": None}:
        start += 1
    by_month = low(items, start) == "monthly" and low(items, start + 1) in _AGGREGATES.keys() | _SUMMARIES
    start += by_month
    if low(items, start + 1) == "first":
        return False  # "highest first" is an order
    aggregate, index = _aggregate(items, start)
    if aggregate is not None and not by_month and start + 1 == index == len(items) and reading.mode != "fields":
        reading.pending.append((aggregate, items))
        reading.use(items)
        return True  # "minimum and maximum amount per currency"
    place, length = _by(items, index)
    if aggregate is None:
        return _trailing(reading, items, start, place, length)
    if (
        place < 0
        and not by_month
        and (reading.mode == "fields" or (index < len(items) and not _may_stand_alone(reading, items, index, start)))
    ):
        return False
    if place < 0 and index == len(items) and start == 0 and not by_month and reading.mode != "wish":
        return False
    of_end = place if place >= 0 else len(items)
    entity, field, condition, end = _measured(reading, items, index, of_end)
    if end < of_end:
        return False
    by: Words | None = ("month",) if by_month else None
    if place >= 0:
        phrase, end = noun_phrase(items, place + length)
        if phrase is None:
            return False
        by = ("month",) if phrase.head in MONTHS else phrase.words
    _wish(reading, items[:end], aggregate, entity, field, by, condition)
    return True


def _wish(
    reading: Reading,
    items: Sequence[Item],
    aggregate: Aggregate | None,
    entity: Words | None,
    field: Words | None,
    by: Words | None,
    condition: str,
) -> None:
    wish = reading.wish(OperationKind.REPORT, items, entity=entity)
    wish.aggregate, wish.field, wish.by, wish.condition = aggregate, field, by, condition
    for earlier, _ in reading.pending:
        reading.draft.wishes.insert(len(reading.draft.wishes) - 1, replace(wish, aggregate=earlier))
    reading.pending.clear()


def _aggregate(items: Sequence[Item], start: int) -> tuple[Aggregate | None, int]:
    word = low(items, start)
    if word == "number" and low(items, start + 1) == "of":
        return Aggregate.COUNT, start + 2
    if word == "how" and low(items, start + 1) in {"many", "much"}:
        return (Aggregate.COUNT if low(items, start + 1) == "many" else Aggregate.SUM), start + 2
    aggregate = _AGGREGATES.get(word)
    if aggregate is None:
        return None, start
    index = start + 1
    while low(items, index) in {"up", "of", "the", "all", "number", "my", "their"}:
        index += 1
    return aggregate, index


def _by(items: Sequence[Item], index: int) -> tuple[int, int]:
    """Where "per", "by", "for each", "in each" stands, and how many words it takes; -1 if nowhere near."""
    words = lows(items)
    found = -1, 0
    for place in range(index, min(len(words), index + _UNTIL_BY)):
        if words[place] == "grouped" and low(items, place + 1) == "by":
            return place, 2
        if words[place] in _BY and (found[0] < 0 or place == found[0] + 2):
            found = place, 1  # in "price per month by category" the last one groups
        elif (
            words[place] in {"for", "in", "of", "over"} and low(items, place + 1) in {"each", "every"} and found[0] < 0
        ):
            return place, 2
    return found


def _may_stand_alone(reading: Reading, items: Sequence[Item], index: int, start: int) -> bool:
    """Whether a figure without groups is meant: "show the average duration", "sum of all payments"."""
    phrase, after = noun_phrase(items, index)
    if phrase is not None and low(items, after) == "of" and noun_phrase(items, after + 1)[1] == len(items):
        return True  # "the sum of the prices of all books"
    if phrase is None or after != len(items):
        return low(items, index) == "of"
    named = any("_".join(phrase.words) in entity.fields for entity in reading.draft.entities.values())
    return (
        named
        or start > 0
        or reading.mode == "wish"
        or low(items, index - 1) in {"of", "all"}
        or reading.entity_of(phrase.words) is not None
    )


def _measured(
    reading: Reading, items: Sequence[Item], index: int, end: int
) -> tuple[Words | None, Words | None, str, int]:
    """Read "price of all products" or "open tickets"; returns entity, field, condition and where it ends."""
    phrase, after = noun_phrase(items, index)
    if phrase is None or after > end:
        return None, None, "", index
    entity: Words | None = None
    field: Words | None = phrase.words
    if low(items, after) in {"of", "from", "for", "in"} and after < end:
        inner, stop = noun_phrase(items, after + 1)
        if inner is not None and stop <= end:
            entity, after = inner.words, stop
    elif low(items, after) == "per" and after + 2 == end:
        field, after = (*phrase.words, "per", low(items, after + 1)), end
    elif reading.entity_of(phrase.words) is not None:
        entity, field = phrase.words, None
    condition = ""
    if entity is not None and (name := reading.entity_of(entity)) is not None:
        condition = " ".join(word for word in entity[: len(entity) - name.count("_") - 1] if word not in ADJECTIVES)
    if after < end and low(items, after) in {"spent", "earned", "paid"}:
        after += 1
    return entity, field, condition, after


def _trailing(reading: Reading, items: Sequence[Item], start: int, place: int, length: int) -> bool:
    """Read "spending per category", "category totals", "a summary by month"."""
    phrase, after = noun_phrase(items, start)
    if phrase is None:
        return False
    last = phrase.head
    of, stop = noun_phrase(items, after + 1) if low(items, after) == "of" else (None, after)
    if last in _SUMMARIES and place == stop:
        inner, end = noun_phrase(items, place + length)
        if inner is None:
            return False
        by: Words = ("month",) if inner.head in MONTHS else inner.words
        _wish(reading, items[:end], None, of.words if of is not None else None, None, by, "")
        return True
    if (
        last in {"totals", "counts", "averages"}
        and len(phrase.words) > 1
        and after == len(items)
        and reading.mode != "fields"
    ):
        by = ("month",) if phrase.words[0] in MONTHS else phrase.words[:-1]
        _wish(reading, items[:after], _AGGREGATES[last], None, None, by, "")
        return True
    return False
