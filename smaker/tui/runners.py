"""Who builds: this process, other processes on this machine that hold a project, and workers that are registered."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from smaker.core.models import TaskState, WorkerInfo
from smaker.tui.view import ProjectView

SILENT_S = 60.0  # a worker that was not heard of for so long is taken for lost


@dataclass(frozen=True)
class Runner:
    """One of them. ``health`` is "" where it is well; ``projects`` are those it drives, ``task`` what it does now."""

    name: str
    kind: str
    capabilities: str
    projects: tuple[str, ...] = ()
    task: str = ""
    health: str = ""
    last_at: datetime | None = None


def runners(
    views: Iterable[ProjectView], here: frozenset[str], registered: Sequence[WorkerInfo], now: datetime
) -> list[Runner]:
    """All of them, this process first. ``here`` are the projects it drives or will drive."""
    known = list(views)
    own = [view for view in known if view.id in here]
    me = f"pid {os.getpid()} on {socket.gethostname()}"
    found = [_process(me, "this process", own, now)]
    holders: dict[str, list[ProjectView]] = {}
    for view in known:
        if view.holder is not None and view.id not in here and view.holder != me:
            holders.setdefault(view.holder, []).append(view)
    found += [_process(holder, "another process", held, now) for holder, held in sorted(holders.items())]
    return [*found, *(_worker(worker, now) for worker in sorted(registered, key=lambda worker: worker.id))]


def _process(name: str, kind: str, views: Sequence[ProjectView], now: datetime) -> Runner:
    """A process that holds the locks of projects; while it lives it prolongs the leases of its tasks."""
    running = [task for view in views for task in view.tasks if task.state is TaskState.RUNNING]
    late = [task for task in running if task.lease_until is not None and task.lease_until < now]
    return Runner(
        name=name,
        kind=kind,
        capabilities="all stages",
        projects=tuple(view.id for view in views),
        task=", ".join(f"{task.id} {task.title}" for task in running),
        health=f"{len(late)} of its tasks were not heard of in time" if late else "",
        last_at=max((view.last_at for view in views), default=None),
    )


def _worker(worker: WorkerInfo, now: datetime) -> Runner:
    silent = worker.seen_at is None or (now - worker.seen_at).total_seconds() > SILENT_S
    return Runner(
        name=f"{worker.id}, pid {worker.pid} on {worker.host}",
        kind="worker",
        capabilities=", ".join(worker.capabilities) or "all stages",
        task=worker.task or "",
        health="not heard of any more" if silent else "",
        last_at=worker.seen_at,
    )
