"""P7: the terminal app beside a bare one and a peer; keys while builds stream; a hundred thousand lines.

Everything is a program on a terminal of its own, read as a terminal reads. harlequin is installed from the package
registry into a virtualenv of its own, under the system's temporary folder, when it is not there yet; without a registry
its figure is left out.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from benchmarks.crew import shop
from benchmarks.figure import Figure, median
from benchmarks.on_terminal import OnTerminal, environment
from benchmarks.steps import Stepper
from benchmarks.talking_models import LINES
from smaker.tui.tabs.base import TABS

PEER = Path(tempfile.gettempdir()) / "smaker-bench" / "harlequin"
BUILDS = 4
RATE = 150  # tokens a second of each build
GLYPHS = "αβγδεζηθικλμνξοπρστυφχψωΓΔΘΛΞΠ"  # that nothing else on the screen has
READY = "ж"
CLEAR = "\x15"  # Ctrl-U: empty the field
LOG = str(1 + list(TABS).index("log"))


def figures(*, quick: bool) -> list[Figure]:
    """Measure the start, then a build that talks, four, and one that says far too much."""
    with tempfile.TemporaryDirectory(prefix="smaker-bench-") as folder:
        place = Path(folder)
        started = _start(place / "start", 1 if quick else 9, _peer(install=not quick))
        keys, seconds = (12, 2.0) if quick else (100, 10.0)
        shares, times = _streaming(place / "four", 1 if quick else BUILDS, keys=keys, seconds=seconds)
        share, _ = (shares, times) if quick else _streaming(place / "one", 1, keys=0, seconds=seconds)
        grown, flood = _flood(place / "flood", keys=keys)
    four = f"while {BUILDS} builds stream {RATE} tokens/s each"
    lines = f"while {LINES:,} lines come in 10 s"
    return [
        *started,
        Figure("P7", f"share of a core, one build streams {RATE} tokens/s", share, "%", bound=25, of="value"),
        Figure("P7", f"the same, {BUILDS} builds", shares, "%"),
        Figure("P7", f"key to screen, p95, {four}", _p95(times), "ms", bound=50, of="value", detail=_spread(times)),
        Figure("P7", f"key to screen, p95, {lines}", _p95(flood), "ms", bound=80, of="value", detail=_spread(flood)),
        Figure("P7", f"memory that {LINES:,} lines add", grown, "MB", bound=60, of="value"),
    ]


def _smaker(home: Path) -> tuple[str, ...]:
    program = Path(sys.executable).with_name("smaker")  # as people call it, where it is installed
    called = (str(program),) if program.exists() else (sys.executable, "-m", "smaker")
    return (*called, "--home", str(home))


# --- the start --------------------------------------------------------------------------------------------------------


def _start(folder: Path, rounds: int, peer: Path | None) -> list[Figure]:
    """First picture and rest, by turns; the first round, which fills caches, is not counted."""
    home = folder / "home"
    asyncio.run(_some_projects(home))
    commands = {"bare": (sys.executable, "-m", "benchmarks.bare_app"), "smaker": _smaker(home)}
    if peer is not None:
        commands["peer"] = (str(peer), "--no-download-tzdata")
    first: dict[str, list[float]] = {name: [] for name in commands}
    rest: list[float] = []
    for number in range(rounds + 1):
        for name, command in commands.items():
            with OnTerminal(command, environment(folder, PYTHONPATH=str(Path.cwd()))) as app:
                painted = 1000 * app.painted()
                settled = 1000 * app.settled() if name == "smaker" else 0.0
            if number or rounds == 1:
                first[name].append(painted)
                rest += [settled] if settled else []
    found = [
        Figure("P7", "first paint", median(first["smaker"]), "ms", median(first["bare"]), "Textual, 5 widgets", 1.5),
        Figure("P7", "settled: five projects with their figures", median(rest), "ms", bound=1000, of="value"),
    ]
    if peer is not None:
        found.insert(
            1, Figure("P7", "first paint", median(first["smaker"]), "ms", median(first["peer"]), "harlequin", 1.0)
        )
    return found


async def _some_projects(home: Path) -> None:
    async with shop(home, Stepper(2, lambda _path, _content: 0.0)) as opened:
        for number in range(5):
            await opened.worker.drive((await opened.create(f"a REST API number {number}")).id)


def _peer(*, install: bool) -> Path | None:
    """The peer's program, installed if that is possible and wanted."""
    program = PEER / "bin" / "harlequin"
    if not program.exists() and install:
        python = str(PEER / "bin" / "python")
        package = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "harlequin")
        for command in ((sys.executable, "-m", "venv", str(PEER)), (python, *package)):
            if subprocess.run(command, check=False, capture_output=True).returncode != 0:
                return None
    return program if program.exists() else None


