"""An engine in another process, that is killed, stands still and comes back: the app says so, and loses no event."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from smaker.core.control import Contents, Snapshot
from smaker.core.errors import Unavailable
from smaker.core.events import Delta, Event
from smaker.core.models import Project
from smaker.core.proof import Trace
from smaker.tui import feed
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.widgets.stream import Stream

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(240)]

ENGINE = Path(__file__).with_name("engine_process.py")


class Distant:
    """What the app needs of a `Control`, over a socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def projects(self) -> list[Project]:
        async for line in self._ask(call="projects"):
            return [Project.model_validate(project) for project in json.loads(line)]
        raise Unavailable("The engine did not answer.")

    async def snapshot(self, project: str) -> Snapshot:
        async for line in self._ask(call="snapshot", project=project):
            return Snapshot.model_validate_json(line)
        raise Unavailable("The engine did not answer.")

    async def trace(self, project: str) -> Trace:
        async for line in self._ask(call="trace", project=project):
            return Trace.model_validate_json(line)
        raise Unavailable("The engine did not answer.")

    async def contents(self, project: str, path: str = "") -> Contents:
        async for line in self._ask(call="contents", project=project, path=path):
            return Contents.model_validate_json(line)
        raise Unavailable("The engine did not answer.")

    async def events(self, project: str, *, after: int = 0, follow: bool = False) -> AsyncIterator[Event | Delta]:
        async for line in self._ask(call="events", project=project, after=after, follow=follow):
            kind, _, data = line.partition(" ")
            yield Delta.model_validate_json(data) if kind == "delta" else Event.model_validate_json(data)

    async def _ask(self, **asked: Any) -> AsyncIterator[str]:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=1 << 24)
            try:
                writer.write(json.dumps(asked).encode() + b"\n")
                while line := await reader.readline():
                    if not line.endswith(b"\n"):
                        raise Unavailable("The engine broke off.")
                    yield line.decode()
            finally:
                writer.close()
        except OSError as error:
            raise Unavailable(f"The engine is not there: {error}") from error


Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[tuple[Start, Path]]:
    """Start an engine over a home; the socket it answers on. All end with the test."""
    folder = Path(tempfile.mkdtemp(prefix="smaker-engine-"))
    socket, started = folder / "s", []

    async def start(home: Path, *words: str) -> asyncio.subprocess.Process:
        socket.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ENGINE), str(home), str(socket), *words), stdout=asyncio.subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        return process

    yield start, socket
    for process in started:
        if process.returncode is None:
            process.kill()
        await process.wait()
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_lost_engine_is_said_and_no_event_is_lost(
    desk: Any, engine: tuple[Start, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "ANSWER_S", 2.0)
    monkeypatch.setattr(feed, "BACK_OFF_S", 1.0)
    start, socket = engine
    project = await desk.project()
    home = desk.local.home
    process = await start(home, "14")
    desk.services = replace(desk.services, control=Distant(socket))
    async with desk.shown() as pilot:
        app = pilot.app
        batches: list[Event] = []
        take = app.feed.take

        def listen() -> Any:
            batch = take()
            batches.extend(batch.events)
            return batch

        monkeypatch.setattr(app.feed, "take", listen)
        app.show("project", project)
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        await desk.until(pilot, lambda: app.feed.views[project].seq > 10)

        process.send_signal(signal.SIGKILL)
        await process.wait()
        banner = app.screen.query_one("#banner", Static)
        await desk.until(pilot, lambda: banner.display and "Not connected" in str(banner.render()))
        assert await asyncio.to_thread(lambda: app.feed.views[project].status) != "READY"

        seen = app.feed.views[project].seq
        process = await start(home, "1000")
        await desk.until(pilot, lambda: not banner.display)
        await desk.until(pilot, lambda: app.feed.views[project].seq > seen)

        os.kill(process.pid, signal.SIGSTOP)
        await desk.until(pilot, lambda: banner.display and "no answer for 2 seconds" in str(banner.render()))
        os.kill(process.pid, signal.SIGCONT)
        await desk.until(pilot, lambda: not banner.display)
        await desk.until(pilot, lambda: app.feed.views[project].status == "READY", 120)

        recorded = [event.seq async for event in Distant(socket).events(project) if isinstance(event, Event)]
        await desk.until(pilot, lambda: app.feed.views[project].seq == recorded[-1])
        heard = [event.seq for event in batches]
        assert heard == list(range(heard[0], recorded[-1] + 1))
        assert heard[0] < recorded[-1]
        tabs = [pane.id for pane in app.screen.query("TabPane")]
        await pilot.press(str(tabs.index("tab-log") + 1))
        await desk.until(pilot, lambda: app.screen.query("#log-events") and shown(app))
        assert shown(app) == recorded == list(range(1, len(recorded) + 1))


def shown(app: Any) -> list[int]:
    """The numbers in the Log tab."""
    lines = app.screen.query_one("#log-events", Stream).lines
    return [int(number[1]) for line in lines if (number := re.match(r" *(\d+) \d\d:\d\d:\d\d ", line))]
