"""A model's plan: what it must hold, which lines of the user's words it forgets, and how it becomes a spec."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from smaker.agents.model.plan import Plan, left_over, numbered, spec_text, to_spec
from smaker.agents.model.structured import find_json

PLAN: dict[str, Any] = {
    "name": "Roman numerals",
    "slug": "roman",
    "summary": "Converts between numbers and Roman numerals.",
    "kind": "library",
    "profile": "python",
    "requirements": [
        {"text": "to_roman(4) is IV.", "lines": "1-2"},
        {"text": "from_roman('IV') is 4.", "lines": "4"},
        {"text": "It is fast.", "must": False, "lines": ""},
    ],
    "not_requirements": "6..7",
    "interfaces": ["roman.to_roman(number: int) -> str"],
    "modules": [{"name": "whole", "title": "The library"}],
    "questions": [{"question": "What of zero?", "taken": "It is refused."}],
    "unasked": "for",
}
WORDS = "a\nb\n\nc\n# a title\nd\ne\n  - f\n---\n"


def plan(**values: object) -> Plan:
    return Plan.model_validate({**PLAN, **values})


def test_lines_that_no_requirement_speaks_for_are_left_over() -> None:
    assert left_over(WORDS, plan()) == [8]
    assert left_over(WORDS, plan(not_requirements="")) == [6, 7, 8]
    assert left_over(WORDS, plan(not_requirements="1-999999999")) == [6, 7, 8], (
        "a range that cannot be meant is not taken"
    )


def test_a_mere_link_asks_for_nothing() -> None:
    words = (
        "* https://example.org/a-b-c (version <=1.2.3)\n[logo]: https://example.org/logo.svg\nSee https://example.org"
    )
    wanted = f"{words}\nIt reads what https://example.org/data.json holds."
    nothing = plan(requirements=[{"text": "It is.", "lines": ""}], not_requirements="")
    assert left_over(wanted, nothing) == [4]


def test_numbers_stand_before_lines() -> None:
    assert numbered("x\ny") == "1| x\n2| y"
    assert numbered("\n" * 9 + "z").splitlines()[-1] == "10| z"


def test_a_plan_becomes_a_spec() -> None:
    spec = to_spec(plan(), ["python", "node"])
    assert [entry.id for entry in spec.requirements] == ["R1", "R2", "R3"]
    assert [entry.must for entry in spec.requirements] == [True, True, False]
    assert spec.modules[0].requirements == ("R1", "R2", "R3")
    assert spec.questions == ("What of zero? Taken: It is refused.",)
    text = spec_text(spec)
    assert "- R3 (optional): It is fast." in text
    assert "roman.to_roman" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"profile": "cobol"}, "there is no stack 'cobol'; there are: node, python"),
        ({"modules": [{"name": "a", "title": "A", "requirements": ["R9"]}]}, "names R9"),
        ({"modules": [{"name": "a", "title": "A", "requirements": ["R1"]}]}, "no module serves R2, R3"),
        ({"modules": [{"name": "a", "title": "A", "depends_on": ["b"]}]}, "does not come before it"),
        ({"modules": [{"name": "a", "title": "A"}, {"name": "a", "title": "B"}]}, "there twice"),
    ],
)
def test_a_plan_that_contradicts_itself_is_told(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        to_spec(plan(**values), ["python", "node"])


@pytest.mark.parametrize(
    "values",
    [{"slug": "Not A Slug"}, {"requirements": []}, {"modules": []}, {"kind": "game"}, {"launch": {"argv": []}}],
)
def test_a_plan_of_the_wrong_shape_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        plan(**values)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '```json\n{"a": 1}\n```',
        'Here it is: {"a": 1} I hope it helps.',
        '  {"a":\n1}  ',
        '{"a": 1}\n{"b": 2}',
    ],
)
def test_json_is_found_where_models_put_it(text: str) -> None:
    assert find_json(text) == {"a": 1}


@pytest.mark.parametrize("text", ["", "no", "[1]", '{"a": ', "{" * 100_000, '"a"'])
def test_what_is_no_object_is_told(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        find_json(text)


def test_scenarios_are_for_pages_and_name_what_they_show(plan: dict[str, Any]) -> None:
    listed = [{"name": "Turn\n one", "requirements": ["R1"], "steps": ["open /", "type 4", "see IV"]}]
    given = Plan.model_validate({**plan, "kind": "web", "scenarios": listed})
    spec = to_spec(given, ["python"])
    assert spec.gui
    assert spec.scenarios[0].name == "Turn one"
    assert "- Turn one (R1): open /; type 4; see IV" in spec_text(spec)
    library = to_spec(Plan.model_validate({**plan, "scenarios": listed}), ["python"])
    assert not library.gui
    assert not library.scenarios
    listed[0]["requirements"] = ["R9"]
    with pytest.raises(ValueError, match="R9"):
        to_spec(Plan.model_validate({**plan, "kind": "web", "scenarios": listed}), ["python"])
