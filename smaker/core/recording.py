"""A build's record in one file: all that is needed to build it again anywhere, without model, network or sandbox.

The file is a zip archive with ``record.json`` (the project, its tasks, the ledger, and the tree they come to) and the
blobs that the ledger names, each under its sha-256.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from smaker.core.errors import NotFound, UsageError
from smaker.core.events import NewEvent
from smaker.core.models import Project, Step, Task
from smaker.core.ports import Store
from smaker.core.spec import Frozen

SUFFIX = ".smaker"
RECORD = "record.json"
LARGEST = 256 << 20  # bytes of all that a file unpacks to
_BLOB = re.compile(r"[0-9a-f]{64}")
WHEN = (1980, 1, 1, 0, 0, 0)  # equal contents give equal files
DAMAGE = (OSError, KeyError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive, or what is in it, raises."""


class Recording(Frozen):
    """A build without its blobs. ``finished`` are the ends of tasks, in the order in which they came."""

    format: Literal[1] = 1
    project: Project
    tasks: tuple[Task, ...]
    steps: tuple[Step, ...]
    finished: tuple[NewEvent, ...]
    tree: str


async def record(store: Store, project: str, *, tree: str) -> tuple[Recording, dict[str, bytes]]:
    """The record of a project whose main is at ``tree``, and its blobs.

    Raises UsageError for an adopted project: its record begins with a repository that is not in it.
    """
    build = await store.build(project)
    if build.project.adopted:
        raise UsageError(
            "An adopted project's record begins with the repository it adopted, which is not part of it.",
            hint=f"Replay it where that is: smaker replay {project}",
        )
    steps = await store.steps(project)
    ends: list[NewEvent] = []
    after = 0
    while page := await store.events(project, after=after):
        after = page[-1].seq
        ends += [
            NewEvent(kind=event.kind, message=event.message, task=event.task, data=event.data)
            for event in page
            if event.kind == "task.finished"
        ]
    blobs: dict[str, bytes] = {}
    for name in sorted({name for step in steps for name in _named(step)}):
        try:
            blobs[name] = await store.get_blob(name)
        except NotFound:
            continue  # a text of 64 hexadecimal digits that names no blob
    unplaced = build.project.model_copy(update={"workspace": build.project.spec.slug if build.project.spec else "."})
    recording = Recording(
        project=unplaced,  # where it was built is nobody's business
        tasks=build.tasks,
        steps=tuple(steps),
        finished=tuple(ends),
        tree=tree,
    )
    return recording, blobs


def write(path: Path, recording: Recording, blobs: Mapping[str, bytes]) -> None:
    """Write a record to a file, equal ones equally. Raises OSError."""
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        entries = {RECORD: recording.model_dump_json(exclude_defaults=True).encode(), **blobs}
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name, WHEN), data, zipfile.ZIP_DEFLATED)


def read(path: Path) -> tuple[Recording, dict[str, bytes]]:
    """Read a record. Raises UsageError if the file is none, is damaged, or unpacks to too much."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise _unusable(path, "it unpacks to more than 256 MB")
            blobs = {entry.filename: archive.read(entry) for entry in entries if _BLOB.fullmatch(entry.filename)}
            recording = Recording.model_validate_json(archive.read(RECORD))
    except DAMAGE as error:
        raise _unusable(path, str(error).splitlines()[0]) from error
    for name, data in blobs.items():
        if hashlib.sha256(data).hexdigest() != name:
            raise _unusable(path, f"its blob {name[:12]}… is damaged")
    return recording, blobs


def _named(step: Step) -> Iterator[str]:
    """Every text of a step that may name a blob."""
    output: dict[str, JsonValue] = {key: value for key, value in (step.output or {}).items() if key != "request"}
    yield from _names(output)
    yield from _names(list((step.changes or {}).values()))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        name = value.rpartition(":")[2]
        if len(value) < 80 and _BLOB.fullmatch(name):
            yield name
    elif isinstance(value, dict):
        for item in value.values():
            yield from _names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


def _unusable(path: Path, why: str) -> UsageError:
    return UsageError(f"{path} is no record of a build: {why}", hint="They are written by: smaker export ID --record")
