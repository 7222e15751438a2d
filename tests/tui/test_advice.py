"""Hints name verbs of the command line; in the app they name its keys."""

from __future__ import annotations

import pytest
from textual.binding import Binding

from smaker.core.errors import SmakerError
from smaker.tui.advice import BUDGET, KEYS, complaint, in_keys
from smaker.tui.app import SmakerApp
from smaker.tui.screens.steering import SteeringScreen


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("Do the failed stage again with: smaker restart", "Do the failed stage again with: R"),
        ("Do that with: smaker restart a2b3c4d5 --from tests", "Do that with: R (from tests)"),
        (
            "Mend the files and run `smaker restart ID --from run`, or ask.",
            "Mend the files and run R (from run), or ask.",
        ),
        ("Go on with: smaker resume a2b3c4d5", "Go on with: r"),
        ("Give it more with: smaker resume a2b3c4d5 --max-cost 2.50", f"Give it more with: {BUDGET}"),
        ("See: smaker doctor", "See: W"),
        ("Deploy it with: smaker deploy ID", "Deploy it with: D"),
        ("Choose one with: smaker config set llm.mode openai", "Choose one with: smaker config set llm.mode openai"),
        ("Run smaker as that user.", "Run smaker as that user."),
        ("", ""),
    ],
)
def test_hints_name_keys(hint: str, shown: str) -> None:
    assert in_keys(hint) == shown


def test_these_are_the_keys() -> None:
    bindings = [entry for entry in (*SteeringScreen.BINDINGS, *SmakerApp.BINDINGS) if isinstance(entry, Binding)]
    assert {*KEYS.values(), BUDGET} <= {entry.key_display or entry.key for entry in bindings}


def test_a_complaint_is_shown_as_it_is() -> None:
    assert complaint(SmakerError("[b]no\x1b[2J", hint="smaker resume")) == "[b]no\\x1b[2J\nr"
