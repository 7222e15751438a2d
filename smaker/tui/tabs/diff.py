"""The Diff tab: what every commit changed, and what the user changed since the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.going_back import step_of
from smaker.tui.literal import cell, content
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.widgets.diff_view import DiffView

if TYPE_CHECKING:
    from smaker.tui.view import ProjectView

OWN = ""
"""The key of the row of what is not committed."""


class DiffTab(ProjectTab):
    """Commits above, what the chosen one changed below."""

    SCOPED_CSS: ClassVar[bool] = False  # the other side of the screen makes room
    DEFAULT_CSS = """
    DiffTab #diff-steps { height: 30%; min-height: 4; background: $background; }
    DiffTab #diff-head { height: 1; padding: 0 1; background: $panel; }
    DiffTab.-zoom #diff-steps { display: none; }
    ProjectScreen.-zoom #left { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "own", "Your edits"),
        Binding("v", "beside", "Side by side"),
        Binding("n", "file(1)", "Next file"),
        Binding("N", "file(-1)", "Previous file", show=False),
        Binding("z", "zoom", "Wide"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._head: str | None = None
        self._shown: str | None = None  # the commit whose diff is shown

    def compose(self) -> ComposeResult:
        """The commits, a line about the chosen one, its diff."""
        yield DataTable[Text](id="diff-steps", cursor_type="row", show_header=False)
        yield Static("", id="diff-head", markup=False)
        yield DiffView(id="diff-view")

    def on_mount(self) -> None:
        """Make the columns."""
        self._steps.add_columns("step", "what")

    @property
    def _steps(self) -> DataTable[Text]:
        return self.query_one("#diff-steps", DataTable)

    @property
    def _diff(self) -> DiffView:
        return self.query_one("#diff-view", DiffView)

    async def load(self) -> None:
        """List the commits; show the newest."""
        await self._list()

    def update_from(self, view: ProjectView) -> None:
        """There may be another commit."""
        head = view.snapshot.head if view.snapshot else None
        if head != self._head:
            self._list_anew()

    def on_hide(self) -> None:
        """Leave room for the tasks again."""
        self.set_class(False, "-zoom")
        self.screen.set_class(False, "-zoom")

    @work(exclusive=True, group="diff-list")
    async def _list_anew(self) -> None:
        await self._list()

    async def _list(self) -> None:
        try:
            commits = await self.services.control.history(self.project_id)
        except SmakerError as error:
            self._diff.say(f"· {complaint(error)}")
            return
        self._head = commits[0].sha if commits else None
        table, chosen = self._steps, self._shown
        table.clear()
        table.add_row(cell("own"), cell("Your own edits, not committed"), key=OWN)
        for commit in commits:
            table.add_row(cell(step_of(commit)), cell(commit.subject), key=commit.sha)
        keys = [OWN, *(commit.sha for commit in commits)]
        wanted = keys.index(chosen) if chosen in keys else min(1, len(commits))
        table.move_cursor(row=wanted, animate=False)

    def on_data_table_row_highlighted(self, event: DataTable.RowHighlighted) -> None:
        """Show what the commit under the cursor changed."""
        key = event.row_key.value
        if key is not None and (key != self._shown or key == OWN):
            self._shown = key
            self._show(key)

    def on_data_table_row_selected(self) -> None:
        """On to the diff."""
        self._diff.focus()

    @work(exclusive=True, group="diff-show")
    async def _show(self, key: str) -> None:
        head, view = self.query_one("#diff-head", Static), self._diff
        view.say("…")
        try:
            diff = await self.services.control.diff(self.project_id, key or None)
        except SmakerError as error:
            view.say(f"✗ {complaint(error)}")
            return
        await view.show_diff(diff, "You have no edits that are not committed." if key == OWN else "No file changed.")
        name = "your own edits" if key == OWN else key[:12]
        head.update(content(f"{name}  ·  {view.patch.summary}" if view.patch.files else name))

    # --- what the user does -------------------------------------------------------------------------------------------

    def action_own(self) -> None:
        """What the user changed and did not commit, as it is now."""
        self._shown = None
        if self._steps.cursor_row == 0:
            self._show(OWN)
        self._steps.move_cursor(row=0, animate=False)

    async def action_beside(self) -> None:
        """Old and new side by side, or unified."""
        await self._diff.action_beside()

    def action_file(self, by: int) -> None:
        """To the next file of the diff, or the one before."""
        self._diff.action_file(by)

    def action_zoom(self) -> None:
        """The whole width and height for the diff, or the rest beside it again."""
        wide = not self.has_class("-zoom")
        self.set_class(wide, "-zoom")
        self.screen.set_class(wide, "-zoom")
        (self._diff if wide else self._steps).focus()
