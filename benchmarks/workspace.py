"""The workspace's figures: what a step costs in git, beside ``git commit -- path`` in the same run.

`python -m benchmarks.workspace` prints one JSON object. Times are milliseconds and depend on the machine and its
neighbours: trust the ratios, which are of steps taken turn by turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from smaker.core.clock import SystemClock
from smaker.core.ports import Author
from smaker.core.secrets import find_secret
from smaker.workspace import GitWorkspaces

AUTHOR = Author(name="smaker bench", email="bench@smaker.invalid")
TEXT = "".join(f"line {number} of a source file\n" for number in range(60)).encode()
SIZES = (50, 5_000)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    print(json.dumps(measure(parser.parse_args().steps)))  # noqa: T201


def figures(*, quick: bool) -> list[Figure]:
    """The git part of P3, in the shape of the table."""
    sizes = SIZES[:1] if quick else SIZES
    found: dict[str, Any] = measure(10 if quick else 100, sizes)
    lines: list[Figure] = []
    for size in sizes:
        part = found[f"files_{size}"]
        ours, floor = part["snapshot_and_commit_ms"], part["git_commit_path_ms"]
        what = f"snapshot and commit, {size:,} files"
        lines.append(Figure("P3", what, ours, "ms", floor, "git commit -- path", detail=part))
    return lines


def measure(steps: int = 100, sizes: Sequence[int] = SIZES) -> dict[str, object]:
    """Return all figures. Takes some 15 seconds."""
    found: dict[str, object] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
            found[f"files_{size}"] = asyncio.run(_measure(Path(folder), size, steps if size < 1000 else steps // 4))
    return found


async def _measure(folder: Path, size: int, steps: int) -> dict[str, object]:
    files = {f"part{number % 25}/module{number}.py": b"# %d\n" % number + TEXT for number in range(size)}
    paths = list(files)
    room = GitWorkspaces(folder / "state", clock=SystemClock(), scan=find_secret)
    workspace = await room.create(folder / "project")
    checkout = await workspace.checkout("t1")
    await checkout.write(files)
    await checkout.commit("first", author=AUTHOR, trailers=[])
    integrate_all = await _timed(workspace.integrate("t1"))
    floor = _plain_repository(folder / "floor", files)
    await asyncio.sleep(0.2)  # until the file system's clock can tell old files from new
    await checkout.snapshot()

    times: dict[str, list[float]] = {"write": [], "snapshot": [], "commit": [], "floor": [], "integrate": []}
    for step in range(steps):
        path = paths[(step * 7) % size]
        content = b"# step %d\n" % step + TEXT
        trailers = [("Smaker-Project", "p"), ("Smaker-Step", f"t1.{step}")]
        times["write"].append(await _timed(checkout.write({path: content})))
        begun = time.perf_counter()
        tree = await checkout.snapshot()
        times["snapshot"].append((time.perf_counter() - begun) * 1000)
        times["commit"].append(await _timed(checkout.commit("step", author=AUTHOR, trailers=trailers, tree=tree)))
        times["floor"].append(floor(path, content))
        if step % 10 == 9:
            times["integrate"].append(await _timed(workspace.integrate("t1")))
    both = [first + second for first, second in zip(times["snapshot"], times["commit"], strict=True)]
    tenth = max(steps // 10, 1)
    return {
        "write_ms": _median(times["write"]),
        "snapshot_ms": _median(times["snapshot"]),
        "commit_ms": _median(times["commit"]),
        "snapshot_and_commit_ms": _median(both),
        "git_commit_path_ms": _median(times["floor"]),
        "ratio_to_git_commit": round(statistics.median(both) / statistics.median(times["floor"]), 2),
        "last_tenth_to_first": round(statistics.median(both[-tenth:]) / statistics.median(both[:tenth]), 2),
        "integrate_ten_commits_ms": _median(times["integrate"]),
        "integrate_all_files_ms": round(integrate_all, 1),
        "open_checkout_ms": round(await _timed(workspace.checkout("t2")), 1),
        "user_folder_snapshot_ms": round(await _again(workspace.snapshot), 1),
    }


def _plain_repository(path: Path, files: dict[str, bytes]) -> Callable[[str, bytes], float]:
    """The same files under git alone; returns what one step of write and commit costs there."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "PATH": os.environ["PATH"]}
    people = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=path, env=settings | people, check=True, capture_output=True)

    for arguments in (("init", "-q"), ("config", "gc.auto", "0"), ("add", "."), ("commit", "-q", "-m", "first")):
        git(*arguments)

    def step(name: str, content: bytes) -> float:
        (path / name).write_bytes(content)
        begun = time.perf_counter()
        git("commit", "-q", "-m", "step", "--", name)
        return (time.perf_counter() - begun) * 1000

    return step


async def _timed(awaitable: Awaitable[object]) -> float:
    begun = time.perf_counter()
    await awaitable
    return (time.perf_counter() - begun) * 1000


async def _again(call: Callable[[], Awaitable[object]]) -> float:
    """The second call: the first one reads every file."""
    await _timed(call())
    await asyncio.sleep(0.2)
    await _timed(call())
    return await _timed(call())


def _median(times: list[float]) -> float:
    return round(statistics.median(times), 2)


if __name__ == "__main__":
    main()
