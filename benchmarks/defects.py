"""Defects planted in a model's answer: what a build finds and mends of them before it says READY.

The answers come from a record of a build. One defect at a time is planted in the coder's; planner and tester answer as
recorded, and whoever is asked to mend has the right file. Everything else is real: server, sandbox, linters, tests.

A judge, which the build never sees, is a command line that ends with 0 for right programs only; ``{dir}`` in it is the
folder. With one, only defects that it sees are planted. Without, some of them may be no defects.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.mutants import KINDS, Mutant, mutants
from smaker.agents.edits import WholeFile, parse_answer, render_block
from smaker.config import Settings
from smaker.core.control import NewProject
from smaker.core.mending import findings_of
from smaker.core.models import BuildLimits, ProjectState, Stage, Step, StepKind
from smaker.core.ports import Build
from smaker.core.recording import read
from smaker.testing import ScriptedModelServer
from smaker.testing.model_answers import Asked
from smaker.wiring import open_local

RECORD = Path(__file__).resolve().parents[1] / "tests/recordings/katas.smaker"
SEED = 20
PLANTED = 40
AT_ONCE = 2  # builds
JUDGED_S = 20  # a judge that takes longer met a program without end
STAGES = {"spec": "planner", "implementation": "coder", "tests": "tester"}
MARKS = {
    "planner": "You plan software",
    "coder": "You write software from a plan",
    "tester": "You write acceptance tests",
    "fixer": "You mend software",
}


@dataclass(frozen=True)
class Recorded:
    """What was asked and answered. ``files`` are the coder's."""

    prompt: str
    answers: dict[str, str]
    files: dict[str, str]


@dataclass(frozen=True)
class Met:
    """What became of a defect. ``found_by`` is "" where nothing found it."""

    kind: str
    path: str
    line: int
    change: str
    found_by: str
    state: str
    right: bool
    fixers: int

    @property
    def mended(self) -> bool:
        """Whether it was found and the program is right and READY."""
        return bool(self.found_by) and self.right and self.state == ProjectState.READY


def figures(*, quick: bool, judge: str = "") -> list[Figure]:
    """Build once for every defect. Raises RuntimeError where the recorded answers themselves come to nothing."""
    recorded = _recorded()
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        os.environ.setdefault("SMAKER_CACHE", str(Path(folder) / "cache"))
        chosen, unseen = _choose(recorded, 2 if quick else PLANTED, judge, Path(folder) / "judged")
        met = asyncio.run(_all(recorded, chosen, Path(folder)))
    by_kind = {
        kind: f"{sum(one.mended for one in met if one.kind == kind)} of {sum(one.kind == kind for one in met)}"
        for kind in KINDS
    }
    detail = {
        "mended_by_kind": by_kind,
        "found_by": dict(Counter(one.found_by for one in met)),
        "not_mended": [asdict(one) for one in met if not one.mended],
        "not_seen_by_judge": len(unseen),
        "all": [asdict(one) for one in met],
    }
    mended = sum(one.mended for one in met)
    what = f"of {len(met)} defects planted in a model's answer, found and mended before READY"
    goal = None if quick or not judge else 36
    return [Figure("defects", what, mended, "defects", bound=goal, of="value", at_least=True, detail=detail)]


def _recorded() -> Recorded:
    recording, blobs = read(RECORD)
    stages = {task.id: task.stage.value for task in recording.tasks}
    answers = {
        STAGES[stages[step.task]]: str(json.loads(blobs[str((step.output or {})["reply_blob"])])["text"])
        for step in recording.steps
        if step.kind is StepKind.MODEL
    }
    blocks = parse_answer(answers["coder"]).blocks
    files = {block.path: block.content for block in blocks if isinstance(block, WholeFile)}
    return Recorded(recording.project.prompt, answers, files)


def _choose(recorded: Recorded, wanted: int, judge: str, folder: Path) -> tuple[list[Mutant], list[Mutant]]:
    """As many of each kind as there are, drawn by lot; and those that the judge did not see."""
    lot = random.Random(SEED)  # noqa: S311
    drawn: list[list[Mutant]] = []
    found = [one for path, text in recorded.files.items() if path.endswith(".py") for one in mutants(path, text)]
    for kind in KINDS:
        drawn.append([one for one in found if one.kind == kind])
        lot.shuffle(drawn[-1])
    if judge and _sees(judge, recorded.files, folder):
        raise RuntimeError("the judge calls the recorded answer itself wrong")
    chosen: list[Mutant] = []
    unseen: list[Mutant] = []
    queues = [_seen(ones, recorded, judge, folder, unseen) for ones in drawn]
    for turn in zip_longest(*queues):
        chosen += [one for one in turn if one is not None][: wanted - len(chosen)]
        if len(chosen) == wanted:
            break
    return chosen, unseen


