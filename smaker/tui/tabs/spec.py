"""The Spec tab: what is promised and what proves it; the plan read, edited, and the edit undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, Tree

from smaker.config.spec_file import SPEC_FILE
from smaker.core.commands import RunStage
from smaker.core.errors import NotFound, SmakerError, UsageError
from smaker.core.models import Stage, TaskState
from smaker.core.revision import EDITED, check_edit
from smaker.tui.going_back import go_back
from smaker.tui.literal import cell, content
from smaker.tui.plan_edit import edit_plan, take_plan
from smaker.tui.plan_text import Entry, groups
from smaker.tui.screens.plan_editor import read_plan
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.words import STYLE

if TYPE_CHECKING:
    from textual.widgets.tree import NodeID, TreeNode

    from smaker.core.proof import Trace
    from smaker.core.spec import Spec
    from smaker.tui.view import ProjectView


class SpecTab(ProjectTab):
    """The parts of the plan above, all about the chosen one below."""

    DEFAULT_CSS = """
    SpecTab #spec-told { height: auto; padding: 0 1; background: $panel; display: none; }
    SpecTab Tree { height: 3fr; background: $background; scrollbar-size-horizontal: 0; }
    SpecTab #spec-about { height: 2fr; min-height: 6; padding: 0 1; border-top: solid $primary; }
    SpecTab #spec-about Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "edit", "Edit"),
        Binding("E", "edit_all", "Edit all"),
        Binding("m", "take_file", "Take your file"),
        Binding("u", "undo", "Undo edit"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._trace: Trace | None = None
        self._shown: object = None  # what the tree was made of
        self._looked_at: tuple[object, ...] = ()
        self._parts: dict[str, NodeID] = {}  # the nodes of the parts

    def compose(self) -> ComposeResult:
        """A line where something is to be told, the parts, the chosen one."""
        yield Static("", id="spec-told", markup=False)
        yield Tree[Entry]("", id="spec-parts")
        with VerticalScroll(id="spec-about"):
            yield Static("", id="spec-text", markup=False)

    def on_mount(self) -> None:
        """The tree begins with the parts."""
        self._tree.show_root = False
        self._tree.guide_depth = 2

    @property
    def _tree(self) -> Tree[Entry]:
        return self.query_one("#spec-parts", Tree)

    def update_from(self, view: ProjectView) -> None:
        """Show the plan as it is; look again at the proofs when the files or the results are others."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        self._show(view)
        now = (snapshot.head, snapshot.report, view.project.spec)
        if view.project.spec is not None and now != self._looked_at:
            self._looked_at = now
            self._look()

    @work(exclusive=True, group="spec-look")
    async def _look(self) -> None:
        """See what is proved of the files as they are, and whether the user's own file says something else."""
        try:
            self._trace = await self.services.control.trace(self.project_id)
            differs = await self._own_file() is not None
        except SmakerError as error:
            self._tell(f"✗ {error.message}")
            return
        view = self.view
        if view is None:
            return
        told = [f"No proof holds: {self._trace.stale}."] if self._trace.stale and view.project.proofs else []
        told += [f"Weakened: {test.id}: {test.reason}." for test in self._trace.weakened[:3]]
        told += [f"{SPEC_FILE} says something else than this plan: m takes it."] if differs else []
        self._tell("\n".join(told))
        self._show(view)

    def _tell(self, text: str) -> None:
        line = self.query_one("#spec-told", Static)
        line.display = bool(text)
        line.update(content(text))

    def _show(self, view: ProjectView) -> None:
        snapshot, spec = view.snapshot, view.project.spec
        if snapshot is None:
            return
        if spec is None:
            self.query_one("#spec-text", Static).update("There is no plan yet.")
            return
        table = self._trace
        if table is None or [row.requirement for row in table.rows] != [entry.id for entry in spec.requirements]:
            table = snapshot.proofs
        assumed = tuple(step.assumption for step in snapshot.steps if step.assumption)
        if (spec, table, assumed) == self._shown:
            return
        self._shown = (spec, table, assumed)
        self._plant(spec, table, assumed)

    def _plant(self, spec: Spec, table: Trace, assumed: tuple[str, ...]) -> None:
        tree = self._tree
        shut = {node.id for node in tree.root.children if not node.is_expanded}
        closed = {title for title, node in self._parts.items() if node in shut}
        before = tree.cursor_line
        tree.clear()
        self._parts = {}
        for number, group in enumerate(groups(spec, table, assumed)):
            opened = number == 0 if before < 0 else group.title not in closed
            whole = Entry(group.title, "\n".join(entry.label for entry in group.entries))
            node = tree.root.add(cell(f"{group.title} {group.figure}", "bold"), data=whole, expand=opened)
            self._parts[group.title] = node.id
            for entry in group.entries:
                label = f"{entry.sign} {entry.label}".strip()
                node.add_leaf(cell(label, STYLE.get(entry.sign, "")), data=entry)
        self.call_after_refresh(self._restore, max(1, before))

    def _restore(self, place: int) -> None:
        """The cursor where it was; in the beginning on the first requirement."""
        self._tree.cursor_line = min(place, self._tree.last_line)
        if (node := self._tree.cursor_node) is not None:
            self._describe(node)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Entry]) -> None:
        """Tell all about it."""
        event.stop()  # the screen has a tree of its own
        self._describe(event.node)

    def _describe(self, node: TreeNode[Entry]) -> None:
        for text in self.query("#spec-text").results(Static):  # none where the screen is just being left
            text.update(content(node.data.about if node.data is not None else ""))

    # --- editing ------------------------------------------------------------------------------------------------------

    def action_edit(self) -> None:
        """Edit the requirement under the cursor, or all where it is on something else."""
        node = self._tree.cursor_node
        self._edit(node.data.requirement if node is not None and node.data is not None else "")

    def action_edit_all(self) -> None:
        """Edit the whole plan."""
        self._edit("")

    @work
    async def _edit(self, requirement: str) -> None:
        if self.view is not None:
            await edit_plan(self.live, self.view, requirement)

    @work
    async def action_take_file(self) -> None:
        """Take the plan's file as the user wrote it."""
        try:
            text = await self._own_file()
            if text is None:
                raise UsageError(f"{SPEC_FILE} says what the plan says.", hint="Edit it, or edit the plan here: e")
            plan = read_plan(text)
            if (view := self.view) is not None:
                check_edit(view.project, plan)
                await take_plan(self.live, view, plan, text)
        except SmakerError as error:
            self.smaker.complain(error)

    async def _own_file(self) -> str | None:
        """The plan's file, if it says something else than the plan, or nothing that can be read."""
        try:
            found = await self.services.control.contents(self.project_id, SPEC_FILE)
        except NotFound:
            return None
        view, text = self.view, found.data.decode("utf-8", "replace")
        if view is None or not text.strip():
            return None
        try:
            return None if read_plan(text) == view.project.spec else text
        except UsageError:
            return text

    @work
    async def action_undo(self) -> None:
        """Back to before the newest edit of the plan, and see that all is proved again."""
        view = self.view
        if view is None:
            return
        edits = {task.id for task in view.tasks if EDITED in task.payload and task.state is TaskState.DONE}
        try:
            commits = await self.services.control.history(self.project_id)
        except SmakerError as error:
            self.smaker.complain(error)
            return
        edit = next((commit for commit in commits if commit.trailers.get("Smaker-Task") in edits), None)
        if edit is None or edit.parent is None:
            self.notify("There is no edit of the plan to undo.", markup=False, timeout=3)
        elif await go_back(self, commits, edit.parent):
            snapshot = await self.services.control.snapshot(self.project_id)
            if snapshot.report is None and snapshot.project.skeleton is not None and snapshot.project.proofs:
                await self._prove_again()

    async def _prove_again(self) -> None:
        again = self.services.control.steer(self.project_id, RunStage(stage=Stage.RUN))
        if await self.live.attempt(again, "Undone; the tests run again.", project=self.project_id):
            self.smaker.drive(self.project_id)
