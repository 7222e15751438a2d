"""Read a whole prompt: the public entry of the reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from smaker.agents.offline.reader.coverage import left_out, shares
from smaker.agents.offline.reader.draft import Draft, EntityDraft
from smaker.agents.offline.reader.language.guard import clean
from smaker.agents.offline.reader.language.tokens import Line, Token, split_lines
from smaker.agents.offline.reader.product.kinds import KIND_WORDS, PROFILES, KindMark, choose, find_kinds, replace_kinds
from smaker.agents.offline.reader.product.naming import slugify, title_words
from smaker.agents.offline.reader.product.scope import NEEDS_MODEL, REPHRASE, name_unsupported
from smaker.agents.offline.reader.product.sections import frame_sections, is_page, read_sections
from smaker.agents.offline.reader.product.technology import read_technology
from smaker.agents.offline.reader.product.topics import read_topics, reads_conversions
from smaker.agents.offline.reader.rules.people import PEOPLE
from smaker.agents.offline.reader.rules.reading import Reading
from smaker.agents.offline.reader.rules.statements import read_lines
from smaker.agents.offline.reader.settling.finding import label_of
from smaker.agents.offline.reader.settling.loose import ask_belongings
from smaker.agents.offline.reader.settling.records import apply_constraints, settle
from smaker.agents.offline.reader.settling.sharing import settle_owners
from smaker.agents.offline.reader.settling.wishes import settle_wishes
from smaker.agents.offline.reader.writing.plan import (
    plan_interfaces,
    plan_milestones,
    plan_modules,
    plan_summary,
    plan_tests,
)
from smaker.agents.offline.reader.writing.requirements import (
    Writer,
    product_operations,
    site_operations,
    tag_operations,
    write_basics,
    write_entity,
    write_operations,
)
from smaker.agents.offline.reader.writing.scenarios import plan_scenarios
from smaker.core.errors import Refused
from smaker.core.spec import DataField, Entity, FieldType, Operation, ProductKind, Spec

MOST_MISSED = 0.5  # of the content words may be left over, else the prompt is refused
MOST_MISSED_OF_TITLE = 0.2  # where its records are only guessed from its title
MOST_UNMET = 0.67  # of them may be left over or unsupported together
_KIND_OF_PROFILE = {profile: kind for kind, profile in PROFILES.items()}


def read_prompt(
    prompt: str, *, profile: str | None = None, name: str | None = None, supported: Mapping[str, Collection[str]]
) -> Spec:
    """Return the spec of what ``prompt`` asks for. Equal prompts give equal specs.

    Args:
        prompt: English, up to 20,000 characters.
        profile: build with this profile, whatever kind the prompt names.
        name: what to call the project; by default its title or its records.
        supported: profile name -> the kinds of operations its blueprints build.

    Raises:
        UsageError: the prompt is empty, too long, or no text.
        Refused: it asks for something that no blueprint builds, or most of it was not understood.
    """
    text = clean(prompt)
    lines, tokens = split_lines(text)
    marks = find_kinds(tokens)
    people = any(token.low in PEOPLE for token in tokens)
    kind, others = choose(marks, people=people, page=is_page(tokens))
    kind = _KIND_OF_PROFILE.get(profile or "", kind)
    _refuse_products(tokens, kind)
    draft = Draft(text, kind=kind)
    reading = _read(draft, lines, tokens, marks)
    draft = reading.draft
    _note_others(draft, tokens, marks, others)
    operations = _operations(reading)
    kind = _settle_kind(draft, tokens)
    _refuse_unread(draft, tokens)
    chosen = profile or PROFILES[kind]
    if chosen not in supported:
        raise Refused(
            f"There is no profile {chosen!r} to build {KIND_WORDS[kind]} with.",
            hint="See what there is with: smaker profiles",
        )
    return _compose(draft, kind, chosen, name, operations, supported[chosen])


def _read(draft: Draft, lines: Sequence[Line], tokens: Sequence[Token], marks: Sequence[KindMark]) -> Reading:
    """Read twice: the second time with the names of all records known from the first."""
    by_place = {tokens[mark.begin].at: mark for mark in marks}
    if draft.kind is None and reads_conversions(tokens):
        draft.kind = ProductKind.LIBRARY
        draft.ask("What kind of product is it? Taken: a Python library.")
    conversions = draft.kind is ProductKind.LIBRARY and reads_conversions(tokens)
    used = {token.at for mark in marks for token in tokens[mark.begin : mark.end]}
    if draft.kind is ProductKind.SITE or conversions:
        draft.used |= used
        if conversions:
            read_topics(draft, tokens)
        else:
            read_sections(draft, tokens)
        read_technology(draft, tokens, draft.kind)
        return Reading(draft)
    first = _read_once(tokens, lines, by_place, Reading(_again(draft)))
    return _read_once(tokens, lines, by_place, Reading(_again(draft), _records(first.draft), first.counted))


def _again(draft: Draft) -> Draft:
    return Draft(draft.text, kind=draft.kind, questions=list(draft.questions))


def _read_once(
    tokens: Sequence[Token], lines: Sequence[Line], marks: Mapping[int, KindMark], reading: Reading
) -> Reading:
    read_technology(reading.draft, tokens, reading.draft.kind)
    read_lines(reading, _without_kinds(lines, marks, reading.draft, reading.draft.used))
    return reading


def _without_kinds(
    lines: Sequence[Line], marks: Mapping[int, KindMark], draft: Draft, technology: Collection[int]
) -> list[Line]:
    """The lines with "<kind>" for each naming of a kind, and without the technology that was read already."""
    skipped = frozenset(technology)
    result: list[Line] = []
    for line in lines:
        kept = [token for token in line.tokens if token.at not in skipped or token.at in marks]
        replaced, taken = replace_kinds(kept, marks)
        draft.used.update(token.at for token in taken)
        children = _without_kinds(line.children, marks, draft, technology)
        result.append(Line(replaced, line.indent, line.bullet, line.heading, children))
    return result


def _records(draft: Draft) -> frozenset[str]:
    """The names found in a first reading, without short forms of longer ones ("entry" for "time entry")."""
    declared = {name for name, entity in draft.entities.items() if entity.declared}
    return frozenset(
        name
        for name in draft.entities
        if name in declared or not any(other != name and other.endswith(f"_{name}") for other in declared)
    )


def _refuse_products(tokens: Sequence[Token], kind: ProductKind | None) -> None:
    """Refuse what names itself as something no blueprint builds, unless it lists records to keep."""
    head: list[Token] = []
    for token in tokens:
        if token.kind == "mark" and token.low in {".", ":", ";", "!", "?", "("} and head:
            break
        head.append(token)
    lists = any(
        token.low in {"(", ":"} or token.low in {"tracker", "tracks", "track", "manage", "collection", "catalog"}
        for token in tokens
    )
    keeps = lists and kind in {ProductKind.API, ProductKind.WEB, ProductKind.CLI}
    what = None if keeps or kind is ProductKind.SITE else name_unsupported(head)
    if what is not None:
        raise Refused(f"The offline builder has no blueprint for {what}.", hint=NEEDS_MODEL)


def _note_others(draft: Draft, tokens: Sequence[Token], marks: Sequence[KindMark], others: Sequence[KindMark]) -> None:
    if marks and draft.kind is not None:
        own = next((mark for mark in marks if mark.kind is draft.kind), None)
        draft.kind_words = " ".join(token.text for token in tokens[own.begin : own.end]) if own is not None else ""
    for mark in others:
        if mark.kind is not draft.kind:
            said = " ".join(token.text for token in tokens[mark.begin : mark.end])
            draft.reject(said, "one project is one kind of product")


def _operations(reading: Reading) -> list[Operation]:
    draft = reading.draft
    if draft.kind is ProductKind.SITE:
        frame_sections(draft)
        return list(site_operations(draft.sections, draft.toggles, draft.forms))
    if draft.topics:
        return list(product_operations(draft.topics, registry=draft.registry))
    settle(reading)
    operations = settle_wishes(reading)
    apply_constraints(reading, last=True)
    ask_belongings(draft)
    return operations


def _settle_kind(draft: Draft, tokens: Sequence[Token]) -> ProductKind:
    """The kind of product, taken by default where the prompt names none."""
    if draft.kind is None:
        seen = {token.low for token in tokens} & {"app", "application", "pages", "page", "screen", "screens", "browser"}
        draft.kind = ProductKind.WEB if draft.users or seen else ProductKind.API
        draft.ask(f"What kind of product is it? Taken: {KIND_WORDS[draft.kind]}.")
    if draft.users is None and draft.own_all:
        draft.users = True
    return draft.kind


def _refuse_unread(draft: Draft, tokens: Sequence[Token]) -> None:
    """Refuse if nothing, or less than about half, was understood; else turn what is left over into questions."""
    stores = bool(draft.entities)
    if not (stores or draft.topics or len(draft.sections) > 2):
        what = name_unsupported(tokens)
        if what is not None:
            raise Refused(f"The offline builder has no blueprint for {what}.", hint=NEEDS_MODEL)
        raise Refused("The offline planner cannot tell from the prompt what is to be built.", hint=REPHRASE)
    missed, unmet = shares(draft, tokens)
    passages = left_out(draft, tokens)
    if missed > (MOST_MISSED_OF_TITLE if draft.guessed else MOST_MISSED) or missed + unmet > MOST_UNMET:
        what = name_unsupported(tokens)
        if what is not None:
            raise Refused(f"The offline builder has no blueprint for {what}.", hint=NEEDS_MODEL)
        shown = "; ".join(repr(passage) for passage in passages[:4])
        raise Refused(
            f"The offline planner understood too little of the prompt. Not understood: {shown}.",
            hint=REPHRASE,
        )
    for passage in passages:
        draft.ask(f"What is meant by {passage!r}? It was not understood. Taken: left out.")


def make_entity(draft: EntityDraft, *, owned: bool) -> Entity:
    """The record as the spec has it."""
    fields = tuple(
        DataField(
            name=field.name,
            type=field.type or FieldType.TEXT,
            required=bool(field.required),
            unique=field.unique,
            choices=field.choices,
            default=field.default,
            minimum=field.minimum,
            maximum=field.maximum,
            references=field.references,
        )
        for field in draft.fields.values()
    )
    return Entity(name=draft.name, plural=draft.plural, fields=fields, owned=owned, label=label_of(draft))


def _compose(
    draft: Draft,
    kind: ProductKind,
    profile: str,
    name: str | None,
    operations: Sequence[Operation],
    supported: Collection[str],
) -> Spec:
    users = bool(draft.users) and kind in {ProductKind.API, ProductKind.WEB, ProductKind.CLI}
    draft.users = users
    settle_owners(draft)
    entities = tuple(make_entity(entity, owned=bool(entity.owned)) for entity in draft.entities.values())
    writer = Writer(supported)
    write_basics(writer, kind, users=users)
    for entity in entities:
        write_entity(writer, entity, entities)
    operations = [*operations, *(one for one in tag_operations(kind, entities) if one not in operations)]
    write_operations(writer, operations, entities)
    for text in draft.unsupported:
        writer.write_unsupported(text)
    requirements = tuple(writer.written)
    words = name.split() if name else title_words(draft.title, [entity.name for entity in entities], kind)
    if name is None and kind is ProductKind.SITE and not draft.title:
        words = ["landing", "page"]
    if name is None and draft.topics and not draft.title:
        words = ["unit", "conversion"]
    slug = slugify(words, kind)
    spec = Spec(
        name=name or _product_name(words, kind, entities),
        slug=slug,
        summary="",
        kind=kind,
        profile=profile,
        requirements=requirements,
        entities=entities,
        modules=plan_modules(kind, entities, requirements),
        users=users,
        gui=kind in {ProductKind.WEB, ProductKind.SITE},
        topics=tuple(draft.sections if kind is ProductKind.SITE else draft.topics),
        questions=tuple(draft.questions),
        unsupported=(*draft.unsupported, *writer.unsupported),
    )
    return complete(spec, draft)


def _product_name(words: Sequence[str], kind: ProductKind, entities: Sequence[Entity]) -> str:
    """What a person calls the product; in a web app not the same as one of its lists, which stands beside it."""
    plain = " ".join(words).replace("_", " ")
    same = next((entity for entity in entities if entity.plural.replace("_", " ") == plain), None)
    if kind is not ProductKind.WEB or same is None:
        return plain.capitalize()
    return f"My {plain}" if same.owned else f"{plain.capitalize()} app"


def complete(spec: Spec, draft: Draft) -> Spec:
    """``spec`` with what follows from its requirements: summary, interfaces, scenarios, milestones, tests."""
    spec = spec.model_copy(
        update={
            "summary": spec.summary or plan_summary(spec.kind, draft.kind_words, draft.title, spec.entities, spec),
            "interfaces": plan_interfaces(spec),
            "scenarios": plan_scenarios(spec),
            "test_strategy": plan_tests(spec),
        }
    )
    return spec.model_copy(update={"milestones": plan_milestones(spec)})
