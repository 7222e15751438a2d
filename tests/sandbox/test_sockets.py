"""Folders for sockets: gone with their process, however it ends."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
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
def base(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files whose path is short."""
    with tempfile.TemporaryDirectory(prefix="so-", dir="/tmp") as name:
        monkeypatch.setattr(tempfile, "tempdir", name)
        monkeypatch.setenv("TMPDIR", name)
        yield Path(name)


@asynccontextmanager
async def holding() -> AsyncIterator[tuple[asyncio.subprocess.Process, Path]]:
    """A process that holds a folder."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", HOLD, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    try:
        yield process, Path((await process.stdout.readline()).decode().strip())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_a_folder_goes_with_a_killed_process_and_stays_with_a_living_one(base: Path) -> None:
    async with holding() as (killed, gone), holding() as (_, stays):
        assert {gone.parent, stays.parent} == {base}
        (base / "another").mkdir()
        killed.kill()
        await killed.wait()
        async with AsyncExitStack() as closing:
            mine = private_folder(closing)
            assert mine.stat().st_mode & 0o777 == 0o700
            path, server = listener(mine, "web.sock")
            server.close()
            assert path.is_socket()
            assert sorted(base.iterdir()) == sorted([stays, mine, base / "another"])
        assert not mine.exists()
        assert (stays / "web.sock").is_socket()
