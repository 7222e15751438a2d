"""Run by test_disk_full.py on a small file system: work with ever less space, then with enough. Prints JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from smaker.core.errors import WorkspaceError
from smaker.core.ports import Author
from smaker.testing import FrozenClock
from smaker.workspace import GitWorkspaces

AUTHOR = Author(name="n", email="e")
DATA = os.urandom(24_000)


async def work(root: Path) -> None:
    room = GitWorkspaces(root / "state", clock=FrozenClock(), scan=lambda data: None)
    path = root / "project"
    workspace = await (room.open(path) if (path / ".git").exists() else room.create(path))
    checkout = await workspace.checkout("t1")
    for number in range(1, 7):
        await checkout.write({f"d{number}/file": bytes([number]) * 100 + DATA})
        await checkout.commit("m", author=AUTHOR, trailers=[("Smaker-Step", f"t1.{number}")])
        await workspace.integrate("t1")


def ballast(path: Path, left: int) -> None:
    """Fill the disk but for ``left`` bytes."""
    free = os.statvfs(path.parent)
    with path.open("wb") as file, contextlib.suppress(OSError):
        file.write(b"\0" * max(0, free.f_bavail * free.f_frsize - left))


def git(path: Path, *arguments: str) -> str:
    command = ["git", "-C", str(path), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def main() -> None:
    base = Path(sys.argv[1])
    levels: list[dict[str, object]] = []
    for level in range(10):
        root = base / "root"
        root.mkdir()
        codes: list[str] = []
        ballast(base / "ballast", 20_000 + level * 57_000)
        try:
            asyncio.run(work(root))
        except WorkspaceError as problem:
            codes.append(problem.code)
        (base / "ballast").unlink()
        asyncio.run(work(root))
        project = root / "project"
        levels.append(
            {
                "codes": codes,
                "fsck": git(project, "fsck", "--strict", "--no-dangling"),
                "status": git(project, "status", "--porcelain"),
                "left": sorted(p.name for p in (project / ".git/smaker").iterdir()),
                "steps": git(project, "log", "--format=%(trailers:key=Smaker-Step,valueonly,separator=)").split(),
            }
        )
        shutil.rmtree(root)
    sys.stdout.write(json.dumps(levels))


if __name__ == "__main__":
    main()
