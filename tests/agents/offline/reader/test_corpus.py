"""Prompts of many kinds and phrasings, each with what must be read from it or why it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.core.spec import Spec

FILES = ("corpus", "holdout", "holdout2", "holdout3", "holdout4", "holdout5")


def _cases() -> list[Any]:
    cases: list[Any] = []
    for name in FILES:
        listed = yaml.safe_load((Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8"))
        cases += [pytest.param(case, id=f"{name}-{number}") for number, case in enumerate(listed)]
    return cases


CASES = _cases()


@pytest.mark.parametrize("case", CASES)
def test_prompt_reads_as_expected(case: Mapping[str, Any], compare: Callable[[Mapping[str, Any]], list[str]]) -> None:
    assert compare(case) == []


def test_there_are_enough_and_different_prompts() -> None:
    prompts = [parameter.values[0]["prompt"] for parameter in CASES]
    assert len(prompts) == len(set(prompts)) >= 105
    assert sum("refused" in parameter.values[0] for parameter in CASES) >= 20


@pytest.mark.parametrize("case", [case for case in CASES if "refused" not in case.values[0]])
def test_reading_is_deterministic(case: Mapping[str, Any], read: Callable[[str], Spec]) -> None:
    assert read(case["prompt"]).model_dump_json() == read(case["prompt"]).model_dump_json()
