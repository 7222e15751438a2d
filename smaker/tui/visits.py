"""What was seen in browsers, read from the ledger: the newest visit of each path, what it found, its pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from smaker.core.browsing import Visit
from smaker.core.control import Control, Snapshot
from smaker.core.events import Delta
from smaker.core.models import Finding, Stage, Step, StepKind, TaskState
from smaker.core.ports.browser import BrowserResult

TRYING = ("visit: ", "open the start page")  # how a visitor finds a path: what came of it is a visit of its own
_FILES = TypeAdapter(dict[str, str])


@dataclass(frozen=True)
class Seen:
    """One visit. ``files`` are its pictures: name -> sha-256 of the blob."""

    step: str
    name: str
    trouble: str
    result: BrowserResult | None
    files: Mapping[str, str]
    printed: str

    @property
    def went_well(self) -> bool:
        """Whether all that was to be done could be done."""
        return self.result is not None and self.result.ended == "done" and all(step.ok for step in self.result.steps)

    @property
    def complaints(self) -> Sequence[str]:
        """What the console and the requests said, each once."""
        result = self.result
        if result is None:
            return ()
        told = [
            *(f"page error: {text}" for text in result.page_errors),
            *(f"console: {text}" for text in result.console),
        ]
        return tuple(dict.fromkeys([*told, *(f"request: {text}" for text in result.failed)]))


@dataclass(frozen=True)
class Trip:
    """The newest try in a browser: its ``visits``, what it ``found``, and the task that made it."""

    task: str = ""
    visits: Sequence[Seen] = field(default_factory=tuple)
    found: Sequence[Finding] = field(default_factory=tuple)


async def newest_trip(control: Control, snapshot: Snapshot, known: dict[str, Seen]) -> Trip:
    """The newest try of a project; what was seen is read once and kept in ``known``, by step. Raises SmakerError."""
    tasks = [task for task in snapshot.tasks if task.stage is Stage.WEB and task.state is not TaskState.CANCELLED]
    steps = [step for step in snapshot.steps if step.kind is StepKind.BROWSER and step.finished_at is not None]
    made = [task for task in tasks if any(step.task == task.id for step in steps)]
    if not made:
        return Trip(task=tasks[-1].id if tasks else "")
    task = made[-1].id
    newest: dict[str, Step] = {step.title: step for step in steps if step.task == task}
    for step in newest.values():
        if step.id not in known and not step.title.startswith(TRYING):
            known[step.id] = await _seen(control, step)
    visits = [known[step.id] for step in newest.values() if step.id in known]
    return Trip(task, tuple(visits), await _findings(control, snapshot.project.id, task))


async def _seen(control: Control, step: Step) -> Seen:
    output = step.output or {}
    told, files = output.get("visit", ""), output.get("files", {})
    text = await control.blob(str(told["blob"])) if isinstance(told, dict) else str(told).encode()
    try:
        visit = await asyncio.to_thread(Visit.model_validate_json, text)
        pictures = {name: sha for name, sha in _FILES.validate_python(files).items() if name.endswith(".png")}
    except ValidationError:  # of a version that is not this one
        return Seen(step.id, step.title, "what was seen cannot be read", None, {}, "")
    return Seen(step.id, step.title, visit.trouble, visit.result, pictures, visit.whole_log)


async def _findings(control: Control, project: str, task: str) -> tuple[Finding, ...]:
    found: list[Finding] = []
    async for event in control.events(project):
        if not isinstance(event, Delta) and event.kind == "finding" and event.task == task:
            found += _finding(event.data)
    return tuple(found)


def _finding(data: Mapping[str, object]) -> Iterable[Finding]:
    try:
        return (Finding.model_validate(data),)
    except ValidationError:
        return ()
