"""Folders for sockets: gone with their process, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from smaker.sandbox.sockets import listener, private_folder

HOLD = """
import sys
from contextlib import AsyncExitStack
from smaker.sandbox.sockets import listener, private_folder
folder = private_folder(AsyncExitStack())
listener(folder, "web.sock")
print(folder, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    short = tmp_path if len(str(tmp_path)) < 60 else Path(tempfile.mkdtemp(prefix="so-", dir="/tmp"))  # noqa: S108
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    monkeypatch.setenv("TMPDIR", str(short))
    return short


async def test_a_folder_goes_with_a_killed_process_and_stays_with_a_living_one(base: Path) -> None:
    living, killed = (
        subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    )
    try:
        folders = [Path((process.stdout or sys.stdin).readline().strip()) for process in (living, killed)]
        assert {folder.parent for folder in folders} == {base}
        (base / "another").mkdir()
        killed.kill()
        killed.wait()
        async with AsyncExitStack() as closing:
            mine = private_folder(closing)
            assert mine.stat().st_mode & 0o777 == 0o700
            path, server = listener(mine, "web.sock")
            server.close()
            assert path.is_socket()
            assert sorted(base.iterdir()) == sorted([folders[0], mine, base / "another"])
        assert not mine.exists()
        assert folders[0].exists()
    finally:
        living.kill()
        for process in (living, killed):
            process.communicate()
    assert os.listdir(folders[0]) == ["web.sock"]
