"""Core's models as text with a check sum, and back: what the store and the light reader have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from smaker.core.errors import StorageError
from smaker.core.events import Event, NewEvent
from smaker.core.models import Project, Step, Task
from smaker.store.checks import Damage, checksum, checksum_of

Model = TypeVar("Model", bound=BaseModel)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INTENT = "intent"
RESULT = "result"

REPLACED = "\ufffd".encode()
"""What pydantic silently writes for a lone surrogate in a key of a dict."""


def seal(model: BaseModel, *keys: object) -> tuple[str, int]:
    """Return a model as JSON, and the check sum of it and of the key columns beside it."""
    try:
        data = to_json(model)
    except PydanticSerializationError:
        data = REPLACED
    if REPLACED in data:  # a file name that is not UTF-8 carries lone surrogates: escape them, lose nothing
        data = json.dumps(model.model_dump(), default=datetime.isoformat).encode()
    return data.decode(), checksum_of(data, keys)


def unseal(kind: type[Model], where: str, body: str, crc: int, *keys: object) -> Model:
    """Return the model in a row. Raises Damage, or StorageError if another version of smaker wrote it."""
    if checksum(body, *keys) != crc:
        raise Damage(where)
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        if "\\ud" in body:
            return kind.model_validate(json.loads(body))
        raise StorageError(
            f"{where} was written by another version of smaker and cannot be read: {error.errors()[0]['msg']}",
            hint="Use the version that wrote it, or another --home.",
        ) from error


def project_from(identifier: str, desired: str, body: str, crc: int, revision: int) -> Project:
    """Return the project of a row of ``projects`` and its counter."""
    project = unseal(Project, f"project {identifier}", body, crc, desired)
    return project.model_copy(update={"revision": revision})


def task_from(
    project: str, state: str, attempt: int, body: str, crc: int, *, worker: str | None, lease_until: datetime | None
) -> Task:
    """Return the task of a row of ``tasks``: who holds it is in columns of its own."""
    task = unseal(Task, f"a task of project {project}", body, crc, state, attempt)
    return task.model_copy(update={"worker": worker, "lease_until": lease_until})


def event_from(project: str, seq: int, at: int, body: str, crc: int) -> Event:
    """Return the event of a row of ``events``."""
    new = unseal(NewEvent, f"event {seq} of project {project}", body, crc, at)
    when = EPOCH + timedelta(microseconds=at)
    return Event(kind=new.kind, message=new.message, task=new.task, data=new.data, seq=seq, project=project, at=when)


def microseconds(at: datetime) -> int:
    """Return a time as the column ``at`` has it: whole microseconds since 1970 UTC."""
    return (at - EPOCH) // timedelta(microseconds=1)


def merge_steps(rows: Iterable[Sequence[Any]]) -> list[Step]:
    """Return the ledger of (project, task, index, phase, body, crc) rows, in order; a result stands for its intent."""
    last: dict[tuple[int, int], tuple[str, str, int]] = {}
    for project, task, index, phase, body, crc in rows:
        key = (task, index)
        if phase == RESULT or key not in last:
            last[key] = (project, body, crc)
    return [
        unseal(Step, f"step t{task}.{index} of project {project}", body, crc)
        for (task, index), (project, body, crc) in sorted(last.items())
    ]


def task_number(identifier: str) -> int:
    """Return 12 for "t12". Raises ValueError."""
    number = identifier.removeprefix("t")
    if number == identifier or not number.isascii() or not number.isdigit():
        raise ValueError(f"{identifier!r} is not the id of a task: those are t1, t2, …")
    return int(number)
