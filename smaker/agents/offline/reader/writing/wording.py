"""The sentences of a spec: what each operation promises and how that is seen, in plain words."""

from __future__ import annotations

from smaker.agents.offline.reader.language.words import singular
from smaker.agents.offline.reader.product.naming import article, human, listing
from smaker.core.spec import Aggregate, DataField, Entity, FieldType, Operation, OperationKind

_KINDS = {
    FieldType.INTEGER: "a whole number",
    FieldType.NUMBER: "a number",
    FieldType.MONEY: "an amount of money",
    FieldType.BOOLEAN: "yes or no",
    FieldType.DATE: "a date",
    FieldType.DATETIME: "a date and time",
    FieldType.EMAIL: "an email address",
    FieldType.URL: "a web address",
    FieldType.TAGS: "a list of words",
}
_AGGREGATES = {
    Aggregate.COUNT: "number",
    Aggregate.SUM: "total",
    Aggregate.AVERAGE: "average",
    Aggregate.MINIMUM: "lowest",
    Aggregate.MAXIMUM: "highest",
}

Said = tuple[str, tuple[str, ...]]
"""The text of a requirement and its acceptance."""


def _cap(text: str) -> str:
    return text[:1].upper() + text[1:]


def describe_record(kind: OperationKind, entity: Entity, referrers: tuple[Entity, ...]) -> Said:
    """The promise of one of the five basic operations on ``entity``; ``referrers`` point at it."""
    one, many = human(entity.name), human(entity.plural)
    fields = listing([human(field.name) for field in entity.fields]) or "nothing but an id"
    match kind:
        case OperationKind.CREATE:
            return f"Add {article(one)} with {fields}.", (f"An added {one} has an id and every value that was given.",)
        case OperationKind.LIST:
            return f"List the {many}.", (f"Every {one} that was added is in the list, and none twice.",)
        case OperationKind.READ:
            return f"Show one {one} by its id.", (
                f"The {one} has the values it was stored with.",
                "An id that does not exist is answered as not found.",
            )
        case OperationKind.UPDATE:
            return f"Change {article(one)}.", ("Values that are given are changed, all others stay as they were.",)
        case _:
            others = listing([human(other.plural) for other in referrers], "or")
            kept = (f"{_cap(article(one))} that {others} refer to stays.",) if referrers else ()
            return f"Delete {article(one)}.", (f"A deleted {one} is no longer found or listed.", *kept)


def describe_checks(entity: Entity) -> Said:
    """What is checked of a record before it is stored."""
    one = human(entity.name)
    required = [human(field.name) for field in entity.fields if field.required]
    rules = [rule for field in entity.fields if (rule := describe_rule(field))]
    must = f"{listing(required)} must be given" if required else ""
    text = "; ".join(part for part in (must, *rules) if part)
    refused = "is refused with the name of the field, and nothing is stored"
    acceptance = [f"{_cap(article(one))} that breaks one of these rules {refused}."]
    if required:
        acceptance.insert(0, f"Without {human(required[0])} no {one} is stored.")
    return f"Check {article(one)}: {text or 'values have their types'}.", tuple(acceptance)


def is_checked(field: DataField) -> bool:
    """Whether there is anything a value of ``field`` must be: what may be any text, or nothing, is not checked."""
    return (
        field.required
        or field.type is FieldType.REFERENCE
        or (bool(describe_rule(field)) and field.type is not FieldType.TAGS)
    )


def describe_field(entity: Entity, field: DataField, *, added: bool) -> Said:
    """What one field of a record promises, where it joins the record or its rules change."""
    one, name = human(entity.name), human(field.name)
    must = "it must be given" if field.required else "it may be left empty"
    if field.type is FieldType.BOOLEAN:
        return f"{_cap(article(one))} says whether it is {name.removeprefix('is ')}.", (
            f"Only yes or no is taken for {name}.",
        )
    start = f"{_cap(article(one))} has {article(name)}" if added else f"The {name} of {article(one)} is checked"
    text = f"{start}: {'; '.join(part for part in (describe_rule(field), must) if part)}."
    kept = f"The {name} of {article(one)} is stored and shown."
    return text, (kept, f"{_cap(article(name))} that breaks this rule is refused.") if is_checked(field) else (kept,)


def describe_rule(field: DataField) -> str:
    """One rule of a field: "rating is a whole number from 1 to 5"; empty where any text will do."""
    name = human(field.name)
    if field.type is FieldType.CHOICE:
        return f"{name} is one of {listing(field.choices, 'or')}"
    bounds = _bounds(field)
    if field.type in {FieldType.TEXT, FieldType.LONG_TEXT}:
        return f"{name} has {bounds} characters" if bounds else ""
    if field.type is FieldType.REFERENCE:
        return ""
    return f"{name} is {_KINDS[field.type]}{' ' + bounds if bounds else ''}"


def _bounds(field: DataField) -> str:
    low, high = (None if bound is None else f"{bound:g}" for bound in (field.minimum, field.maximum))
    if low is not None and high is not None:
        return f"from {low} to {high}"
    return f"of at least {low}" if low is not None else f"of at most {high}" if high is not None else ""