# --- builds that stream -----------------------------------------------------------------------------------------------


def _streaming(folder: Path, builds: int, *, keys: int, seconds: float) -> tuple[float, list[float]]:
    """The share of a core, in percent, and how long keys took, while builds listen to a talking model."""
    with _building(folder, builds, RATE) as app:
        app.until(r"lazy dog", 60)
        app.pass_time(1.0)
        before = app.processor_s()
        app.pass_time(seconds)
        share = 100 * (app.processor_s() - before) / seconds
        return round(share, 1), _type(app, keys) if keys else []


def _flood(folder: Path, *, keys: int) -> tuple[float, list[float]]:
    """Megabytes that it grows by, and how long keys took, while a model says a hundred thousand lines."""
    with _building(folder, 1, 0, start=False) as app:
        before = app.megabytes()
        app.press("r")
        app.until("hundred thousand", 60)
        times = _type(app, keys)
        app.until(f"line {LINES - 1} of", 120) if f"line {LINES - 1} of" not in app.text else None
        return round(app.megabytes() - before, 1), times


@contextmanager
def _building(folder: Path, builds: int, rate: int, *, start: bool = True) -> Generator[OnTerminal]:
    """The app on the screen of one of so many builds by a model that talks."""
    command = (sys.executable, "-m", "benchmarks.talking_models", str(rate))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as models:
        assert models.stdout is not None
        try:
            url = models.stdout.readline().strip()
            folder.mkdir()
            config = folder / "config.yaml"
            providers = {"local": {"model": "scripted", "base_url": url}}
            config.write_text(yaml.safe_dump({"llm": {"mode": "local", "providers": providers}}))
            asyncio.run(_unbuilt(folder / "home", builds))
            with OnTerminal((*_smaker(folder / "home"), "--config", str(config)), environment(folder)) as app:
                app.until("number 0")
                app.settled()
                for number in range(builds):
                    app.press("\r")
                    app.until("Tasks")
                    app.settled(quiet_s=0.4)
                    if start:
                        app.press("r")
                    if number < builds - 1:
                        app.pass_time(0.5)
                        app.press("\x1b")
                        app.pass_time(0.5)
                        app.press("\x1b[B")
                yield app
        finally:
            models.kill()


async def _unbuilt(home: Path, builds: int) -> None:
    async with shop(home, Stepper(1, lambda _path, _content: 0.0)) as opened:
        for number in range(builds):
            await opened.create(f"a REST API number {number}", mode="local")


def _type(app: OnTerminal, keys: int) -> list[float]:
    """Milliseconds from keys to the screen, typed in the search field of the log beside what streams."""
    app.press(LOG)
    app.until("/ Search")
    for _ in range(10):
        app.press("/")
        app.pass_time(0.3)
        if app.answers(READY, 1.0) < 1.0:
            break
    else:
        raise RuntimeError("the search field does not answer")
    rhythm = random.Random(20)  # noqa: S311  no secret
    times: list[float] = []
    for number in range(keys):
        if number % len(GLYPHS) == 0:
            app.press(CLEAR)
            app.pass_time(0.3)
        app.pass_time(rhythm.uniform(0.03, 0.09))
        times.append(1000 * app.answers(GLYPHS[number % len(GLYPHS)]))
    return times


def _p95(times: Sequence[float]) -> float:
    return round(statistics.quantiles(times, n=20)[18], 1)


def _spread(times: Sequence[float]) -> dict[str, float]:
    return {"median_ms": round(statistics.median(times), 1), "worst_ms": round(max(times), 1), "keys": len(times)}
