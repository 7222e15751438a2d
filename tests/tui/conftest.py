"""The terminal app on the real engine: one home with a finished offline build, and empty homes to build in."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget

from smaker.config import load_settings
from smaker.core.control import Snapshot
from smaker.core.errors import SmakerError
from smaker.tui.app import SmakerApp
from smaker.tui.services import Services
from smaker.tui.tabs.base import TABS, ProjectTab
from smaker.wiring import Local, open_local
from smaker.wiring.driving import Builds
from smaker.wiring.reader import FirstLook
from smaker.wiring.terminal import build_services

SCREENS = Path(__file__).with_name("screens")
SITE = "a landing page with a contact form"
SMALL = (80, 24)
LARGE = (140, 45)


@dataclass
class Desk:
    """An engine in this process, what the app is given of it, and the app itself when it is `show`n."""

    local: Local
    services: Services

    def app(self, comes: asyncio.Event | None = None) -> SmakerApp:
        """The app, whose engine comes when that is set; at once without."""

        async def connect() -> Services:
            if comes is not None:
                await comes.wait()
            return self.services

        return SmakerApp(connect, partial(FirstLook, self.local.home), str(self.local.home))

    @asynccontextmanager
    async def shown(self, size: tuple[int, int] = LARGE) -> AsyncIterator[Pilot[None]]:
        """The app on a terminal of that size, once it is connected."""
        app = self.app()
        async with app.run_test(size=size) as pilot:
            await self.until(pilot, lambda: app.connected and app.feed.ready)
            yield pilot

    @staticmethod
    async def until(pilot: Pilot[Any], holds: Callable[[], Any], timeout_s: float = 60) -> None:
        """Wait until something is so; the test fails if that takes too long."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                await pilot.pause(0.02)
        await pilot.pause()

    @staticmethod
    async def left(pilot: Pilot[Any], timeout_s: float = 60) -> None:
        """Wait until the app ends, without a word to its widgets: they no longer answer then."""
        async with asyncio.timeout(timeout_s):
            while not pilot.app._exit:  # noqa: ASYNC110  nothing tells of it
                await asyncio.sleep(0.02)

    async def project(self, prompt: str = SITE) -> str:
        """A new project that nobody builds yet; its id."""
        return (await self.services.control.create(self.services.draft(prompt))).id

    async def snapshot(self, project: str) -> Snapshot:
        """All there is to show of it."""
        return await self.services.control.snapshot(project)


Open = Callable[[Path], Awaitable[Desk]]


@pytest.fixture
async def open_desk(tmp_path: Path) -> AsyncIterator[Open]:
    """Open the engine over a home folder; the user's configuration is ``tmp_path/config.yaml``."""
    async with AsyncExitStack() as stack:

        async def open_(home: Path) -> Desk:
            file = tmp_path / "config.yaml"

            def load(**overrides: object) -> Any:
                given = {key.replace("__", "."): value for key, value in overrides.items()}
                return load_settings(user_file=file, environ=os.environ, overrides=given)

            local = await stack.enter_async_context(open_local(home, load().settings))
            builds = Builds(local, load)
            stack.push_async_callback(builds.close)
            return Desk(local, build_services(local, builds, file, load))

        yield open_


@pytest.fixture
async def desk(open_desk: Open, tmp_path: Path) -> Desk:
    """An engine over an empty home."""
    return await open_desk(tmp_path / "smaker-home")


