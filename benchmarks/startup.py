"""P1: how soon a word is answered: ``--version`` beside an interpreter that does nothing, ``status`` beside a peer's
``--help``. mini-swe-agent is installed from the package registry into a virtualenv of its own, under the system's
temporary folder, when it is not there yet; without a registry its figure is estimated from an earlier measurement.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.crew import shop
from benchmarks.figure import Figure, median
from benchmarks.steps import Stepper

PEER = Path(tempfile.gettempdir()) / "smaker-bench" / "mini"
PEER_TO_PASS = 378 / 16  # ``mini --help`` beside ``python -c pass``, measured on a quiet machine
PROJECTS = 5


def figures(*, quick: bool) -> list[Figure]:
    """Measure by turns."""
    peer = _peer(install=not quick)
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        home = Path(folder) / "home"
        project = asyncio.run(_some_projects(home))
        program = Path(sys.executable).with_name("smaker")  # as people call it, where it is installed
        called = (str(program),) if program.exists() else (sys.executable, "-m", "smaker")
        smaker = (*called, "--home", str(home))
        commands = {
            "pass": (sys.executable, "-c", "pass"),
            "version": (*called, "--version"),
            "status": (*smaker, "status"),
            "one": (*smaker, "status", project),
            "help": (*smaker, "--help"),
        }
        if peer is not None:
            commands["peer"] = (str(peer), "--help")
        times = _by_turns(commands, Path(folder), 1 if quick else 15)
    beside = median(times["peer"]) if peer else round(median(times["pass"]) * PEER_TO_PASS, 1)
    beside_is = "mini --help" if peer else "mini --help, estimated"
    return [
        Figure("P1", "smaker --version", median(times["version"]), "ms", median(times["pass"]), "python -c pass", 2.5),
        Figure("P1", "smaker status", median(times["status"]), "ms", beside, beside_is, 0.5),
        Figure("P1", "smaker status ID", median(times["one"]), "ms", beside, beside_is),
        Figure("P1", "smaker --help", median(times["help"]), "ms", beside, beside_is),
    ]


def _by_turns(commands: dict[str, tuple[str, ...]], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each command, by name; the first round, which fills caches, is not counted."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMAKER_")}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(
                command,
                env=environment | {"HOME": str(folder)},
                check=True,
                capture_output=True,
                stdin=subprocess.DEVNULL,
            )
            if number or rounds == 1:
                times[name].append((time.perf_counter() - begun) * 1000)
    return times


def _peer(*, install: bool) -> Path | None:
    """The peer's program, installed if that is possible and wanted."""
    program = PEER / "bin" / "mini"
    if not program.exists() and install:
        python = str(PEER / "bin" / "python")
        package = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "mini-swe-agent")
        for command in ((sys.executable, "-m", "venv", str(PEER)), (python, *package)):
            if subprocess.run(command, check=False, capture_output=True).returncode != 0:
                return None
    return program if program.exists() else None


async def _some_projects(home: Path) -> str:
    """A home with a few projects that were worked on; the id of one."""
    async with shop(home, Stepper(2, lambda _path, _content: 0.0)) as opened:
        projects = [await opened.create(f"a REST API number {number}") for number in range(PROJECTS)]
        for project in projects:
            await opened.worker.drive(project.id)
    return projects[0].id
