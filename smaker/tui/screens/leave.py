"""Leaving while builds go on: in the background, paused, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smaker.core.errors import SmakerError
from smaker.tui.screens.dialogs import Choice, OneOf

if TYPE_CHECKING:
    from smaker.tui.app import SmakerApp
    from smaker.tui.services import Builder


async def leave(app: SmakerApp, builder: Builder) -> bool:
    """Ask what becomes of the builds of here, if there are any, and see to it; whether the app may end."""
    running = builder.running()
    if not running:
        return True
    many = f"{len(running)} builds go" if len(running) > 1 else "A build goes"
    chosen = await app.push_screen_wait(
        OneOf(
            f"{many} on. What becomes of it?" if len(running) == 1 else f"{many} on. What becomes of them?",
            [
                Choice("background", "Go on in the background", "smaker finds them again, in any terminal"),
                Choice("pause", "Pause", "r goes on, next time"),
                Choice("stay", "Stay here"),
            ],
            title="Leave",
        )
    )
    if chosen in {None, "stay"}:
        return False
    app.notify("Waiting for the step that runs …", timeout=10)
    try:
        await (builder.detach() if chosen == "background" else builder.pause_all())
    except SmakerError as error:
        app.complain(error)
        return False
    return True
