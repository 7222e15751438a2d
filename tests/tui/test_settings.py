"""The Settings screen on a real file: comments stay, wrong values are told before anything is written, undo, checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import DataTable, Input, Static

from smaker.config import Settings, load_settings
from smaker.testing import Fault, ScriptedModelServer
from smaker.tui.screens.provider import NewProvider, suggestion, use
from smaker.tui.screens.settings import SettingsScreen, ValueInput

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
        screen.query_one("#value", ValueInput).value = "7"
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
        await desk.until(pilot, lambda: "openai: ✗" in text(pilot, "about"))
        await desk.until(pilot, lambda: "local: ✓ plain" in text(pilot, "about"))
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


async def ask_for_provider(desk: Any, pilot: Any) -> NewProvider:
    await pilot.press("n")
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, NewProvider) and pilot.app.focused)
    return pilot.app.screen


async def test_a_provider_is_added_asked_and_taken_back(
    file: Path, desk: Any, screen_is: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "whatever-it-is")
    before = file.read_text()
    async with ScriptedModelServer(lambda _: "Paris") as server, desk.shown((100, 30)) as pilot:
        screen = await open_settings(desk, pilot)
        await pilot.press("slash", *"limits", "enter")
        form = await ask_for_provider(desk, pilot)
        assert [field.value for field in form.query(Input)] == ["groq", "", "", "GROQ_API_KEY"]
        assert pilot.app.focused.id == "new-model"
        await pilot.press("enter")
        await desk.until(pilot, lambda: "✗ Model: as the provider spells it" in text(pilot, "provider-told"))
        await pilot.press(*"llama", "down", *"http://example.com")
        await desk.until(pilot, lambda: "groq.base_url must use https://" in text(pilot, "provider-told"))
        await pilot.press("enter")
        await pilot.pause()
        assert pilot.app.screen is form and file.read_text() == before
        form.query_one("#new-base_url", Input).value = server.url
        await desk.until(pilot, lambda: text(pilot, "provider-told") == "")
        await pilot.press("down", "end", *"S")
        await desk.until(pilot, lambda: "must name an environment variable" in text(pilot, "provider-told"))
        await pilot.press("backspace", "up", "up", "up")
        assert pilot.app.focused.id == "new-name"
        await desk.until(pilot, lambda: text(pilot, "provider-told") == "")
        screen_is(pilot, form.query_one("Vertical"), "provider", r"http://127\S+")
        await pilot.press("enter")
        await desk.until(pilot, lambda: pilot.app.screen is screen and screen.chosen == "llm.providers.groq.model")
        line = f"groq: {{enabled: true, model: llama, base_url: {server.url}, api_key_env: GROQ_API_KEY}}"
        assert file.read_text() == before.replace("limits:", f"    {line}\nlimits:")
        assert "whatever-it-is" not in file.read_text()
        assert "name it in llm.routing" in text(pilot, "about")
        await pilot.press("c")
        await desk.until(pilot, lambda: "groq: ✓ plain" in text(pilot, "about"))
        await pilot.press("u")
        await desk.until(pilot, lambda: file.read_text() == before)
        await desk.until(pilot, lambda: "llm.providers.groq is as it was." in told(pilot))


async def test_a_provider_that_cannot_be_written_is_not(file: Path, desk: Any) -> None:
    before = file.read_text()
    async with desk.shown((80, 24)) as pilot:
        screen = await open_settings(desk, pilot)
        form = await ask_for_provider(desk, pilot)
        assert [field.value for field in form.query(Input)] == [""] * 4
        await pilot.press(*"local", "down", *"other")
        await desk.until(pilot, lambda: "local is there already" in text(pilot, "provider-told"))
        form.query_one("#new-name", Input).value = "mistral"
        await desk.until(pilot, lambda: "! MISTRAL_API_KEY is not set here" in text(pilot, "provider-told"))
        form.query_one("#new-api_key_env", Input).value = "sk-" + "a1B2" * 12
        await desk.until(pilot, lambda: "keys are never stored in YAML" in text(pilot, "provider-told"))
        form.query_one("#new-api_key_env", Input).value = ""
        form.query_one("#new-name", Input).value = "claude"
        await desk.until(
            pilot, lambda: "claude is there from the start: this changes it." in text(pilot, "provider-told")
        )
        await pilot.press("escape")
        await desk.until(pilot, lambda: pilot.app.screen is screen)
        assert file.read_text() == before


@pytest.mark.parametrize(
    ("llm", "name", "said"),
    [
        ({}, "openai", "To have it asked, set llm.mode to openai or hybrid (it is offline)."),
        ({}, "claude", "switched off: it is not asked"),
        ({"mode": "hybrid"}, "openai", "asked for planning, code_generation, testing, fixing, review, by llm.routing"),
        ({"mode": "local"}, "local", "asked for every role, by llm.mode"),
        ({"mode": "hybrid"}, "groq", "To have it asked, name it in llm.routing, where it serves no role."),
        ({"mode": "hybrid", "routing": {"fixing": None}}, "groq", "asked for fixing, by llm.routing"),
    ],
)
def test_whether_a_provider_is_asked_is_said(llm: dict[str, Any], name: str, said: str) -> None:
    providers = {**Settings().llm.model_dump()["providers"], "groq": {"model": "x"}}
    settings = Settings.model_validate({"llm": {**llm, "providers": providers}})
    assert use(settings.llm, name) == said


def test_what_a_new_provider_begins_with() -> None:
    llm = Settings().llm
    assert suggestion(llm, {"OPENAI_API_KEY"}.__contains__) == {}, "it is there, and switched on"
    found = suggestion(llm, {"OPENAI_API_KEY", "ANTHROPIC_API_KEY"}.__contains__)
    assert found == {"name": "claude", "model": "claude-sonnet-4-5", "api_key_env": "ANTHROPIC_API_KEY"}
