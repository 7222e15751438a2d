"""Number the promises of a spec in their order: health, accounts, each record, and what the prompt names beyond."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from smaker.agents.offline.reader.writing.wording import Said, describe, describe_checks, describe_record, is_checked
from smaker.core.spec import Entity, FieldType, Operation, OperationKind, ProductKind, Requirement

_BASIC = (OperationKind.CREATE, OperationKind.LIST, OperationKind.READ, OperationKind.UPDATE, OperationKind.DELETE)


@dataclass
class Writer:
    """Writes requirements with ids that follow on; ``supported`` operations are those a blueprint builds."""

    supported: Collection[str]
    first: int = 1
    written: list[Requirement] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)

    def write(self, operation: Operation, said: Said) -> None:
        """Append the requirement of ``operation``; one that no blueprint builds is noted as unsupported too."""
        text, acceptance = said
        self._append(Requirement(id="R1", text=text, acceptance=acceptance, operation=operation))
        if operation.kind.value not in self.supported:
            self.unsupported.append(text)

    def write_unsupported(self, text: str) -> None:
        """Append a promise that no operation stands for; it stays unproven."""
        self._append(Requirement(id="R1", text=text))

    def _append(self, requirement: Requirement) -> None:
        number = self.first + len(self.written)
        self.written.append(requirement.model_copy(update={"id": f"R{number}"}))


def write_basics(writer: Writer, kind: ProductKind, *, users: bool) -> None:
    """Write health and accounts."""
    kinds: list[OperationKind] = []
    if kind in {ProductKind.API, ProductKind.WEB}:
        kinds.append(OperationKind.HEALTH)
    if users:
        kinds += [OperationKind.SIGN_UP, OperationKind.LOG_IN, OperationKind.LOG_OUT]
    for operation in (Operation(kind=kind) for kind in kinds):
        writer.write(operation, describe(operation, None))


def write_entity(writer: Writer, entity: Entity, entities: Sequence[Entity]) -> None:
    """Write everything that holds of one kind of record by itself."""
    referrers = tuple(other for other in entities if any(known.references == entity.name for known in other.fields))
    for kind in _BASIC:
        writer.write(Operation(kind=kind, entity=entity.name), describe_record(kind, entity, referrers))
    if any(is_checked(known) for known in entity.fields):
        writer.write(Operation(kind=OperationKind.VALIDATE, entity=entity.name), describe_checks(entity))
    for operation in field_operations(entity):
        writer.write(operation, describe(operation, entity))


def field_operations(entity: Entity) -> Iterable[Operation]:
    """UNIQUE, REFERENCE and OWN of a record."""
    for known in entity.fields:
        if known.unique:
            yield Operation(kind=OperationKind.UNIQUE, entity=entity.name, field=known.name)
    for known in entity.fields:
        if known.type is FieldType.REFERENCE:
            yield Operation(kind=OperationKind.REFERENCE, entity=entity.name, field=known.name)
    if entity.owned:
        yield Operation(kind=OperationKind.OWN, entity=entity.name)


def write_operations(writer: Writer, operations: Iterable[Operation], entities: Sequence[Entity]) -> None:
    """Write what the prompt names beyond the basics, in its order."""
    by_name = {entity.name: entity for entity in entities}
    for operation in operations:
        writer.write(operation, describe(operation, by_name.get(operation.entity or "")))


def tag_operations(kind: ProductKind, entities: Iterable[Entity]) -> Iterable[Operation]:
    """The filters that tags of a page lead to."""
    for entity in entities if kind is ProductKind.WEB else ():
        for known in entity.fields:
            if known.type is FieldType.TAGS:
                yield Operation(kind=OperationKind.FILTER, entity=entity.name, field=known.name)


def product_operations(topics: Sequence[str], *, registry: bool) -> Iterable[Operation]:
    """What a library of conversions does."""
    for topic in topics:
        yield Operation(kind=OperationKind.CONVERT, topic=topic)
    if registry:
        yield Operation(kind=OperationKind.REGISTRY)


def site_operations(sections: Sequence[str], toggles: Sequence[str], forms: Sequence[str]) -> Iterable[Operation]:
    """What a site shows and does, in the order of the page."""
    for section in sections:
        yield Operation(kind=OperationKind.SECTION, topic=section)
    for topic in toggles:
        yield Operation(kind=OperationKind.TOGGLE, topic=topic, by="billing")
    for topic in forms:
        yield Operation(kind=OperationKind.FORM, topic=topic)
