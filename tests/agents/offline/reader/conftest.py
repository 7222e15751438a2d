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
