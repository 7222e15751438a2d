"""The whole way on a real terminal, by keys alone: a prompt, READY, a diff, a further step, READY, back again, out."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("size", "theme"), [((80, 24), "light"), ((140, 45), "dark")], ids=["80x24", "140x45"])
def test_the_whole_way_by_keys_alone(tmux: Any, tmp_path: Path, size: tuple[int, int], theme: str) -> None:
    terminal = tmux(size)
    terminal.type(f"'{sys.executable}' -m smaker --home '{tmp_path / 'home'}'")
    terminal.until("your first project")
    if theme == "light":
        before = terminal.colours()
        terminal.keys("C-t")
        wait_for(lambda: terminal.colours().count("[48;5;") and terminal.colours() != before)
    terminal.keys("Enter")
    terminal.until("✓ READY .*6/6 proved", 120)
    wide = size[0] >= 100

    tabs = terminal.screen if wide else opened(terminal, "1")
    number = {name: str(1 + place) for place, name in enumerate(re.search(r"Spec.*Log", tabs)[0].split())}
    terminal.keys(number["Diff"])
    terminal.until(r"t1\.\d+ +plan: Landing page")
    wait_for(lambda: re.search(r"spec\.yaml +new", terminal.screen), lambda: terminal.keys("Down"))

    terminal.keys("+")
    terminal.until("Add a step")
    terminal.write("Add an FAQ section")
    terminal.keys("C-s")
    terminal.until("7/7 proved", 120)
    terminal.until("✓ READY", 120)

    terminal.keys(number["History"])
    shown = terminal.until(r"t5\.\d+ +run +proof: 62 tests pass")
    steps = re.findall(r"(t\d+)\.\d+ +[a-z]+ +\S", shown)
    terminal.keys(*["Down"] * steps.index("t5"))
    terminal.keys("u")
    terminal.until("(?i)rewind.*t5|t5.*rewind")
    terminal.keys("y")
    terminal.until(r"\b5 commits")
    assert "FAQ" not in (tmp_path / "home").joinpath("projects").glob("*/index.html").__next__().read_text()

    terminal.keys("Escape")
    terminal.keys("Escape")
    terminal.until("Activity")
    time.sleep(0.5)  # or Escape and q would be one key, with Alt
    terminal.keys("q")
    terminal.until(r"ready> *$")
    assert terminal.flags()["alternate_on"] == "0"


def wait_for(holds: Callable[[], Any], act: Callable[[], Any] = lambda: None) -> None:
    """Do something until it has its effect: a key may come before what it is for is there."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        act()
        time.sleep(0.5)


def opened(terminal: Any, key: str) -> str:
    """What is shown once a tab is open."""
    terminal.keys(key)
    return str(terminal.until("Spec +Files"))
