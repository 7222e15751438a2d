"""The map: exact on a small repository, in its budget on every one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaker.agents.codemap import CodeIndex, estimate_tokens, render_map

WHOLE = """\
shop/
 __init__.py
 basket.py
  5 MOST_ITEMS = 100
  8 class Basket
   11 limit: int = MOST_ITEMS
   13 def __init__(self, owner: str) -> None
   17 def addItem(self, item: Price, *, count: int=1) -> None
   20 def total(self) -> int
 prices.py
  7 class Price
   8 cents: int
  11 def total_of(prices: list[Price]) -> int
  15 def _round(cents: float) -> int
 till.py
  5 async def check_out(basket: Basket, given: Price) -> Price
tests/
 test_basket.py
  4 def test_a_basket_is_empty()
web/
 node_modules/ … 2 files (vendored)
 app.js
  3 export const RETRIES = 3
  5 export class App extends Base
   6 #state = null
   7 async submitOrder(order, retries = RETRIES)
  12 export const render = (state)
  16 module.exports = { App }
 app.min.js (generated)
README.md
logo.png (binary, 7 B)
package-lock.json (generated)
pyproject.toml
"""


def test_a_small_repository_is_shown_whole(shop: dict[str, bytes]) -> None:
    assert render_map(CodeIndex.of(shop), 2000) == WHOLE


@pytest.mark.parametrize("budget", [0, 1, 5, 10, 20, 40, 80, 160, 320])
def test_the_budget_is_kept(shop: dict[str, bytes], budget: int) -> None:
    shown = render_map(CodeIndex.of(shop), budget)
    assert estimate_tokens(shown) <= budget
    assert shown or budget < 10


def test_what_does_not_fit_is_counted(shop: dict[str, bytes]) -> None:
    assert render_map(CodeIndex.of(shop), 40) == (
        "shop/\n"
        " basket.py\n"
        "  5 MOST_ITEMS = 100\n"
        "  8 class Basket\n"
        "   20 def total(self) -> int\n"
        " … 3 more files\n"
        "… 9 more files\n"
    )
    assert render_map(CodeIndex.of(shop), 8) == "… 13 more files\n"


def test_a_file_in_focus_is_shown_first_and_whole(shop: dict[str, bytes]) -> None:
    shown = render_map(CodeIndex.of(shop), 80, focus=["web/app.js"])
    assert WHOLE[WHOLE.index(" app.js") : WHOLE.index(" app.min.js")] in shown


def test_a_folder_in_focus_comes_before_the_rest(shop: dict[str, bytes]) -> None:
    assert "test_basket.py" in render_map(CodeIndex.of(shop), 40, focus=["tests"])
    assert "test_basket.py" not in render_map(CodeIndex.of(shop), 40)


def test_words_in_focus_lead_to_files_and_those_to_their_neighbours() -> None:
    files = {f"lib/m{number:03}.py": f"def helper_{number}(): pass\n".encode() for number in range(300)}
    files["lib/m150.py"] = b"from lib.m222 import helper_222\n\ndef shipping_costs(): return helper_222()\n"
    files["lib/m077.py"] = b"from lib.m150 import shipping_costs\n\ndef invoice(): return shipping_costs()\n"
    index = CodeIndex.of(files)
    for focus in (["what does shipping cost"], ["lib/m150.py"]):
        shown = render_map(index, 60, focus=focus)
        assert "shipping_costs()" in shown
        assert {"m077.py", "m222.py"} <= {line.strip() for line in shown.splitlines()}


def test_the_most_used_come_first_in_a_large_repository() -> None:
    chance = random.Random(7)
    files = {
        f"src/part{number % 40:02}/mod{number:04}.py": (
            f"def popular_{number % 10}(): pass\n"
            if number < 10
            else f"def own_{number}(): return popular_{number % 10}()\n"
        ).encode()
        for number in range(2000)
    }
    index = CodeIndex.of(files)
    shown = render_map(index, 300)
    assert all(f"def popular_{number}()" in shown for number in range(10))
    assert estimate_tokens(shown) <= 300
    order = sorted(files)
    chance.shuffle(order)
    again = CodeIndex()
    for start in range(0, len(order), 100):
        again.change({path: files[path] for path in order[start : start + 100]})
    assert render_map(again, 300) == shown
    hidden = [int(line.split("… ")[1].split()[0]) for line in shown.splitlines() if "… " in line]
    assert sum(hidden) + shown.count(".py\n") == 2000


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12).filter(
    lambda name: name not in {".", ".."}
)
trees = st.dictionaries(
    st.lists(names, min_size=1, max_size=4).map("/".join), st.binary(max_size=60), max_size=12
).filter(lambda tree: not any(other.startswith(f"{path}/") for path in tree for other in tree))


@given(trees, st.integers(0, 200), st.lists(names, max_size=2))
def test_no_tree_of_files_breaks_the_budget(tree: dict[str, bytes], budget: int, focus: list[str]) -> None:
    shown = render_map(CodeIndex.of(tree), budget, focus=[*focus, *list(tree)[:1]])
    assert estimate_tokens(shown) <= budget
