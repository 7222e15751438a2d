"""Running containers of ours: how their processes end, and which were left by a smaker that died."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from smaker.sandbox.docker_engine import Engine, Refused
from smaker.sandbox.docker_image import LABEL
from smaker.sandbox.docker_policy import OWNER
from smaker.sandbox.spawn import Program
from smaker.sandbox.trees import NamespaceTree

_LARGEST_CODE = 255
_START_TIME = 19  # of the words after the name in /proc/PID/stat


class ContainerTree(NamespaceTree):
    """The tree below a container's first process. That reports the program's end, and what the kernel killed for its
    memory; of what it says, nothing but two numbers is believed."""

    def __init__(self, program: Program, reports: int, *, memory: bool, processes: bool) -> None:
        super().__init__(program, reports)
        self._first, self._first_pid = os.dup(program.pidfd), program.pid
        self._killed_for_memory = 0
        self.bounds_memory = memory
        self.bounds_processes = processes

    def _report(self, report: dict[str, object]) -> None:
        code, killed = report.get("exit-code"), report.get("killed-for-memory")
        if isinstance(code, int) and 0 <= code <= _LARGEST_CODE:
            self._exit_code = code
        if isinstance(killed, int):
            self._killed_for_memory = killed

    def out_of_memory(self) -> int:
        """How many processes of the container the kernel has killed for its memory."""
        return self._killed_for_memory


def owner() -> str:
    """Return what tells this process from all others of the machine, of now and before."""
    return _mark(os.getpid()) or ""


def _mark(pid: int) -> str | None:
    """The mark of a process that lives in our pid namespace."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return None
    return f"{_namespace()}-{pid}-{words[_START_TIME]}"


def _namespace() -> int:
    return Path("/proc/self/ns/pid").stat().st_ino


async def remove_orphans(engine: Engine) -> int:
    """Remove the containers of boxes whose smaker is dead; return how many. Raises SandboxUnavailable.

    Of processes in other namespaces nothing is known: theirs are left alone.
    """
    found: list[dict[str, Any]] = await engine.ask("GET", "/containers/json", all="1", filters={"label": [LABEL]})
    orphans = [entry["Id"] for entry in found if _orphaned(str(entry["Labels"].get(OWNER, "")))]
    for identifier in orphans:
        try:
            await engine.ask("DELETE", f"/containers/{identifier}", force="1", v="1")
        except Refused:
            continue  # somebody else was faster
    return len(orphans)


def _orphaned(mark: str) -> bool:
    namespace, _, rest = mark.partition("-")
    pid = rest.partition("-")[0]
    return namespace == str(_namespace()) and pid.isdigit() and _mark(int(pid)) != mark
