"""A clock that moves when it is told to."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


class FrozenClock:
    """Implements `smaker.core.ports.Clock`. Sleeping moves it, and lets others run for a moment."""

    def __init__(self, at: datetime = START) -> None:
        self._at = at
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the frozen time."""
        return self._at

    def monotonic(self) -> float:
        """Return the seconds slept and advanced so far."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move both clocks."""
        self._at += timedelta(seconds=seconds)
        self._elapsed += max(0.0, seconds)

    def jump(self, seconds: float) -> None:
        """Move the time of day alone, as an administrator or a time server does."""
        self._at += timedelta(seconds=seconds)

    async def sleep(self, seconds: float) -> None:
        """Advance, and yield long enough for other work of this process to go on."""
        self.advance(seconds)
        await asyncio.sleep(0.005)
