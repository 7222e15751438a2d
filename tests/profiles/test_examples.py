"""Example values for documentation: sensible for the name, valid for the field."""

from __future__ import annotations

import pytest

from smaker.core.spec import DataField, FieldType
from smaker.profiles.examples import example


@pytest.mark.parametrize(
    ("name", "kind", "shown"),
    [
        ("category", "text", ["food", "travel"]),
        ("how_it_felt", "text", ["good", "tired"]),
        ("notes", "long_text", ["the first one", "changed my mind"]),
        ("minutes", "integer", [30, 45]),
        ("release_year", "integer", [2024, 2025]),
        ("amount", "money", ["12.50", "8.90"]),
        ("title", "text", ["My first board game", "Another board game"]),
        ("grape", "text", ["some grape", "another grape"]),
        ("tags", "tags", [["home", "urgent"], ["work", "later"]]),
    ],
)
def test_an_example_is_what_a_person_might_type(name: str, kind: str, shown: list[object]) -> None:
    field = DataField(name=name, type=FieldType(kind))
    assert [example(field, "board_game", number) for number in (1, 2)] == shown


def test_an_example_keeps_to_the_bounds_of_its_field() -> None:
    assert len(example(DataField(name="category", maximum=3), "wine")) <= 3
    assert example(DataField(name="minutes", type=FieldType.INTEGER, maximum=10), "wine") <= 10
    assert float(example(DataField(name="fee", type=FieldType.MONEY, minimum=100), "wine")) >= 100
