"""The rest of a spec, made of its requirements: modules, interfaces, milestones and how it is tested."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.language.words import singular
from smaker.agents.offline.reader.product.naming import article, human, kebab, listing
from smaker.core.spec import Entity, FieldType, Module, OperationKind, ProductKind, Requirement, Spec

_LAST_MODULE = {
    ProductKind.API: ("app", "The application around the records"),
    ProductKind.WEB: ("app", "The application around the records: pages, accounts, navigation"),
    ProductKind.CLI: ("app", "The program around the records: its commands and database"),
    ProductKind.LIBRARY: ("library", "The library"),
    ProductKind.SITE: ("site", "The site"),
}
_KIND_NAMES = {
    ProductKind.API: "REST API",
    ProductKind.WEB: "web app",
    ProductKind.CLI: "command-line tool",
    ProductKind.LIBRARY: "Python library",
    ProductKind.SITE: "page",
}
_SITE_TITLES = {"faq": "questions and answers", "cta": "a call to action"}


def plan_modules(
    kind: ProductKind, entities: Sequence[Entity], requirements: Sequence[Requirement]
) -> tuple[Module, ...]:
    """One module per kind of record, after those it refers to, and a last one for all that is left."""
    last, title = _LAST_MODULE[kind]
    names = {entity.name: f"{entity.name}_records" if entity.name == last else entity.name for entity in entities}
    modules: list[Module] = []
    for entity in entities:
        targets = {known.references for known in entity.fields if known.references and known.references != entity.name}
        modules.append(
            Module(
                name=names[entity.name],
                title=human(entity.plural).capitalize(),
                entity=entity.name,
                requirements=tuple(known.id for known in requirements if _about(known, entity.name)),
                depends_on=tuple(module for name, module in names.items() if name in targets),
            )
        )
    rest = tuple(known.id for known in requirements if not any(_about(known, entity) for entity in names))
    return (*_acyclic(modules), Module(name=last, title=title, requirements=rest, depends_on=tuple(names.values())))


def _about(requirement: Requirement, entity: str) -> bool:
    return requirement.operation is not None and requirement.operation.entity == entity


def _acyclic(modules: Sequence[Module]) -> list[Module]:
    """Drop what would make modules wait for each other: of records that refer to one another, the first goes first."""
    depends = {module.name: set(module.depends_on) for module in modules}

    def reaches(start: str, goal: str, seen: set[str]) -> bool:
        if start == goal:
            return True
        seen.add(start)
        return any(reaches(name, goal, seen) for name in sorted(depends.get(start, ())) if name not in seen)

    for module in modules:
        for name in module.depends_on:
            depends[module.name].discard(name)
            if not reaches(name, module.name, set()):
                depends[module.name].add(name)
    return [
        module.model_copy(
            update={"depends_on": tuple(name for name in module.depends_on if name in depends[module.name])}
        )
        for module in modules
    ]


def plan_interfaces(spec: Spec) -> tuple[str, ...]:
    """What people and programs call: paths, commands, functions, sections."""
    match spec.kind:
        case ProductKind.API:
            return tuple(_paths(spec, ""))
        case ProductKind.WEB:
            return (*_pages(spec), *_paths(spec, "/api"))
        case ProductKind.CLI:
            return tuple(_commands(spec))
        case ProductKind.LIBRARY:
            return tuple(_imports(spec))
        case ProductKind.SITE:
            return tuple(f"index.html#{topic}" for topic in spec.topics)


def _paths(spec: Spec, prefix: str) -> list[str]:
    paths = ["GET /health"]
    if spec.users:
        paths += [f"POST {prefix}/signup", f"POST {prefix}/login", f"POST {prefix}/logout"]
    for entity in spec.entities:
        root = f"{prefix}/{kebab(entity.plural)}"
        query = [part for requirement in spec.requirements if (part := _query(requirement, entity)) is not None]
        paths += [f"POST {root}", f"GET {root}?{'&'.join(['limit', 'offset', *dict.fromkeys(query)])}"]
        paths += [f"{method} {root}/{{id}}" for method in ("GET", "PATCH", "DELETE")]
        for requirement in spec.requirements:
            operation = requirement.operation
            if operation is None or operation.entity != entity.name:
                continue
            name = kebab(operation.name or "")
            match operation.kind:
                case OperationKind.SET:
                    paths.append(f"POST {root}/{{id}}/{name}")
                case OperationKind.REPORT:
                    paths.append(f"GET {root}/reports/{name}")
                case OperationKind.EXPORT:
                    paths.append(f"GET {root}/export.{operation.format}")
                case OperationKind.IMPORT:
                    paths.append(f"POST {root}/import")
                case OperationKind.TRANSFER:
                    paths.append(f"POST {root}/{name}")
                case _:
                    pass
    return list(dict.fromkeys(paths))


def _query(requirement: Requirement, entity: Entity) -> str | None:
    operation = requirement.operation
    if operation is None or operation.entity != entity.name:
        return None
    match operation.kind:
        case OperationKind.SEARCH:
            return "q"
        case OperationKind.SORT:
            return "sort"
        case OperationKind.FILTER if operation.by in {"month", "week"}:
            return operation.by
        case OperationKind.FILTER:
            name = operation.field or ""
            kind = entity.field(name).type
            one = singular(name) if kind is FieldType.TAGS else name
            return f"{name}_id" if kind is FieldType.REFERENCE else one
        case _:
            return None


def _pages(spec: Spec) -> list[str]:
    pages = ["GET /"]
    if spec.users:
        pages += ["GET /signup", "POST /signup", "GET /login", "POST /login", "POST /logout"]
    for entity in spec.entities:
        root = f"/{kebab(entity.plural)}"
        pages += [f"GET {root}", f"GET {root}/new", f"POST {root}", f"GET {root}/{{id}}", f"GET {root}/{{id}}/edit"]
        pages += [f"POST {root}/{{id}}/edit", f"POST {root}/{{id}}/delete"]
        pages += [
            f"POST {root}/{{id}}/{kebab(requirement.operation.name or '')}"
            for requirement in spec.operations(OperationKind.SET, entity.name)
            if requirement.operation is not None
        ]
    return pages


def _commands(spec: Spec) -> list[str]:
    commands: list[str] = []
    for entity in spec.entities:
        start = spec.slug if len(spec.entities) == 1 else f"{spec.slug} {kebab(entity.name)}"
        options = " ".join(f"--{kebab(known.name)}" for known in entity.fields)
        listed = "".join(
            f" {option}" for requirement in spec.requirements if (option := _option(requirement, entity)) is not None
        )
        commands += [
            f"{start} add {options}".strip(),
            f"{start} list{listed}",
            f"{start} show ID",
            f"{start} edit ID",
            f"{start} delete ID --yes",
        ]
        for requirement in spec.requirements:
            operation = requirement.operation
            if operation is None or operation.entity != entity.name:
                continue
            name = kebab(operation.name or "")
            match operation.kind:
                case OperationKind.SET:
                    commands.append(f"{start} {name} ID")
                case OperationKind.REPORT | OperationKind.TRANSFER:
                    commands.append(f"{start} {name}")
                case OperationKind.EXPORT:
                    commands.append(f"{start} export FILE --format {operation.format}")
                case OperationKind.IMPORT:
                    commands.append(f"{start} import FILE")
                case _:
                    pass
    return list(dict.fromkeys(commands))


def _option(requirement: Requirement, entity: Entity) -> str | None:
    name = _query(requirement, entity)
    return None if name is None else "--search" if name == "q" else f"--{kebab(name.removesuffix('_id'))}"


def _imports(spec: Spec) -> list[str]:
    imports: list[str] = []
    if spec.operations(OperationKind.CONVERT):
        imports.append(f"from {spec.package} import convert")
    if spec.operations(OperationKind.REGISTRY):
        imports.append(f"from {spec.package} import Registry, Unit, default_registry")
    for entity in spec.entities:
        name = "".join(part.capitalize() for part in entity.name.split("_"))
        imports.append(f"from {spec.package} import {name}, {name}Collection")
    return imports


def plan_milestones(spec: Spec) -> tuple[str, ...]:
    """The order of the work."""
    parts = tuple(module.title for module in spec.modules)
    return (
        "A running skeleton with tests, lint and a start command",
        *parts,
        f"All {len(spec.requirements)} requirements proved by tests",
    )


def plan_tests(spec: Spec) -> str:
    """How the product is tested."""
    outside = {
        ProductKind.API: "over HTTP",
        ProductKind.WEB: "over HTTP, on pages and on the API",
        ProductKind.CLI: "by its commands, each run with a database of its own",
        ProductKind.LIBRARY: "by what can be imported",
        ProductKind.SITE: "by its page and its modules in Node",
    }[spec.kind]
    return (
        f"Acceptance tests drive the product {outside}, at least one for each requirement and named for it; "
        "each is seen to fail on the skeleton first. Unit tests stand beside the code."
    )


def plan_summary(
    kind: ProductKind, kind_words: str, title: Sequence[str], entities: Sequence[Entity], spec: Spec
) -> str:
    """One sentence on what the product is."""
    name = kind_words or _KIND_NAMES[kind]
    start = article(name)
    start = start[:1].upper() + start[1:]
    if kind is ProductKind.SITE:
        whose = f" for {article(' '.join(title))}" if title else ""
        return f"{start}{whose} with {listing([_SITE_TITLES.get(topic, topic) for topic in spec.topics])}."
    if spec.topics:
        return f"{start} that converts {listing(list(spec.topics))} between units."
    kept = [
        f"{human(entity.plural)} ({', '.join(human(known.name) for known in entity.fields)})" for entity in entities
    ]
    users = ", where people sign up and log in" if spec.users else ""
    return f"{start} that keeps {listing(kept)}{users}."
