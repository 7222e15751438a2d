"""What an expected address means."""

from __future__ import annotations

import re

import pytest

from smaker.browser.inside.shapes import like


@pytest.mark.parametrize(
    ("pattern", "same", "others"),
    [
        ("/", ["/", "/#", "/#/active"], ["/a", "/?a=1"]),
        ("/n*", ["/n", "/new?a=1", "/new#x"], ["/", "/m"]),
        ("/search?q=a.b", ["/search?q=a.b"], ["/search?q=axb", "/searchq=a.b"]),
        ("#/active", ["/#/active", "/index.html#/active"], ["/", "/#/activ", "/#/active/x"]),
        ("/*#/act*", ["/#/active", "/x#/act"], ["/active", "/#/"]),
        ("/a#", ["/a", "/a#"], ["/a#b"]),
    ],
)
def test_an_expected_address(pattern: str, same: list[str], others: list[str]) -> None:
    assert [address for address in same if not re.fullmatch(like(pattern), address)] == []
    assert [address for address in others if re.fullmatch(like(pattern), address)] == []
