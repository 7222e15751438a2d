"""Planted defects: every kind, each a change, equal from run to run, and of nothing but what they name."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

SOURCE = '''"""Says what is größer."""


def larger(one: int | None, other: int, most: int = 10) -> list[int]:
    """Two numbers, the larger one first."""
    if one is None:
        raise ValueError(f"{other + 1} alone")
    total = one + other
    if total > most and not one == other:
        return [max(one, other), total]
    else:
        total = 0
    return [total]
'''


@pytest.fixture(scope="module")
def module() -> Any:
    file = Path(__file__).resolve().parents[2] / "benchmarks/mutants.py"
    spec = importlib.util.spec_from_file_location("planted", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def test_every_kind_is_planted(module: Any) -> None:
    assert {one.kind for one in module.mutants("a.py", SOURCE)} == set(module.KINDS)


def test_all_change_the_program_and_none_is_planted_twice(module: Any) -> None:
    found = module.mutants("a.py", SOURCE)
    assert found == module.mutants("a.py", SOURCE)
    assert len({(one.kind, one.content) for one in found}) == len(found)
    for one in found:
        assert one.content != SOURCE
        if one.kind != "truncated file":
            assert ast.dump(ast.parse(one.content)) != ast.dump(ast.parse(SOURCE))


@pytest.mark.parametrize(
    ("kind", "was", "now"),
    [
        ("operator", "one + other\n", "one - other\n"),
        ("operator", "not one == other", "one == other"),
        ("operator", "most and not", "most or not"),
        ("constant", "most: int = 10", "most: int = 11"),
        ("dropped line", "    total = one + other\n", ""),
        ("dropped line", "        total = 0\n", "        pass\n"),
        ("dropped branch", "\n    else:\n        total = 0\n", "\n"),
        ("wrong name", "total > most", "other > most"),
        ("swapped arguments", "max(one, other)", "max(other, one)"),
        ("comparison boundary", "total > most", "total >= most"),
    ],
)
def test_what_each_kind_does(kind: str, was: str, now: str, module: Any) -> None:
    assert SOURCE.count(was) == 1
    wanted = SOURCE.replace(was, now)
    assert wanted in {one.content for one in module.mutants("a.py", SOURCE) if one.kind == kind}


def test_messages_annotations_and_docstrings_are_left_alone(module: Any) -> None:
    for one in module.mutants("a.py", SOURCE):
        if one.kind in {"operator", "constant", "wrong name"}:
            assert "größer." in one.content
            assert "one: int | None" in one.content
            assert "{other + 1} alone" in one.content
