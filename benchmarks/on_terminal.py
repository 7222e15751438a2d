"""A program on a terminal of its own: what it writes and when, keys sent to it, what it uses of the machine."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

ESCAPES = re.compile(rb"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)|[\[(][0-9;?<>=$ ]*[@-~]|[@-Z\\-_=>])")
SCREEN = b"\x1b[?1049h"  # a program takes the whole screen
PAINTED = 20  # printed characters that make a first picture


class OnTerminal:
    """``command`` on a terminal of ``size`` (columns, lines). Killed at the end if it is still there."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, size: tuple[int, int] = (140, 45)
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        given = {**environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.begun = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=given, start_new_session=True
        )
        os.close(slave)
        self.used = psutil.Process(self._process.pid)
        self.raw = b""
        self.at = 0.0  # when something was last written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was printed, without escapes, in the order in which it was."""
        return ESCAPES.sub(b"", self.raw).decode("utf-8", "replace")

    def read(self, timeout_s: float) -> bytes:
        """What is written within so many seconds, the first piece of it; "" if nothing is."""
        if not select.select([self._master], [], [], max(0.0, timeout_s))[0]:
            return b""
        try:
            piece = os.read(self._master, 1 << 16)
        except OSError as error:  # the other end is closed: Linux says EIO
            raise RuntimeError(f"the program has ended:\n{self.text[-2000:]}") from error
        self.at = time.perf_counter()
        self.raw += piece
        return piece

    def painted(self, timeout_s: float = 60) -> float:
        """Seconds from the start until there was a first picture on the whole screen."""
        deadline = self.begun + timeout_s
        while time.perf_counter() < deadline:
            self.read(deadline - time.perf_counter())
            _, taken, since = self.raw.partition(SCREEN)
            if taken and len(ESCAPES.sub(b"", since).split()) and _printed(since) >= PAINTED:
                return self.at - self.begun
        raise RuntimeError(f"nothing was painted:\n{self.text[-2000:]}")

    def settled(self, *, quiet_s: float = 0.7, timeout_s: float = 60) -> float:
        """Seconds from the start until the last that was written before it was quiet for so long."""
        deadline = self.begun + timeout_s
        while self.read(quiet_s):
            if time.perf_counter() > deadline:
                raise RuntimeError("the screen does not come to rest")
        return self.at - self.begun

    def until(self, pattern: str, timeout_s: float = 60) -> None:
        """Read until what is printed from now on matches. Raises RuntimeError if it does not."""
        began, deadline = len(self.raw), time.perf_counter() + timeout_s
        while not re.search(pattern, ESCAPES.sub(b"", self.raw[began:]).decode("utf-8", "replace")):
            if time.perf_counter() > deadline:
                raise RuntimeError(f"{pattern!r} was not printed:\n{self.text[-2000:]}")
            self.read(0.1)

    def pass_time(self, seconds: float) -> None:
        """Read what is written for so long, as a terminal does."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            self.read(left)

    def press(self, keys: str) -> None:
        """Send keys."""
        os.write(self._master, keys.encode())

    def answers(self, key: str, timeout_s: float = 5) -> float:
        """Seconds from a key until its character is on the screen; all of ``timeout_s`` if it never is."""
        sought, began = key.encode(), time.perf_counter()
        os.write(self._master, sought)
        seen = b""
        while (left := began + timeout_s - time.perf_counter()) > 0:
            seen = seen[-8:] + self.read(left)
            if sought in seen:
                return self.at - began
        return timeout_s

    def megabytes(self) -> float:
        """Its memory now."""
        return self.used.memory_info().rss / (1 << 20)

    def processor_s(self) -> float:
        """Seconds of a processor that it used, without the programs it started."""
        times = self.used.cpu_times()
        return times.user + times.system


def _printed(data: bytes) -> int:
    return sum(not character.isspace() for character in ESCAPES.sub(b"", data).decode("utf-8", "replace"))


def environment(home: Path, **more: str) -> dict[str, str]:
    """The variables of this process without smaker's own, with ``home`` for the user's folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SMAKER_")}
    return kept | {"HOME": str(home), **more}
