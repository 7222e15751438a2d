"""Things to read about smaker itself: what this machine has, and what can be built."""

from __future__ import annotations

import asyncio

from smaker.tui.screens.dialogs import Show
from smaker.tui.screens.welcome import found_text
from smaker.tui.services import Services


def doctor(services: Services) -> Show:
    """What this machine has of what builds need."""

    async def later() -> str:
        return found_text(await services.checkup())

    return Show("What this machine has of what builds need", title="doctor", later=later)


def profiles(services: Services) -> Show:
    """The stack profiles there are."""

    async def later() -> str:
        listed = await asyncio.to_thread(services.profiles)
        return "\n".join(f"{profile.name:<20} {profile.title}" for profile in listed)

    return Show("What can be built, and with what", title="profiles", later=later)
