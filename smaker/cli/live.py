"""Live progress of a build: a few moving lines on a terminal, plain lines in a pipe; and what the signals mean.

The first Ctrl-C pauses cleanly, the second stops at once; SIGTERM and a closed terminal pause too, and do not wait
longer than `GRACE_S` for a step to end. Whatever way a build stops, it can be resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from smaker.cli.views import status_dict, summary_text
from smaker.core.commands import Pause
from smaker.core.errors import SmakerError
from smaker.core.events import Delta, Event
from smaker.core.models import Desired, ProjectState
from smaker.core.pipeline import waiting_for
from smaker.core.ports import Build
from smaker.core.terminal import sanitize

if TYPE_CHECKING:
    from rich.console import RenderableType

    from smaker.cli.session import Session
    from smaker.wiring import Local

GRACE_S = 1.0
TAIL = 4  # lines of live output shown
UNREACHED = {"E_REFUSED", "E_UNAVAILABLE", "E_MODEL_AUTH", "E_MODEL_UNKNOWN"}
QUIET_KINDS = {"step.check", "step.edit", "task.ready", "artifact", "prompt.masked"}  # that one was told already


async def watch(session: Session, local: Local, project: str) -> int:
    """Drive a build while showing it; return the exit code."""
    driving = asyncio.ensure_future(local.worker.drive(project))
    stopping = _Signals(local, project, driving, session)
    screen = _screen(session)
    showing = asyncio.ensure_future(_show(local, project, screen))
    try:
        with stopping:
            build = await driving
    except asyncio.CancelledError:
        if stopping.code is None:
            raise
        build = await local.store.build(project)
    finally:
        driving.cancel()
        with contextlib.suppress(asyncio.TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(showing, 0.1 if stopping.code else 5)
        screen.close()
    snapshot = await local.control.snapshot(project)
    session.show(status_dict(snapshot), lambda: summary_text(snapshot))
    return stopping.code if stopping.code is not None else exit_code(build)


def exit_code(build: Build) -> int:
    """What the interfaces promise: 0 done, 1 failed, 3 waits for the user, 4 something could not be reached."""
    project = build.project
    if project.error is not None and (project.error.code in UNREACHED or project.error.code.startswith("E_DOCKER")):
        return 4
    if project.error is not None and project.error.code in {"E_SANDBOX", "E_SANDBOX_LEVEL"}:
        return 78
    if project.state is ProjectState.FAILED:
        return 1
    if project.desired is not Desired.RUN or waiting_for(build) is not None:
        return 3
    return 0 if project.state in {ProjectState.READY, ProjectState.DEPLOYED} else 1


async def _show(local: Local, project: str, screen: Screen) -> None:
    events = await local.store.events(project, after=0)
    after = events[-1].seq if events else 0
    first = next((event for event in reversed(events) if event.kind == "project.created"), None)
    async for message in local.control.events(project, after=0 if first and after < 10 else after, follow=True):
        screen.show(message)


class _Signals:
    """Turns signals into a pause, and a second one, or too long a wait, into an end."""

    def __init__(self, local: Local, project: str, driving: asyncio.Future[Build], session: Session) -> None:
        self.code: int | None = None
        self._local = local
        self._project = project
        self._driving = driving
        self._session = session
        self._pausing: asyncio.Task[None] | None = None

    def __enter__(self) -> _Signals:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.remove_signal_handler(number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self.code is not None:
            self._driving.cancel()
            return
        self.code = 128 + int(number)
        with contextlib.suppress(OSError):
            self._session.say(
                "Pausing after this step; once more to stop at once." if number == signal.SIGINT else "Pausing."
            )
        self._pausing = asyncio.ensure_future(self._pause(patient=number == signal.SIGINT))

    async def _pause(self, *, patient: bool) -> None:
        with contextlib.suppress(SmakerError):
            await self._local.control.steer(self._project, Pause())
        await asyncio.sleep(GRACE_S if not patient else 8 * GRACE_S)
        self._driving.cancel()


class Screen:
    """Plain lines, one per event: what a pipe or a log gets."""

    def __init__(self, *, quiet: bool, verbose: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._began = time.monotonic()

    def show(self, message: Event | Delta) -> None:
        """Show one message."""
        if isinstance(message, Delta):
            if self._verbose:
                self._line(f"  | {sanitize(message.text.rstrip())}")
        elif self._verbose or message.kind not in QUIET_KINDS:
            self._line(event_line(message))

    def close(self) -> None:
        """Leave the terminal as it was."""

    def _line(self, text: str) -> None:
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)  # noqa: T201


def event_line(event: Event) -> str:
    """One event as one line."""
    task = f"{event.task:>4} " if event.task else "     "
    return f"{event.at.astimezone():%H:%M:%S} {task}{sanitize(' '.join(event.message.splitlines()))}"


def _screen(session: Session) -> Screen:
    if sys.stderr.isatty() and not session.quiet and not session.verbose:
        return LiveScreen()
    return Screen(quiet=session.quiet, verbose=session.verbose)


class LiveScreen(Screen):
    """A few lines that move: stages, tasks under way, the tail of their output, elapsed time."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        super().__init__(quiet=False, verbose=False)
        self._tail: deque[str] = deque(maxlen=TAIL)
        self._running: dict[str, str] = {}
        self._done = 0
        self._total = 0
        self._state = "NEW"
        self._known: set[str] = set()
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=8, transient=True, get_renderable=self._render)
        self._live.start()

    def show(self, message: Event | Delta) -> None:
        """Show one message."""
        if isinstance(message, Delta):
            self._tail.extend(sanitize(line) for line in message.text.splitlines() if line.strip())
            return
        task = message.task or ""
        if message.kind in {"task.ready", "task.started"}:
            self._known.add(task)
        if message.kind == "task.started":
            self._running[task] = message.message
        elif message.kind in {"task.finished", "task.failed"}:
            self._running.pop(task, None)
            self._done += 1
        elif message.kind == "project.state":
            self._state = str(message.data.get("state", ""))
        if message.kind in {"task.finished", "task.failed", "step.commit", "question", "spec.ready", "finding"}:
            from rich.text import Text

            self._console.print(Text(event_line(message)))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._live.stop()

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        seconds = int(time.monotonic() - self._began)
        head = Text.assemble(
            (f" {self._state} ", "reverse bold"),
            f"  {self._done}/{max(len(self._known), self._done)} tasks  {seconds // 60}:{seconds % 60:02}",
        )
        lines = [head, *(Text(f"  ▸ {task} {title}", style="cyan") for task, title in self._running.items())]
        width = max(20, self._console.width - 6)
        lines += [Text(f"    {line[:width]}", style="dim") for line in self._tail]
        return Group(*lines)
