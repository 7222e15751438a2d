"""A plan that its user edited: what a requirement says goes with what is built for it, or the edit is refused."""

from __future__ import annotations

from smaker.agents.offline.reader.writing.wording import (
    Said,
    describe,
    describe_checks,
    describe_field,
    describe_record,
)
from smaker.core.errors import Refused
from smaker.core.revision import contradiction
from smaker.core.spec import Operation, OperationKind, Requirement, Spec

_RECORD = {OperationKind.CREATE, OperationKind.LIST, OperationKind.READ, OperationKind.UPDATE, OperationKind.DELETE}
_OF_FIELD = {OperationKind.UNIQUE, OperationKind.REFERENCE, OperationKind.FILTER, OperationKind.SORT, OperationKind.SET}


def reword(old: Spec, plan: Spec) -> Spec:
    """``plan``, which was edited from ``old``, with the sentences that no longer say what is built written anew.

    Code and tests are made of operations and records alone. Where one of them was changed and the words about it were
    not, words that this builder wrote follow; those that a person wrote cannot.

    Raises:
        Refused: a person's words would stand over something else than they say, or an operation is about a record or
            field that is not there.
    """
    by_id = {entry.id: entry for entry in old.requirements}
    by_text = {entry.text: entry for entry in old.requirements}
    written: list[Requirement] = []
    for entry in plan.requirements:
        _check_names(entry, plan)
        before = by_id.get(entry.id) or by_text.get(entry.text)  # a copy under another id says what was copied
        written.append(entry if before is None else _follow(before, old, entry, plan))
    renamed = {entry.text: now.text for entry, now in zip(plan.requirements, written, strict=True)}
    unsupported = tuple(renamed.get(text, text) for text in plan.unsupported)
    return plan.model_copy(update={"requirements": tuple(written), "unsupported": unsupported})


def _check_names(entry: Requirement, plan: Spec) -> None:
    operation = entry.operation
    if operation is None or operation.entity is None:
        return
    about = next((entity for entity in plan.entities if entity.name == operation.entity), None)
    if about is None:
        missing = f"{operation.entity!r}, which is no entity of the plan"
    elif operation.field is None and operation.kind in _OF_FIELD:
        missing = f"a field of {about.name!r}, and names none"
    elif operation.field is not None and all(field.name != operation.field for field in about.fields):
        missing = f"{operation.field!r}, which is no field of {about.name!r}"
    else:
        return
    raise Refused(f"This plan cannot be taken: {entry.id} is about {missing}.", hint="Mend it and take it again.")


def _follow(before: Requirement, old: Spec, entry: Requirement, plan: Spec) -> Requirement:
    """The requirement ``entry``, that was ``before``, in words that fit what is built for it now."""
    then, now = _said(before, old), _said(entry, plan)
    if now is None or then == now:
        return entry
    update: dict[str, object] = {}
    if entry.text == before.text and entry.text != now[0] and (then is None or then[0] != now[0]):
        if then is None or then[0] != before.text:
            raise contradiction(entry.id, entry.text, now[0])
        update["text"] = now[0]
    if entry.acceptance == before.acceptance and (then is None or then[1] != now[1]):
        if then is not None and then[1] == before.acceptance:
            update["acceptance"] = now[1]
        elif entry.acceptance and entry.acceptance != now[1] and not _deletes(entry):
            raise contradiction(entry.id, " ".join(entry.acceptance), " ".join(now[1]))
    return entry.model_copy(update=update)


def _deletes(entry: Requirement) -> bool:
    """What is accepted of a deletion stays true when more kinds of records refer to the record: it is only not all."""
    return entry.operation is not None and entry.operation.kind is OperationKind.DELETE


def _said(entry: Requirement, plan: Spec) -> Said | None:
    """What this builder writes for a requirement; None where there is nothing to write it from."""
    operation = entry.operation
    if operation is None:
        return None
    return _said_of_record(operation, entry.text, plan) if operation.entity is not None else describe(operation, None)


def _said_of_record(operation: Operation, text: str, plan: Spec) -> Said | None:
    entity = next((known for known in plan.entities if known.name == operation.entity), None)
    if entity is None:
        return None
    field = next((known for known in entity.fields if known.name == operation.field), None)
    if field is None and (operation.field is not None or operation.kind in _OF_FIELD):
        return None
    checks = operation.kind is OperationKind.VALIDATE
    if field is not None and (checks or operation.kind is OperationKind.CREATE):
        return describe_field(entity, field, added=not text.startswith("The "))
    if checks:
        return describe_checks(entity)
    if operation.kind in _RECORD:
        referrers = (other for other in plan.entities if any(one.references == entity.name for one in other.fields))
        return describe_record(operation.kind, entity, tuple(referrers))
    return describe(operation, entity)
