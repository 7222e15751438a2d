"""Waiting for models that answered this build before and are away now: the build goes on by itself when they are back.

A model that never answered is not waited for: more likely its address or key is wrong, which the user should know at
once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from smaker.core.errors import ModelAway
from smaker.core.events import NewEvent
from smaker.core.ledger import Stopped
from smaker.core.models import Desired, Problem, StepKind, Task
from smaker.core.ports import Change, Clock, Store

LONGEST_S = 60.0
TOLD_S = 60.0  # between two messages about the same outage
_LOOK_S = 1.0  # how soon a pause is noticed


class Outage:
    """The waits of one task: ``longest_s`` in all. ``tell`` records what the user is to know of them."""

    def __init__(
        self, task: Task, store: Store, clock: Clock, *, tell: Callable[[Change], Awaitable[None]], longest_s: float
    ) -> None:
        self._task = task
        self._store = store
        self._clock = clock
        self._tell = tell
        self._pauses = _pauses(longest_s)
        self._told: float | None = None

    async def outlast(self, error: ModelAway) -> bool:
        """Wait a while, longer each time, and return True; False at once where waiting is no use, or was long enough.

        Raises Stopped where the user paused the build meanwhile.
        """
        if error.code != ModelAway.code or not await self._answered_before():
            return False
        pause = next(self._pauses, None)
        if pause is None:
            return False
        await self._say(error, pause)
        until = self._clock.monotonic() + pause
        while (left := until - self._clock.monotonic()) > 0:
            await self._clock.sleep(min(left, _LOOK_S))
            if (await self._store.build(self._task.project)).project.desired is not Desired.RUN:
                raise Stopped
        return True

    async def end(self) -> None:
        """The task could go on: say so, if it ever waited."""
        if self._told is not None:
            event = NewEvent(kind="model.back", message="The models answer again", task=self._task.id)
            await self._tell(Change(clear_error=True, events=(event,)))

    async def _answered_before(self) -> bool:
        steps = await self._store.steps(self._task.project)
        return any(step.kind is StepKind.MODEL and step.output is not None for step in steps)

    async def _say(self, error: ModelAway, pause: float) -> None:
        now = self._clock.monotonic()
        if self._told is not None and now - self._told < TOLD_S:
            return
        self._told = now
        problem = Problem(message=error.message, hint=error.hint, code=error.code)
        event = NewEvent(
            kind="model.away",
            message=f"Waiting for the models: {error.message}; asked again in {pause:.0f} s",
            task=self._task.id,
            data={"seconds": pause},
        )
        await self._tell(Change(error=problem, events=(event,)))


def _pauses(longest_s: float) -> Iterator[float]:
    """1, 2, 4, … 60, 60, … seconds, up to ``longest_s`` in all."""
    pause, left = 1.0, longest_s
    while left > 0:
        yield min(pause, left)
        left -= pause
        pause = min(2 * pause, LONGEST_S)
