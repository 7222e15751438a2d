"""How a spec is compared with what a case of the corpus expects of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from smaker.agents.offline.reader import read_prompt
from smaker.core.errors import Refused
from smaker.core.spec import DataField, FieldType, Operation, OperationKind, Spec

RECORDS = [
    *("create", "list", "read", "update", "delete", "validate", "unique", "reference"),
    *("search", "filter", "sort", "set", "report", "export", "import", "limit", "transfer"),
]
ACCOUNTS = ["health", "sign_up", "log_in", "log_out", "own"]
SUPPORTED: dict[str, list[str]] = {
    "fastapi-service": [*ACCOUNTS, *RECORDS],
    "web-app": [*ACCOUNTS, *RECORDS],
    "cli-tool": RECORDS,
    "python-library": [*RECORDS, "convert", "registry"],
    "static-site": ["section", "toggle", "form"],
}
# What every record or page has is not listed in a case.
IMPLIED = {
    OperationKind.HEALTH,
    OperationKind.SIGN_UP,
    OperationKind.LOG_IN,
    OperationKind.LOG_OUT,
    OperationKind.OWN,
    OperationKind.CREATE,
    OperationKind.LIST,
    OperationKind.READ,
    OperationKind.UPDATE,
    OperationKind.DELETE,
    OperationKind.VALIDATE,
    OperationKind.REFERENCE,
    OperationKind.SECTION,
}


def notate_field(field: DataField) -> str:
    """A field in the notation of the corpus."""
    text = f"{field.name}->{field.references}" if field.references else f"{field.name}:{field.type.value}"
    if field.type is FieldType.CHOICE:
        text += f"[{'|'.join(field.choices)}]"
    if field.minimum is not None or field.maximum is not None:
        low, high = ("" if bound is None else f"{bound:g}" for bound in (field.minimum, field.maximum))
        text += f" {low}..{high}"
    return text + (" unique" if field.unique else "")


def notate_operation(operation: Operation) -> str:
    """An operation in the notation of the corpus."""
    about = ".".join(part for part in (operation.entity, operation.field) if part)
    words = [operation.kind.value.upper(), about or operation.topic or ""]
    match operation.kind:
        case OperationKind.SET:
            words[-1] += f"={operation.value}"
        case OperationKind.REPORT:
            words.append(operation.aggregate or "")
        case OperationKind.EXPORT | OperationKind.IMPORT:
            words.append(operation.format or "")
        case OperationKind.LIMIT:
            words.append(str(operation.limit))
        case _:
            pass
    if operation.by:
        words += ["by", operation.by]
    if operation.topic and about:
        words += ["topic", operation.topic]
    return " ".join(word for word in words if word)


def differences(case: Mapping[str, Any], read: Callable[[str], Spec]) -> list[str]:
    """What is not as ``case`` expects, in words; empty if all is."""
    try:
        spec = read(case["prompt"])
    except Refused as error:
        if "refused" not in case:
            return [f"refused: {error.message}"]
        said = f"{error.message} {error.hint}".lower()
        return (
            [] if case["refused"].lower() in said else [f"refused with {error.message!r}, not for {case['refused']!r}"]
        )
    if "refused" in case:
        return [f"not refused but read as {spec.kind} with {[entity.name for entity in spec.entities]}"]
    found: list[str] = []
    for key, actual in (("kind", spec.kind.value), ("slug", spec.slug), ("users", spec.users)):
        if key in case and case[key] != actual:
            found.append(f"{key}: {actual!r}, not {case[key]!r}")
    found += [
        f"{key}: {list(spec.topics)}, not {case[key]}"
        for key in ("topics", "sections")
        if key in case and case[key] != list(spec.topics)
    ]
    if "owned" in case and set(case["owned"]) != {entity.name for entity in spec.entities if entity.owned}:
        found.append(f"owned: {[entity.name for entity in spec.entities if entity.owned]}")
    found += _record_differences(case, spec)
    expected = sorted(case.get("operations", []))
    actual_operations = sorted(
        notate_operation(requirement.operation)
        for requirement in spec.requirements
        if requirement.operation is not None and requirement.operation.kind not in IMPLIED
    )
    if actual_operations != expected:
        found.append(f"operations: {actual_operations}, not {expected}")
    for passage in case.get("unsupported", []):
        if not any(passage.lower() in text.lower() for text in spec.unsupported):
            found.append(f"unsupported lacks {passage!r}: {spec.unsupported}")
    if "unsupported" not in case and spec.unsupported:
        found.append(f"unsupported: {spec.unsupported}")
    unclear = [question for question in spec.questions if "not understood" in question or "speak of" in question]
    for passage in case.get("unclear", []):
        if not any(passage.lower() in question.lower() for question in unclear):
            found.append(f"questions lack {passage!r}: {unclear}")
    if "unclear" not in case and unclear:
        found.append(f"unclear: {unclear}")
    return found


def _record_differences(case: Mapping[str, Any], spec: Spec) -> list[str]:
    expected: Mapping[str, list[str]] = case.get("entities", {})
    found: list[str] = []
    if {entity.name for entity in spec.entities} != set(expected):
        found.append(f"entities: {[entity.name for entity in spec.entities]}, not {list(expected)}")
    for entity in spec.entities:
        if entity.name not in expected:
            continue
        plain = {text.removesuffix(" ?") for text in expected[entity.name]}
        actual = {notate_field(field) for field in entity.fields}
        if actual != plain:
            found.append(f"{entity.name}: extra {sorted(actual - plain)}, missing {sorted(plain - actual)}")
        optional = {text.split(":")[0].split("->")[0] for text in expected[entity.name] if text.endswith(" ?")}
        wrong = [field.name for field in entity.fields if field.name in optional and field.required]
        if wrong:
            found.append(f"{entity.name}: {wrong} should be optional")
    return found


@pytest.fixture(scope="session")
def supported() -> dict[str, list[str]]:
    """Profiles and what their blueprints build."""
    return SUPPORTED


@pytest.fixture(scope="session")
def read() -> Callable[[str], Spec]:
    """Read a prompt with the profiles that come with smaker."""
    return lambda prompt: read_prompt(prompt, supported=SUPPORTED)


@pytest.fixture(scope="session")
def compare(read: Callable[[str], Spec]) -> Callable[[Mapping[str, Any]], list[str]]:
    """Compare what is read from a case's prompt with what it expects."""
    return lambda case: differences(case, read)


