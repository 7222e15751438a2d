"""What a visitor may answer: actions that it was told of, whole, and an account of every step."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from smaker.agents.prompts import source
from smaker.agents.web.paths import KeptPath, Untested, dump_paths, read_paths
from smaker.agents.web.turns import MOST_ACTIONS, Turn
from smaker.agents.web.visitor import MOST_TURNS
from smaker.core.ports.browser import Action, Deed, Expectation, Probe, Target

STEPS = ("open /", "add Milk", "see Milk listed")
CLICK: dict[str, Any] = {"kind": "click", "target": {"role": "button", "name": "Add"}}


@pytest.mark.parametrize("kind", [*Deed.__args__, *Expectation.__args__])  # type: ignore[attr-defined]
def test_every_action_it_may_take_is_told(kind: str) -> None:
    told = source("visitor")
    assert f'"{kind}"' in told or f"`{kind}`" in told


@pytest.mark.parametrize("kind", Probe.__args__)  # type: ignore[attr-defined]
def test_what_the_explorer_does_is_not_for_a_visitor(kind: str) -> None:
    with pytest.raises(ValidationError):
        Turn.model_validate({"actions": [{**CLICK, "kind": kind}]})
    assert f"`{kind}`" not in source("visitor")
    assert f'"{kind}"' not in str(Turn.model_json_schema())


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        ({"kind": "click"}, "click needs a target"),
        ({"kind": "visible"}, "visible needs a target"),
        ({"kind": "gone"}, "gone needs a target"),
        ({"kind": "click", "target": {"name": "Add"}}, "a target is"),
        ({"kind": "click", "target": {"role": "button", "nth": -1}}, "a target is"),
        ({"kind": "text", "value": " "}, "text needs a value"),
        ({"kind": "goto", "value": "http://127.0.0.1:1/"}, "begins with"),
        ({"kind": "count", "target": {"css": "li"}, "value": "two"}, "is a number"),
        ({"kind": "attribute", "target": {"css": "li"}, "value": "x"}, "Input should be"),
        ({**CLICK, "text": "Add"}, "Extra inputs"),
    ],
)
def test_half_an_action_is_sent_back(action: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Turn.model_validate({"actions": [action]})


def test_a_turn_is_bounded_and_its_bound_is_told() -> None:
    whole = Turn.model_validate({"actions": [CLICK] * MOST_ACTIONS, "mood": "fine"})
    assert whole.deeds[0] == Action(kind="click", target=Target(role="button", name="Add"))
    with pytest.raises(ValidationError, match="at most 30"):
        Turn.model_validate({"actions": [CLICK] * (MOST_ACTIONS + 1)})
    assert "{{ most }}" in source("visitor")
    assert "{{ most_actions }}" in source("visitor")
    assert MOST_TURNS == 8


def test_every_step_is_accounted_for() -> None:
    skipped = [{"step": 2, "why": "it needs a file"}]
    assert Turn.model_validate({"taken": [1, 3], "untested": skipped}).unaccounted(STEPS) == ""
    assert Turn(taken=(1, 2)).unaccounted(STEPS) == "neither in `taken` nor in `untested`: step 3"
    fault = Turn.model_validate({"taken": [1, 2, 9], "untested": skipped}).unaccounted(STEPS)
    assert fault == ("there is no step 9; both taken and untested: 2; neither in `taken` nor in `untested`: step 3")


def test_what_nobody_accounts_for_is_untested() -> None:
    turn = Turn.model_validate({"taken": [1, 2], "untested": [{"step": 2, "why": "it needs a file"}]})
    said = turn.left_out(STEPS)
    assert [(entry.step, entry.why) for entry in said] == [
        ("add Milk", "it needs a file"),
        ("see Milk listed", "the visitor did not say whether it was taken"),
    ]


def test_what_a_path_leaves_out_is_kept_with_it() -> None:
    path = KeptPath(name="Add", actions=(Action(kind="back"),))
    less = path.model_copy(update={"untested": (Untested(step="see it", why="no printer"),)})
    assert read_paths(dump_paths((path, less))) == (path, less)
    assert b"untested" not in dump_paths((path,))
