"""Leaves a provider alone that fails again and again, and tries it once when it has had time to recover."""

from __future__ import annotations

from smaker.core.ports import Clock
from smaker.llm.faults import ModelFault

FAILURES = 5
COOL_DOWN_S = 30.0
LONGEST_S = 900.0
"""What a provider asks to wait is kept to this: quotas are raised, and nobody restarts smaker for that."""


class Breaker:
    """Closed while calls go well; open (nobody is let through) after some failures in a row; then one may try."""

    def __init__(self, clock: Clock, *, failures: int = FAILURES, cool_down_s: float = COOL_DOWN_S) -> None:
        self.last: ModelFault | None = None
        self._clock = clock
        self._limit = failures
        self._cool_down = cool_down_s
        self._failures = 0
        self._until: float | None = None
        self._trying = False

    def enter(self) -> float | None:
        """Return None if a call may be made, which must be followed by one of the three below; else seconds to wait."""
        if self._until is None:
            return None
        left = self._until - self._clock.monotonic()
        if left > 0 or self._trying:
            return max(left, 1.0)
        self._trying = True
        return None

    def succeeded(self) -> None:
        """The provider answered."""
        self._failures, self._until, self._trying = 0, None, False

    def failed(self, fault: ModelFault, wait_s: float | None = None) -> None:
        """The provider failed; ``wait_s``: it wants to be left alone, from now on and for so long."""
        self.last = fault
        self._failures += 1
        if wait_s is not None:
            self._open(min(wait_s, LONGEST_S))
        elif self._trying or self._failures >= self._limit:
            self._open(self._cool_down)
        self._trying = False

    def abandoned(self) -> None:
        """The call was cancelled: nothing was learnt."""
        self._trying = False

    def _open(self, seconds: float) -> None:
        self._until = self._clock.monotonic() + seconds
