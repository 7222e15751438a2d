"""Control groups: bounds on memory and process count of a whole box, where this user may make such groups.

Version 1 (root, on older machines and in containers) and version 2 (root, or a subtree delegated to the user, as
systemd does for desktop sessions) are tried by making a group and moving a process in; else rlimits remain.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from smaker.sandbox.limits import MEGABYTE, Limits

_NAME = re.compile(r"smaker-(\d+)-\d+$")
_numbers = itertools.count(1)

JOIN = 'for group in $1; do echo 0 > "$group/cgroup.procs" || exit 125; done; shift; exec "$@"'
"""For sh -c: move this process into the groups named by the first argument, then become the rest."""


@dataclass(frozen=True)
class Group:
    """The cgroups of one box: one folder (version 2) or one per controller (version 1)."""

    folders: tuple[Path, ...]
    bounds_memory: bool = False
    bounds_processes: bool = False

    def launcher(self, shell: str) -> tuple[str, ...]:
        """Return the words to put before a command so that it starts inside the group."""
        return (shell, "-c", JOIN, "sh", " ".join(map(str, self.folders)))

    def members(self) -> set[int]:
        """Process ids in the group."""
        found: set[int] = set()
        for folder in self.folders:
            with contextlib.suppress(OSError):
                found.update(map(int, (folder / "cgroup.procs").read_text("ascii").split()))
        return found

    def out_of_memory(self) -> int:
        """How many processes of the group the kernel has killed for its memory, ever."""
        for folder in self.folders:
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError, ValueError):
                    for line in (folder / name).read_text("ascii").splitlines():
                        key, _, value = line.partition(" ")
                        if key == "oom_kill":
                            return int(value)
        return 0

    def remove(self) -> None:
        """Delete the group, whose processes must have ended. What the kernel still holds is left to the next start."""
        for folder in self.folders:
            for _ in range(5):
                try:
                    folder.rmdir()
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.001)  # a process that was just killed may be counted for an instant
                else:
                    break


@dataclass(frozen=True)
class Groups:
    """Where groups can be made: (folder, is version 2) each, and which controllers they bound."""

    parents: tuple[tuple[Path, bool], ...]
    memory: bool
    processes: bool

    def make(self, limits: Limits) -> Group:
        """Make a group with the bounds of ``limits``. Raises OSError."""
        name = f"smaker-{os.getpid()}-{next(_numbers)}"
        made: list[Path] = []
        try:
            for parent, unified in self.parents:
                folder = parent / name
                folder.mkdir()
                made.append(folder)
                for file, value in _bounds(unified, limits):
                    if (folder / file).exists():
                        (folder / file).write_text(str(value), "ascii")
        except OSError:
            Group(tuple(made)).remove()
            raise
        return Group(tuple(made), bounds_memory=self.memory, bounds_processes=self.processes)

    def sweep(self) -> None:
        """Remove groups that a killed process of ours left behind."""
        for parent, _ in self.parents:
            for folder in parent.glob("smaker-*"):
                match = _NAME.match(folder.name)
                if match and not Path("/proc", match[1]).exists():
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def _bounds(unified: bool, limits: Limits) -> list[tuple[str, int]]:
    memory = limits.memory_mb * MEGABYTE
    bound = [("pids.max", limits.processes)]
    if unified:
        return [*bound, ("memory.max", memory), ("memory.swap.max", 0)]
    return [*bound, ("memory.limit_in_bytes", memory), ("memory.memsw.limit_in_bytes", memory)]


def _mounts() -> list[tuple[str, str, Path, set[str]]]:
    """Return (type, root, mount point, options) of each cgroup mount."""
    found: list[tuple[str, str, Path, set[str]]] = []
    for line in Path("/proc/self/mountinfo").read_text("utf-8").splitlines():
        left, _, right = line.partition(" - ")
        words, tail = left.split(), right.split()
        if len(words) > 4 and len(tail) > 2 and tail[0] in {"cgroup", "cgroup2"}:
            found.append((tail[0], words[3], Path(words[4]), set(tail[2].split(","))))
    return found


def _own() -> dict[str, str]:
    """Return the path of this process' group by controller; "" is version 2."""
    paths: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def _candidates() -> list[tuple[tuple[Path, bool], ...]]:
    """Return the sets of parent folders worth trying, best first."""
    own, mounts = _own(), _mounts()
    tries: list[tuple[tuple[Path, bool], ...]] = []
    by_controller: dict[str, Path] = {}
    for kind, root, point, options in mounts:
        if kind == "cgroup2" and "" in own:
            here = _beneath(point, root, own[""])
            tries.extend(((folder, True),) for folder in (here, here.parent) if folder.is_relative_to(point))
        for controller in ("pids", "memory"):
            if kind == "cgroup" and controller in options and controller in own:
                by_controller[controller] = _beneath(point, root, own[controller])
    folders = dict.fromkeys((folder, False) for folder in by_controller.values())
    if folders:
        tries.append(tuple(folders))
        tries.extend((one,) for one in folders if len(folders) > 1)
    return tries


def _beneath(point: Path, root: str, path: str) -> Path:
    inside = path[len(root) :] if root != "/" and path.startswith(root) else path
    return point / inside.strip("/")


def find(limits: Limits, shell: str = "/bin/sh") -> Groups | None:
    """Find by trying where groups can be made and entered; None where they cannot. Takes a few milliseconds."""
    try:
        tries = _candidates()
    except (OSError, ValueError):
        return None
    for parents in tries:
        bare = Groups(parents, memory=False, processes=False)
        try:
            group = bare.make(limits)
        except OSError:
            continue
        try:
            entered = subprocess.run(
                [*group.launcher(shell), "true"], stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False
            )
            memory = any(
                (folder / name).exists() for folder in group.folders for name in ("memory.max", "memory.limit_in_bytes")
            )
            processes = any((folder / "pids.max").exists() for folder in group.folders)
        except (OSError, subprocess.SubprocessError):
            continue
        finally:
            group.remove()
        if entered.returncode == 0 and (memory or processes):
            groups = Groups(parents, memory=memory, processes=processes)
            groups.sweep()
            return groups
    return None
