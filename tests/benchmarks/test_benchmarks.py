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
BY_NAME = {"defects"}
HELPERS = {"__init__", "__main__", "crew", "figure", "mutants", "bare_app", "on_terminal", "talking_models"}
FIGURES = {"P1", "P3", "P4", "P5", "P7", "P8", "P11", "P12", "build"}


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


@pytest.mark.sandbox
@pytest.mark.timeout(240)
def test_planted_defects_are_mended() -> None:
    ran = subprocess.run(
        (sys.executable, "-m", "benchmarks", "defects", "--quick", "--json"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (figure,) = json.loads(ran.stdout)
    assert figure["name"] == "defects"
    assert figure["measured"] == len(figure["detail"]["all"]) == 2
    assert figure["detail"]["found_by"] == {"test, fix round": 2}


def test_every_benchmark_is_run_by_default_or_by_its_name() -> None:
    given = {path.stem for path in (ROOT / "benchmarks").glob("*.py")} - HELPERS
    assert given == {*NAMES, *BY_NAME}


def test_a_judge_is_for_defects() -> None:
    ran = subprocess.run(
        (sys.executable, "-m", "benchmarks", "steps", "--judge", "true"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "for defects alone" in ran.stderr


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
