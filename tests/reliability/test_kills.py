"""The whole program, killed with all it runs at random moments: every resume ends READY with the same files."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

PROMPT = "a landing page with a pricing table that switches monthly and yearly, and a contact form"
SEED = 20_261_122
KILLS = 25

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(240)]


def smaker(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "smaker", "--home", str(home), *words, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )


def git(home: Path, project: str, *words: str) -> str:
    folder = home / "projects" / project
    return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float, int]:
    """Tree, seconds and number of commits of the build nobody killed."""
    home = tmp_path_factory.mktemp("whole")
    began = time.monotonic()
    status = json.loads(smaker(home, "init", PROMPT).stdout)
    took = time.monotonic() - began
    assert status["state"] == "READY"
    tree = git(home, status["id"], "rev-parse", "HEAD^{tree}").strip()
    return tree, took, len(git(home, status["id"], "rev-list", "HEAD").split())


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment(number: int, tmp_path: Path, whole: tuple[str, float, int]) -> None:
    tree, seconds, commits = whole
    moment = random.Random(SEED + number).uniform(0.3, seconds)
    process = subprocess.Popen(
        [sys.executable, "-m", "smaker", "--home", str(tmp_path), "init", PROMPT],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    listed = json.loads(smaker(tmp_path, "list").stdout)
    if not listed:  # killed before there was a project: nothing was promised
        assert not (tmp_path / "projects").exists()
        return
    project = listed[0]["id"]
    resumed = smaker(tmp_path, "resume", project)
    status: dict[str, Any] = json.loads(resumed.stdout)
    assert status["state"] == "READY", (moment, status["error"])
    assert git(tmp_path, project, "rev-parse", "HEAD^{tree}").strip() == tree, moment
    steps = git(tmp_path, project, "log", "--format=%(trailers:key=Smaker-Step,valueonly)").split()
    assert max(Counter(steps).values()) == 1
    assert len(steps) == commits
    events = [json.loads(line)["seq"] for line in smaker(tmp_path, "logs", project).stdout.splitlines()]
    assert events == list(range(1, len(events) + 1))
    assert git(tmp_path, project, "status", "--porcelain") == ""
    git(tmp_path, project, "fsck", "--strict")
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout
    assert left == ""
