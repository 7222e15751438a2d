"""Run by test_kill.py: builds that are killed (-9) at every named point and at random moments, and begun again.

Each build runs in a fork of this process, which has everything imported. Prints one JSON object: how many were
killed, and what was wrong afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from smaker.core import faults
from smaker.core.ports import Author
from smaker.testing import FrozenClock
from smaker.workspace import GitWorkspaces
from smaker.workspace.repository import GitWorkspace

AUTHOR = Author(name="smaker coder", email="coder@smaker.invalid")
WORK: dict[str, list[dict[str, bytes | None]]] = {
    "t1": [{"src/app.py": b"ONE\ntwo\nthree\n", "one/a": b"1", "one/b": b"1"}, {"one/a": b"2", "gone": None}],
    "t2": [{"src/app.py": b"one\ntwo\nTHREE\n", "two/a": b"1"}, {"swap": None, "two/b": b"2"}, {"swap/x": b"x"}],
}


async def commit(workspace: GitWorkspace, task: str, base: str | None, steps: list[dict[str, bytes | None]]) -> None:
    checkout = await workspace.checkout(task, base=base)
    if base is not None:
        await checkout.restore(await workspace.tree(base))
    for number, files in enumerate(steps, 1):
        await checkout.write(files)
        trailers = [("Smaker-Project", "p"), ("Smaker-Step", f"{task}.{number}")]
        await checkout.commit(f"{task} {number}", author=AUTHOR, trailers=trailers)
        faults.crashpoint("test.committed")
    await workspace.integrate(task)
    faults.crashpoint("test.integrated")


async def build(root: Path, *, rewind: bool) -> None:
    """What a project does, so that it can be begun again at any time."""
    room = GitWorkspaces(root / "state", clock=FrozenClock(), scan=lambda data: None)
    path = root / "project"
    workspace = await (room.open(path) if (path / ".git").exists() else room.create(path))
    first: dict[str, bytes | None] = {"src/app.py": b"one\ntwo\nthree\n", "README.md": b"r", "gone": b"g", "swap": b"s"}
    steps = {found.trailers["Smaker-Step"]: found.sha for found in await workspace.history()}
    if "t0.1" not in steps:
        await commit(workspace, "t0", None, [first])
        steps = {found.trailers["Smaker-Step"]: found.sha for found in await workspace.history()}
    if not (path / "mine").exists():
        (path / "README.md").write_text("the user's edit")
        (path / "mine").write_text("the user's file")
    for task, work in WORK.items():
        await commit(workspace, task, steps["t0.1"], work)
    if rewind:
        await workspace.rewind(steps["t0.1"], force=True)


def state(root: Path) -> dict[str, object]:
    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root / "project"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    edits = {name: (root / "project" / name) for name in ("mine", "README.md")}
    return {
        "main": git("rev-list", "main").split(),
        "status": git("status", "--porcelain"),
        "fsck": git("fsck", "--strict", "--no-dangling"),
        "rescued": sorted({git("rev-parse", f"{name}^{{tree}}") for name in git("for-each-ref", "--format=%(refname)",
                                                                              "refs/smaker/rescue").split()}),
        "edits": {name: path.read_text() if path.exists() else None for name, path in edits.items()},
        "left": sorted(p.name for p in (root / "project/.git/smaker").iterdir()),
        "locks": [str(p) for p in (root / "project/.git").rglob("*.lock")],
    }  # fmt: skip


def child(root: Path, crash_at: int, *, rewind: bool = True) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            os.setsid()
            faults._at, faults._left = "*", crash_at
            asyncio.run(build(root, rewind=rewind))
            (root / "points").write_text(str(crash_at - faults._left))
            code = 0
        os._exit(code)
    return pid


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def main() -> None:
    base, rewind = Path(sys.argv[1]), bool(int(sys.argv[2]))
    seed, stride, moments = (int(given) for given in sys.argv[3:6])
    expected_root = base / "expected"
    assert ended(child(expected_root, 10_000, rewind=rewind)) == 0
    points = int((expected_root / "points").read_text())
    expected = state(expected_root)
    report: dict[str, object] = {"expected": expected, "points": points}
    wrong: list[object] = []
    killed, start = 0, 1
    if rewind:
        assert ended(child(base / "before", 10_000, rewind=False)) == 0
        start = int((base / "before" / "points").read_text()) + 1  # the others are the same as without it
    chance = random.Random(seed)

    def finish(root: Path, name: str) -> None:
        for _ in range(chance.choice((0, 1, 2))):  # killed again while it mends itself
            ended(child(root, chance.randint(1, 4), rewind=rewind))
        code = ended(child(root, 0, rewind=rewind))
        found = state(root)
        if code != 0 or found != expected:
            wrong.append([name, code, {k: (v, expected[k]) for k, v in found.items() if v != expected[k]}])
        shutil.rmtree(root)

    for number in range(start, points + 1, stride):
        root = base / f"point{number}"
        assert ended(child(root, number, rewind=rewind)) == -signal.SIGKILL
        killed += 1
        finish(root, f"point {number} (seed {seed})")
    for moment in range(moments):
        root = base / f"moment{moment}"
        pid = child(root, 0, rewind=rewind)
        time.sleep(chance.uniform(0.0, 0.35))
        os.killpg(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
        finish(root, f"moment {moment} (seed {seed})")
    report |= {"killed": killed, "wrong": wrong}
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
