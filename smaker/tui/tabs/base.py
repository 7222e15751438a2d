"""The tabs of a project: the table of them, and what each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from textual.containers import Vertical

if TYPE_CHECKING:
    from smaker.tui.app import SmakerApp
    from smaker.tui.screens.live import LiveScreen
    from smaker.tui.services import Services
    from smaker.tui.view import ProjectView


@dataclass(frozen=True)
class TabEntry:
    """One tab: its title, and where its `ProjectTab` is, loaded when it is first shown."""

    title: str
    where: str

    def load(self) -> type[ProjectTab]:
        """Import the tab."""
        module, _, attribute = self.where.partition(":")
        return cast("type[ProjectTab]", getattr(import_module(module), attribute))


TABS: dict[str, TabEntry] = {
    "spec": TabEntry("Spec", "smaker.tui.tabs.spec:SpecTab"),
    "files": TabEntry("Files", "smaker.tui.tabs.files:FilesTab"),
    "diff": TabEntry("Diff", "smaker.tui.tabs.diff:DiffTab"),
    "history": TabEntry("History", "smaker.tui.tabs.history:HistoryTab"),
    "tests": TabEntry("Tests", "smaker.tui.tabs.tests:TestsTab"),
    "browser": TabEntry("Browser", "smaker.tui.tabs.browser:BrowserTab"),
    "deployment": TabEntry("Deploy", "smaker.tui.tabs.deployment:DeploymentTab"),
    "cost": TabEntry("Cost", "smaker.tui.tabs.cost:CostTab"),
    "log": TabEntry("Log", "smaker.tui.tabs.log:LogTab"),
}
"""The tabs, by name, in the order of their number keys."""


class ProjectTab(Vertical):
    """One tab of one project.

    `compose` makes its widgets, empty. `load` fills them when the tab is first shown; `update_from` is called whenever
    the project changed while the tab is shown, and once when it is shown again. What a key does here is a binding of
    the tab.
    """

    def __init__(self, project_id: str) -> None:
        super().__init__()
        self.project_id = project_id

    @property
    def smaker(self) -> SmakerApp:
        """The app."""
        return cast("SmakerApp", self.app)

    @property
    def live(self) -> LiveScreen:
        """The screen it is a tab of."""
        return cast("LiveScreen", self.screen)

    @property
    def services(self) -> Services:
        """What the app is given."""
        return self.smaker.services

    @property
    def view(self) -> ProjectView | None:
        """The project as it is known now, None if it was deleted."""
        return self.smaker.feed.views.get(self.project_id)

    async def load(self) -> None:
        """Fill the tab, when it is first shown; it shows a sign of waiting meanwhile. May raise SmakerError."""

    def update_from(self, view: ProjectView) -> None:
        """The project changed while the tab is shown, or the tab is shown again. Must be quick: start a worker for
        what takes longer."""

    def focus_first(self) -> None:
        """Put the focus on the first widget that takes it."""
        for widget in self.query("*"):
            if widget.focusable:
                widget.focus()
                return
