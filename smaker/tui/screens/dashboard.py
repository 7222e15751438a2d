"""The first screen: all projects with where they stand, and what happens in any of them.

It is painted before the engine is there, so nothing of the engine or its models is imported here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Footer, Input, Static

from smaker.tui.literal import cell, line
from smaker.tui.screens.steering import SteeringScreen
from smaker.tui.widgets.stream import Stream
from smaker.tui.words import STATUS, STYLE, age, money, stage_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events

    from smaker.core.events import Event
    from smaker.tui.feed import Batch
    from smaker.tui.view import ProjectView

TICK_S = 10.0  # between two refreshes of the ages
QUIET = frozenset({"step.check", "step.edit", "task.ready", "artifact", "prompt.masked"})

COLUMNS = (("state", 10), ("name", 20), ("stages", 9), ("reqs", 6), ("tests", 8), ("cost", 6), ("last", 4))
TITLES = {"state": "State", "name": "Name", "stages": "Stages", "reqs": "Proved", "tests": "Tests", "cost": "Cost"}

SORTS: dict[str, Callable[[ProjectView], tuple[object, ...]]] = {
    "needs you first": lambda view: (view.status not in {"ASKS", "WAITS"}, not view.moving, -_stamp(view)),
    "newest first": lambda view: (-_stamp(view),),
    "last activity": lambda view: (-view.last_at.timestamp(),),
    "name": lambda view: (view.project.name.casefold(),),
    "cost": lambda view: (-view.usage.cost_usd,),
}


def _stamp(view: ProjectView) -> float:
    return view.project.created_at.timestamp()


class Dashboard(SteeringScreen):
    """Projects in a table, their activity below."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "app.new", "New"),
        Binding("slash", "filter", "Filter"),
        Binding("s", "sort", "Sort", show=False),
        Binding("escape", "unfilter", "All", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._sort = 0
        self._wanted = ""
        self._order: list[str] = []  # as shown
        self._shown: dict[str, tuple[Text, ...]] = {}

    def compose(self) -> ComposeResult:
        """The summary, the filter, the table, the activity."""
        yield Static("smaker", id="summary", markup=False)
        yield Static("", id="banner", markup=False)
        yield Input(placeholder="words of a name, a state or a profile", compact=True, id="filter")
        yield DataTable[Text](id="projects", cursor_type="row", zebra_stripes=False)
        yield Static("opening …", id="nothing", markup=False)
        yield Stream(lines=500, id="activity")
        yield Footer()

    def on_mount(self) -> None:
        """Make the columns."""
        table = self._table
        for name, width in COLUMNS:
            table.add_column(cell(TITLES.get(name, "Last")), width=width, key=name)
        self.query_one("#filter").display = False
        self.query_one("#banner").display = False
        table.display = False
        self.query_one("#activity", Stream).border_title = "Activity"
        self.set_interval(TICK_S, self._tick)

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#projects", DataTable)

    @property
    def target(self) -> ProjectView | None:
        """The project under the cursor."""
        row = self._table.cursor_row
        if not self.smaker.watching or not 0 <= row < len(self._order):
            return None
        return self.feed.views.get(self._order[row])

    # --- what changed -------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Show everything anew."""
        self._arrange()
        self._summarise()
        self._tell_anew()

    def moved(self, batch: Batch) -> None:
        """Show what changed."""
        if batch.listed or (self._wanted and batch.projects):
            self._arrange()
        else:
            for project in batch.projects:
                self._update(project)
        if batch.earlier:
            self._tell_anew()
        else:
            self._tell(batch.events)
        self._summarise()
        self.refresh_bindings()

    def _tell_anew(self) -> None:
        """Show the activity from its beginning."""
        activity = self.query_one("#activity", Stream)
        activity.clear()
        self._tell(self.feed.activity)
        activity.display = bool(activity.lines)

    def _tell(self, happened: list[Event]) -> None:
        """Add to the activity."""
        lines: list[str] = []
        for event in happened[-500:]:
            view = self.feed.views.get(event.project)
            if event.kind not in QUIET and view is not None:
                name = line(view.project.name)[:18]
                lines.append(f"{event.at.astimezone():%H:%M:%S}  {name:<18}  {line(event.message)}\n")
        if lines:
            activity = self.query_one("#activity", Stream)
            activity.display = True
            activity.pour("".join(lines))

    def _summarise(self) -> None:
        views = self.feed.views.values()
        moving = sum(view.moving and view.holder is not None for view in views)
        asking = sum(view.status in {"ASKS", "WAITS"} for view in views)
        parts = [f"smaker  {line(self.smaker.place)}", f"{len(views)} project{'s' * (len(views) != 1)}"]
        parts += [f"{moving} building"] if moving else []
        parts += [f"{asking} need{'s' * (asking == 1)} you"] if asking else []
        parts += [cost] if (cost := money(sum(view.usage.cost_usd for view in views))) else []
        parts += [f"sorted: {list(SORTS)[self._sort]}"] if self._sort else []
        self.query_one("#summary", Static).update(Text("  ·  ".join(parts)))
        banner = self.query_one("#banner", Static)
        banner.display = bool(self.feed.lost)
        banner.update(Text(f"✗ Not connected, trying again: {line(self.feed.lost)}"))

    def _arrange(self) -> None:
        """Fill the table anew, in order; the cursor stays on its project."""
        table, before = self._table, self.target
        wanted = [view for view in self.feed.views.values() if self._matches(view)]
        wanted.sort(key=list(SORTS.values())[self._sort])
        self._order = [view.id for view in wanted]
        self._shown = {view.id: self._cells(view) for view in wanted}
        table.clear()
        for view in wanted:
            table.add_row(*self._shown[view.id], key=view.id)
        if before is not None and before.id in self._shown:
            table.move_cursor(row=self._order.index(before.id), animate=False)
        table.display = bool(wanted)
        if wanted and self.focused is None:
            table.focus()
        nothing = self.query_one("#nothing", Static)
        nothing.display = not wanted
        if self.feed.ready:
            nothing.update(
                Text("No project has these words." if self._wanted else "There is no project yet: n makes one.")
            )

    def _update(self, project: str) -> None:
        view, shown = self.feed.views.get(project), self._shown.get(project)
        if view is None or shown is None:
            return
        cells = self._cells(view)
        for (name, _), now, was in zip(COLUMNS, cells, shown, strict=True):
            if now != was:
                self._table.update_cell(project, name, now)
        self._shown[project] = cells

    def _tick(self) -> None:
        if self.smaker.watching and self.smaker.screen is self:
            for project in self._order:
                self._update(project)

    def _matches(self, view: ProjectView) -> bool:
        project = view.project
        text = f"{project.id} {project.name} {view.status} {project.profile or ''} {project.mode}".casefold()
        return all(word in text for word in self._wanted.casefold().split())

    def _cells(self, view: ProjectView) -> tuple[Text, ...]:
        sign = STATUS[view.status]
        facts = view.facts
        proved, of = facts.requirements if facts else (0, 0)
        passed, failed, skipped = facts.tests if facts else (0, 0, 0)
        ran = passed + failed + skipped
        tests = f"{failed}✗ {passed}✓" if failed else f"{passed}✓" if ran else ""
        return (
            cell(f"{sign} {view.status}", STYLE.get(sign, "")),
            cell(view.project.name if not view.fault else f"✗ {view.fault}"),
            Text.assemble(*stage_bar(state.value for _, state in facts.stages)) if facts else Text("…"),
            cell(f"{proved}/{of}" if of else ""),
            cell(tests, "red" if failed else ""),
            cell(money(view.usage.cost_usd)),
            cell(age(view.last_at, datetime.now(UTC))),
        )

    # --- what the user does -------------------------------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """The name has what the other columns leave."""
        others = sum(width + 2 for name, width in COLUMNS if name != "name")
        column = next(column for key, column in self._table.columns.items() if key.value == "name")
        column.width = max(12, event.size.width - others - 4)
        self._table.refresh(layout=True)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Open the project."""
        if event.row_key.value is not None:
            self.smaker.open_project(event.row_key.value)

    def on_data_table_row_highlighted(self) -> None:
        """Other keys make sense for another project."""
        self.refresh_bindings()

    def action_filter(self) -> None:
        """Ask for words."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what has these words."""
        self._wanted = event.value
        if self.smaker.watching:
            self._arrange()

    def on_input_submitted(self) -> None:
        """Back to the table, with what was found."""
        self.query_one("#filter").display = bool(self._wanted)
        self._table.focus()

    def action_unfilter(self) -> None:
        """Show all projects again."""
        field = self.query_one("#filter", Input)
        field.value = ""
        field.display = False
        self._table.focus()

    def action_sort(self) -> None:
        """The next order."""
        self._sort = (self._sort + 1) % len(SORTS)
        if self.smaker.watching:
            self._arrange()
            self._summarise()
