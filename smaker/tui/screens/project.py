"""One project: its tasks and what the selected one says on the left, tabs about the whole on the right.

Narrower than 100 columns one side is shown at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer, Static, TabbedContent, TabPane, Tree

from smaker.core.counting import counted
from smaker.core.errors import SmakerError
from smaker.core.models import Task
from smaker.tui.advice import complaint
from smaker.tui.literal import content, line
from smaker.tui.screens.steering import SteeringScreen
from smaker.tui.tabs.base import TABS, ProjectTab
from smaker.tui.widgets.stream import Stream
from smaker.tui.widgets.task_tree import TaskTree, step_line
from smaker.tui.words import STATUS, TASK, length, money

if TYPE_CHECKING:
    from smaker.tui.feed import Batch
    from smaker.tui.view import ProjectView

OUTPUT = 2_000  # characters of a recorded command's output that are shown


class ProjectScreen(SteeringScreen):
    """A project, by its id."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("0", "tasks", "Tasks, tabs", key_display="0-9"),
        *(
            Binding(str(number), f"tab('{name}')", entry.title, show=False)
            for number, (name, entry) in enumerate(TABS.items(), 1)
        ),
        Binding("f", "follow", "Follow", show=False),
    ]

    def __init__(self, project_id: str, tab: str = "") -> None:
        super().__init__()
        self.project_id = project_id
        self._first_tab = tab
        self._chosen = ""  # the selected one
        self._following = True  # whether the selection goes to the task that runs
        self._loaded: set[str] = set()

    def compose(self) -> ComposeResult:
        """The summary, the two sides, the footer."""
        yield Static("", id="summary", markup=False)
        yield Static("", id="banner", markup=False)
        with Horizontal():
            with Vertical(id="left"):
                yield TaskTree(id="tasks")
                yield Static("", id="task", markup=False)
                yield Stream(id="stream")
            with TabbedContent(id="right"):
                for name, entry in TABS.items():
                    yield TabPane(content(entry.title), id=f"tab-{name}")
        yield Footer()

    def on_mount(self) -> None:
        """Show what is known."""
        self.query_one("#banner").display = False
        if self._first_tab:
            self.action_tab(self._first_tab)

    @property
    def view(self) -> ProjectView | None:
        """The project as it is known now, None if it was deleted."""
        return self.feed.views.get(self.project_id)

    @property
    def target(self) -> ProjectView | None:
        """The project."""
        return self.view

    # --- what changed -------------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Show everything anew."""
        self.feed.refresh(self.project_id)
        self._show()
        self._show_task()

    def moved(self, batch: Batch) -> None:
        """Show what changed."""
        if batch.listed and self.view is None:
            self.notify("The project was deleted.", severity="warning", markup=False)
            self.dismiss()
            return
        if self.project_id in batch.projects or batch.lost:
            self._show()
        stream = self.query_one("#stream", Stream)
        if (heard := batch.output.get((self.project_id, self._chosen))) is not None:
            stream.pour(str(heard))
        for event in batch.events:
            if event.project == self.project_id and event.task == self._chosen:
                stream.say(f"— {line(event.message)}")

    def _show(self) -> None:
        view = self.view
        if view is None:
            return
        self.query_one("#summary", Static).update(Text(_summary(view)))
        banner = self.query_one("#banner", Static)
        said = self._banner(view)
        banner.display = bool(said)
        banner.update(Text(said))
        tree = self.query_one("#tasks", TaskTree)
        tree.show(view)
        if self._following:
            running = [task.id for task in view.tasks if task.state.value == "running"]
            if running and self._chosen not in running:
                tree.choose(running[-1])
        self._head()
        self.refresh_bindings()
        tab = self._on_top()
        if tab is not None and tab.parent is not None and self._key(tab) in self._loaded:
            tab.update_from(view)

    def _banner(self, view: ProjectView) -> str:
        if self.feed.lost:
            return f"✗ Not connected, trying again: {line(self.feed.lost)}"
        if view.fault:
            return f"✗ {line(view.fault)}"
        if (task := view.waiting) is not None:
            return f"? {line(task.question)}" if task.question else f"? Waits for your approval: {line(task.title)}"
        if (problem := view.project.error) is not None:
            return f"✗ {line(complaint(problem, apart='  '))}"
        return ""

    # --- the selected task --------------------------------------------------------------------------------------------

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[str]) -> None:
        """Show the task under the cursor."""
        if event.node.data and event.node.data != self._chosen:
            self._chosen = event.node.data
            self._show_task()

    def _found(self) -> Task | None:
        view = self.view
        return next((task for task in view.tasks if task.id == self._chosen), None) if view is not None else None

    def _head(self) -> None:
        task, view = self._found(), self.view
        if task is None or view is None:
            return
        after = f"after {', '.join(task.depends_on)}" if task.depends_on else ""
        serves = ", ".join(task.requirements)
        told = [f"{TASK[task.state.value]} {task.state.value}", task.id, task.title, task.agent, task.model or ""]
        told += [length(task.seconds), after, serves, task.error.message if task.error else task.summary]
        self.query_one("#task", Static).update(Text("  ·  ".join(line(part) for part in told if part)))

    def _show_task(self) -> None:
        """Fill the stream anew: what is recorded of the task, then what was heard of it."""
        stream, view = self.query_one("#stream", Stream), self.view
        stream.clear()
        self._head()
        snapshot = view.snapshot if view is not None else None
        if snapshot is None or not self._chosen:
            return
        tail = self.feed.tail(self.project_id, self._chosen)
        for step in snapshot.steps:
            if step.task == self._chosen:
                stream.say(step_line(step))
                told = (step.output or {}).get("output")
                if not tail and isinstance(told, str) and told.strip():
                    stream.say(told[-OUTPUT:].rstrip())
        if tail:
            stream.say("— live")
            stream.pour(tail)

    def action_follow(self) -> None:
        """Let the selection go to whatever task runs, or stay."""
        self._following = not self._following
        self.notify("Follows the running task." if self._following else "Stays on this task.", timeout=2)
        self._show()

    # --- tabs ---------------------------------------------------------------------------------------------------------

    def action_tasks(self) -> None:
        """The tasks; on a narrow terminal instead of the tabs."""
        self.remove_class("-tabs")
        self.query_one("#tasks").focus()

    def action_tab(self, name: str) -> None:
        """A tab; on a narrow terminal instead of the tasks."""
        self.add_class("-tabs")
        tabs = self.query_one("#right", TabbedContent)
        if tabs.active == f"tab-{name}":
            self._open(name)
            return
        self.set_focus(None)  # or it goes to a neighbour in the tab that is left, and brings that back
        tabs.active = f"tab-{name}"

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Make the tab, when it is first shown."""
        self._open((event.pane.id or "").removeprefix("tab-"))

    @work
    async def _open(self, name: str) -> None:
        pane = self.query_one(f"#tab-{name}", TabPane)
        tab = next(iter(pane.query(ProjectTab)), None)
        if tab is None:
            tab = TABS[name].load()(self.project_id)
            await pane.mount(tab)
            tab.loading = True
            try:
                await tab.load()
            except SmakerError as error:
                self.complain(error)
            tab.loading = False
            self._loaded.add(name)
        if name in self._loaded and self.view is not None:
            tab.update_from(self.view)
        if self.has_class("-tabs") and self._on_top() is tab:
            tab.focus_first()

    def _on_top(self) -> ProjectTab | None:
        pane = self.query_one("#right", TabbedContent).active_pane
        return next(iter(pane.query(ProjectTab)), None) if pane is not None else None

    @staticmethod
    def _key(tab: ProjectTab) -> str:
        return (tab.parent.id or "").removeprefix("tab-") if tab.parent is not None else ""

    # --- leaving ------------------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        """From the tabs to the tasks where only one is shown, else to the projects."""
        if self.has_class("-tabs") and self.has_class("-narrow"):
            self.action_tasks()
        else:
            self.dismiss()


def _summary(view: ProjectView) -> str:
    project, facts = view.project, view.facts
    told = [f"{STATUS[view.status]} {view.status}", line(project.name), project.id]
    if facts is not None:
        proved, of = facts.requirements
        passed, failed, _ = facts.tests
        told += [f"{proved}/{of} proved"] if of else []
        told += [_tests(passed, failed)] if passed or failed else []
        done, planned = facts.snapshot.progress
        told += [f"{done}/{planned} tasks"]
    told += [money(view.usage.cost_usd), project.mode]
    return "  ·  ".join(filter(None, told))


def _tests(passed: int, failed: int) -> str:
    """What is to be said of them: how many fail, or that they pass."""
    if failed:
        return f"{counted(failed, 'test')} {'fails' if failed == 1 else 'fail'}"
    return f"{counted(passed, 'test')} {'passes' if passed == 1 else 'pass'}"
