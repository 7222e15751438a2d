"""A running box: its output, its deadline and bounds, and its end. Implements ``core.ports.Process``.

No thread is used: bubblewrap dies with the *thread* that started it, and one that waits in a pool would take it along.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from smaker.core.errors import SandboxUnavailable, Unavailable
from smaker.core.ports import Command, CommandResult
from smaker.sandbox.limits import Limits
from smaker.sandbox.output import Output
from smaker.sandbox.spawn import Program
from smaker.sandbox.trees import Tree
from smaker.sandbox.watch import INTERVAL_S, Watch

Limit = Literal["timeout", "output", "memory", "processes", "disk", "cancelled"]

KILLED = 137  # 128 + SIGKILL, as shells say it
_BY_SIGNAL: dict[int, Limit] = {128 + 24: "timeout", 128 + 25: "disk"}  # SIGXCPU, SIGXFSZ

_CHUNK = 65536
_GONE_S = 2.0  # for the kernel to take a killed tree down
_DRAIN_S = 0.5  # for the last output of a tree that is gone
_TRICKLE = 1 << 20  # bytes per second that a background program may print for ever
_log = logging.getLogger(__name__)


class Bounds(Protocol):
    """What the kernel bounds for the whole box; the rest is looked after."""

    @property
    def bounds_memory(self) -> bool:
        """Whether its memory is bounded as a whole."""
        ...

    @property
    def bounds_processes(self) -> bool:
        """Whether its processes are."""
        ...

    def out_of_memory(self) -> int:
        """How many of its processes the kernel has killed for memory, ever."""
        ...


@dataclass
class Started:
    """What a sandbox hands over once its program runs."""

    program: Program
    tree: Tree
    output: int  # pipe to read from
    group: Bounds | None = None
    socket: Path | None = None
    ready: int | None = None  # pipe on which the relay inside says that the port answers
    folders: tuple[Path, ...] = ()  # writable


class Box:
    """One process tree, from its start to the end of its last process."""

    def __init__(
        self,
        started: Started,
        command: Command,
        limits: Limits,
        closing: AsyncExitStack,
        *,
        background: bool,
        on_output: Callable[[str], None] | None = None,
    ) -> None:
        self._started = started
        self._command = command
        self._limits = limits
        self._closing = closing  # closed when all is over
        self._background = background
        self._loop = asyncio.get_running_loop()
        self._output = Output(command.max_output, on_output)
        self._begun = time.monotonic()
        self._limit: Limit | None = None
        self._failure: BaseException | None = None
        self._result: asyncio.Future[CommandResult] = self._loop.create_future()
        self._exited: asyncio.Future[None] = self._loop.create_future()
        self._drained: asyncio.Future[None] = self._loop.create_future()
        self._port: asyncio.Future[None] = self._loop.create_future()
        self._out_of_memory = 0 if started.group is None else started.group.out_of_memory()
        os.set_blocking(started.output, False)
        self._loop.add_reader(started.output, self._read)
        self._loop.add_reader(started.program.pidfd, self._on_exit)
        if started.ready is not None:
            self._loop.add_reader(started.ready, self._on_ready)
        self._deadline = None if background else self._loop.call_later(command.timeout_s, self.end, "timeout")
        self._watching = self._loop.create_task(self._watch())
        self._concluding = self._loop.create_task(self._conclude())

    # --- the port ---------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The pid of the box on the host."""
        return self._started.program.pid

    @property
    def socket(self) -> Path | None:
        """Profile "web": a Unix socket on the host that reaches the port inside."""
        return self._started.socket

    def tail(self, lines: int = 50) -> str:
        """The last lines of its output."""
        return self._output.last_lines(lines)

    async def wait_for_text(self, text: str, *, timeout_s: float) -> None:
        """Wait until the output contains ``text``. Raises Unavailable with the tail if it ends or time runs out."""
        seen: asyncio.Future[None] = self._loop.create_future()
        self._output.when(text, lambda: _resolve(seen))
        await self._wait_for(seen, timeout_s, f"printing {text!r}")

    async def wait_for_port(self, *, timeout_s: float) -> None:
        """Profile "web": wait until the port inside accepts a connection. Raises Unavailable with the tail."""
        if self._started.ready is None:
            raise ValueError("only a program started with the profile 'web' and a port can be waited for by port")
        await self._wait_for(self._port, timeout_s, f"listening on port {self._command.port}")

    async def wait(self) -> CommandResult:
        """Wait for its end. Raises SandboxUnavailable if the box could not be set up."""
        return await asyncio.shield(self._result)

    async def stop(self) -> None:
        """End the whole tree; nothing survives."""
        self.end("cancelled")
        await asyncio.shield(self._concluding)

    # --- what happens -----------------------------------------------------------------------------------------------

    def end(self, limit: Limit) -> None:
        """Kill the tree because of ``limit``; what ended already keeps its own result."""
        if not self._exited.done():
            if self._limit is None:
                self._limit = limit
            self._started.tree.kill()

    async def _wait_for(self, event: asyncio.Future[None], timeout_s: float, what: str) -> None:
        await asyncio.wait({event, self._result}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if event.done():
            return
        program = " ".join(self._command.argv)
        tail = self.tail() or "(no output)"
        if not self._result.done():
            raise Unavailable(
                f"{program!r} was not {what} after {timeout_s:g} s. Its last output:\n{tail}",
                hint="If it needs longer to start, allow more time.",
            )
        if failure := self._result.exception():
            raise failure
        raise Unavailable(
            f"{program!r} ended with exit code {self._result.result().exit_code} before {what}. "
            f"Its last output:\n{tail}",
            hint="The output says why it ended.",
        )

    def _read(self) -> None:
        try:
            data = os.read(self._started.output, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._stop_reading()
            return
        try:
            self._output.feed(data)
        except Exception as error:  # of on_output: it is the caller's, and ends the command
            self._failure = error
            self.end("cancelled")
            self._stop_reading()
        ceiling = self._limits.output_bytes()
        if self._background:
            ceiling += int((time.monotonic() - self._begun) * _TRICKLE)
        if self._output.total > ceiling:
            self.end("output")
            self._stop_reading()

    def _stop_reading(self) -> None:
        self._loop.remove_reader(self._started.output)
        _resolve(self._drained)

    def _on_exit(self) -> None:
        self._loop.remove_reader(self._started.program.pidfd)
        _resolve(self._exited)

    def _on_ready(self) -> None:
        if self._started.ready is not None:
            self._loop.remove_reader(self._started.ready)
            if os.read(self._started.ready, 1):
                _resolve(self._port)

    async def _watch(self) -> None:
        group, limits = self._started.group, self._limits
        watch = Watch(
            self._started.folders,
            limits.growth_bytes(self._command),
            memory=None if group is not None and group.bounds_memory else limits.memory_bytes(),
            processes=None if group is not None and group.bounds_processes else limits.processes,
            pids=self._started.tree.pids,
        )
        while True:
            await asyncio.sleep(INTERVAL_S)
            if limit := await asyncio.to_thread(watch.exceeded):
                self.end(limit)
                return

    async def _conclude(self) -> None:
        try:
            await asyncio.wait({self._exited})
        except asyncio.CancelledError:  # the event loop is closing: take the tree along, then finish as always
            self.end("cancelled")
            await asyncio.wait({self._exited}, timeout=_GONE_S)
        self._started.program.reap()
        seconds = time.monotonic() - self._begun
        if self._deadline is not None:
            self._deadline.cancel()
        self._watching.cancel()
        result: CommandResult | None = None
        try:
            await asyncio.gather(self._watching, return_exceptions=True)
            await self._started.tree.gone(_GONE_S)
            await asyncio.wait({self._drained}, timeout=_DRAIN_S)
            self._stop_reading()
            with contextlib.suppress(Exception):  # of on_output: if it failed before, that failure is what counts
                self._output.end()
            result = self._outcome(seconds)
        except Exception as error:
            _log.exception("the end of a box went wrong")
            self._failure = self._failure or error
        try:
            await self._release()
        except Exception:
            _log.exception("something of a box could not be removed")
        if self._failure is not None or result is None:
            self._result.set_exception(self._failure or RuntimeError("the box has no result"))
            self._result.exception()  # a background program's failure may interest nobody
        else:
            self._result.set_result(result)

    def _outcome(self, seconds: float) -> CommandResult:
        code = self._started.tree.exit_code
        group = self._started.group
        if self._limit is None and group is not None and code != 0 and group.out_of_memory() > self._out_of_memory:
            self._limit = "memory"
        said = self._output.text().strip()
        if code is None and self._limit is None and said.startswith("bwrap:"):
            self._failure = SandboxUnavailable(
                f"The sandbox could not be set up: {said}", hint="Find out what is missing with: smaker doctor"
            )
        if code is None:
            code = KILLED
        return CommandResult(
            exit_code=code,
            output=self._output.text(),
            seconds=seconds,
            limit=self._limit or _BY_SIGNAL.get(code),
            dropped_bytes=self._output.dropped,
        )

    async def _release(self) -> None:
        self._started.tree.close()
        os.close(self._started.output)
        self._started.program.close()
        if self._started.ready is not None:
            self._loop.remove_reader(self._started.ready)
            os.close(self._started.ready)
        await self._closing.aclose()


def _resolve(event: asyncio.Future[None]) -> None:
    if not event.done():
        event.set_result(None)


async def run_to_end(box: Box) -> CommandResult:
    """Wait for the end of ``box``. A cancellation kills the tree before it goes on."""
    try:
        return await box.wait()
    except asyncio.CancelledError:
        await asyncio.shield(box.stop())
        raise
