"""Killed with -9, wherever: begun again, a build ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("killed_builds.py")
STRIDE = os.environ.get("SMAKER_KILL_STRIDE", "2")  # 1: every point


def killed_builds(folder: str, rewind: int) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), folder, str(rewind), "7", STRIDE, "5"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("rewind", [0, 1])
def test_a_killed_build_ends_the_same(tmp_path: Path, rewind: int) -> None:
    memory = Path("/dev/shm")  # what counts is the order of the writes: no need to wait for a disk
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as folder:
        report = killed_builds(folder, rewind)
    assert report["wrong"] == []
    assert report["points"] >= 20
    expected = report["expected"]
    assert expected["fsck"] == ""
    assert expected["locks"] == []
    assert expected["left"] == ["lock"]
    if rewind:
        assert len(expected["main"]) == 1
        assert expected["status"] == ""
        assert len(expected["rescued"]) == 1
    else:
        assert len(expected["main"]) == 6
        assert expected["status"] == " M README.md\n?? mine\n"
        assert expected["edits"] == {"mine": "the user's file", "README.md": "the user's edit"}
