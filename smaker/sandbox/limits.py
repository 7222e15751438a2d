"""How much of the machine one box may use, and the rlimits that say so to the kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from smaker.core.ports import Command

MEGABYTE = 1 << 20

_RESERVED_MB = 64 * 1024
"""Address space beyond ``memory_mb``: WebAssembly, Go and Java reserve tens of gigabytes that they never touch, so
RLIMIT_DATA (private writable memory) carries the memory bound and RLIMIT_AS only stops what is absurd."""

_INSTALL_FACTOR = 8  # packages may be large: an installation may write this many times what a run may


@dataclass(frozen=True)
class Limits:
    """Bounds of one box. Megabytes are 2**20 bytes."""

    memory_mb: int = 4096  # of the whole box where it can be counted, else of each process
    processes: int = 512  # processes and threads
    file_mb: int = 512  # one file
    workspace_mb: int = 2048  # growth of the writable folders during one command
    open_files: int = 4096  # of each process
    output_mb: int = 64  # printed before the box is killed
    tmp_mb: int = 256  # /tmp inside

    def memory_bytes(self) -> int:
        """The memory bound in bytes."""
        return self.memory_mb * MEGABYTE

    def output_bytes(self) -> int:
        """The hard ceiling of what a command may print, in bytes."""
        return self.output_mb * MEGABYTE

    def growth_bytes(self, command: Command) -> int:
        """How much the command's writable folders may grow, in bytes."""
        return self.workspace_mb * MEGABYTE * (_INSTALL_FACTOR if command.profile == "install" else 1)

    def rlimits(self, command: Command, *, background: bool, processes: int | None = None) -> tuple[str, ...]:
        """Return the options of prlimit(1) for ``command``; ``processes`` overrides the process count."""
        file_mb = self.file_mb * (_INSTALL_FACTOR if command.profile == "install" else 1)
        options = [
            f"--data={self.memory_bytes()}",
            f"--fsize={file_mb * MEGABYTE}",
            f"--nofile={self.open_files}",
            f"--nproc={self.processes if processes is None else processes}",
            "--core=0",
        ]
        if command.profile != "browser":  # V8 reserves a terabyte for its own walls, and its pages crash without it
            options.append(f"--as={(self.memory_mb + _RESERVED_MB) * MEGABYTE}")
        if not background:  # wall time bounds a foreground command; CPU time bounds each of its processes as well
            soft = max(1, math.ceil(2 * command.timeout_s))
            options.append(f"--cpu={soft}:{soft + 2}")
        return tuple(options)


@runtime_checkable
class Bounded(Protocol):
    """A sandbox that says what its bounds are."""

    @property
    def limits(self) -> Limits:
        """The bounds of its boxes."""
        ...
