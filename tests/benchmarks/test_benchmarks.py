"""Everything that docs/performance.md reports can still be measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = re.findall(r'"(\w+)"', re.search(r"^NAMES = \((.*)\)$", (ROOT / "benchmarks/__main__.py").read_text(), re.M)[1])
FIGURES = {"P1", "P3", "P4", "P5", "P8", "P11", "P12", "build"}


@pytest.mark.sandbox
@pytest.mark.timeout(240)
def test_everything_can_be_measured() -> None:
    ran = subprocess.run(
        (sys.executable, "-m", "benchmarks", "--quick", "--json"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    assert {figure["name"] for figure in figures} == FIGURES
    for figure in figures:
        assert isinstance(figure["measured"], int | float)
        assert figure["bound"] is None or figure["reached"] in {True, False}


def test_every_benchmark_is_run_by_default() -> None:
    given = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - {"__init__", "__main__", "crew", "figure"}
    assert given == set(NAMES)


def test_an_unknown_benchmark_is_named() -> None:
    ran = subprocess.run(
        (sys.executable, "-m", "benchmarks", "nosuch"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "nosuch" in ran.stderr
    assert "startup" in ran.stderr


def test_every_figure_is_in_the_page() -> None:
    page = (ROOT / "docs/performance.md").read_text()
    for name in sorted(FIGURES):
        assert f"| {name} " in page
