"""From core's models to rows: the values of each table's columns. `smaker.store.codec` goes the other way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from smaker.core.events import NewEvent
from smaker.core.models import Answer, Artifact, Project, Step, Task, TestReport, WorkerInfo
from smaker.store.codec import seal, task_number


def project_values(project: Project) -> dict[str, Any]:
    """Return a row of ``projects``; the revision is a counter's."""
    body, crc = seal(project, project.desired)
    return {
        "id": project.id,
        "created_at": project.created_at,
        "desired": project.desired.value,
        "body": body,
        "crc": crc,
    }


def needs_text(needs: Sequence[str]) -> str:
    """Return capabilities as the column ``needs`` has them: equal sets are equal texts."""
    return json.dumps(sorted(set(needs)))


def task_values(task: Task) -> dict[str, Any]:
    """Return a row of ``tasks`` without the worker and lease, which are the store's own."""
    body, crc = seal(task, task.state, task.attempt)
    return {
        "project": task.project,
        "id": task.id,
        "state": task.state.value,
        "needs": needs_text(task.needs),
        "attempt": task.attempt,
        "body": body,
        "crc": crc,
    }


def step_values(step: Step, phase: str) -> dict[str, Any]:
    """Return a row of ``steps``. Raises ValueError if the task's id is none."""
    body, crc = seal(step)
    return {
        "project": step.project,
        "task": task_number(step.task),
        "step": step.index,
        "phase": phase,
        "body": body,
        "crc": crc,
    }


def event_values(project: str, seq: int, at: int, event: NewEvent) -> tuple[str, int, int, str, int]:
    """Return a row of ``events`` in the order of its columns; ``at`` in microseconds."""
    body, crc = seal(event, at)
    return project, seq, at, body, crc


def answer_values(project: str, answer: Answer) -> dict[str, Any]:
    """Return a row of ``answers``."""
    body, crc = seal(answer)
    return {"project": project, "body": body, "crc": crc}


def report_values(project: str, report: TestReport) -> dict[str, Any]:
    """Return a row of ``reports``."""
    body, crc = seal(report)
    return {"project": project, "body": body, "crc": crc}


def artifact_values(artifact: Artifact) -> dict[str, Any]:
    """Return a row of ``artifacts``."""
    body, crc = seal(artifact)
    return {"project": artifact.project, "id": artifact.id, "body": body, "crc": crc}


def worker_values(worker: WorkerInfo) -> dict[str, Any]:
    """Return a row of ``workers``."""
    body, crc = seal(worker)
    return {"id": worker.id, "body": body, "crc": crc}
