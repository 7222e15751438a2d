"""Walk through a prompt, line by line and part by part, and let the rules read each part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smaker.agents.offline.reader.language.clauses import Part, split_parts
from smaker.agents.offline.reader.language.phrases import low, lows, noun_phrase, split_list
from smaker.agents.offline.reader.language.tokens import Group, Item, Line, Token, mark, nest, sentences, tokens_of
from smaker.agents.offline.reader.language.words import verb
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.product.title import read_product, read_purpose
from smaker.agents.offline.reader.rules.actions import read_deed, read_limit, read_port, read_set, read_transfer
from smaker.agents.offline.reader.rules.additions import turn_round
from smaker.agents.offline.reader.rules.constraints import read_constraint
from smaker.agents.offline.reader.rules.declare import CRUD, read_declaration
from smaker.agents.offline.reader.rules.fields import read_group
from smaker.agents.offline.reader.rules.headers import as_piece, is_statement, lists_fields, read_header
from smaker.agents.offline.reader.rules.mentions import continue_list, read_mention
from smaker.agents.offline.reader.rules.openings import strip
from smaker.agents.offline.reader.rules.people import read_people
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.agents.offline.reader.rules.relations import read_relation
from smaker.agents.offline.reader.rules.reports import read_report
from smaker.agents.offline.reader.rules.views import continue_wish, read_filter, read_search, read_sort
from smaker.core.spec import OperationKind

_RULES = (
    read_people,
    read_limit,
    read_transfer,
    read_report,
    read_port,
    read_search,
    read_sort,
    read_filter,
    read_set,
    read_constraint,
    read_relation,
)


def read_lines(reading: Reading, lines: Sequence[Line]) -> None:
    """Read every line and the bullets below it."""
    first = True
    for line in lines:
        for tokens in _statements(reading, line):
            _read_statement(reading, tokens, first=first)
            first = False
    _settle_pending(reading)


def _statements(reading: Reading, line: Line) -> Iterator[list[Token]]:
    """The statements a line makes: with a header of fields, its bullets join the line; otherwise each stands alone."""
    if not line.children:
        yield line.tokens
        return
    header = list(line.tokens)
    while header and header[-1].kind == "mark" and header[-1].low in {":", "-", ","}:
        header.pop()
    if lists_fields(header, line.children):
        joined = [*header, mark(":")]
        for child in line.children:
            joined += [*as_piece(child), mark(",")]
        yield joined
        return
    yield [*header, mark(":")]
    for child in line.children:
        yield from _statements(reading, child)


def _read_statement(reading: Reading, tokens: Sequence[Token], *, first: bool) -> None:
    header = bool(tokens) and tokens[-1].low == ":" and tokens[-1].at < 0
    for number, sentence in enumerate(sentences(nest(tokens))):
        reading.spoken = None
        reading.verbs = set()
        reading.listed = False
        _settle_pending(reading)
        parts = split_parts(turn_round(reading, sentence))
        if number or not first:
            reading.mode = reading.mode if reading.mode in {"product", "entities"} and not first and number == 0 else ""
        for place, part in enumerate(parts):
            following = parts[place + 1] if place + 1 < len(parts) else None
            opens = following is not None and following.joint in {":", "-"} and (place == 0 or following.joint == ":")
            opens = opens or (header and following is None)
            reading.mentioned = None
            _read_part(
                reading, part, following if opens else None, opens=opens, first=first and number == 0 and place == 0
            )


def _settle_pending(reading: Reading) -> None:
    """A lone "total" by the end of its sentence is a figure without groups."""
    for aggregate, items in reading.pending:
        reading.wish(OperationKind.REPORT, items).aggregate = aggregate
    reading.pending.clear()


def _read_part(reading: Reading, part: Part, following: Part | None, *, opens: bool, first: bool) -> None:
    items: Sequence[Item] = part.items
    if part.joint == ":" and _details_of_last(reading, items):
        return
    if opens and read_header(reading, items, following):
        return
    read_items(reading, items, first=first)
    if opens and reading.mode != "fields":
        if reading.mentioned is not None and following is not None and is_statement(reading, following.items):
            _forget(reading, reading.mentioned)
            reading.mode = "product"
        elif reading.mentioned is not None:
            reading.open_fields(reading.mentioned)
        elif reading.mode != "entities":
            reading.mode, reading.listed = "product", True


def _forget(reading: Reading, name: str) -> None:
    """What stands before a colon names the product if other records follow: "an address book: contacts …"."""
    entity = reading.draft.entities.get(name)
    if entity is not None and not entity.declared and name not in reading.known:
        del reading.draft.entities[name]
        reading.current = reading.mentioned = reading.spoken = None
        reading.draft.title = reading.draft.title or tuple(name.split("_"))


def read_items(reading: Reading, items: Sequence[Item], *, first: bool = False) -> None:
    """Read one part, then what is left of it, until no rule understands the rest."""
    rest: Sequence[Item] | None = items
    for _ in range(8):
        if not rest:
            return
        rest = _read_once(reading, rest, first=first)
        first = False


def _read_once(reading: Reading, items: Sequence[Item], *, first: bool) -> Sequence[Item] | None:
    """Let the first rule that can read ``items``; returns what is left to read, None when nothing is."""
    if isinstance(items[0], Group):  # an aside: "(no login)"
        for piece in split_list(items[0].items):
            read_items(reading, piece)
        return items[1:]
    named = read_product(reading, items, first=first)
    if named is not None:
        return named
    items = strip(reading, items)
    if not items:
        return None
    purpose = read_purpose(reading, items)
    if purpose is not None:
        return purpose
    if _is_beyond(reading, items):
        return _reject(reading, items)
    for rule in _RULES:
        if rule(reading, items):
            return _left(reading, items)
    return _read_rest(reading, items)


def _read_rest(reading: Reading, items: Sequence[Item]) -> Sequence[Item] | None:
    """Read what is neither a wish nor a rule: records, further pieces of what is open, and what no blueprint has."""
    for rule in (read_deed, read_declaration, _read_exclusion, continue_wish, read_mention):
        if rule(reading, items):
            return _left(reading, items)
    if find_unsupported(items) is not None and (len(items) > 1 or reading.mode != "fields"):
        return _reject(reading, items)
    if continue_list(reading, items):
        return _left(reading, items)
    words = lows(items)
    place = words.index("or", 1) if "or" in words[1:] else 0
    if place:
        read_items(reading, items[:place])
        return items[place + 1 :]
    to = next((index for index, word in enumerate(words) if word == "to" and index and verb(low(items, index + 1))), -1)
    return items[to + 1 :] if to > 0 else None


def _is_beyond(reading: Reading, items: Sequence[Item]) -> bool:
    """Whether a part asks for what no blueprint has ("payments with Stripe") rather than listing what a record has."""
    lists = any(isinstance(item, Group) for item in items) or {"have", "has", "no", "without"} & set(lows(items))
    return not lists and reading.mode != "fields" and find_unsupported(items, reading.knows) is not None


def _read_exclusion(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "no payments needed": what is not wanted is not built."""
    if low(items, 0) not in {"no", "without"}:
        return False
    phrase, after = noun_phrase(items, 1)
    if phrase is None or phrase.words[0] in {"duplicate", "duplicates", "empty", "two", "more", "negative"}:
        return False
    if verb(phrase.words[0]) in CRUD or reading.entity_of(phrase.words) is not None:
        return False
    while low(items, after) in {"is", "are", "needed", "required", "necessary", "wanted", "please", "for", "now"}:
        after += 1
    reading.use(items[:after])
    return True


def _left(reading: Reading, items: Sequence[Item]) -> Sequence[Item] | None:
    """What stands after the last item that was understood, or None."""
    end = 0
    for index, item in enumerate(items):
        words = [token for token in tokens_of([item]) if token.kind != "mark" and token.at >= 0]
        known = [token for token in words if token.at in reading.draft.used]
        if known if isinstance(item, Group) else len(known) == len(words):
            end = index + 1
        else:
            break
    rest = items[end:] if end else None
    return rest if rest and len(rest) < len(items) else None


def _reject(reading: Reading, items: Sequence[Item]) -> None:
    why = find_unsupported(items)
    reading.draft.reject(reading.source(items), f"no blueprint has {why}")
    reading.use(items)
    reading.last_wish = None


def _details_of_last(reading: Reading, items: Sequence[Item]) -> bool:
    """Read "open/done" after "status:" in a list of fields."""
    last = reading.last_field
    if reading.mode != "fields" or last is None or last.field.type is not None:
        return False
    probe = last.used
    last.used = []
    understood = read_group(Group(tuple(items)), last)
    reading.use(last.used)
    last.used = [*probe, *last.used]
    return understood
