"""What happened: durable, numbered Events, and Deltas that a slow reader may miss."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from pydantic import JsonValue

from smaker.core.spec import Frozen

EventKind = Literal[
    "project.created",
    "project.state",
    "project.desired",
    "project.deleted",
    "spec.ready",
    "task.ready",
    "task.started",
    "task.finished",
    "task.failed",
    "step.model",
    "step.command",
    "step.process",
    "step.edit",
    "step.commit",
    "step.browser",
    "step.deploy",
    "step.question",
    "step.check",
    "test.report",
    "finding",
    "question",
    "answer",
    "prompt.masked",
    "artifact",
    "workspace.rescued",
    "sandbox.off",
    "worker.joined",
    "worker.lost",
    "model.away",
    "model.back",
    "embeddings.away",
    "budget.warning",
    "budget.exceeded",
]

EVENT_KINDS: tuple[str, ...] = get_args(EventKind)


class NewEvent(Frozen):
    """An event before the store has numbered it."""

    kind: EventKind
    message: str  # one line for a person
    task: str | None = None
    data: dict[str, JsonValue] = {}


class Event(NewEvent):
    """A durable event. ``seq`` is 1, 2, 3, … per project without gaps; ``at`` is UTC."""

    seq: int
    project: str
    at: datetime


class Delta(Frozen):
    """A piece of live output of a task: a line of a command, a token of a model. Not stored."""

    project: str
    task: str
    stream: Literal["output", "model"]
    text: str
