"""P3: what a step costs around the model: ledger, snapshot and commit, beside the smallest loop that commits.

A step of an agent writes one file of fifty, runs a command that does nothing, and commits: three steps of the ledger,
each durable before and after. The floor writes the same file and runs ``git commit``, turn by turn in the same loop.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.crew import FILES, changed, plain_repository, shop
from benchmarks.figure import Figure, median
from smaker.core.context import Context
from smaker.core.models import Outcome, Verdict

PARTS = ("write", "run", "commit")


class Stepper:
    """Does the steps and times them."""

    def __init__(self, steps: int, floor: Callable[[str, bytes], float]) -> None:
        self.parts: dict[str, list[float]] = {part: [] for part in PARTS}
        self.whole: list[float] = []
        self.floor: list[float] = []
        self._steps = steps
        self._floor = floor

    async def run(self, context: Context) -> Outcome:
        """Do the task."""
        await context.write(FILES, title="first")
        await context.commit("first")
        await asyncio.sleep(0.2)  # until the file system's clock can tell old files from new
        for number in range(self._steps):
            path, content = changed(number)
            times = [time.perf_counter()]
            await context.write({path: content}, title="write a file")
            times.append(time.perf_counter())
            await context.run(("true",))
            times.append(time.perf_counter())
            await context.commit("step")
            times.append(time.perf_counter())
            for part, begun, ended in zip(PARTS, times, times[1:], strict=False):
                self.parts[part].append(ended - begun)
            self.whole.append(times[-1] - times[0])
            self.floor.append(self._floor(path, content))
        return Outcome(verdict=Verdict.DONE, summary="done")


def figures(*, quick: bool) -> list[Figure]:
    """Measure ten steps and a hundred, several times."""
    steps, rounds = (10, 1) if quick else (100, 3)
    runs = [asyncio.run(_measure(steps)) for _ in range(rounds)]
    ours = [1000 * value for run in runs for value in run.whole]
    floor = [1000 * value for run in runs for value in run.floor]
    ten = [1000 * value for run in runs for value in run.whole[:10]]
    ten_floor = [1000 * value for run in runs for value in run.floor[:10]]
    parts = {part: median([1000 * value for run in runs for value in run.parts[part]]) for part in PARTS}
    tenth = max(1, steps // 5)
    early, late = ([median(run.whole[window]) for run in runs] for window in (slice(5, 5 + tenth), slice(-tenth, None)))
    early_floor, late_floor = (
        [median(run.floor[window]) for run in runs] for window in (slice(5, 5 + tenth), slice(-tenth, None))
    )
    raw = [after / before for before, after in zip(early, late, strict=True)]
    growth = [own / (after / before) for own, before, after in zip(raw, early_floor, late_floor, strict=True)]
    loop = "write + git commit"
    return [
        Figure("P3", f"a step, of {steps}", median(ours), "ms", median(floor), loop, 1.5, detail={"parts_ms": parts}),
        Figure("P3", "a step, of the first 10", median(ten), "ms", median(ten_floor), loop, 1.5),
        Figure("P3", f"step {steps} beside step 10", median(raw), "times", bound=1.1, of="value"),
        Figure("P3", "the same, the floor's own growth taken out", median(growth), "times", bound=1.1, of="value"),
    ]


async def _measure(steps: int) -> Stepper:
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        agent = Stepper(steps, plain_repository(Path(folder) / "floor"))
        async with shop(Path(folder) / "home", agent) as opened:
            project = await opened.create("steps")
            await opened.worker.drive(project.id)
        if len(agent.whole) != steps:
            raise RuntimeError("the scripted task did not end")
        return agent
