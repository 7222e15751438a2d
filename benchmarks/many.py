"""P5: a hundred projects in one process, each with a model that takes a second to answer, eleven times.

Every answer is followed by a file written and committed, all through the real worker, ledger and git. The ideal is the
model's time alone. `python -m benchmarks.many PROJECTS LATENCY_S` measures in a process of its own, for its memory.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import JsonValue

from benchmarks.crew import changed, plain_repository, shop
from benchmarks.figure import Figure
from smaker.core.context import Context
from smaker.core.models import Outcome, StepKind, Verdict

CALLS = 11


class Thinker:
    """An agent whose model takes its time."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        self.ended = 0

    async def run(self, context: Context) -> Outcome:
        """Ask, write and commit, again and again."""
        for number in range(CALLS):
            await context.effect(StepKind.MODEL, f"call {number}", {"number": number}, self._think)
            path, content = changed(number)
            await context.write({path: content}, title="write a file")
            await context.commit("step")
        self.ended += 1
        return Outcome(verdict=Verdict.DONE, summary="done")

    async def _think(self) -> dict[str, JsonValue]:
        await asyncio.sleep(self.latency_s)
        return {"text": "done"}


def figures(*, quick: bool) -> list[Figure]:
    """Measure in a child, then the floor: as many bare loops that write a file and run ``git commit``."""
    projects, latency_s = (2, 0.02) if quick else (100, 1.0)
    command = (sys.executable, "-m", "benchmarks.many", str(projects), str(latency_s))
    ran = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(ran.stdout)
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        steps = [plain_repository(Path(folder) / str(number)) for number in range(projects)]
        bare = asyncio.run(_bare(steps, latency_s))
    what = f"{projects} projects at once, {CALLS} calls of {latency_s:g} s each"
    seconds = found["seconds"]
    return [
        Figure("P5", what, seconds, "s", CALLS * latency_s, "the calls alone", 1.6, detail=found),
        Figure("P5", "the same", seconds, "s", bare, "bare loops with git commit"),
        Figure("P5", "the same, processor time", found["cpu_s"], "s", CALLS * latency_s, "the calls alone"),
        Figure("P5", "memory of one more project", found["mb_each"], "MB", bound=1.5, of="value"),
    ]


async def _bare(steps: Sequence[Callable[[str, bytes], float]], latency_s: float) -> float:
    """Seconds that loops over plain repositories take together."""

    async def loop(step: Callable[[str, bytes], float]) -> None:
        for number in range(CALLS):
            await asyncio.sleep(latency_s)
            await asyncio.to_thread(step, *changed(number))

    begun = time.perf_counter()
    await asyncio.gather(*(loop(step) for step in steps))
    return round(time.perf_counter() - begun, 3)


async def _measure(home: Path, projects: int, latency_s: float) -> dict[str, float]:
    agent = Thinker(0.0)
    async with shop(home, agent) as opened:
        await opened.worker.drive((await opened.create("first")).id)
        before = _peak_mb()
        agent.latency_s, agent.ended = latency_s, 0
        begun, spent = time.perf_counter(), time.process_time()
        made = [await opened.create(f"project {number}") for number in range(projects)]
        await asyncio.gather(*(opened.worker.drive(project.id) for project in made))
        seconds, spent = time.perf_counter() - begun, time.process_time() - spent
    if agent.ended != projects:
        raise RuntimeError(f"only {agent.ended} of {projects} scripted tasks ended")
    return {
        "seconds": round(seconds, 3),
        "cpu_s": round(spent, 3),
        "cpu_ms_per_call": round(1000 * spent / projects / CALLS, 2),
        "mb_each": round((_peak_mb() - before) / projects, 3),
        "mb_peak": round(_peak_mb(), 1),
    }


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text("ascii", "replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        print(json.dumps(asyncio.run(_measure(Path(folder), int(sys.argv[1]), float(sys.argv[2])))))  # noqa: T201
