"""Processes that run beside the commands of a task: every start, look and stop is a step of its ledger.

What runs is what the record says: a process that ended by itself counts as running until a step sees it. When a task
goes on after its program was killed, none of them is alive; before its next effect those that its record leaves running
are started again, on the files as they are.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from smaker.core.box import Box
from smaker.core.errors import NotFound, SandboxUnavailable, Unavailable, UsageError
from smaker.core.ports import Checkout, CommandResult, Process
from smaker.core.spec import Frozen

MOST = 3
"""Processes of one task."""

KEPT = 1 << 16  # characters of output kept between two looks: the last
SEEN_S = 0.1  # for what was printed just now to arrive
ALIVE_S = 1.0  # after which a process that listens on no port counts as started


class Look(Frozen):
    """A background process as a step found it: what it printed since the look before, and how it ended if it did.

    Where it does not run, ``exit_code`` None means that it was stopped: it was meant to, or did not listen in time.
    """

    running: bool
    output: str
    exit_code: int | None = None
    limit: str | None = None


class Order(Frozen):
    """What was asked to be started. ``timeout_s`` is how long it may take until it listens on ``port``."""

    argv: tuple[str, ...]
    port: int | None
    variables: dict[str, str]
    timeout_s: float


class _Heard:
    """What a process printed and no step has told yet."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text)
        if self._size > 2 * KEPT:
            self._keep("".join(self._parts)[-KEPT:])

    def take(self, *, whole: bool) -> str:
        """All of it; unless ``whole``, without a line that is still being printed: half a secret is not masked."""
        text = "".join(self._parts)[-KEPT:]
        end = len(text) if whole else text.rfind("\n") + 1 or len(text)
        self._keep(text[end:])
        return text[:end]

    def _keep(self, text: str) -> None:
        self._parts, self._size = [text], len(text)


@dataclass(frozen=True)
class _Alive:
    """A process that was started by this program."""

    process: Process
    ending: asyncio.Task[CommandResult]
    heard: _Heard

    @property
    def ended(self) -> CommandResult | None:
        """How it ended by itself, None while it runs. Raises SandboxUnavailable if its box could not be set up."""
        return self.ending.result() if self.ending.done() else None


class Background:
    """The background processes of one task."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._orders: dict[str, Order] = {}  # by name: those that run, as the record says
        self._alive: dict[str, _Alive] = {}

    @property
    def running(self) -> tuple[str, ...]:
        """The names of those that run, in the order in which they were started."""
        return tuple(self._orders)

    @property
    def reach(self) -> dict[int, Path]:
        """The ports that lead to them."""
        found: dict[int, Path] = {}
        for name, order in self._orders.items():
            alive = self._alive.get(name)
            if order.port is not None and alive and not alive.ending.done() and alive.process.socket is not None:
                found[order.port] = alive.process.socket
        return found

    def check(self, name: str, order: Order) -> None:
        """Raise UsageError if another of that name or port runs, or too many do."""
        if name in self._orders:
            raise UsageError(f"{name!r} is running already.", hint="Stop it first.")
        if order.port is not None and order.port in {other.port for other in self._orders.values()}:
            raise UsageError(f"Another process listens on port {order.port}.", hint="Stop it first, or choose another.")
        if len(self._orders) >= MOST:
            raise UsageError(f"{', '.join(self._orders)} are running: no more than {MOST} may.", hint="Stop one first.")

    def require(self, name: str) -> None:
        """Raise NotFound if none of that name runs."""
        if name not in self._orders:
            running = f"Running: {', '.join(self._orders)}." if self._orders else "None is running."
            raise NotFound(f"There is no process {name!r}.", hint=running)

    def note(self, name: str, order: Order | None, look: Look) -> None:
        """Take in what a step, recorded or done, says of a process."""
        if not look.running:
            self._orders.pop(name, None)
        elif order is not None:
            self._orders[name] = order

    async def start(self, checkout: Checkout, name: str, order: Order) -> Look:
        """Start a process, and wait until it listens. Raises SandboxUnavailable, UsageError."""
        alive = await self._start(checkout, order)
        self._alive[name] = alive
        if await self._listens(alive, order):
            return Look(running=True, output=alive.heard.take(whole=False))
        return await self.stop(name)

    async def look(self, name: str) -> Look:
        """See whether a process runs, and what it printed. Raises SandboxUnavailable."""
        alive = self._alive[name]
        await asyncio.wait({alive.ending}, timeout=SEEN_S)
        if alive.ended is not None:
            return await self.stop(name)
        return Look(running=True, output=alive.heard.take(whole=False))

    async def stop(self, name: str) -> Look:
        """End a process, and all that it started. Raises SandboxUnavailable."""
        alive = self._alive[name]
        await asyncio.wait({alive.ending}, timeout=SEEN_S)
        ended = alive.ended
        await alive.process.stop()
        del self._alive[name]
        output = alive.heard.take(whole=True)
        if ended is None:
            return Look(running=False, output=output)
        return Look(running=False, output=output, exit_code=ended.exit_code, limit=ended.limit)

    async def revive(self, checkout: Checkout) -> None:
        """Start again what runs by the record and is not alive. One that does not come up has ended, for the next look.

        Raises SandboxUnavailable.
        """
        for name, order in self._orders.items():
            if name not in self._alive:
                self._alive[name] = await self._start(checkout, order)
                if not await self._listens(self._alive[name], order):
                    await self._alive[name].process.stop()

    async def close(self) -> None:
        """End all of them; this is no step."""
        alive, self._alive = self._alive, {}
        stopping = [asyncio.ensure_future(one.process.stop()) for one in alive.values()]
        ends = asyncio.gather(*stopping, *(one.ending for one in alive.values()), return_exceptions=True)
        await asyncio.shield(ends)  # whoever waits for this may be cancelled; they end all the same

    async def _start(self, checkout: Checkout, order: Order) -> _Alive:
        heard, live = _Heard(), self._box.live()

        def printed(text: str) -> None:
            live(text)
            heard.add(text)

        process = await self._box.start(
            checkout, order.argv, port=order.port, variables=order.variables, reach=self.reach, on_output=printed
        )
        ending = asyncio.ensure_future(process.wait())
        ending.add_done_callback(lambda _: live.end())
        return _Alive(process, ending, heard)

    @staticmethod
    async def _listens(alive: _Alive, order: Order) -> bool:
        """Whether it comes up. Raises SandboxUnavailable."""
        if order.port is None:
            await asyncio.wait({alive.ending}, timeout=ALIVE_S)
            return alive.ended is None
        try:
            await alive.process.wait_for_port(timeout_s=order.timeout_s)
        except SandboxUnavailable:
            raise
        except Unavailable:
            return False
        return True
