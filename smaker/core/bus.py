"""The in-process bus: who watches a build hears of its events and live output as they come.

Nothing waits for a slow listener: its queue is bounded, and what does not fit is dropped. Events are durable, so a
listener that sees a gap in their numbers reads them again from the store; a dropped Delta is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager

from smaker.core.events import Delta, Event

QUEUE_SIZE = 1000


class Subscription:
    """One listener's queue."""

    def __init__(self, project: str | None) -> None:
        self.project = project
        self.dropped = 0
        self._queue: asyncio.Queue[Event | Delta] = asyncio.Queue(QUEUE_SIZE)

    def offer(self, message: Event | Delta) -> None:
        """Add a message, or count it as dropped."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self.dropped += 1

    async def next(self, timeout_s: float) -> Event | Delta | None:
        """Wait for the next message, at most so long; None if none came."""
        if not self._queue.empty():
            return self._queue.get_nowait()
        try:
            return await asyncio.wait_for(self._queue.get(), timeout_s)
        except TimeoutError:
            return None


class Bus:
    """Publishes to every subscription of the message's project."""

    def __init__(self) -> None:
        self._subscriptions: set[Subscription] = set()
        self._taps: list[tuple[Callable[[Event | Delta], None], Callable[[], object]]] = []

    @contextmanager
    def subscribe(self, project: str | None = None) -> Generator[Subscription]:
        """Listen to one project, or to all, for the length of the block."""
        for _, listened in self._taps:
            listened()
        subscription = Subscription(project)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    @contextmanager
    def tap(
        self, heard: Callable[[Event | Delta], None], listened: Callable[[], object] = lambda: None
    ) -> Generator[None]:
        """For the length of the block, have ``heard`` called with what is published here, and not with what was
        delivered from elsewhere, and ``listened`` whenever somebody begins to listen. Both must be quick."""
        tap = heard, listened
        self._taps.append(tap)
        try:
            yield
        finally:
            self._taps.remove(tap)

    def publish(self, messages: Iterable[Event | Delta]) -> None:
        """Hand what happened in this process to the listeners, never waiting."""
        if not self._subscriptions and not self._taps:
            return
        happened = tuple(messages)
        for heard, _ in self._taps:
            for message in happened:
                heard(message)
        self.deliver(happened)

    def deliver(self, messages: Iterable[Event | Delta]) -> None:
        """Hand what happened elsewhere to the listeners, never waiting."""
        for message in messages:
            for subscription in self._subscriptions:
                if subscription.project in {None, message.project}:
                    subscription.offer(message)