def describe(operation: Operation, entity: Entity | None) -> Said:
    """The promise of ``operation``; ``entity`` is the record it is about."""
    one = human(entity.name) if entity else ""
    many = human(entity.plural) if entity else ""
    field = human(operation.field) if operation.field else ""
    match operation.kind:
        case OperationKind.UNIQUE:
            return f"No two {many} share the same {field}.", (
                f"A second {one} with {article(field)} that is taken is refused and not stored.",
            )
        case OperationKind.REFERENCE:
            target = entity.field(operation.field or "").references if entity else None
            return f"The {field} of {article(one)} is {article(human(target or field))} that exists.", (
                f"{_cap(article(one))} with {article(field)} that does not exist is refused.",
            )
        case OperationKind.OWN:
            return f"Users see and change only their own {many}.", (
                f"{_cap(article(one))} of another user is neither listed nor found, and cannot be changed or deleted.",
            )
        case OperationKind.SEARCH:
            return f"Search {many} by text.", (
                f"A search finds every {one} that has each of the words in one of its texts, in upper or lower case.",
                "It finds no other, and the order of the words does not matter.",
            )
        case OperationKind.FILTER if operation.by in {"month", "week"}:
            return f"List {many} by the {operation.by} of their {field}.", (
                f"Only {many} with a {field} in that {operation.by} are listed.",
            )
        case OperationKind.FILTER if entity is not None and entity.field(operation.field or "").type is FieldType.TAGS:
            return f"Filter {many} by {field}.", (f"Only {many} with that {singular(field)} are listed.",)
        case OperationKind.FILTER:
            return f"Filter {many} by {field}.", (f"Only {many} with that {field} are listed.",)
        case OperationKind.SORT:
            return f"Sort {many} by {field}.", (f"The list is in the order of {field}, and in reverse when asked.",)
        case OperationKind.SET:
            return f"{_deed(operation.name or 'set', one)}: its {field} becomes {_value(operation.value)}.", (
                f"Afterwards the {field} of the {one} is {_value(operation.value)}, and nothing else has changed.",
            )
        case _:
            return _describe_further(operation, one, many, field) if entity else _product(operation)


def _describe_further(operation: Operation, one: str, many: str, field: str) -> Said:
    match operation.kind:
        case OperationKind.REPORT:
            return _report(operation, many)
        case OperationKind.EXPORT:
            return f"Export {many} as {(operation.format or '').upper()}.", (
                f"The file holds every {one} with all its fields.",
            )
        case OperationKind.IMPORT:
            return f"Import {many} from {(operation.format or '').upper()}.", (
                f"Every {one} of the file is stored.",
                "A file with a wrong value is refused, and nothing of it is stored.",
            )
        case OperationKind.LIMIT:
            per = f" per {human(operation.by)}" if operation.by else ""
            return f"There are at most {operation.limit} {many}{per}.", (
                f"One {one} more than {operation.limit}{per} is refused.",
            )
        case OperationKind.TRANSFER:
            place, topic = human(operation.by or ""), human(operation.topic or "")
            return f"Move a {field} of {article(topic)} from one {place} to another; it never goes below zero.", (
                f"What one {place} loses the other gains.",
                f"More than there is, or a move to the same {place}, is refused and changes nothing.",
                f"There is at most one {one} per {topic} and {place}.",
            )
        case _:
            return _product(operation)


def _deed(name: str, one: str) -> str:
    """ "Mark a task as done", "Archive a note"."""
    first, _, rest = human(name).partition(" ")
    return f"{_cap(first)} {article(one)}{' as' if first == 'mark' else ''}{f' {rest}' if rest else ''}"


def _value(value: str | None) -> str:
    return {"true": "yes", "false": "no"}.get(value or "", value or "")


def _report(operation: Operation, many: str) -> Said:
    aggregate = _AGGREGATES[operation.aggregate or Aggregate.COUNT]
    field = f" {human(operation.field)}" if operation.field else ""
    per = f" per {human(operation.by)}" if operation.by else ""
    groups = (f"There is one row for each {human(operation.by)} that occurs.",) if operation.by else ()
    return f"Report the {aggregate}{field} of {many}{per}.", (
        f"The {aggregate}{per} agrees with the {many} that are stored.",
        *groups,
    )


def _product(operation: Operation) -> Said:
    topic = human(operation.topic or "")
    match operation.kind:
        case OperationKind.HEALTH:
            return "Say whether the service is well.", ("GET /health answers 200 and status ok.",)
        case OperationKind.SIGN_UP:
            return "Sign up with an email address and a password.", (
                "A new address gets an account.",
                "An address that has an account is refused.",
            )
        case OperationKind.LOG_IN:
            return "Log in with email address and password.", (
                "The right password opens a session.",
                "A wrong password is refused.",
            )
        case OperationKind.LOG_OUT:
            return "Log out.", ("After that the session opens nothing any more.",)
        case OperationKind.CONVERT:
            return f"Convert {topic} between its units.", (
                "Known values come out right, and back again.",
                "An unknown unit, or one of another dimension, is refused.",
            )
        case OperationKind.REGISTRY:
            return "Keep units in a registry that further units can be added to.", (
                "A unit that was registered converts like the others, by its name and its aliases.",
            )
        case OperationKind.TOGGLE:
            return "Switch the prices between monthly and yearly.", (
                "Each plan shows the price of the period that is chosen, monthly at first.",
            )
        case OperationKind.FORM:
            return f"Check the {topic} form before it is sent.", (
                "Each field that is missing or wrong gets a message, and nothing is sent.",
                "A form that is right says honestly what happens to it.",
            )
        case _:
            return f"Show {article(topic)} section.", (f"The page has a section {topic} with a heading and content.",)
