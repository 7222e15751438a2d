"""The ledger of one task: intent before, result after, and recorded results handed out until they end."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from smaker.core.bus import Bus
from smaker.core.errors import BuildFailed, Diverged
from smaker.core.events import EventKind, NewEvent
from smaker.core.faults import crashpoint
from smaker.core.models import Desired, Step, StepKind, Task, Usage
from smaker.core.ports import Clock, Store
from smaker.core.taskfiles import TaskFiles

EVENTS: Mapping[StepKind, EventKind] = {
    StepKind.MODEL: "step.model",
    StepKind.COMMAND: "step.command",
    StepKind.PROCESS: "step.process",
    StepKind.EDIT: "step.edit",
    StepKind.COMMIT: "step.commit",
    StepKind.BROWSER: "step.browser",
    StepKind.DEPLOY: "step.deploy",
    StepKind.QUESTION: "step.question",
    StepKind.CHECK: "step.check",
}

REPEATABLE = {StepKind.EDIT, StepKind.COMMIT}
"""Steps within the task's own folder and ref. Done again they do the same, and nobody need know that they were begun:
their intent is stored with their result, which spares a flush of the disk."""


class Stopped(Exception):
    """The user wants the build paused or cancelled; raised at a step boundary, caught by the worker."""


@dataclass
class Effect:
    """What an effect returned, and whether it may have changed files."""

    output: dict[str, JsonValue]
    moves_tree: bool = False
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    commit: str | None = None


class Ledger:
    """Numbers the steps of one task. With ``replay`` nothing is recorded: a step without a record is a divergence."""

    def __init__(
        self,
        *,
        task: Task,
        files: TaskFiles,
        store: Store,
        clock: Clock,
        bus: Bus,
        max_steps: int,
        recorded: Sequence[Step] = (),
        replay: bool = False,
    ) -> None:
        self._task = task
        self._files = files
        self._store = store
        self._clock = clock
        self._bus = bus
        self._max_steps = max_steps
        self._recorded = [step for step in recorded if step.finished_at is not None]
        self._replay = replay
        self.index = 0
        self.shared = False  # whether a process that runs beside the steps may change files too
        self.before: Callable[[], Awaitable[None]] | None = None  # each effect, once the files are as the record says

    @property
    def recalling(self) -> bool:
        """Whether the next step has a recorded result."""
        return self.index < len(self._recorded)

    def expects(self, kind: StepKind, payload: dict[str, JsonValue]) -> bool:
        """Whether the next recorded result is that of this step."""
        return self.recalling and self._recorded[self.index].input_sha == _sha(kind, payload)

    async def step(
        self, kind: StepKind, title: str, payload: dict[str, JsonValue], do: Callable[[], Awaitable[Effect]]
    ) -> Step:
        """Return the recorded result of the next step, or have the effect and record it.

        Raises:
            Diverged: the step's input is not what its record says.
            Stopped: the user wants the build to stop.
            BuildFailed: the task has used up its steps.
        """
        sha = _sha(kind, payload)
        if self.recalling:
            return await self._recall(kind, title, sha, do)
        if self._replay:
            raise Diverged(f"{self._task.id}: {title!r} is not in the record", hint="The record is of another version.")
        return await self._record(kind, title, sha, do)

    async def _recall(self, kind: StepKind, title: str, sha: str, do: Callable[[], Awaitable[Effect]]) -> Step:
        step = self._recorded[self.index]
        if step.input_sha != sha:
            raise Diverged(
                f"step {step.id} was {step.title!r} ({step.kind}), now it is {title!r} ({kind})",
                hint="The plan or this program changed since: do the stage again with: smaker restart",
            )
        self.index += 1
        if self._replay and self._files.checkout is not None:
            if step.kind is StepKind.COMMIT or (step.kind is StepKind.EDIT and not self.shared):
                await do()
            elif step.changes:
                await self._files.reapply(step.changes)
            tree = await self._files.checkout.snapshot()
            if step.tree is not None and tree != step.tree:
                raise Diverged(f"step {step.id} ({step.title}): the tree is {tree}, the record says {step.tree}")
        if step.tree is not None:
            self._files.recall(step.tree)
        return step

    async def _record(self, kind: StepKind, title: str, sha: str, do: Callable[[], Awaitable[Effect]]) -> Step:
        if await self._store.desired(self._task.project) is not Desired.RUN:
            raise Stopped
        if self.index >= self._max_steps:
            raise BuildFailed(
                f"{self._task.title}: more than {self._max_steps} steps",
                hint="Raise it with: smaker config set limits.max_steps_per_task N",
            )
        await self._files.restore()
        if self.before is not None:
            await self.before()
        self.index += 1
        step = Step(
            id=f"{self._task.id}.{self.index}",
            project=self._task.project,
            task=self._task.id,
            index=self.index,
            kind=kind,
            title=title[:500],
            attempt=self._task.attempt,
            input_sha=sha,
            started_at=self._clock.now(),
        )
        if kind not in REPEATABLE:
            await self._store.begin_step(step)
            crashpoint("step.begun")
        effect = await do()
        crashpoint("step.done")
        changes, blobs = await self._files.settle() if effect.moves_tree else (None, [])
        finished = step.model_copy(
            update={
                "output": effect.output,
                "tree": self._files.tree,
                "changes": changes,
                "usage": effect.usage,
                "model": effect.model,
                "commit": effect.commit,
                "finished_at": self._clock.now(),
            }
        )
        first: list[Awaitable[object]] = [self._store.put_blob(data) for data in blobs]
        if kind in REPEATABLE:
            first.append(self._store.begin_step(step))
        _, events = await asyncio.gather(  # asked for in this order, and as a rule stored by one commit
            asyncio.gather(*first), self._store.finish_step(finished, (_event(finished),))
        )
        crashpoint("step.recorded")
        self._bus.publish(events)
        return finished


def _sha(kind: StepKind, payload: dict[str, JsonValue]) -> str:
    canonical = json.dumps([kind, payload], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()


def _event(step: Step) -> NewEvent:
    data: dict[str, JsonValue] = {"step": step.id}
    message = step.title
    if step.kind is StepKind.COMMAND and step.output:
        message = f"$ {step.title} → exit {step.output.get('exit_code')}"
        data |= {"exit_code": step.output.get("exit_code"), "seconds": step.output.get("seconds")}
    if step.kind is StepKind.PROCESS and step.output:
        message += " → runs" if step.output.get("running") else f" → {_ended(step.output.get('exit_code'))}"
    message = step.assumption or message
    if step.commit is not None:
        data["commit"] = step.commit
    files: list[JsonValue] = [*(step.changes or {})]
    if files:
        data["files"] = files[:50]
    return NewEvent(kind=EVENTS[step.kind], message=message, task=step.task, data=data)


def _ended(exit_code: JsonValue) -> str:
    return "stopped" if exit_code is None else f"exit {exit_code}"
