"""A full disk: said in words, nothing torn, and all goes on when there is space again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("full_disk.py")


@pytest.mark.sandbox
def test_a_full_disk_is_said_and_survived() -> None:
    """Ten levels of free space, on a small file system of its own."""
    bwrap = shutil.which("bwrap") or ""
    command = [bwrap, "--dev-bind", "/", "/", "--size", str(6 << 20), "--tmpfs", "/mnt", "--chdir", "/mnt", "--"]
    done = subprocess.run(
        [*command, sys.executable, str(SCRIPT), "/mnt"], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr
    levels = json.loads(done.stdout)
    assert len(levels) == 10
    assert {code for level in levels for code in level["codes"]} == {"E_DISK_FULL"}
    for level in levels:
        assert level["fsck"] == ""
        assert level["status"] == ""
        assert level["left"] == ["lock"]
    assert sum(len(level["codes"]) for level in levels) >= 8  # the disk was full at most levels
    assert {tuple(level["steps"]) for level in levels} == {tuple(f"t1.{n}" for n in range(6, 0, -1))}
