"""Terminals of any size, and more text than any screen can take."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import pytest
from textual.widgets import Static

from smaker.core.events import Delta
from smaker.tui import literal
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.tabs.base import TABS
from smaker.tui.widgets.stream import Stream

HUGE = 200_000_000  # characters


@pytest.mark.sandbox
@pytest.mark.attack("T164")
async def test_a_line_of_200_mb(built: Any) -> None:
    async with built.shown() as pilot:
        app = pilot.app
        await pilot.press("enter")
        await built.until(pilot, lambda: isinstance(app.screen, ProjectScreen) and app.screen._chosen)
        project, task = app.screen.project_id, app.screen._chosen
        line = "x" * HUGE
        tracemalloc.start()
        began = time.monotonic()
        app.feed._output(Delta(project=project, task=task, stream="output", text=line))
        stream = app.screen.query_one("#stream", Stream)
        await built.until(pilot, lambda: "x" * 1000 in "".join(stream.lines))
        assert time.monotonic() - began < 5
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        assert grown < 20_000_000
        assert max(map(len, stream.lines)) <= 2_000
        app.notify(literal.line(line), markup=False)
        app.screen.query_one("#banner", Static).update(literal.content(line))
        await pilot.pause()
        await pilot.press("escape")


@pytest.mark.attack("T164")
def test_the_door_lets_through_what_a_screen_can_take() -> None:
    began = time.process_time()
    text = "a b\n" * (HUGE // 40)
    assert literal.line(text).endswith("more characters)")
    assert max(len(literal.line(text)), len(literal.cell(text))) < 2_100
    assert len(literal.content(text)) < 100_100
    assert time.process_time() - began < 2
    assert literal.line("short") == "short"


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.attack("T165")
@pytest.mark.parametrize("size", [(1, 1), (2, 50), (200, 2), (20, 6)])
async def test_a_terminal_of_any_size(built: Any, size: tuple[int, int]) -> None:
    async with built.shown(size) as pilot:
        app = pilot.app
        await pilot.press("enter")
        await built.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        for number in range(1, len(TABS) + 1):
            await pilot.press(str(number))
            await pilot.pause()
        await pilot.resize_terminal(140, 45)
        await pilot.press("0")
        await built.until(pilot, lambda: "READY" in str(app.screen.query_one("#summary", Static).render()))
        await pilot.press("escape")


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(120)
@pytest.mark.attack("T165")
async def test_a_storm_of_sizes(built: Any) -> None:
    async with built.shown() as pilot:
        app = pilot.app
        await pilot.press("enter")
        await built.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        for number in range(12):
            width, height = 1 + number * 37 % 190, 1 + number * 11 % 60
            await pilot.resize_terminal(width, height)
            if number % 5 == 0:
                await pilot.press(str(1 + number % len(TABS)))
        await pilot.resize_terminal(140, 45)
        await pilot.press("0")
        await built.until(pilot, lambda: app.screen.query_one("#left").region.width > 20)
        assert "READY" in str(app.screen.query_one("#summary", Static).render())


@pytest.mark.attack("T165")
@pytest.mark.parametrize("streams", ["none", "input", "output"])
def test_without_a_terminal_it_says_what_it_needs(streams: str, tmp_path: Any) -> None:
    master, slave = pty.openpty()
    ran = subprocess.run(
        [sys.executable, "-m", "smaker", "--home", str(tmp_path), "tui"],
        stdin=slave if streams == "input" else subprocess.DEVNULL,
        stdout=slave if streams == "output" else subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=30,
    )
    os.close(slave)
    os.close(master)
    assert ran.returncode == 2
    assert "it needs a terminal for its input, output and errors" in ran.stderr
    assert "smaker --help" in ran.stderr
    assert "\x1b" not in ran.stderr


@pytest.mark.attack("T165")
@pytest.mark.parametrize("variables", ["NO_COLOR=1", "LANG=C LC_ALL=C", "TERM=xterm", "TERM=linux COLORTERM="])
async def test_in_plain_surroundings(variables: str, desk: Any, tmux: Any) -> None:
    await desk.project()
    terminal = tmux((80, 24))
    terminal.type(f"env {variables} '{sys.executable}' -m smaker --home '{desk.local.home}'")
    shown = terminal.until("STOPPED")
    assert "‖ STOPPED" in shown
    assert "Landing page" in shown or "landing page" in shown
    if "NO_COLOR" in variables:
        assert not any(code in terminal.colours() for code in ("[31m", "[32m", "[33m", "[36m"))
    terminal.keys("q")
    terminal.until(r"ready> *$")


@pytest.mark.attack("T165")
def test_a_terminal_that_cannot_move_its_cursor(tmux: Any, tmp_path: Any) -> None:
    terminal = tmux((80, 24))
    terminal.type(f"TERM=dumb '{sys.executable}' -m smaker --home '{tmp_path}' tui")
    assert "cannot move its" in terminal.until("Use the verbs")
