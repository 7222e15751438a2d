"""What several tabs do for their user: steer the build and go on with it, ask before, open something outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smaker.core.errors import SmakerError
from smaker.tui.screens.confirm import Confirm

if TYPE_CHECKING:
    from smaker.core.commands import Steering
    from smaker.tui.tabs.base import ProjectTab


async def steer(tab: ProjectTab, command: Steering, done: str = "") -> bool:
    """Record what is wanted and go on with the build here, unless another process has it; whether it was taken."""
    services, project = tab.services, tab.project_id
    try:
        await services.control.steer(project, command)
    except SmakerError as error:
        tab.smaker.complain(error)
        return False
    finally:
        tab.smaker.feed.refresh(project)
    if tab.view is None or tab.view.holder is None:
        services.builder.start(project, tab.smaker.complain)
    if done:
        tab.notify(done, markup=False)
    return True


async def sure(tab: ProjectTab, question: str, detail: str = "", *, yes: str = "Yes") -> bool:
    """Ask; only in a worker."""
    return await tab.app.push_screen_wait(Confirm(question, detail, yes=yes))
