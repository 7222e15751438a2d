"""The scenarios of a spec: paths through its pages, in a person's steps, with the requirements that they show."""

from __future__ import annotations

from smaker.agents.offline.reader.product.naming import article, human, kebab, listing
from smaker.core.spec import Entity, OperationKind, ProductKind, Requirement, Scenario, Spec

# What a path through the pages of a kind of record shows, in the order in which it goes there.
_SHOWN = (
    OperationKind.CREATE,
    OperationKind.VALIDATE,
    OperationKind.LIST,
    OperationKind.SEARCH,
    OperationKind.FILTER,
    OperationKind.SORT,
    OperationKind.REPORT,
    OperationKind.READ,
    OperationKind.SET,
    OperationKind.UPDATE,
    OperationKind.DELETE,
)


def plan_scenarios(spec: Spec) -> tuple[Scenario, ...]:
    """Paths through the pages, in a person's steps. A profile that plays them knows them by their names."""
    if spec.kind is ProductKind.SITE:
        return tuple(_site_scenarios(spec))
    if spec.kind is not ProductKind.WEB:
        return ()
    scenarios: list[Scenario] = []
    join = ("open /signup", "sign up with an email address and a password") if spec.users else ()
    if spec.users:
        ids = _ids(spec, OperationKind.SIGN_UP, OperationKind.LOG_IN, OperationKind.LOG_OUT)
        steps = (*join, "log out", "open /login", "log in with that address and password", "see a way to log out")
        scenarios.append(Scenario(name="Sign up and log in", requirements=ids, steps=steps))
    scenarios += (_entity_scenario(spec, entity, join) for entity in spec.entities)
    for requirement in spec.operations(OperationKind.TRANSFER):
        scenarios.append(_transfer_scenario(spec, requirement, join))
    return tuple(scenarios)


def _entity_scenario(spec: Spec, entity: Entity, join: tuple[str, ...]) -> Scenario:
    one, many, root = human(entity.name), human(entity.plural), f"/{kebab(entity.plural)}"
    label = human(entity.label or "id")
    needed = [human(known.references) for known in entity.fields if known.references and known.required]
    steps = [*join, *(f"add {article(name)} to refer to" for name in needed)]
    steps += [
        f"open {root}/new",
        "save it empty and see what is missing, if something must be given",
        f"fill in {listing([human(known.name) for known in entity.fields])} and save",
        f"see the {one} with its {label} at {root}",
    ]
    shown = [requirement for kind in _SHOWN for requirement in spec.operations(kind, entity.name)]
    for requirement in shown:
        operation = requirement.operation
        assert operation is not None
        kind, field, name = operation.kind, human(operation.field or ""), human(operation.name or "")
        if kind is OperationKind.SEARCH:
            steps.append(f"search for a word of the {one} and see it; search for another and see none")
        elif kind is OperationKind.FILTER:
            by = f"{operation.by} of {field}" if operation.by else field
            steps.append(f"filter {many} by {by} and see the {one}")
        elif kind is OperationKind.SORT:
            steps.append(f"sort {many} by {field} and see the {one}")
        elif kind is OperationKind.REPORT:
            steps.append(f"open the report {name} and see that there is something to report")
        elif kind is OperationKind.SET:
            steps.append(f"press {name} on the {one} and see that it is done")
    steps += [f"open the {one}, edit it and save", "see the change", f"delete the {one} and see it gone from {root}"]
    return Scenario(name=f"Keep {many}", requirements=tuple(known.id for known in shown), steps=tuple(steps))


def _transfer_scenario(spec: Spec, requirement: Requirement, join: tuple[str, ...]) -> Scenario:
    operation = requirement.operation
    assert operation is not None
    entity = spec.entity(operation.entity or "")
    topic, place = human(operation.topic or ""), human(operation.by or "")
    steps = (
        *join,
        f"add {article(topic)}, and {article(place)} twice",
        f"add {article(entity.name)} with 10 of the {topic} at the first {place}",
        f"open /{kebab(entity.plural)} and press {human(operation.name or '')}",
        f"move 4 from the first {place} to the second",
        "see 6 and 4",
        "move 7 more and be told that there are not enough",
    )
    return Scenario(name=human(operation.name or "").capitalize(), requirements=(requirement.id,), steps=steps)


def _site_scenarios(spec: Spec) -> list[Scenario]:
    sections = _ids(spec, OperationKind.SECTION)
    scenarios = [
        Scenario(
            name="Read the page",
            requirements=sections,
            steps=("open index.html", *(f"see the section {topic}" for topic in spec.topics)),
        )
    ]
    for requirement in spec.operations(OperationKind.TOGGLE):
        steps = (
            "open index.html",
            "see monthly prices",
            "press the switch",
            "see yearly prices",
            "press it again",
            "see monthly prices",
        )
        scenarios.append(Scenario(name="Switch prices", requirements=(requirement.id,), steps=steps))
    for requirement in spec.operations(OperationKind.FORM):
        topic = requirement.operation.topic if requirement.operation else ""
        steps = (
            "open index.html",
            f"send the empty {topic} form",
            "see a message at each field",
            "fill it in and send it",
            "see what happens to it said honestly",
        )
        scenarios.append(Scenario(name=f"Use the {topic} form", requirements=(requirement.id,), steps=steps))
    return scenarios


def _ids(spec: Spec, *kinds: OperationKind) -> tuple[str, ...]:
    return tuple(requirement.id for kind in kinds for requirement in spec.operations(kind))
