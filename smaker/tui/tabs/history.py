"""The History tab: what was committed, by whom, for how much; back to it, or on from it in another project."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import DataTable, Static

from smaker.core.errors import SmakerError
from smaker.tui.advice import complaint
from smaker.tui.going_back import Preview, go_back, step_of
from smaker.tui.literal import cell, content
from smaker.tui.screens.review import Review
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.words import count, money

if TYPE_CHECKING:
    from collections.abc import Collection

    from smaker.core.ports import CommitInfo
    from smaker.tui.view import ProjectView

COLUMNS = (("Step", 7), ("Stage", 9), ("What", 20), ("Model", 12), ("Tokens", 9), ("Cost", 7))
FLEXIBLE = 2  # the column that has what the others leave
FREE = FLEXIBLE + 1  # columns of a history without a model: it has no tokens and no cost


class HistoryTab(ProjectTab):
    """Commits of main, newest first; about the chosen one more below."""

    DEFAULT_CSS = """
    HistoryTab #history-sum { height: 1; padding: 0 1; background: $panel; }
    HistoryTab DataTable { height: 1fr; background: $background; }
    HistoryTab #history-about { height: auto; min-height: 3; padding: 0 1; border-top: solid $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "rewind", "Rewind to it"),
        Binding("k", "fork", "Fork from it"),
        Binding("c", "copy_id", "Copy id"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._commits: list[CommitInfo] = []
        self._head: str | None = None
        self._columns = COLUMNS[:FREE]

    def compose(self) -> ComposeResult:
        """The sum, the commits, the chosen one."""
        yield Static("", id="history-sum", markup=False)
        yield DataTable[Text](id="history-steps", cursor_type="row")
        yield Static("", id="history-about", markup=False)

    def on_mount(self) -> None:
        """Make the columns."""
        self._make()

    def _make(self) -> None:
        self._table.clear(columns=True)
        for title, width in self._columns:
            self._table.add_column(cell(title), width=width)
        self._fit()

    @property
    def _table(self) -> DataTable[Text]:
        return self.query_one("#history-steps", DataTable)

    @property
    def chosen(self) -> CommitInfo | None:
        """The commit under the cursor."""
        row = self._table.cursor_row
        return self._commits[row] if 0 <= row < len(self._commits) else None

    async def load(self) -> None:
        """List the commits."""
        await self._list()

    def update_from(self, view: ProjectView) -> None:
        """There may be another commit."""
        if view.snapshot is not None and view.snapshot.head != self._head:
            self._list_anew()

    @work(exclusive=True, group="history-list")
    async def _list_anew(self) -> None:
        await self._list()

    async def _list(self) -> None:
        summary = self.query_one("#history-sum", Static)
        try:
            commits = await self.services.control.history(self.project_id)
        except SmakerError as error:
            summary.update(content(f"· {complaint(error)}"))
            return
        before = self.chosen
        self._commits, self._head = commits, commits[0].sha if commits else None
        self._columns = COLUMNS if any(sum(_tokens(commit)) for commit in commits) else COLUMNS[:FREE]
        table = self._table
        self._make()
        for commit in commits:
            table.add_row(*_cells(commit)[: len(self._columns)], key=commit.sha)
        place = next((row for row, commit in enumerate(commits) if before and commit.sha == before.sha), 0)
        table.move_cursor(row=place, animate=False)
        tokens = sum(sum(_tokens(commit)) for commit in commits)
        dollars = sum(_cost(commit) for commit in commits)
        parts = [f"{len(commits)} commit{'s' * (len(commits) != 1)}"]
        parts += [f"{count(tokens)} tokens"] if tokens else []
        parts += [money(dollars)] if dollars else []
        parts.append("Enter: its diff")
        summary.update(content("  ·  ".join(parts) if commits else "There is no commit yet."))
        self._about()

    def on_resize(self) -> None:
        """The columns have the room there is."""
        self._fit()

    def _fit(self) -> None:
        """What a commit is about has what the other columns leave."""
        others = sum(width + 2 for _, width in self._columns) - COLUMNS[FLEXIBLE][1]
        self._table.ordered_columns[FLEXIBLE].width = max(12, self.size.width - others - 2)
        self._table.refresh(layout=True)

    def on_data_table_row_highlighted(self) -> None:
        """Tell more of it."""
        self._about()

    def _about(self) -> None:
        commit = self.chosen
        self.query_one("#history-about", Static).update(content(_told(commit)) if commit else "")

    # --- what the user does -------------------------------------------------------------------------------------------

    def on_data_table_row_selected(self) -> None:
        """Show what the commit changed."""
        if (commit := self.chosen) is not None:
            title = f"{step_of(commit)}  {commit.subject}"
            diff = self.services.control.diff
            self.app.push_screen(Review(title, "", lambda: diff(self.project_id, commit.sha)))

    def action_copy_id(self) -> None:
        """The commit's id to the clipboard."""
        if (commit := self.chosen) is not None:
            self.app.copy_to_clipboard(commit.sha)
            self.notify(f"Copied: {commit.sha}", markup=False, timeout=3)

    @work
    async def action_rewind(self) -> None:
        """Back to the commit, after a look at what that undoes."""
        if (commit := self.chosen) is not None:
            await go_back(self, self._commits, commit.sha)

    @work
    async def action_fork(self) -> None:
        """A project that goes on from the commit."""
        from smaker.tui.screens.fork import ForkDialog

        commit, view = self.chosen, self.view
        if commit is None or view is None or view.snapshot is None:
            return
        preview = Preview.of(view.snapshot, self._commits, commit.sha)
        kept = len(self._commits) - len(preview.gone)
        told = [f"A new project from {step_of(commit)}: {commit.subject}", f"It has {kept} commits of this one and a"]
        told[1] += f" plan of {preview.requirements} requirements; this one stays as it is."
        told += [f"To be done there: {', '.join(preview.again)}"] if preview.again else []
        models = await asyncio.to_thread(self._providers) if view.project.mode != "offline" else ()
        how = await self.app.push_screen_wait(ForkDialog("\n".join(told), models))
        if how is None:
            return
        try:
            made = await self.services.control.fork(
                self.project_id, commit.sha, instruction=how.instruction, model=how.model
            )
        except SmakerError as error:
            self.smaker.complain(error)
            return
        self.smaker.feed.refresh(made.id)
        going = how.instruction is not None
        if going:
            self.services.builder.start(made.id, self.smaker.complain)
        self.notify(f"Made {made.id}{'' if going else ': r goes on with it'}.", markup=False)
        self.smaker.open_project(made.id, instead=True)

    def _providers(self) -> Collection[str]:
        """The providers that are switched on."""
        providers = self.services.settings.loaded().settings.llm.providers
        return tuple(name for name, provider in providers.items() if provider.enabled)


def _cells(commit: CommitInfo) -> tuple[Text, ...]:
    said = commit.trailers
    tokens, ours = sum(_tokens(commit)), "Smaker-Step" in said
    return (
        cell(step_of(commit)),
        cell(said.get("Smaker-Stage", "" if ours else "you").removesuffix("ation")),
        cell(commit.subject),
        cell(said.get("Smaker-Model", "")),
        cell(count(tokens) if tokens else ""),
        cell(money(_cost(commit))),
    )


def _told(commit: CommitInfo) -> str:
    said = commit.trailers
    tokens_in, tokens_out = _tokens(commit)
    agent = said.get("Smaker-Agent")
    by = f"agent {agent}, {said.get('Smaker-Model', '')}" if agent else f"by {commit.author}"
    spent = f"{tokens_in:,} tokens in, {tokens_out:,} out" if tokens_in or tokens_out else ""
    paid = f"${_cost(commit):.4f}" if _cost(commit) else ""
    serves = f"for {said['Smaker-Requirement']}" if "Smaker-Requirement" in said else ""
    boxed = "without a sandbox" if said.get("Smaker-Sandbox") == "off" else ""
    first = f"{commit.sha}  {commit.at.astimezone():%Y-%m-%d %H:%M:%S}"
    return "\n".join([first, "  ·  ".join(filter(None, [by, spent, paid, boxed])), serves])


def _tokens(commit: CommitInfo) -> tuple[int, int]:
    """Tokens in and out; a user may have written anything into a trailer."""
    first, _, second = commit.trailers.get("Smaker-Tokens", "").partition("/")
    numbers = [int(part) if part.isdecimal() and len(part) < 16 else 0 for part in (first, second)]
    return numbers[0], numbers[1]


def _cost(commit: CommitInfo) -> float:
    try:
        return max(0.0, float(commit.trailers.get("Smaker-Cost-USD", "0")))
    except ValueError:
        return 0.0
