"""What calls a user who looks elsewhere, and how the app looks: settings, and what they change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from smaker.core.commands import Cancel
from smaker.core.events import Event
from smaker.tui.notify import sequence, worth_telling


def event(kind: str, message: str = "m", **data: Any) -> Event:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return Event.model_validate({"kind": kind, "message": message, "data": data, "seq": 1, "project": "p", "at": at})


@pytest.mark.parametrize(
    ("happened", "text", "severity"),
    [
        (event("project.state", state="READY"), "Books is ready", "information"),
        (event("project.state", state="DEPLOYED"), "Books is deployed", "information"),
        (event("project.state", state="FAILED"), "Books has failed", "error"),
        (event("project.state", state="READY", error={"message": "not understood"}), "Books: not understood", "error"),
        (event("question", "Which?"), "Books asks: Which?", "warning"),
        (event("budget.exceeded", "Paused: spent"), "Books: Paused: spent", "warning"),
    ],
)
def test_what_needs_its_user_is_told(happened: Event, text: str, severity: str) -> None:
    told = worth_telling(happened, "Books")
    assert told is not None
    assert (told.text, told.severity) == (text, severity)


def test_the_rest_is_not() -> None:
    assert worth_telling(event("project.state", state="CODING"), "Books") is None
    assert worth_telling(event("step.commit"), "Books") is None


@pytest.mark.attack("T162")
def test_a_notification_is_one_sequence_whatever_it_says() -> None:
    assert sequence("bell", "x") == "\a"
    assert sequence("none", "x") == ""
    written = sequence("desktop", "done\a\x1b]52;c;aGk=\x07\x1b\\\n\x9d9;x\x9c" + "y" * 500)
    assert written.startswith("\x1b]9;") and written.endswith("\x1b\\")
    inside = written[4:-2]
    assert len(inside) <= 200
    assert inside.isprintable()


async def test_a_failure_is_told_wherever_the_user_is(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    project = await desk.project("a page [b]")
    async with desk.shown() as pilot:
        app = pilot.app
        await desk.until(pilot, lambda: app.feed.views[project].facts)
        written: list[str] = []
        monkeypatch.setattr(app._driver, "write", written.append)
        await pilot.press("n")
        await desk.services.control.steer(project, Cancel())
        await desk.until(pilot, lambda: any("has failed" in note.message for note in app._notifications))
        assert "\a" in written


async def test_the_theme_is_remembered_in_the_users_file(desk: Any, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("# mine\ntui: {theme: light}  # at day\n")
    await desk.project()
    async with desk.shown() as pilot:
        await desk.until(pilot, lambda: pilot.app.theme == "textual-light")
        await pilot.press("ctrl+t")
        await desk.until(pilot, lambda: "dark" in file.read_text())
        assert pilot.app.theme == "textual-dark"
    assert file.read_text() == "# mine\ntui: {theme: dark}  # at day\n"
