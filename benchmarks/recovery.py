"""P12: how soon a killed build goes on: a thousand events in its record, SIGKILL, and the first new step of a process
that is started anew. All of it is one task, whose every recorded step is recalled first.

`python -m benchmarks.recovery HOME STEPS` builds, or goes on, and says "step" in the middle of its last step.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import JsonValue

from benchmarks.crew import changed, shop
from benchmarks.figure import Figure, median
from smaker.core.context import Context
from smaker.core.models import Outcome, StepKind, Verdict
from smaker.store.reader import Reader

IMPORTS = "import asyncio, benchmarks.recovery"


class Endless:
    """An agent that does its steps and never ends the last one."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    async def run(self, context: Context) -> Outcome:
        """Do the task."""
        for number in range(self._steps):
            path, content = changed(number)
            await context.write({path: content}, title="write a file")
            await context.run(("true",))
            await context.commit("step")
        await context.effect(StepKind.MODEL, "the last", {}, self._say)
        return Outcome(verdict=Verdict.DONE, summary="done")

    async def _say(self) -> dict[str, JsonValue]:
        print("step", flush=True)  # noqa: T201
        await asyncio.sleep(3600)
        return {}


def figures(*, quick: bool) -> list[Figure]:
    """Build once, then kill and go on several times."""
    steps, rounds = (10, 1) if quick else (334, 5)
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        home = Path(folder)
        _until_the_step(home, steps)  # builds
        with Reader(home) as reader:
            events = len(reader.events(reader.projects()[0].id, limit=100_000))
        bare: list[float] = []
        times: list[tuple[float, float]] = []
        for _ in range(rounds):
            begun = time.perf_counter()
            subprocess.run((sys.executable, "-c", IMPORTS), check=True)
            bare.append(time.perf_counter() - begun)
            times.append(_until_the_step(home, steps))
    what = f"killed at {events} events, until the next step"
    walls, processor = [wall for wall, _ in times], [spent for _, spent in times]
    return [
        Figure("P12", what, median(walls), "s", median(bare), "its imports alone", 1.0, of="value"),
        Figure("P12", "the same, processor time", median(processor), "s", bound=1.0, of="value"),
    ]


def _until_the_step(home: Path, steps: int) -> tuple[float, float]:
    """Seconds from the start of a process to its last step, by the clock and of a processor; there it is killed."""
    begun = time.perf_counter()
    command = (sys.executable, "-m", "benchmarks.recovery", str(home), str(steps))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        seconds = time.perf_counter() - begun
        process.kill()
        process.returncode = -9  # waited for here, to learn what it used
        used = os.wait4(process.pid, 0)[2]
    if said != "step\n":
        raise RuntimeError("the scripted build did not reach its last step")
    return seconds, used.ru_utime + used.ru_stime


async def _drive(home: Path, steps: int) -> None:
    async with shop(home, Endless(steps)) as opened:
        known = await opened.engine.projects()
        project = known[0] if known else await opened.create("long")
        await opened.worker.drive(project.id)


if __name__ == "__main__":
    asyncio.run(_drive(Path(sys.argv[1]), int(sys.argv[2])))