def faults(spec: Spec) -> list[str]:
    """What does not hang together in ``spec``, in words; empty if all does."""
    found: list[str] = []
    ids = [requirement.id for requirement in spec.requirements]
    if ids != [f"R{number}" for number in range(1, len(ids) + 1)]:
        found.append(f"ids are not R1, R2, … without gaps: {ids}")
    placed = [name for module in spec.modules for name in module.requirements]
    if sorted(placed) != sorted(ids):
        found.append(f"modules hold {sorted(placed)}, not each requirement once")
    found += _entity_faults(spec)
    for requirement in spec.requirements:
        operation = requirement.operation
        if not requirement.text or not (requirement.acceptance or operation is None):
            found.append(f"{requirement.id} says nothing")
        if operation is not None and operation.entity is not None:
            found += _operation_faults(spec, requirement.id, operation)
    built: set[str] = set()
    for _ in spec.modules:
        built |= {module.name for module in spec.modules if set(module.depends_on) <= built}
    if built != {module.name for module in spec.modules}:
        found.append("modules wait for each other")
    if spec.modules[-1].entity is not None or {module.entity for module in spec.modules} - {None} != {
        entity.name for entity in spec.entities
    }:
        found.append("there is not one module for each entity and a last one for the rest")
    if not spec.milestones or not spec.test_strategy or not spec.summary or not spec.interfaces:
        found.append("a part of the plan is missing")
    if spec.gui != bool(spec.scenarios):
        found.append("scenarios belong to what has a GUI")
    return found


def _entity_faults(spec: Spec) -> list[str]:
    found: list[str] = []
    names = [entity.name for entity in spec.entities]
    for entity in spec.entities:
        columns = [f"{field.name}_id" if field.references else field.name for field in entity.fields]
        if len(set(columns)) != len(columns) or not columns:
            found.append(f"{entity.name} has the fields {columns}")
        if entity.label is not None and entity.label not in {field.name for field in entity.fields}:
            found.append(f"{entity.name} has no field {entity.label}")
        found += [
            f"{entity.name}.{field.name} refers to {field.references}"
            for field in entity.fields
            if field.references is not None and field.references not in names
        ]
        if entity.plural == entity.name:
            found.append(f"one and many {entity.name} have the same name")
    if len(set(names)) != len(names) or len({entity.plural for entity in spec.entities}) != len(names):
        found.append(f"two records have the same name: {names}")
    return found


def _operation_faults(spec: Spec, identifier: str, operation: Operation) -> list[str]:
    entity = next((entity for entity in spec.entities if entity.name == operation.entity), None)
    if entity is None:
        return [f"{identifier} is about {operation.entity}, which is no record"]
    fields = {field.name for field in entity.fields}
    found = [f"{identifier} names no field {operation.field}"] if operation.field not in {None, *fields} else []
    if operation.by not in {None, "month", "week", "user", *fields}:
        found.append(f"{identifier} is by {operation.by}")
    if operation.kind in {OperationKind.SET, OperationKind.REPORT, OperationKind.TRANSFER} and not operation.name:
        found.append(f"{identifier} has no name")
    return found


@pytest.fixture(scope="session")
def check() -> Callable[[Spec], list[str]]:
    """Find what does not hang together in a spec."""
    return faults
