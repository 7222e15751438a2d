"""Answers as models get them wrong, each with exactly what comes of it: `malformed.yaml` is the table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from smaker.agents.edits import parse_answer, plan_changes

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("malformed.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_comes_of_a_malformed_answer(case: dict[str, Any]) -> None:
    answer = parse_answer(case["answer"], complete=case.get("complete", True))
    changes = plan_changes(answer, case.get("before", {}).get)
    assert {
        "files": dict(changes.files),
        "deletions": list(changes.deletions),
        "unchanged": list(changes.unchanged),
        "rungs": {path: [str(rung) for rung in rungs] for path, rungs in changes.rungs.items()},
        "faults": [fault.message for fault in changes.faults],
        "warnings": [fault.message for fault in changes.warnings],
    } == {
        "files": case.get("files", {}),
        "deletions": case.get("deletions", []),
        "unchanged": case.get("unchanged", []),
        "rungs": case.get("rungs", {}),
        "faults": case.get("faults", []),
        "warnings": case.get("warnings", []),
    }


def test_the_names_tell_the_cases_apart() -> None:
    assert len({case["name"] for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_fault_names_the_line_where_it_is(case: dict[str, Any]) -> None:
    answer = parse_answer(case["answer"], complete=case.get("complete", True))
    lines = case["answer"].split("\n")
    for fault in plan_changes(answer, case.get("before", {}).get).faults:
        said = re.search(r"line (\d+) of your answer", fault.message)
        assert said is None or int(said[1]) == fault.line
        wanted = re.search(r"two lines \"([=>]{7})|pair has no|not changed|", fault.message)
        assert wanted is not None
        if wanted[1]:
            assert lines[fault.line - 1].startswith(wanted[1])
        elif wanted[0]:
            assert lines[fault.line - 1].startswith("<<<<")
