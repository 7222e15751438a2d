"""The log of a home: what is said while it is open, the fault that ended it, and nothing afterwards."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from smaker.core.errors import UsageError
from smaker.wiring.parts import open_log

SPEAKER = logging.getLogger("smaker.somewhere")


def lines(home: Path) -> list[str]:
    """What the log of ``home`` says, line by line."""
    file = home / "log" / "smaker.log"
    return [json.loads(line)["event"] for line in file.read_text().splitlines()] if file.exists() else []


def test_it_holds_what_is_said_while_it_is_open(tmp_path: Path) -> None:
    with open_log(tmp_path):
        SPEAKER.warning("within")
    SPEAKER.warning("late")
    assert lines(tmp_path) == ["within"]


def test_two_homes_are_open_at_once_and_one_is_closed_first(tmp_path: Path) -> None:
    with open_log(tmp_path / "a"):
        with open_log(tmp_path / "b"):
            SPEAKER.warning("both")
        SPEAKER.warning("one")
    assert lines(tmp_path / "a") == ["both", "one"]
    assert lines(tmp_path / "b") == ["both"]


def test_a_fault_is_in_it_and_says_where(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as caught, open_log(tmp_path):
        raise RuntimeError("boom")
    assert lines(tmp_path) == ["internal error"]
    assert "RuntimeError: boom" in (tmp_path / "log" / "smaker.log").read_text()
    assert caught.value.__notes__ == [f"That is a fault of smaker. The details: {tmp_path / 'log' / 'smaker.log'}"]


def test_a_users_mistake_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught, open_log(tmp_path):
        raise UsageError("No such project.")
    assert lines(tmp_path) == []
    assert not hasattr(caught.value, "__notes__")
