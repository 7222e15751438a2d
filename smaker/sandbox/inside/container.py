"""The first process of a container: starts one program, and ends when that ends or when smaker does.

Standard library only, for whatever Python 3.10 or newer an image has. smaker listens on the socket that is named by the
only argument, and sends one order with descriptors: the first holds JSON (``argv``, ``env``, ``cwd``, ``rlimits``,
``filter``, ``targets``), the end is reported on the second, the others are the program's, each with the numbers it gets
there (``targets``). As this is the first process of its namespace, the kernel ends what is left when it ends.
"""

from __future__ import annotations

import base64
import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from .nursery import receive

if TYPE_CHECKING:
    from typing import Any

UNREACHABLE = 111  # exit code: the socket is there, and nobody answers
SET_DUMPABLE, SET_SECCOMP, FILTER = 4, 22, 2
KILLED_FIRST = "500"  # of a thousand: it is the program that the kernel ends for its memory, not this process
COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")

libc = ctypes.CDLL(None, use_errno=True)


class Rules(ctypes.Structure):
    """A classic BPF program, as the kernel takes it."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def become(order: dict[str, Any], given: list[int]) -> None:
    """Become the program; return only if it cannot be started."""
    os.setsid()
    above = max((want for wanted in order["targets"] for want in wanted), default=2) + 1
    moved = [fcntl.fcntl(have, fcntl.F_DUPFD_CLOEXEC, above) for have in given]  # no target hits a source
    for have, wanted in zip(moved, order["targets"], strict=True):
        for want in wanted:
            os.dup2(have, want)
    for name in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(name, signal.SIG_DFL)
    program: str = order["argv"][0]
    libc.prctl(SET_DUMPABLE, 1)  # or its own files in /proc belong to root
    try:
        Path("/proc/self/oom_score_adj").write_text(KILLED_FIRST, "ascii")
        os.chdir(order["cwd"])
        for name, soft, hard in order["rlimits"]:
            resource.setrlimit(getattr(resource, name), (soft, hard))
        refuse_calls(base64.b64decode(order["filter"]))
        os.execvpe(program, order["argv"], order["env"])  # noqa: S606
    except OSError as error:
        os.write(2, f"{program}: {error.strerror}\n".encode("utf-8", "replace"))


def refuse_calls(instructions: bytes) -> None:
    """Forbid this process and its children the system calls that the filter refuses. Raises OSError."""
    if instructions:
        rules = Rules(len(instructions) // 8, instructions)
        if libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(rules), 0, 0):
            raise OSError(ctypes.get_errno(), "its system-call filter is refused by the kernel")


def killed_for_memory() -> int:
    """How many processes of this container the kernel has ended for its memory."""
    for path in COUNTERS:
        try:
            lines = Path(path).read_text("ascii").splitlines()
            return next(int(line.partition(" ")[2]) for line in lines if line.startswith("oom_kill "))
        except (OSError, ValueError, StopIteration):
            continue
    return 0


class Program:
    """The program, and the orphans that become children of this process."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None

    def reap(self, *_: object) -> None:
        """Take leave of what ended."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self.pid:
                    self.status = status
        except ChildProcessError:
            return


def main(path: str) -> int:
    """Serve one order."""
    link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        link.connect(path)
    except OSError:
        return UNREACHABLE
    libc.prctl(SET_DUMPABLE, 0)  # what is held here is not for the program, which has the same user
    message, received = receive(link, 16)
    if not message:
        return 0
    with os.fdopen(received[0], "rb") as file:
        order = json.load(file)
    pid = os.fork()
    if not pid:
        become(order, received[2:])
        os._exit(127)
    for descriptor in received[2:]:
        os.close(descriptor)
    program = Program(pid)
    waiting = select.poll()
    waiting.register(link, select.POLLIN)
    waiting.register(os.pidfd_open(pid), select.POLLIN)
    signal.signal(signal.SIGCHLD, program.reap)
    while program.status is None:
        if link.fileno() in dict(waiting.poll()):
            return 0  # smaker is gone
        program.reap()
    status = program.status
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    os.write(received[1], json.dumps({"exit-code": code, "killed-for-memory": killed_for_memory()}).encode() + b"\n")
    return 0
