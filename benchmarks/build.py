"""P4 and a whole build: the README's prompt through the command line, offline, in the sandbox.

The first build also installs what the project needs, from the package registry; the second finds it there. Where its
time goes is read from the record: the rest beside the commands of the project itself is smaker's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from smaker.core.models import StepKind
from smaker.store.reader import Reader

PROMPT = "A REST API to track books (title, author, year) and loans (book, borrower, due date)"
BEYOND = "Write a compiler for the Rust language"  # refused after planning: enough to see that measuring works
READY, REFUSED = 0, 4


def figures(*, quick: bool) -> list[Figure]:
    """Build twice with one cache."""
    prompt, ends = (BEYOND, REFUSED) if quick else (PROMPT, READY)
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        home, cache = Path(folder) / "home", Path(folder) / "cache"
        first, peak = _build(home, cache, prompt, ends)
        second, again = (first, peak) if quick else _build(home, cache, prompt, ends)
        detail = _where_time_goes(home)
    commands = round(detail["commands_s"], 2)
    what = "the README's prompt, to READY"
    return [
        Figure("P4", "peak memory of a headless build", again, "MB", bound=90, of="value"),
        Figure("P4", "the same, the first of a home", peak, "MB", bound=90, of="value"),
        Figure("build", what, second, "s", commands or None, "its commands", detail=detail),
        Figure("build", "the same with everything to install", first, "s"),
    ]


def _build(home: Path, cache: Path, prompt: str, ends: int) -> tuple[float, float]:
    """Build a project; return seconds, and the peak memory of smaker's own process in MB."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SMAKER_")}
    environment |= {"SMAKER_CACHE": str(cache), "HOME": str(home.parent)}
    begun, peak = time.perf_counter(), 0.0
    with (home.parent / "output.txt").open("w+") as output:
        command = (sys.executable, "-m", "smaker", "--home", str(home), "init", prompt)
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, _peak_mb(process.pid))
            time.sleep(0.02)
        seconds = time.perf_counter() - begun
        if process.returncode != ends:
            output.seek(0)
            raise RuntimeError(f"the build ended with exit code {process.returncode}:\n{output.read()[-3000:]}")
    return round(seconds, 2), round(peak, 1)


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0.0  # it ended this moment
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def _where_time_goes(home: Path) -> dict[str, Any]:
    """Seconds of each task, and of the project's own commands among them."""
    with Reader(home) as reader:
        project = reader.projects()[0].id
        build, steps = reader.build(project), reader.steps(project)
    ran = [step for step in steps if step.kind is StepKind.COMMAND and step.output and "seconds" in step.output]
    return {
        "commands_s": sum(float(str((step.output or {})["seconds"])) for step in ran),
        "steps": len(steps),
        "tasks_s": {f"{task.id} {task.title}": task.seconds for task in build.tasks},
        "by_command_s": {f"{step.id} {step.title}": (step.output or {})["seconds"] for step in ran},
    }
