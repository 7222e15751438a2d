"""Definitions found in sources: exactly by parsers, roughly by patterns."""

import pytest

from smaker.agents.codemap import outline
from smaker.agents.codemap.files import language_of
from smaker.agents.codemap.scan import scan


def shown(path: str, source: str) -> list[str]:
    symbols = outline(path, language_of(path), source)
    return [f"{symbol.line}-{symbol.end} {'  ' * symbol.depth}{symbol.signature}" for symbol in symbols]


def test_python(shop: dict[str, bytes]) -> None:
    assert shown("basket.py", shop["shop/basket.py"].decode()) == [
        "5-5 MOST_ITEMS = 100",
        "8-21 class Basket",
        "11-11   limit: int = MOST_ITEMS",
        "13-15   def __init__(self, owner: str) -> None",
        "17-18   def addItem(self, item: Price, *, count: int=1) -> None",
        "20-21   def total(self) -> int",
    ]


def test_python_definitions_that_depend_on_something() -> None:
    source = """
try:
    import fast
except ImportError:
    def slow(): pass
else:
    class Fast(Base, metaclass=Meta): ...
if VERSION > 3:
    async def new(*args: int, **rest: str): ...
text = '''
def quoted(): pass
'''
"""
    assert shown("a.py", source) == [
        "5-5 def slow()",
        "7-7 class Fast(Base, metaclass=Meta)",
        "9-9 async def new(*args: int, **rest: str)",
    ]


def test_python_that_does_not_parse_is_read_by_patterns() -> None:
    assert shown("a.py", "class A:\n    def f(self, x):\n        return (\n\ndef g():\n    pass\n") == [
        "1-4 class A",
        "2-4   def f(self, x)",
        "5-7 def g()",
    ]


def test_javascript(shop: dict[str, bytes]) -> None:
    assert shown("app.js", shop["web/app.js"].decode()) == [
        "3-3 export const RETRIES = 3",
        "5-10 export class App extends Base",
        "6-6   #state = null",
        "7-9   async submitOrder(order, retries = RETRIES)",
        "12-14 export const render = (state)",
        "16-16 module.exports = { App }",
    ]


OTHERS = {
    "a.ts": (
        "export interface Order<T> {\n  id: string\n}\nexport default abstract class Shop {\n"
        "  private async sell(item: Item): Promise<void> {\n    if (item) {\n    }\n  }\n}\nexport type Id = string\n",
        ["Order", "Shop", "sell", "Id"],
    ),
    "a.js": ("function (", []),
    "a.go": (
        "package a\nfunc (s *Shop) Sell(i Item) error {\n}\ntype Shop struct {\n}\nconst Max = 3\n",
        ["Sell", "Shop", "Max"],
    ),
    "a.rs": (
        "pub struct Shop;\nimpl Display for Shop {\n    pub async fn sell(&self) {}\n}\nconst MAX: u8 = 1;\n",
        ["Shop", "Shop", "sell", "MAX"],
    ),
    "A.java": (
        "public final class Shop {\n    private static int sell(Item item) {\n        return pay(item);\n    }\n}\n",
        ["Shop", "sell"],
    ),
    "a.cpp": (
        "#define MAX 3\nstruct Shop {\n};\nstatic int sell(const Item *item) {\n  return pay(item);\n}\n",
        ["MAX", "Shop", "sell"],
    ),
    "a.rb": ("module A\n  class Shop\n    def self.sell?(item)\n    end\n  end\nend\n", ["A", "Shop", "self.sell?"]),
    "a.php": ("<?php\nfinal class Shop {\n    public function sell($item) {\n    }\n}\n", ["Shop", "sell"]),
    "a.sh": ("MAX=3\nsell() {\n}\nfunction pay {\n}\n", ["MAX", "sell", "pay"]),
    "a.unknown": ("def nothing(): pass\n", []),
}


@pytest.mark.parametrize("path", OTHERS)
def test_other_languages_by_patterns(path: str) -> None:
    source, names = OTHERS[path]
    assert [symbol.name for symbol in outline(path, language_of(path), source)] == names


def test_a_definition_ends_where_the_next_one_begins() -> None:
    symbols = outline("a.ts", "typescript", OTHERS["a.ts"][0])
    assert [(symbol.kind, symbol.line, symbol.end, symbol.depth) for symbol in symbols] == [
        ("class", 1, 3, 0),
        ("class", 4, 9, 0),
        ("method", 5, 9, 1),
        ("constant", 10, 11, 0),
    ]


@pytest.mark.parametrize("language", ["python", "javascript", "typescript", "java", "c", "rust", "php"])
@pytest.mark.parametrize(
    "text", ["(" * 5000, "a " * 5000, "\n" * 5000, "public " * 2000, "async " * 2000, "x::" * 3000]
)
def test_nothing_is_slow_or_raises(language: str, text: str) -> None:
    assert len(outline("a", language, text)) < 10
    assert len(scan(language, f"class A {{\n  {text}\n")) < 10
