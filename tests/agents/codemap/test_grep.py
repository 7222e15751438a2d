"""Exact search: every match, within limits, whatever the pattern."""

import time

import pytest

from smaker.agents.codemap import CodeIndex, grep, render_grep
from smaker.core.errors import UsageError


def test_matches_by_path_and_line_with_sources_first(shop: dict[str, bytes]) -> None:
    assert render_grep(grep(CodeIndex.of(shop), r"\bBasket\b")) == (
        "shop/basket.py\n"
        "     8 class Basket:\n"
        "shop/till.py\n"
        "     1 from shop.basket import Basket\n"
        "     5 async def check_out(basket: Basket, given: Price) -> Price:\n"
        "web/app.js\n"
        '     1 import { Basket } from "./basket.js";\n'
        "tests/test_basket.py\n"
        "     1 from shop.basket import Basket\n"
        '     5     assert Basket("me").total() == 0\n'
    )


def test_plain_text_case_and_files(shop: dict[str, bytes]) -> None:
    index = CodeIndex.of(shop)
    assert [match.line for match in grep(index, "[item] * count", regex=False).matches] == [18]
    assert grep(index, "basket", glob="*.md").matches == ()
    assert [match.path for match in grep(index, "CLASS app", ignore_case=True).matches] == ["web/app.js"]
    assert {match.path for match in grep(index, "^import|^from", glob="shop/*").matches} == {
        "shop/basket.py",
        "shop/prices.py",
        "shop/till.py",
    }


def test_limits() -> None:
    index = CodeIndex.of({f"{name}.py": b"x = 1\n" * 50 for name in "abcd"})
    found = grep(index, "x")
    assert len(found.matches) == 60
    assert found.more
    assert [sum(match.path == f"{name}.py" for match in found.matches) for name in "abc"] == [20, 20, 20]
    assert "narrow" in render_grep(found)
    assert not grep(CodeIndex.of({"a.py": b"x\nx\n"}), "x", limit=2).more


def test_a_line_counts_once_and_ends_where_it_ends() -> None:
    index = CodeIndex.of({"a.py": "a ü a\n\nlast ä".encode(), "b.py": b"one\n"})
    assert [(match.path, match.line, match.text) for match in grep(index, "a|ä|$").matches] == [
        ("a.py", 1, "a ü a"),
        ("a.py", 2, ""),
        ("a.py", 3, "last ä"),
        ("b.py", 1, "one"),
    ]


@pytest.mark.parametrize("pattern", ["(a+)+$", r"(\w+\s?)+$", "(a|aa)+$"])
def test_a_pattern_without_end_is_stopped(pattern: str) -> None:
    index = CodeIndex.of({"a.py": b"a" * 60 + b"!\n"})
    began = time.monotonic()
    with pytest.raises(UsageError, match="more than"):
        grep(index, pattern, seconds=0.3)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("pattern", ["", "a" * 501, "(", "[z-a]", "a{3,1}", "(?P<n>a)(?P<n>b)"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        grep(CodeIndex.of({"a.py": b"a\n"}), pattern)
