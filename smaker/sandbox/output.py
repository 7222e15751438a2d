"""What a box prints: read as it comes, head and tail kept, the rest counted."""

from __future__ import annotations

import codecs
from collections.abc import Callable

_TAIL_LINES = 64 * 1024  # bytes looked at for the last lines


class Output:
    """Collects bytes. Memory stays below twice ``keep`` bytes however much is printed."""

    def __init__(self, keep: int, on_text: Callable[[str], None] | None = None) -> None:
        self._half = max(1, keep // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._needles: list[tuple[bytes, Callable[[], None]]] = []
        self._overlap = b""
        self.total = 0

    def feed(self, data: bytes) -> None:
        """Take what was read; ``on_text`` sees it decoded."""
        self.total += len(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
        rest = data[room:] if room > 0 else data
        if rest:
            self._tail += rest
            if len(self._tail) > 2 * self._half:
                del self._tail[: -self._half]
        if self._needles:
            self._search(data)
        if self._on_text is not None and (text := self._decoder.decode(data)):
            self._on_text(text)

    def end(self) -> None:
        """Nothing more comes: hand on what an unfinished character left."""
        if self._on_text is not None and (text := self._decoder.decode(b"", final=True)):
            self._on_text(text)

    def when(self, text: str, call: Callable[[], None]) -> None:
        """Call ``call`` once ``text`` is printed, or at once if it is in what was kept."""
        needle = text.encode("utf-8")
        if needle in self._head or needle in self._tail or needle in self._last(len(needle) * 2):
            call()
        else:
            self._needles.append((needle, call))
            self._overlap = self._last(max(len(needle) for needle, _ in self._needles))

    def _last(self, size: int) -> bytes:
        return bytes(self._head[-size:] + self._tail[-size:])[-size:]

    def _search(self, data: bytes) -> None:
        window = self._overlap + data
        waiting: list[tuple[bytes, Callable[[], None]]] = []
        for needle, call in self._needles:
            if needle in window:
                call()
            else:
                waiting.append((needle, call))
        self._needles = waiting
        keep = max((len(needle) for needle, _ in waiting), default=0)
        self._overlap = window[-keep:] if keep else b""

    @property
    def dropped(self) -> int:
        """How many bytes were not kept."""
        return self.total - len(self._head) - min(len(self._tail), self._half)

    def text(self) -> str:
        """Return what was kept, with a line in the middle that says what was not."""
        if not self.dropped:
            return (self._head + self._tail).decode("utf-8", "replace")
        head = self._head.decode("utf-8", "ignore")
        tail = self._tail[-self._half :].decode("utf-8", "ignore")
        return f"{head}\n… {self.dropped} bytes left out …\n{tail}"

    def last_lines(self, lines: int) -> str:
        """Return the last ``lines`` lines."""
        recent = (
            (self._head + self._tail)[-_TAIL_LINES:] if len(self._tail) < _TAIL_LINES else self._tail[-_TAIL_LINES:]
        )
        return "\n".join(recent.decode("utf-8", "replace").splitlines()[-lines:])
