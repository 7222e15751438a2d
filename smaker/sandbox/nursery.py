"""Control groups without their price: boxes are born in the group instead of moved into it.

To move a process into a group makes the kernel wait for a grace period: ten milliseconds, in which nothing on the
machine can fork. So each group keeps a small process (``inside/nursery.py``) that was moved once and starts one box
after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from smaker.core.errors import SandboxUnavailable
from smaker.sandbox import host
from smaker.sandbox.cgroup import Group, Groups
from smaker.sandbox.inside.nursery import receive
from smaker.sandbox.limits import Limits
from smaker.sandbox.spawn import Program, readable, refusal

_SCRIPT = host.INSIDE / "nursery.py"
_ANSWER_S = 10.0
_KEPT_IDLE = 8


class Nursery:
    """One group and the process in it. Serves one box at a time."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(_ANSWER_S)
        with theirs:
            self._process = subprocess.Popen(
                [*group.launcher("/bin/sh"), str(host.python()), "-I", "-S", str(_SCRIPT), str(theirs.fileno())],
                env={},
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Wait until it serves. Raises SandboxUnavailable."""
        self._orders.setblocking(False)
        try:
            async with asyncio.timeout(_ANSWER_S):
                answer = await asyncio.get_running_loop().sock_recv(self._orders, 16)
        except (OSError, TimeoutError) as error:
            raise SandboxUnavailable(f"A control group does not answer: {error}") from error
        if not answer:
            raise SandboxUnavailable(f"The control group {self.group.folders[0]} could not be entered.")
        self._orders.settimeout(_ANSWER_S)

    def launch(
        self, argv: Sequence[str], env: Mapping[str, str], *, output: int, stdin: int | None, keep: Sequence[int]
    ) -> Program:
        """Start ``argv`` in the group, with the descriptors ``keep`` at the same numbers. Raises SandboxUnavailable."""
        targets = {output: (1, 2)} | {number: (number,) for number in keep} | ({} if stdin is None else {stdin: (0,)})
        order = json.dumps({"argv": list(argv), "env": dict(env), "targets": list(targets.values())})
        try:
            with ExitStack() as given:
                description = readable(order.encode("ascii"), given)
                socket.send_fds(self._orders, [b"start"], [description, *targets])
            answer, received = receive(self._orders, 4096)
            said = json.loads(answer)
        except (OSError, ValueError) as error:
            raise SandboxUnavailable(f"A command could not be started in its control group: {error}") from error
        if not received:
            raise refusal(argv[0], OSError(*said))
        return Program(said[0], received[0])

    @property
    def idle(self) -> bool:
        """Whether it lives and is alone in its group."""
        return self._process.poll() is None and self.group.members() == {self._process.pid}

    def close(self) -> None:
        """End it and remove the group."""
        self._orders.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._process.kill()
        self._process.wait()
        self.group.remove()


class Nurseries:
    """As many as boxes run at once; they wait for the next boxes."""

    def __init__(self, groups: Groups, limits: Limits) -> None:
        self._groups = groups
        self._limits = limits
        self._idle: list[Nursery] = []
        weakref.finalize(self, _close_all, self._idle)

    async def take(self) -> Nursery:
        """Return one that is idle, or a new one. Raises SandboxUnavailable."""
        while self._idle:
            nursery = self._idle.pop()
            if nursery.idle:
                return nursery
            nursery.close()
        try:
            nursery = Nursery(self._groups.make(self._limits))
        except OSError as error:
            raise SandboxUnavailable(
                f"No control group could be made for a command: {error}",
                hint="Groups named smaker-* that are left over can be removed; then try again.",
            ) from error
        try:
            await nursery.ready()
        except BaseException:
            nursery.close()
            raise
        return nursery

    def give_back(self, nursery: Nursery) -> None:
        """Keep ``nursery`` for the next box, if its last one left nothing behind."""
        if len(self._idle) < _KEPT_IDLE and nursery.idle:
            self._idle.append(nursery)
        else:
            nursery.close()


def _close_all(idle: list[Nursery]) -> None:
    while idle:
        idle.pop().close()