@pytest.fixture(scope="session")
def built_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one READY project. Look, and fork, but change nothing in it."""
    for needed in ("bwrap", "node"):
        if shutil.which(needed) is None:
            if os.environ.get("CI"):
                pytest.fail(f"CI lacks {needed}")
            pytest.skip(f"needs {needed}")
    home = tmp_path_factory.mktemp("tui") / "smaker-home"
    environment = {**os.environ, "SMAKER_HOME": str(home), "SMAKER_BROWSER__ENABLED": "false"}
    ran = subprocess.run(
        [sys.executable, "-m", "smaker", "init", SITE], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return home


@pytest.fixture
async def built(open_desk: Open, built_home: Path) -> Desk:
    """An engine over the home with a READY project."""
    return await open_desk(built_home)


@pytest.fixture
async def own(open_desk: Open, built_home: Path, tmp_path: Path) -> AsyncIterator[tuple[Desk, str]]:
    """An engine over a home of the test's own, and in it a READY project to do anything with. What was deployed is
    stopped, however the test ends."""
    home = tmp_path / "own-home"
    shutil.copytree(built_home, home, symlinks=True)
    desk = await open_desk(home)
    (built,) = await desk.services.control.projects()
    newest, *_ = await desk.services.control.history(built.id)
    project = (await desk.services.control.fork(built.id, newest.sha, instruction=None)).id
    yield desk, project
    await desk.services.builder.pause_all()
    with suppress(SmakerError):  # nothing is deployed, or the test has deleted it
        await desk.services.deployments.stop(project)


Go = Callable[..., Awaitable[ProjectTab]]


@pytest.fixture
def go() -> Go:
    """Open a tab of a project (the one there is) and put the focus into it."""

    async def go_(pilot: Pilot[Any], tab: str, project: str | None = None) -> ProjectTab:
        app: Any = pilot.app
        app.show("project", project or next(iter(app.feed.views)))
        await Desk.until(pilot, lambda: app.screen.query("#tasks"))
        await Desk.until(pilot, lambda: app.screen.view.facts is not None)
        app.screen.query_one("#tasks").focus()
        await pilot.press(str(1 + list(TABS).index(tab)))
        await Desk.until(pilot, lambda: [found for found in app.screen.query(ProjectTab) if not found.loading])
        found = next(found for found in app.screen.query(ProjectTab) if found.parent.id == f"tab-{tab}")
        found.focus_first()
        await pilot.pause()
        return found

    return go_


@pytest.fixture
def screen_is() -> Callable[..., None]:
    """Compare what a widget (a tab, a screen without its footer) shows with ``screens/<name>.txt``, as text; with
    PYTEST_SNAP=1 that is written anew. Ids of projects, and what matches the patterns ``hidden``, are blanked."""

    def compare(pilot: Pilot[Any], widget: Widget, name: str, *hidden: str) -> None:
        part = widget.region
        footer = 1 if isinstance(widget, Screen) else 0
        strips = pilot.app.screen._compositor.render_strips()[part.y : part.bottom - footer]
        text = "\n".join(strip.crop(part.x, part.right).text.rstrip() for strip in strips).rstrip() + "\n"
        ids = [re.escape(project) for project in pilot.app.feed.views]
        for pattern in (*ids, *hidden):
            text = re.sub(pattern, "···", text)
        file = SCREENS / f"{name}.txt"
        if os.environ.get("PYTEST_SNAP"):
            SCREENS.mkdir(exist_ok=True)
            file.write_text(text, "utf-8")
        text, kept = (
            re.sub(r"[ \u2580-\u259f]+$", "", one, flags=re.M).rstrip() for one in (text, file.read_text("utf-8"))
        )
        assert text == kept, "\n".join(difflib.unified_diff(kept.splitlines(), text.splitlines(), lineterm=""))

    return compare


class Tmux:
    """A real terminal to run programs in: what a person sees and types, read and sent through tmux."""

    def __init__(self, folder: Path, size: tuple[int, int]) -> None:
        if shutil.which("tmux") is None:
            if os.environ.get("CI"):
                pytest.fail("CI lacks tmux")
            pytest.skip("needs tmux")
        width, height = size
        self._socket = folder / "tmux"
        shell = ("bash", "--norc", "--noprofile", "-i")
        self._do("-f", os.devnull, "new-session", "-d", "-x", str(width), "-y", str(height), *shell)
        self._do("set", "-g", "history-limit", "5000")
        self.type("PS1='ready> '; clear")
        self.until(r"^ready> *$")

    def _do(self, *words: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", str(self._socket), *words], capture_output=True, text=True, check=False, timeout=20
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names."""
        self._do("send-keys", *names)

    def write(self, text: str) -> None:
        """Type characters."""
        self._do("send-keys", "-l", "--", text)

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self.write(line)
        self.keys("Enter")

    @property
    def screen(self) -> str:
        """What is shown."""
        return self._do("capture-pane", "-p")

    def colours(self) -> str:
        """The same with the codes of its colours."""
        return self._do("capture-pane", "-p", "-e")

    def until(self, pattern: str, timeout_s: float = 60) -> str:
        """Wait for what is shown to match; return it. The test fails with the screen if it does not."""
        deadline = time.monotonic() + timeout_s
        while not re.search(pattern, shown := self.screen, re.M):
            assert time.monotonic() < deadline, f"{pattern!r} is not on the screen:\n{shown}"
            time.sleep(0.05)
        return shown

    def resize(self, width: int, height: int) -> None:
        """Make the terminal another size."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def flags(self) -> dict[str, str]:
        """What programs left switched on: another screen, the mouse, no cursor, no wrapping."""
        names = ("alternate_on", "mouse_any_flag", "mouse_all_flag", "cursor_flag", "wrap_flag", "pane_in_mode")
        told = self._do("display", "-p", " ".join(f"#{{{name}}}" for name in names))
        return dict(zip(names, told.split(), strict=True))

    def close(self) -> None:
        """End everything in it."""
        subprocess.run(["tmux", "-S", str(self._socket), "kill-server"], capture_output=True, check=False)


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Callable[..., Tmux]]:
    """Open terminals of a size."""
    with ExitStack() as opened:

        def open_(size: tuple[int, int] = LARGE) -> Tmux:
            folder = Path(tempfile.mkdtemp(prefix="smaker-tmux-"))  # a socket's path must be short
            opened.callback(shutil.rmtree, folder, ignore_errors=True)
            terminal = Tmux(folder, size)
            opened.callback(terminal.close)
            return terminal

        yield open_
