"""Every key that the app declares is pressed by a test: in a file that names who has it, a call presses it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding

import smaker.tui
from smaker.tui.app import SmakerApp
from smaker.tui.tabs.base import TABS, ProjectTab

DIGITS = frozenset("0123456789")


def declared() -> Iterator[tuple[type, str]]:
    """Who has a key, and the key."""
    for found in pkgutil.walk_packages(smaker.tui.__path__, "smaker.tui."):
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and kind.__module__ == found.name:
                for binding in kind.__dict__.get("BINDINGS", ()):
                    assert isinstance(binding, Binding)
                    yield from ((kind, key) for key in binding.key.split(","))


def names(kind: type) -> set[str]:
    """What a test that has to do with a class, or with one that is made of it, calls it."""
    if issubclass(kind, ProjectTab):
        return {kind.__name__, *(name for name, tab in TABS.items() if tab.load() is kind)}
    return {kind.__name__}.union(*(names(heir) for heir in kind.__subclasses__()))


def pressed(tree: ast.AST) -> set[str]:
    """The keys that calls of ``press`` name; what is typed by letters (``*"words"``) does not count."""
    keys: set[str] = set()
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "press"):
            continue
        for given in call.args:
            if isinstance(given, ast.Call):
                keys |= DIGITS  # str(the number of a tab)
            elif not (isinstance(given, ast.Starred) and isinstance(given.value, ast.Constant)):
                keys |= {part.value for part in ast.walk(given) if isinstance(part, ast.Constant)}
    return keys


def test_every_key_is_pressed_by_a_test() -> None:
    tests: list[tuple[set[str], set[str]]] = []
    for file in Path(__file__).parent.glob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        tests.append((words, pressed(tree)))
    keys = list(declared())
    assert len(keys) > 100
    missing = [
        f"{kind.__name__}: {key}"
        for kind, key in keys
        if not any(key in given and (kind is SmakerApp or words & names(kind)) for words, given in tests)
    ]
    assert not missing, ", ".join(missing)
