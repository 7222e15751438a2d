"""R1, R3: killed at any boundary between two durable effects, also while recovering, a build ends the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BUILDER = Path(__file__).with_name("builder.py")

Build = Callable[..., dict[str, Any]]


def run(home: Path, at: int | None = None) -> dict[str, Any] | None:
    """One process of the build; None if it was killed."""
    environment = {**os.environ, "LEDGER_OF_CALLS": str(home / "calls")}
    if at is not None:
        environment["SMAKER_CRASH_AT"] = f"*:{at}"
    home.mkdir(exist_ok=True)
    ran = subprocess.run(
        [sys.executable, str(BUILDER), str(home)], capture_output=True, text=True, env=environment, check=False
    )
    if ran.returncode == -signal.SIGKILL:
        return None
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The build nobody interrupted."""
    ended = run(tmp_path_factory.mktemp("whole") / "home")
    assert ended is not None
    assert ended["state"] == "READY"
    assert ended["proved"]
    return ended


def check(home: Path, ended: dict[str, Any], whole: dict[str, Any], kills: int = 1) -> None:
    assert ended["state"] == "READY", ended["error"]
    assert ended["tree"] == whole["tree"]
    assert sorted(ended["steps"]) == sorted(whole["steps"]), "a commit is missing or made twice"
    assert ended["finished"] == whole["finished"], "an event is lost or doubled"
    assert ended["gapless"]
    assert ended["proved"]
    assert ended["left"] == []
    assert ended["fsck"] == 0
    assert len((home / "calls").read_text().splitlines()) <= 1 + kills


SHARE = 6  # of this many parts of the points, one is tried in each of as many tests


def test_there_are_enough_points(whole: dict[str, Any]) -> None:
    assert whole["points"] >= 60


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", range(SHARE))
def test_a_build_killed_at_any_point_ends_the_same(part: int, tmp_path: Path, whole: dict[str, Any]) -> None:
    step = 1 if os.environ.get("SMAKER_ALL_CRASHPOINTS") else 4
    for at in range(1 + part * step, whole["points"] + 1, SHARE * step):
        home = tmp_path / f"at{at}"
        assert run(home, at) is None, f"point {at} was not reached"
        ended = run(home)
        assert ended is not None
        check(home, ended, whole)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("at", [7, 30, 55])
def test_a_build_killed_three_times_in_a_row_ends_the_same(at: int, tmp_path: Path, whole: dict[str, Any]) -> None:
    home = tmp_path / "home"
    assert run(home, at) is None
    killed = 1
    for again in (2, 5):
        if run(home, again) is None:
            killed += 1
    ended = run(home)
    assert ended is not None
    check(home, ended, whole, killed)
