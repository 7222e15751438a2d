"""The profile cli-tool, built for specs written by hand: red first, then green and lint-free, then used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from smaker.core.spec import ProductKind, Spec

BuildPlan = Callable[[str], Any]


@pytest.fixture
def build_plan(plan: Callable[[str], Any], make_spec: Callable[..., Spec], build: Callable[[Spec], Any]) -> BuildPlan:
    """A function that builds the plan of a name."""
    return lambda name: build(make_spec(name, "cli-tool", ProductKind.CLI, **plan(name)))


@pytest.mark.parametrize("name", ["expenses", "inventory", "kitchen-sink", "odd-names"])
def test_it_is_red_on_the_skeleton_and_green_after_the_blueprints(name: str, build_plan: BuildPlan) -> None:
    build_plan(name)
