"""The Settings screen on a real file: comments stay, wrong values are told before anything is written, undo, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static

from smaker.config import load_settings
from smaker.testing import Fault, ScriptedModelServer
from smaker.tui.screens.settings import SettingsScreen

FILE = """\
# mine
llm:
  mode: hybrid   # all of them
  providers:
    local: {base_url: "URL", model: scripted}  # [@click=app.quit]
limits: {max_fix_attempts: 3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The user's file; `desk` reads it."""
    file = tmp_path / "config.yaml"
    file.write_text(FILE.replace("URL", "http://127.0.0.1:9/v1"))
    return file


async def open_settings(desk: Any, pilot: Any) -> SettingsScreen:
    pilot.app.show("settings")
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, SettingsScreen))
    await desk.until(pilot, lambda: pilot.app.screen.query_one("#rows", DataTable).row_count > 20)
    return pilot.app.screen


async def go_to(desk: Any, pilot: Any, key: str) -> None:
    screen = pilot.app.screen
    table = screen.query_one("#rows", DataTable)
    table.move_cursor(row=table.get_row_index(key))
    await desk.until(pilot, lambda: screen.chosen == key)


def text(pilot: Any, part: str) -> str:
    return str(pilot.app.screen.query_one(f"#{part}", Static).render())


def told(pilot: Any) -> str:
    return "\n".join(note.message for note in pilot.app._notifications)


async def type_value(pilot: Any, value: str) -> None:
    await pilot.press("enter")
    pilot.app.screen.query_one("#value", Input).value = value
    await pilot.pause()


async def test_a_setting_is_changed_and_the_comments_stay(file: Path, desk: Any, screen_is: Any) -> None:
    before = file.read_text()
    async with desk.shown() as pilot:
        screen = await open_settings(desk, pilot)
        await pilot.press("slash", *"limits", "enter")
        await go_to(desk, pilot, "limits.max_fix_attempts")
        assert "limits.max_fix_attempts: 3   (from" in text(pilot, "about")
        await type_value(pilot, "-2")
        await desk.until(pilot, lambda: "must be greater than or equal to 0" in text(pilot, "wrong"))
        screen_is(pilot, screen, "settings", r"/\S+(?=config)", r"·  /.*")
        await pilot.press("enter")
        await pilot.pause()
        assert file.read_text() == before, "nothing is written while it is wrong"
        screen.query_one("#value", Input).value = "7"
        await desk.until(pilot, lambda: text(pilot, "wrong") == "")
        await pilot.press("enter")
        await desk.until(pilot, lambda: file.read_text() == before.replace("attempts: 3", "attempts: 7"))
        await desk.until(pilot, lambda: "(from" in text(pilot, "about") and ": 7" in text(pilot, "about"))
        assert load_settings(user_file=file, environ={}).settings.limits.max_fix_attempts == 7
        await pilot.press("u")
        await desk.until(pilot, lambda: file.read_text() == before)
        await pilot.press("u")
        await desk.until(pilot, lambda: "Nothing was changed here." in told(pilot))


async def test_providers_are_switched_and_the_theme_is_taken(file: Path, desk: Any) -> None:
    async with desk.shown((80, 24)) as pilot:
        await open_settings(desk, pilot)
        await go_to(desk, pilot, "llm.providers.local.enabled")
        await pilot.press("space")
        await desk.until(pilot, lambda: "enabled: false" in file.read_text())
        await desk.until(pilot, lambda: "local.enabled: false" in text(pilot, "about"))
        await pilot.press("space")
        await desk.until(pilot, lambda: "enabled: true" in file.read_text())
        await go_to(desk, pilot, "llm.strategy")
        assert "one of: fallback, round_robin, weighted, ensemble" in text(pilot, "about")
        await pilot.press("space")
        await desk.until(pilot, lambda: "not on or off" in told(pilot))
        await go_to(desk, pilot, "tui.theme")
        await type_value(pilot, "light")
        await pilot.press("enter")
        await desk.until(pilot, lambda: not pilot.app.current_theme.dark)
        await go_to(desk, pilot, "llm.routing.fixing")
        await type_value(pilot, "[lokal]")
        await desk.until(pilot, lambda: "nearest: 'local'" in text(pilot, "wrong"))
        await pilot.press("escape")
        assert "lokal" not in file.read_text()
        file.write_text(f"{file.read_text()}# by another hand\n")
        await pilot.press("u")
        await desk.until(pilot, lambda: "was changed since by someone else" in told(pilot))


async def test_what_the_environment_says_is_told(file: Path, desk: Any) -> None:
    async with desk.shown() as pilot:
        await open_settings(desk, pilot)
        await go_to(desk, pilot, "browser.enabled")
        assert "(from environment SMAKER_BROWSER__ENABLED)" in text(pilot, "about")
        await pilot.press("space")
        await desk.until(pilot, lambda: "environment SMAKER_BROWSER__ENABLED still says otherwise" in told(pilot))


async def test_the_filter_and_the_way_back(file: Path, desk: Any) -> None:
    async with desk.shown() as pilot:
        screen = await open_settings(desk, pilot)
        await pilot.press("slash", *"routing", "enter")
        assert screen.query_one("#rows", DataTable).row_count == 5
        await pilot.press("escape")
        await desk.until(pilot, lambda: screen.query_one("#rows", DataTable).row_count > 20)
        await pilot.press("escape")
        await desk.until(pilot, lambda: not isinstance(pilot.app.screen, SettingsScreen))


async def test_models_are_asked_and_need_not_be_waited_for(file: Path, desk: Any) -> None:
    async with ScriptedModelServer(lambda _: "Paris") as server, desk.shown() as pilot:
        file.write_text(FILE.replace("URL", server.url))
        await open_settings(desk, pilot)
        await go_to(desk, pilot, "limits.max_fix_attempts")
        await pilot.press("c")
        await desk.until(pilot, lambda: "openai: ✗" in text(pilot, "about"), 30)
        await desk.until(pilot, lambda: "local: ✓ plain" in text(pilot, "about"), 30)
        assert "✗ json (" in text(pilot, "about")
        await go_to(desk, pilot, "llm.providers.local.model")
        assert "local: ✓ plain" in text(pilot, "about")


async def test_a_model_that_does_not_answer_is_left(file: Path, desk: Any) -> None:
    async with ScriptedModelServer(lambda _: Fault.SILENCE) as server, desk.shown() as pilot:
        file.write_text(FILE.replace("URL", server.url))
        screen = await open_settings(desk, pilot)
        await go_to(desk, pilot, "llm.providers.local.model")
        await pilot.press("c")
        await desk.until(pilot, lambda: "being asked" in text(pilot, "about"))
        await desk.until(pilot, lambda: server.requests)
        await pilot.press("escape")
        await desk.until(pilot, lambda: "local: - not asked to the end" in text(pilot, "about"))
        assert pilot.app.screen is screen
