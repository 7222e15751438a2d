"""Read a further instruction for a product that has a spec: "add a rating to books", "users can archive notes"."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from smaker.agents.offline.reader.coverage import left_out, shares
from smaker.agents.offline.reader.draft import Draft, EntityDraft, FieldDraft
from smaker.agents.offline.reader.language.guard import clean
from smaker.agents.offline.reader.language.phrases import low
from smaker.agents.offline.reader.language.tokens import Line, Token, split_lines
from smaker.agents.offline.reader.language.words import word_set
from smaker.agents.offline.reader.product.naming import article, human
from smaker.agents.offline.reader.product.scope import NEEDS_MODEL, name_unsupported
from smaker.agents.offline.reader.product.sections import read_sections
from smaker.agents.offline.reader.product.technology import read_technology
from smaker.agents.offline.reader.product.topics import read_topics
from smaker.agents.offline.reader.prompt import MOST_MISSED, make_entity
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.agents.offline.reader.rules.statements import read_lines
from smaker.agents.offline.reader.settling.records import apply_constraints, settle
from smaker.agents.offline.reader.settling.wishes import settle_wishes
from smaker.agents.offline.reader.writing.plan import plan_interfaces, plan_milestones, plan_modules
from smaker.agents.offline.reader.writing.requirements import (
    Writer,
    field_operations,
    product_operations,
    site_operations,
    tag_operations,
    write_basics,
    write_entity,
    write_operations,
)
from smaker.agents.offline.reader.writing.scenarios import plan_scenarios
from smaker.agents.offline.reader.writing.wording import (
    Said,
    describe_checks,
    describe_field,
    describe_record,
    is_checked,
)
from smaker.core.errors import Refused
from smaker.core.spec import (
    DataField,
    Entity,
    Module,
    Operation,
    OperationKind,
    ProductKind,
    Requirement,
    Spec,
)

_TAKES_AWAY = word_set("remove delete drop rename replace undo revert change move stop hide")


def extend_spec(spec: Spec, instruction: str, *, supported: Mapping[str, Collection[str]]) -> Spec:
    """Return ``spec`` with what ``instruction`` adds: new requirements with the next ids, in new or grown modules.

    What was there keeps its ids; a sentence that lists the fields of a record is brought up to date.

    Args:
        spec: the plan so far; the user may have edited it.
        instruction: English, up to 20,000 characters.
        supported: profile name -> the kinds of operations its blueprints build.

    Raises:
        UsageError: the instruction is empty, too long, or no text.
        Refused: nothing in it was understood, nothing in it is new, or it takes something away.
    """
    text = clean(instruction)
    lines, tokens = split_lines(text)
    _refuse_removal(spec, tokens)
    if spec.profile not in supported:
        raise Refused(f"There is no profile {spec.profile!r} any more.", hint="See what there is with: smaker profiles")
    reading = Reading(_seed(spec, text))
    operations = _read(reading, spec, lines, tokens)
    draft = reading.draft
    entities = _entities(spec, draft)
    writer = Writer(supported[spec.profile], first=_next_id(spec))
    if draft.users and not spec.users:
        write_basics(writer, ProductKind.CLI, users=True)
    known = {entity.name: entity for entity in spec.entities}
    for entity in entities:
        if entity.name not in known:
            write_entity(writer, entity, entities)
        elif entity != known[entity.name]:
            _write_changes(writer, known[entity.name], entity)
    operations += [one for one in tag_operations(spec.kind, entities) if one not in operations]
    write_operations(writer, _new(spec, operations), entities)
    _refuse_nothing(spec, draft, tokens, writer)
    for passage in left_out(draft, tokens):
        draft.ask(f"What is meant by {passage!r}? It was not understood. Taken: left out.")
    for rejected in draft.unsupported:
        writer.write_unsupported(rejected)
    return _compose(spec, draft, entities, writer)


def _refuse_removal(spec: Spec, tokens: Sequence[Token]) -> None:
    """Refuse to take away or rename: what was proved would have to be unproved."""
    first = next(
        (token for token in tokens if token.kind == "word" and token.low not in {"please", "also", "now"}), None
    )
    named = [word for entity in spec.entities for word in (entity.name, entity.plural)]
    sections = spec.kind is ProductKind.SITE
    if first is None or first.low not in _TAKES_AWAY:
        return
    after = [token.low for token in tokens if token.kind == "word"][1:]
    operates = first.low in {"move", "hide"} and any(word in named for word in after) and not sections
    if not operates:
        raise Refused(
            f"The offline planner adds to a plan; it does not {first.low} what is there.",
            hint="Edit .smaker/spec.yaml in the workspace, or let a model do it: smaker config set llm.mode openai",
        )


def _seed(spec: Spec, text: str) -> Draft:
    """A draft that knows what the spec has."""
    draft = Draft(text, kind=spec.kind, users=spec.users or None)
    for entity in spec.entities:
        seeded = EntityDraft(entity.name, entity.plural, owned=entity.owned or None, declared=True)
        for known in entity.fields:
            seeded.fields[known.name] = FieldDraft(
                known.name,
                known.type,
                required=known.required,
                unique=known.unique,
                choices=known.choices,
                default=known.default,
                minimum=known.minimum,
                maximum=known.maximum,
                references=known.references,
                settled=True,
            )
        draft.entities[entity.name] = seeded
    return draft


def _read(reading: Reading, spec: Spec, lines: Sequence[Line], tokens: Sequence[Token]) -> list[Operation]:
    draft = reading.draft
    if spec.kind is ProductKind.SITE:
        _skip_request(draft, tokens)
        read_sections(draft, tokens)
        return list(site_operations(draft.sections, draft.toggles, draft.forms))
    if spec.kind is ProductKind.LIBRARY and not spec.entities:
        _skip_request(draft, tokens)
        read_topics(draft, tokens)
        return list(product_operations(draft.topics, registry=draft.registry))
    read_technology(draft, tokens, spec.kind)
    reading.mode = "product"
    read_lines(reading, lines)
    settle(reading)
    operations = settle_wishes(reading)
    apply_constraints(reading, last=True)
    return operations


def _skip_request(draft: Draft, tokens: Sequence[Token]) -> None:
    draft.used.update(
        token.at
        for index, token in enumerate(tokens)
        if index < 3 and low(tokens, index) in {"add", "show", "support", "include", "convert", "put"}
    )


def _entities(spec: Spec, draft: Draft) -> tuple[Entity, ...]:
    """Every record after the instruction. A field that joins a record may stay empty: stored records have none."""
    before = {entity.name: entity for entity in spec.entities}
    for name, read in draft.entities.items():
        if name not in before:
            continue
        known = {field.name for field in before[name].fields}
        for field in read.fields.values():
            if field.name not in known and field.required and field.name not in _said_required(draft):
                field.required = False
                having = f"every {human(name)} have {article(human(field.name))}"
                draft.ask(f"Must {having}? Taken: no, those that are stored have none.")
    made: list[Entity] = []
    for read in draft.entities.values():
        old = before.get(read.name)
        if old is None:
            owned = bool(draft.users) and read.owned is not False
            if owned and read.owned is None:
                draft.ask(f"Who sees {human(read.plural)}? Taken: each user only their own.")
            made.append(make_entity(read, owned=owned))
            continue
        entity = make_entity(read, owned=old.owned or bool(read.owned))
        kept = {field.name: field for field in old.fields}
        fields = tuple(_same_or(kept.get(field.name), field) for field in entity.fields)
        made.append(
            old.model_copy(update={"fields": fields, "owned": entity.owned, "label": old.label or entity.label})
        )
    return tuple(made)


def _said_required(draft: Draft) -> frozenset[str]:
    words = draft.text.lower()
    required = "required" in words or "mandatory" in words or "must have" in words
    return (
        frozenset(field for entity in draft.entities.values() for field in entity.fields) if required else frozenset()
    )


def _same_or(old: DataField | None, new: DataField) -> DataField:
    return new if old is None or old != new else old


def _next_id(spec: Spec) -> int:
    return max((int(requirement.id[1:]) for requirement in spec.requirements), default=0) + 1


def _write_changes(writer: Writer, old: Entity, new: Entity) -> None:
    """Write what a record gained: new fields, and rules of fields it had."""
    before = {field.name: field for field in old.fields}
    for field in new.fields:
        known = before.get(field.name)
        if known == field:
            continue
        if known is None or _rules(known) != _rules(field):
            kind = OperationKind.VALIDATE if is_checked(field) else OperationKind.CREATE
            operation = Operation(kind=kind, entity=new.name, field=field.name)
            writer.write(operation, describe_field(new, field, added=known is None))
    had = list(field_operations(old))
    write_operations(writer, [operation for operation in field_operations(new) if operation not in had], [new])


def _rules(field: DataField) -> tuple[object, ...]:
    return field.type, field.required, field.choices, field.default, field.minimum, field.maximum


def _new(spec: Spec, operations: Iterable[Operation]) -> list[Operation]:
    """The operations that the spec does not have, whatever they are called there."""
    known = [
        requirement.operation.model_copy(update={"name": None})
        for requirement in spec.requirements
        if requirement.operation
    ]
    return [operation for operation in operations if operation.model_copy(update={"name": None}) not in known]


def _refuse_nothing(spec: Spec, draft: Draft, tokens: Sequence[Token], writer: Writer) -> None:
    missed, _ = shares(draft, tokens)
    if writer.written and missed <= MOST_MISSED:
        return
    what = name_unsupported(tokens)
    if what is not None:
        raise Refused(f"The offline builder has no blueprint for {what}.", hint=NEEDS_MODEL)
    if draft.unsupported:
        raise Refused(f"The offline builder cannot do this: {'; '.join(draft.unsupported)}.", hint=NEEDS_MODEL)
    if missed == 0 and not draft.questions:
        raise Refused("There is nothing new in the instruction: the plan has it already.", hint=_how(spec))
    passages = "; ".join(repr(passage) for passage in left_out(draft, tokens)[:4]) or repr(draft.text.strip()[:80])
    raise Refused(
        f"The offline planner did not understand the instruction: {passages}.", hint=f"{_how(spec)} {NEEDS_MODEL}"
    )


def _how(spec: Spec) -> str:
    """What would be understood, in words of this plan."""
    sentences = ["add a team section", "add a pricing table"]
    if spec.kind is ProductKind.LIBRARY:
        sentences = ["also convert mass"]
    elif spec.entities:
        some = spec.entities[0].plural.replace("_", " ")
        sentences = [f"add a rating to {some}", "add export to CSV", f"users can archive {some}"]
    return f"It reads sentences such as: {', '.join(json.dumps(sentence) for sentence in sentences)}."


def _compose(spec: Spec, draft: Draft, entities: tuple[Entity, ...], writer: Writer) -> Spec:
    requirements = (*_refresh(spec, entities), *writer.written)
    topics = spec.topics
    if spec.kind is ProductKind.SITE:
        middle = [topic for topic in (*spec.topics, *draft.sections) if topic != "footer"]
        topics = (*dict.fromkeys(middle), *(("footer",) if "footer" in (*spec.topics, *draft.sections) else ()))
    elif draft.topics:
        topics = tuple(dict.fromkeys((*spec.topics, *draft.topics)))
    grown = spec.model_copy(
        update={
            "requirements": requirements,
            "entities": entities,
            "users": spec.users or bool(draft.users),
            "topics": topics,
            "questions": tuple(dict.fromkeys((*spec.questions, *draft.questions))),
            "unsupported": tuple(dict.fromkeys((*spec.unsupported, *draft.unsupported, *writer.unsupported))),
        }
    )
    grown = grown.model_copy(update={"modules": _modules(spec, grown), "interfaces": plan_interfaces(grown)})
    grown = grown.model_copy(update={"scenarios": plan_scenarios(grown)})
    return grown.model_copy(update={"milestones": plan_milestones(grown)})


def _refresh(spec: Spec, entities: tuple[Entity, ...]) -> list[Requirement]:
    """The requirements there were; those that list a record's fields list the new ones, unless they were edited."""
    after = {entity.name: entity for entity in entities}
    refreshed: list[Requirement] = []
    for requirement in spec.requirements:
        operation = requirement.operation
        old = next((entity for entity in spec.entities if operation and entity.name == operation.entity), None)
        new = after.get(old.name) if old is not None else None
        if operation is not None and old is not None and new is not None and new != old:
            before, now = _listing(operation, old), _listing(operation, new)
            if before is not None and now is not None and before[0] == requirement.text:
                refreshed.append(requirement.model_copy(update={"text": now[0], "acceptance": now[1]}))
                continue
        refreshed.append(requirement)
    return refreshed


def _listing(operation: Operation, entity: Entity) -> Said | None:
    if operation.kind is OperationKind.CREATE and operation.field is None:
        return describe_record(OperationKind.CREATE, entity, ())
    if operation.kind is OperationKind.VALIDATE and operation.field is None:
        return describe_checks(entity)
    return None


def _modules(spec: Spec, grown: Spec) -> tuple[Module, ...]:
    """The modules there were with their new requirements, and new ones before the last."""
    planned = plan_modules(grown.kind, grown.entities, grown.requirements)
    old = {module.name: module for module in spec.modules}
    placed = {name for module in spec.modules for name in module.requirements}
    result: list[Module] = []
    for module in planned:
        known = old.get(module.name)
        if known is None:
            result.append(module)
            continue
        new = tuple(name for name in module.requirements if name not in placed)
        depends = tuple(dict.fromkeys((*known.depends_on, *module.depends_on)))
        result.append(known.model_copy(update={"requirements": (*known.requirements, *new), "depends_on": depends}))
    names = {module.name for module in result}
    others = [module for module in spec.modules if module.name not in names]
    return (*result[:-1], *others, result[-1])
