"""Every entry of the tables of the terminal app loads: strings escape the type checker."""

from __future__ import annotations

from importlib import import_module

import pytest
from textual.screen import Screen

from smaker.tui.app import SCREEN_TABLE, SmakerApp
from smaker.tui.palette import IN_TABS, STEERING, VERBS
from smaker.tui.screens.steering import SteeringScreen
from smaker.tui.tabs.base import TABS, ProjectTab


@pytest.mark.parametrize("name", TABS)
def test_every_tab_loads(name: str) -> None:
    assert issubclass(TABS[name].load(), ProjectTab)


@pytest.mark.parametrize("name", SCREEN_TABLE)
def test_every_screen_loads(name: str) -> None:
    module, _, attribute = SCREEN_TABLE[name].partition(":")
    assert issubclass(getattr(import_module(module), attribute), Screen)


def test_every_verb_of_the_palette_does_something() -> None:
    for action, _ in STEERING.values():
        assert hasattr(SteeringScreen, f"action_{action.partition('(')[0]}"), action
    for action, _ in VERBS.values():
        assert hasattr(SmakerApp, f"action_{action.removeprefix('app.').partition('(')[0]}"), action
    assert set(IN_TABS.values()) <= set(TABS)
