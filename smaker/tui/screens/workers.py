"""The Workers screen: who builds and how they are, and what this machine can do for builds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Static

from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content
from smaker.tui.runners import Runner, runners
from smaker.tui.screens.live import LiveScreen
from smaker.tui.screens.welcome import found_text
from smaker.tui.words import STYLE, age

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smaker.core.models import WorkerInfo
    from smaker.tui.feed import Batch

TICK_S = 2.0  # between two looks
COLUMNS = {"state": 9, "runner": 24, "builds": 14, "does": 14, "last": 4}
AROUND = 12  # columns that are not of a cell
TITLES = {"state": "State", "runner": "Runner", "builds": "Builds", "does": "Does now", "last": "Last"}


class WorkersScreen(LiveScreen):
    """A row for each runner, the machine below."""

    AUTO_FOCUS = "#runners"
    DEFAULT_CSS = """
    WorkersScreen #runners { height: auto; max-height: 50%; min-height: 3; background: $background; }
    WorkersScreen #runner { height: auto; max-height: 5; padding: 0 1; border-top: solid $primary; }
    WorkersScreen #machine { height: 1fr; padding: 0 1; border-top: solid $primary; }
    WorkersScreen #machine Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("c", "check", "Check this machine"),
        Binding("tab", "app.focus_next", "Next part", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._runners: list[Runner] = []
        self._registered: Sequence[WorkerInfo] = ()
        self._machine = Static("", markup=False)
        self._checked = False  # whether the machine was looked at

    def compose(self) -> ComposeResult:
        """The runners, the chosen one, the machine."""
        yield Static("", id="summary", markup=False)
        table: DataTable[Text] = DataTable(id="runners", cursor_type="row")
        for key, width in COLUMNS.items():
            table.add_column(cell(TITLES[key]), key=key, width=width)
        yield table
        yield Static("", id="runner", markup=False)
        with VerticalScroll(id="machine"):
            yield self._machine
        yield Footer()

    def on_mount(self) -> None:
        """Look again now and then."""
        self.set_interval(TICK_S, self._tick)

    # --- who builds ---------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Show everything anew."""
        self._look()
        if not self._checked:
            self._checked = True
            self.action_check()

    def moved(self, batch: Batch) -> None:
        """Show what changed."""
        if batch.projects or batch.listed:
            self._arrange()

    def _tick(self) -> None:
        if self.smaker.connected and self.smaker.screen is self:
            self._look()

    @work(exclusive=True, group="look")
    async def _look(self) -> None:
        try:
            self._registered = await self.services.workers()
        except SmakerError as error:
            self.complain(error)
        self._arrange()

    def _arrange(self) -> None:
        table = self.query_one("#runners", DataTable)
        now = datetime.now(UTC)
        found = runners(self.feed.views.values(), self.services.builder.running(), self._registered, now)
        row = table.cursor_row
        table.clear()
        for runner in found:
            table.add_row(*self._cells(runner, now), key=runner.name)
        table.move_cursor(row=min(max(0, row), len(found) - 1))
        self._runners = found
        busy = sum(bool(runner.task) for runner in found)
        told = f"workers  ·  {len(found)} {'runner' if len(found) == 1 else 'runners'}, {busy} at work"
        self.query_one("#summary", Static).update(told)
        self._tell()

    def _cells(self, runner: Runner, now: datetime) -> tuple[Text, ...]:
        sign, word = ("✗", "silent") if runner.health else ("▸", "at work") if runner.task else ("✓", "idle")
        mine = "this process" if runner.kind == "this process" else runner.name
        names = [self.feed.views[project].project.name for project in runner.projects]
        return (
            cell(f"{sign} {word}", STYLE[sign]),
            cell(mine),
            cell(names[0] if len(names) == 1 else f"{len(names)} projects" if names else ""),
            cell(runner.task),
            cell(age(runner.last_at, now) if runner.last_at is not None else ""),
        )

    def _tell(self) -> None:
        """The chosen one in full."""
        row = self.query_one("#runners", DataTable).cursor_row
        if not 0 <= row < len(self._runners):
            return
        runner = self._runners[row]
        names = [f"{self.feed.views[project].project.name} ({project})" for project in runner.projects]
        told = [f"{runner.kind}: {runner.name}  ·  {runner.capabilities}"]
        told += [f"✗ {runner.health}"] if runner.health else []
        told += [f"builds {', '.join(names)}"] if names else ["builds nothing now"]
        self.query_one("#runner", Static).update(content("\n".join(told)))

    def on_resize(self) -> None:
        """Half of what the terminal has more is for the runner, half for what it does."""
        table = self.query_one("#runners", DataTable)
        more = max(0, self.size.width - sum(COLUMNS.values()) - AROUND)
        for key, column in zip(COLUMNS, table.columns.values(), strict=True):
            column.width = COLUMNS[key] + (more // 2 if key in {"runner", "does"} else 0)
        table.refresh(layout=True)

    def on_data_table_row_highlighted(self) -> None:
        """Another one was chosen."""
        self._tell()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open what it builds."""
        projects = self._runners[event.cursor_row].projects
        if projects:
            self.smaker.open_project(projects[0])
        else:
            self.notify("It builds nothing now.", timeout=3)

    # --- the machine --------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="check")
    async def action_check(self) -> None:
        """See what this machine has of what builds need."""
        self._machine.update("▸ looking at what this machine has …")
        try:
            found = await self.services.checkup()
        except SmakerError as error:
            self._machine.update(content(f"✗ {complaint(error)}"))
            return
        bad = sum(check.state == "bad" for check in found)
        head = f"{bad} things to mend" if bad else "all that builds need is there"
        self._machine.update(content(f"this machine: {head}\n{found_text(found)}"))

    def action_back(self) -> None:
        """Back to where one came from."""
        self.dismiss()
