"""The app breaks down, or is killed: the terminal is as it was, the builds go on from where they were."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(120)]

CRASH = (
    "import sys, smaker.tui.screens.dashboard as d, textual.drivers.linux_driver as l\n"
    "def action_sort(self): secret = 'sk-{}'.format('x' * 3); raise RuntimeError('boom')\n"
    "d.Dashboard.action_sort = action_sort\n"
    "feed = l.XTermParser.feed\n"
    "def fails(self, data): return feed(self, data) if '!' not in data else 1 / 0\n"
    "l.XTermParser.feed = fails\n"
    "from smaker.__main__ import main\n"
    "sys.argv = ['smaker', *sys.argv[1:]]; main()\n"
)
SANE = {"alternate_on": "0", "mouse_any_flag": "0", "mouse_all_flag": "0", "cursor_flag": "1", "wrap_flag": "1"}


@pytest.fixture(autouse=True)
async def listed(desk: Any) -> None:
    """A home with a project."""
    await desk.project()


def run(terminal: Any, tmp_path: Path, *code: str) -> int:
    """Open the app in a terminal of which all settings are known; return its process id."""
    script = tmp_path / "crash.py"
    script.write_text(CRASH)
    program = f"'{sys.executable}' {' '.join(code) or '-m smaker'} --home '{tmp_path / 'smaker-home'}'"
    terminal.type(f"stty -a > '{tmp_path}/before'; {program}; echo \"code $?\"; stty -a > '{tmp_path}/after'")
    terminal.until("STOPPED")
    told = subprocess.run(
        ["pgrep", "-f", f"^{sys.executable}.*{tmp_path}"], capture_output=True, text=True, check=True
    ).stdout
    return int(told.split()[0])


def left(terminal: Any, tmp_path: Path) -> str:
    """Wait for the prompt; see that all of the terminal is as it was. Return what is shown."""
    shown = terminal.until(r"^code \d+")
    terminal.until(r"ready> *$")
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
    assert terminal.flags() | SANE == terminal.flags()
    return str(shown)


def test_quitting_leaves_the_terminal_as_it_was(tmux: Any, tmp_path: Path) -> None:
    terminal = tmux((80, 24))
    run(terminal, tmp_path)
    assert terminal.flags()["alternate_on"] == "1"
    terminal.keys("q")
    assert "code 0" in left(terminal, tmp_path)


def test_a_fault_of_the_app_is_told_in_a_line_and_logged_in_whole(tmux: Any, tmp_path: Path) -> None:
    terminal = tmux((80, 24))
    run(terminal, tmp_path, str(tmp_path / "crash.py"))
    terminal.keys("s")
    shown = left(terminal, tmp_path)
    assert "code 1" in shown
    assert "An internal error: RuntimeError: boom" in shown
    assert "secret" not in shown
    assert "Traceback" not in shown
    logged = (tmp_path / "smaker-home/log/smaker.log").read_text()
    assert "in action_sort" in logged
    assert "sk-xxx" not in logged


def test_a_fault_of_what_reads_the_terminal_is_one_of_the_app(tmux: Any, tmp_path: Path) -> None:
    terminal = tmux((140, 45))
    run(terminal, tmp_path, str(tmp_path / "crash.py"))
    terminal.keys("!")
    shown = left(terminal, tmp_path)
    assert "code 1" in shown
    assert "what the terminal sent could not be read" in shown
    assert "Traceback" not in shown
    assert "could not be read" in (tmp_path / "smaker-home/log/smaker.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(number: signal.Signals, tmux: Any, tmp_path: Path) -> None:
    terminal = tmux((80, 24))
    process = run(terminal, tmp_path)
    os.kill(process, number)
    assert f"code {128 + number}" in left(terminal, tmp_path)


def test_it_ends_with_its_terminal(tmux: Any, tmp_path: Path) -> None:
    terminal = tmux((80, 24))
    process = run(terminal, tmp_path)
    terminal.close()
    for _ in range(100):
        if not Path(f"/proc/{process}").exists():
            return
        subprocess.run(["sleep", "0.1"], check=True)
    os.kill(process, signal.SIGKILL)
    raise AssertionError("it runs on without a terminal")


@contextmanager
def on_a_terminal(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The app on a terminal of its own session, once it shows the project; and our end of it."""
    ours, its = pty.openpty()
    program = [sys.executable, "-m", "smaker", "--home", str(tmp_path / "smaker-home")]
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(program, stdin=its, stdout=its, stderr=its, env=environment, start_new_session=True)
    os.close(its)
    try:
        read_until(ours, b"STOPPED")
        yield process, ours
    finally:
        process.kill()
        process.wait()


def read_until(ours: int, sought: bytes) -> None:
    shown = b""
    while sought not in shown:
        shown += os.read(ours, 4096)


def test_it_ends_with_a_terminal_of_another_session(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path) as (process, ours):
        os.close(ours)
        assert process.wait(20) != 0


def test_bytes_of_another_encoding_do_not_end_it(tmp_path: Path) -> None:
    with on_a_terminal(tmp_path) as (process, ours):
        os.write(ours, b"/")
        read_until(ours, b"words of a name")
        os.write(ours, b"caf\xe9\x9b s")
        read_until(ours, "\ufffd".encode())
        os.write(ours, b"\x11")  # Ctrl-Q
        assert process.wait(20) == 0
        os.close(ours)
