"""A small repository with every kind of file."""

import pytest

SHOP = {
    "README.md": b"# Shop\n\nSells things over the counter.\n",
    "pyproject.toml": b'[project]\nname = "shop"\n',
    "shop/__init__.py": b"",
    "shop/basket.py": b'''"""What a customer is about to buy."""

from shop.prices import Price, total_of

MOST_ITEMS = 100


class Basket:
    """Items and their number."""

    limit: int = MOST_ITEMS

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.items: list[Price] = []

    def addItem(self, item: Price, *, count: int = 1) -> None:
        self.items += [item] * count

    def total(self) -> int:
        return total_of(self.items)
''',
    "shop/prices.py": b'''"""Prices in cents."""

from dataclasses import dataclass


@dataclass
class Price:
    cents: int


def total_of(prices: list[Price]) -> int:
    return sum(price.cents for price in prices)


def _round(cents: float) -> int:
    return round(cents)
''',
    "shop/till.py": b'''from shop.basket import Basket
from shop.prices import Price


async def check_out(basket: Basket, given: Price) -> Price:
    """Take the money and return the change."""
    return Price(given.cents - basket.total())
''',
    "web/app.js": b"""import { Basket } from "./basket.js";

export const RETRIES = 3;

export class App extends Base {
  #state = null;
  async submitOrder(order, retries = RETRIES) {
    return send(order);
  }
}

export const render = (state) => {
  return state;
};

module.exports = { App };
""",
    "tests/test_basket.py": b"""from shop.basket import Basket


def test_a_basket_is_empty():
    assert Basket("me").total() == 0
""",
    "logo.png": b"\x89PNG\0\0\0",
    "web/app.min.js": b"function Basket(){}",
    "web/node_modules/left/index.js": b"module.exports = Basket",
    "web/node_modules/left/package.json": b"{}",
    "package-lock.json": b'{"Basket": 1}',
}


@pytest.fixture
def shop() -> dict[str, bytes]:
    return dict(SHOP)
