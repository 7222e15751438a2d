"""Process trees and how to end them whole: by their namespace, or without one by the marks their members carry."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol, cast

from smaker.sandbox.cgroup import Group
from smaker.sandbox.spawn import Program

MARK = "SMAKER_BOX"
"""The variable whose value marks the members of a tree that has no namespace of its own."""

_SETUP_S = 0.5  # a box that is being set up tells its pid long before
_SWEEPS = 50


class Tree(Protocol):
    """The processes of one box."""

    @property
    def exit_code(self) -> int | None:
        """The program's exit code (128 + signal if it was killed); None if it never started or was cut off."""
        ...

    def kill(self) -> None:
        """Send SIGKILL to all, at once."""
        ...

    async def gone(self, timeout_s: float) -> None:
        """Make sure that none is left; gives up after ``timeout_s`` seconds."""
        ...

    def pids(self) -> set[int]:
        """Members alive now, by their pids on the host."""
        ...

    def close(self) -> None:
        """Give file descriptors back."""
        ...


async def readable(descriptor: int, timeout_s: float) -> bool:
    """Wait until ``descriptor`` can be read; False if ``timeout_s`` seconds pass first."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, lambda: ready.done() or ready.set_result(None))
    try:
        async with asyncio.timeout(timeout_s):
            await ready
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True


class NamespaceTree:
    """The tree of a bubblewrap box: when the first process of its pid namespace is dead, so is everything in it.

    bubblewrap reports on a pipe: first the pid of that process, and the exit code when the program ends.
    """

    def __init__(self, program: Program, reports: int) -> None:
        self._program = program
        self._reports: int | None = reports
        self._text = b""
        self._first: int | None = None  # pidfd
        self._first_pid = 0
        self._kill_wanted = False
        self._exit_code: int | None = None
        self._loop = asyncio.get_running_loop()
        os.set_blocking(reports, False)
        self._loop.add_reader(reports, self._read)

    @property
    def exit_code(self) -> int | None:
        """What bubblewrap reported; None if the program never started or was cut off."""
        return self._exit_code

    def _read(self) -> None:
        if self._reports is None:
            return
        try:
            data = os.read(self._reports, 4096)
        except BlockingIOError:
            return
        if not data:
            self._stop_reading()
            return
        *lines, self._text = (self._text + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError):
                report: Any = json.loads(line)
                if isinstance(report, dict):
                    self._report(cast("dict[str, object]", report))

    def _report(self, report: dict[str, object]) -> None:
        pid, code = report.get("child-pid"), report.get("exit-code")
        if isinstance(pid, int):
            with contextlib.suppress(ProcessLookupError):
                self._first = os.pidfd_open(pid)
                self._first_pid = pid
            if self._kill_wanted:
                self.kill()
        if isinstance(code, int):
            self._exit_code = code

    def _stop_reading(self) -> None:
        if self._reports is not None:
            self._loop.remove_reader(self._reports)
            os.close(self._reports)
            self._reports = None

    def kill(self) -> None:
        """Send SIGKILL to the first process, and so to all; a box still being set up gets it when it has one."""
        if self._first is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._first, signal.SIGKILL)
            self._program.kill()
        elif not self._kill_wanted:
            self._kill_wanted = True
            self._loop.call_later(_SETUP_S, self._program.kill)

    async def gone(self, timeout_s: float) -> None:
        """Wait for the namespace's end: bubblewrap takes it down when the program ends."""
        for _ in range(3):  # what was reported before the end
            self._read()
        if self._first is not None and not await readable(self._first, timeout_s):
            self.kill()
            await readable(self._first, timeout_s)

    def pids(self) -> set[int]:
        """Members alive now: the first process and its descendants (orphans become its children)."""
        found: set[int] = set()
        waiting = [self._first_pid] if self._first is not None else []
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            with contextlib.suppress(OSError, ValueError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    children = map(int, (task / "children").read_text("ascii").split())
                    waiting.extend(child for child in children if child not in found)
        return found

    def close(self) -> None:
        """Give file descriptors back."""
        self._stop_reading()
        if self._first is not None:
            os.close(self._first)
            self._first = None


class MarkedTree:
    """The tree of a plain process: its session, its descendants, and whatever still carries its mark.

    A process that leaves the session, loses its parents and clears its environment escapes unless a cgroup holds it:
    that is why this is no strong sandbox.
    """

    def __init__(self, program: Program, mark: str, group: Group | None) -> None:
        self._program = program
        self._mark = f"{MARK}={mark}".encode()
        self._group = group

    @property
    def exit_code(self) -> int | None:
        """The program's exit code, 128 + signal if it was killed."""
        code = self._program.reap()
        return None if code is None else code if code >= 0 else 128 - code

    def kill(self) -> None:
        """Send SIGKILL to all that are found."""
        self._program.kill()
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    async def gone(self, timeout_s: float) -> None:
        """Kill what is left until nothing is found."""
        deadline = time.monotonic() + timeout_s
        while self.pids() and time.monotonic() < deadline:
            self.kill()
            await asyncio.sleep(timeout_s / _SWEEPS)

    def pids(self) -> set[int]:
        """Members alive now; zombies do not count."""
        members = self._group.members() if self._group else set[int]()
        parents: dict[int, int] = {}
        for pid, parent, session in _processes():
            parents[pid] = parent
            if session == self._program.pid or self._marked(pid):
                members.add(pid)
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in members and pid not in members}
            members |= more
            grown = bool(more)
        return members - {os.getpid()}

    def _marked(self, pid: int) -> bool:
        try:
            return self._mark in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    def close(self) -> None:
        """Nothing is held."""


def count() -> int:
    """How many processes and threads this user has now."""
    total = 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if entry.stat().st_uid == os.getuid():
                    total += sum(1 for _ in os.scandir(f"/proc/{entry.name}/task"))
    return total


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield (pid, parent, session) of every process that is not a zombie."""
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                stat = Path(entry.path, "stat").read_text("utf-8", "replace")
                state, parent, _, session, *_ = stat.rpartition(")")[2].split()
                if state not in "ZX":
                    yield int(entry.name), int(parent), int(session)
