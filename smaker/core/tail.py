"""The newest part of what somebody prints: live output is kept only so far as somebody may still look at it."""

from __future__ import annotations

from collections import deque


class Tail:
    """The newest part of a stream of text: at most ``limit`` characters and a piece."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: deque[str] = deque()
        self._size = 0

    def add(self, text: str) -> None:
        """Append a piece, and forget what is too old."""
        self._parts.append(text[-self._limit :])
        self._size += len(self._parts[-1])
        while self._size - len(self._parts[0]) > self._limit:
            self._size -= len(self._parts.popleft())

    def __str__(self) -> str:
        return "".join(self._parts)
