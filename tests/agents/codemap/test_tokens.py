"""The estimate of tokens, and texts fitted into a budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaker.agents.codemap import estimate_tokens, fit


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("a", 1), ("x" * 35, 10), ("x" * 36, 11), ("größe", 3), ("語" * 10, 10), ("\ud800", 1)],
)
def test_the_estimate(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_parts_are_taken_while_they_fit_and_the_last_is_cut_at_a_line() -> None:
    lines = "".join(f"line {number:02}\n" for number in range(20))
    assert fit([lines, lines], 1000) == [lines, lines]
    first, second = fit([lines, lines], 60)
    assert first == lines
    assert second == "line 00\nline 01\nline 02\n… 17 more lines\n"


def test_a_part_without_room_is_left_out() -> None:
    assert fit(["short\n", "x" * 1000, "short\n"], 10) == ["short\n"]
    assert fit(["anything"], 0) == []


@given(st.lists(st.text(max_size=80), max_size=6), st.integers(0, 60))
def test_what_fits_is_never_above_the_budget(parts: list[str], budget: int) -> None:
    assert estimate_tokens("".join(fit(parts, budget))) <= budget
