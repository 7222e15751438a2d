"""A build as a person at a terminal sees it: moving lines, Ctrl-C, and a quiet, a loud and a plain way in a pipe."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(240), pytest.mark.sandbox, pytest.mark.node]

PROMPT = "a landing page with a contact form"


class Terminal:
    """A program with a terminal of its own; ``screen`` is all it wrote, escape sequences included."""

    def __init__(self, program: Any, *words: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "smaker", *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**program.environment(), "TERM": "xterm-256color", "COLUMNS": "100", "LINES": "30"},
            start_new_session=True,
        )
        os.close(slave)
        self.screen = ""

    def read(self, *, until: str = "", timeout_s: float = 120) -> str:
        """Read until the pattern is on the screen, or the program ended."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not (until and re.search(until, self.screen)):
            if not select.select([self._master], [], [], 0.2)[0]:
                if self.process.poll() is not None:
                    break
                continue
            try:
                data = os.read(self._master, 65536)
            except OSError:  # the other end is closed: Linux says EIO
                break
            self.screen += data.decode("utf-8", "replace")
        return self.screen

    def signal(self, number: signal.Signals) -> None:
        """What a key such as Ctrl-C sends."""
        os.killpg(self.process.pid, number)

    def end(self) -> int:
        """Read to the end and return the exit code."""
        self.read()
        code = self.process.wait(60)
        os.close(self._master)
        return code


def test_progress_moves_and_leaves_a_summary(program: Any) -> None:
    terminal = Terminal(program, "init", PROMPT)
    assert terminal.end() == 0
    screen = terminal.screen
    assert re.search(r"\d+/\d+ tasks  0:\d\d", screen), "the line with the state, the tasks and the time"
    assert "▸" in screen, "the task under way"
    assert re.search(r"READY", screen)
    assert screen.count("\x1b[?25l") == screen.count("\x1b[?25h") > 0, "the cursor is given back"
    assert "Traceback" not in screen


def test_the_first_interrupt_pauses_the_second_stops_at_once(program: Any) -> None:
    terminal = Terminal(program, "init", PROMPT)
    terminal.read(until="▸")
    terminal.signal(signal.SIGINT)
    terminal.read(until="once more")
    terminal.signal(signal.SIGINT)
    before = time.monotonic()
    assert terminal.end() == 130
    assert time.monotonic() - before < 10
    project = program.json("list")[0]["id"]
    assert program.json("resume", project)["state"] == "READY"


def test_quiet_says_only_the_result_and_verbose_all(program: Any) -> None:
    said: dict[str, str] = {}
    for flag in ("--quiet", "--verbose"):
        ran = subprocess.run(
            [sys.executable, "-m", "smaker", flag, "init", PROMPT],
            capture_output=True,
            text=True,
            env=program.environment(),
            check=True,
        )
        assert "READY" in ran.stdout
        said[flag] = ran.stderr
    assert said["--quiet"] == ""
    assert "  | " in said["--verbose"], "the output of commands"
    assert len(said["--verbose"].splitlines()) > 30
    assert Path(program.home).is_dir()
