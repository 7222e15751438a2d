"""A screen that is left at once: what it was still doing ends, and the app does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smaker.tui.feed import Batch
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.review import Review
from smaker.tui.screens.settings import SettingsScreen

DIFF = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"


@pytest.mark.parametrize("turns", range(2, 14, 2))
async def test_an_answer_before_the_diff_is_there(desk: Any, turns: int) -> None:
    async with desk.shown((80, 24)) as pilot:
        asked = asyncio.Event()

        async def diff() -> str:
            await asked.wait()
            for _ in range(turns):  # so that it comes in each moment of the leaving
                await asyncio.sleep(0)
            return DIFF

        review = Review("Rewind", "told", diff, verb="Rewind")
        pilot.app.push_screen(review)
        await desk.until(pilot, lambda: review.query("DiffView"))
        review.dismiss(True)
        asked.set()
        await desk.until(pilot, lambda: not review.is_attached)


async def test_settings_are_left_while_they_are_read(desk: Any) -> None:
    async with desk.shown((80, 24)) as pilot:
        app = pilot.app
        await pilot.press("escape")
        for _ in range(5):
            await pilot.press("comma", "escape")
            await desk.until(pilot, lambda: not isinstance(app.screen, SettingsScreen))
        assert app.is_running


async def test_no_screen_is_told_anything_while_it_goes(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.project()
    there: list[bool] = []
    moved = Dashboard.moved

    def told(self: Dashboard, batch: Batch) -> None:
        there.append(self.display)
        moved(self, batch)

    async def tell(app: Any) -> None:
        while True:
            app.post_message(app.Moved())
            await asyncio.sleep(0)

    monkeypatch.setattr(Dashboard, "moved", told)
    async with desk.shown() as pilot:
        await desk.until(pilot, lambda: pilot.app.feed.views)
        telling = asyncio.ensure_future(tell(pilot.app))
        await desk.until(pilot, lambda: len(there) > 5)
    telling.cancel()
    assert all(there)