def _seen(ones: list[Mutant], recorded: Recorded, judge: str, folder: Path, unseen: list[Mutant]) -> Iterator[Mutant]:
    for one in ones:
        if not judge or _sees(judge, recorded.files | {one.path: one.content}, folder):
            yield one
        else:
            unseen.append(one)


def _sees(judge: str, files: dict[str, str], parent: Path) -> bool:
    """Whether the judge finds something wrong with files."""
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        for path, text in files.items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text)
        command = [word.replace("{dir}", folder) for word in shlex.split(judge)]
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        ) as process:
            try:
                return process.wait(JUDGED_S) != 0
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return True


async def _all(recorded: Recorded, chosen: list[Mutant], folder: Path) -> list[Met]:
    """Build the recorded answers first, which also installs what all builds need; then each with its defect."""
    path, text = next((path, text) for path, text in recorded.files.items() if text)
    opening = asyncio.Lock()  # databases of one process are made one after the other
    control = await _met(recorded, Mutant("none", path, 1, text, ""), folder / "control", opening)
    if control.found_by or not control.right or control.state != ProjectState.READY:
        raise RuntimeError(f"the recorded answers do not come to READY by themselves: {control}")
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, mutant: Mutant) -> Met:
        async with places:
            met = await _met(recorded, mutant, folder / f"home{number}", opening)
        said = "mended" if met.mended else "ESCAPED" if met.state == ProjectState.READY else met.state
        where = f"{met.path}:{met.line}"
        print(f"  {said} ({met.found_by or 'not found'}) {met.kind} {where}", file=sys.stderr, flush=True)  # noqa: T201
        return met

    return await asyncio.gather(*(one(number, mutant) for number, mutant in enumerate(chosen)))


async def _met(recorded: Recorded, mutant: Mutant, home: Path, opening: asyncio.Lock) -> Met:
    """Build with one defect in the coder's first answer."""
    asked: Counter[str] = Counter()
    wrong = recorded.files | {mutant.path: mutant.content}
    first = "".join(render_block(WholeFile(path, text)) for path, text in wrong.items())
    right = render_block(WholeFile(mutant.path, recorded.files[mutant.path]))

    def answer(question: Asked) -> str:
        role = next(role for role, mark in MARKS.items() if mark in question.text)
        asked[role] += 1
        if role == "coder":
            return first if asked[role] == 1 else right
        return recorded.answers.get(role, right)

    async with ScriptedModelServer(answer) as server:
        provider = {"model": "scripted", "base_url": server.url}
        settings = Settings.model_validate({"llm": {"mode": "local", "providers": {"local": provider}}})
        async with AsyncExitStack() as stack:
            async with opening:
                local = await stack.enter_async_context(open_local(home, settings))
            limits = BuildLimits(max_fix_attempts=3, command_timeout_s=30)
            request = NewProject(prompt=recorded.prompt, mode="local", limits=limits)
            project = await local.control.create(request)
            build = await local.worker.drive(project.id)
            found_by = _found_by(build, await local.store.steps(project.id), asked)
    made = Path(build.project.workspace) / mutant.path
    return Met(
        kind=mutant.kind,
        path=mutant.path,
        line=mutant.line,
        change=mutant.change,
        found_by=found_by,
        state=build.project.state.value,
        right=made.is_file() and made.read_text() == recorded.files[mutant.path],
        fixers=asked["fixer"],
    )


def _found_by(build: Build, steps: Sequence[Step], asked: Counter[str]) -> str:
    """What found the defect first."""
    if asked["coder"] > 1:
        writing = {task.id for task in build.tasks if task.stage is Stage.IMPLEMENTATION}
        exits = [(step.output or {}).get("exit_code") for step in steps if step.task in writing]
        return "linter, sent back" if any(exits) else "syntax, sent back"
    fixes = [task for task in build.tasks if task.stage is Stage.FIX]
    return f"{findings_of(fixes[0])[0].source}, fix round" if fixes else ""
