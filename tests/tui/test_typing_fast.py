"""Keys have their effect in the order in which they are pressed, however busy the app is."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events
from textual.widgets import Input, TextArea

from smaker.tui.screens.dialogs import Words
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.welcome import WelcomeScreen

TEXT = "a landing page with a contact form and nothing else"


def type_at_once(app: Any, *keys: str) -> None:
    """Press keys faster than any of them is worked off."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_is_sent_is_all_that_was_typed(desk: Any) -> None:
    async with desk.shown() as pilot:
        answers: list[str | None] = []
        pilot.app.push_screen(Words("What?", check=str), answers.append)
        await pilot.pause()
        for character in TEXT:
            pilot.app.post_message(events.Key("space" if character == " " else character, character))
        type_at_once(pilot.app, "ctrl+s")
        await desk.until(pilot, lambda: answers)
        assert answers == [TEXT]


@pytest.mark.sandbox
async def test_the_first_prompt_is_all_that_was_typed(desk: Any) -> None:
    async with desk.shown() as pilot:
        app = pilot.app
        await desk.until(pilot, lambda: isinstance(app.screen, WelcomeScreen) and app.focused is not None)
        for character in TEXT:
            app.post_message(events.Key("space" if character == " " else character, character))
        type_at_once(app, "enter")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        (project,) = await desk.services.control.projects()
        assert project.prompt == TEXT
        await desk.services.builder.pause_all()


@pytest.mark.parametrize("field", ["field", "area"])
async def test_keys_that_move_the_cursor_are_not_overtaken_by_text(desk: Any, field: str) -> None:
    async with desk.shown() as pilot:
        app = pilot.app
        made = Input() if field == "field" else TextArea()
        await app.screen.mount(made)
        made.focus()
        await pilot.pause()
        keys = [
            *"abcdef",
            "left",
            "left",
            "x",
            "home",
            "y",
            "end",
            "backspace",
            "backspace",
            "z",
            "home",
            "delete",
            "w",
        ]
        for key in keys:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await desk.until(pilot, lambda: "w" in (made.value if isinstance(made, Input) else made.text))
        assert (made.value if isinstance(made, Input) else made.text) == "wabcdxz"
