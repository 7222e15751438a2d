"""Bounds the kernel does not keep for us: growth of the writable folders, and memory where no cgroup counts it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Literal

INTERVAL_S = 0.25
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Looks at one box now and then. ``memory`` (bytes) and ``processes`` are None where a cgroup bounds them."""

    def __init__(
        self,
        folders: Iterable[Path],
        growth: int,
        *,
        memory: int | None,
        processes: int | None,
        pids: Callable[[], Collection[int]],
    ) -> None:
        self._folders = tuple(folders)
        self._growth = growth
        self._memory = memory
        self._processes = processes
        self._pids = pids
        self._since = time.time() - 1.0  # file systems round times
        self._free = self._free_bytes()

    def exceeded(self) -> Literal["disk", "memory", "processes"] | None:
        """Return which bound is broken. Blocks for a walk over the folders when their disk filled by the bound."""
        if self._memory is not None or self._processes is not None:
            pids = self._pids()
            if self._processes is not None and len(pids) > self._processes:
                return "processes"
            if self._memory is not None and _used(pids, self._memory) > self._memory:
                return "memory"
        now = self._free_bytes()
        for device, free in now.items():
            if self._free.get(device, free) - free > self._growth:
                if self._written() > self._growth:
                    return "disk"
                self._free = now  # somebody else filled the disk
                break
        return None

    def _free_bytes(self) -> dict[int, int]:
        free: dict[int, int] = {}
        for folder in self._folders:
            with contextlib.suppress(OSError):
                state = os.statvfs(folder)
                free[folder.stat().st_dev] = state.f_bfree * state.f_frsize
        return free

    def _written(self) -> int:
        """Bytes on disk of files changed since the start."""
        total = 0
        for folder in self._folders:
            for parent, _, names in os.walk(folder):
                for name in names:
                    with contextlib.suppress(OSError):
                        state = os.lstat(f"{parent}/{name}")
                        if state.st_ctime >= self._since:
                            total += state.st_blocks * 512
        return total


def _used(pids: Collection[int], bound: int) -> int:
    """Bytes of memory in use; shared pages count once if the plain sum is above ``bound``."""
    total = sum(_resident(pid) for pid in pids)
    return total if total <= bound else sum(_proportional(pid) for pid in pids)


def _resident(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE
    return 0


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)
