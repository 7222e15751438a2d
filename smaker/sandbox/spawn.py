"""Starts the program of a box with exactly the descriptors it is meant to have.

Called on the event loop's own thread only: bubblewrap's ``--die-with-parent`` is tied to the thread that forks.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from smaker.core.errors import SandboxUnavailable, SmakerError, UsageError


class Program:
    """A started process, known by its pidfd; ``child`` if it is our own, whose zombie we must take."""

    def __init__(self, pid: int, pidfd: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self._child = child

    def reap(self) -> int | None:
        """Take the zombie and return its code as subprocess does; None while it runs, and if it is not our child."""
        return None if self._child is None else self._child.poll()

    def kill(self) -> None:
        """Send SIGKILL, if it still lives."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.pidfd)


def pipe(near: ExitStack, far: ExitStack) -> tuple[int, int]:
    """Make a pipe; the read end is closed with ``near`` (ours), the write end with ``far`` (the box's)."""
    read, write = os.pipe()
    near.callback(os.close, read)
    far.callback(os.close, write)
    return read, write


def opened(file: Path, far: ExitStack) -> int:
    """Open ``file`` for the box to read; closed with ``far``. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    far.callback(os.close, descriptor)
    return descriptor


def readable(data: bytes, far: ExitStack) -> int:
    """Return a descriptor from which a program reads ``data`` and then the end; closed with ``far``."""
    descriptor = os.memfd_create("smaker")
    far.callback(os.close, descriptor)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def refusal(program: str, error: OSError) -> SmakerError:
    """Return what to raise when a program could not be started."""
    if error.errno == errno.E2BIG:
        return UsageError(
            "The command is longer than this system allows.", hint="Put what is long into a file, and name the file."
        )
    return SandboxUnavailable(
        f"{program} could not be started: {error}", hint="Find out what is missing with: smaker doctor"
    )


def launch(
    argv: Sequence[str], *, env: Mapping[str, str], output: int, stdin: int | None, keep: Sequence[int], cwd: str = "/"
) -> Program:
    """Start ``argv`` with no descriptor but 0, 1, 2 and ``keep``. Raises SandboxUnavailable, UsageError."""
    try:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=output,
            close_fds=True,
            pass_fds=tuple(keep),
            start_new_session=True,  # Ctrl-C is for us: it must not end the program before we decide
        )
    except OSError as error:
        raise refusal(argv[0], error) from error
    return Program(child.pid, os.pidfd_open(child.pid), child)
