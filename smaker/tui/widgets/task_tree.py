"""The tasks of a build by stage: their states, who does them, how long they took and what they cost."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from smaker.core.models import Stage, Step, Task, TaskState, Usage
from smaker.tui.literal import cell
from smaker.tui.view import ProjectView
from smaker.tui.words import STYLE, TASK, length, money


class TaskTree(Tree[str]):
    """A node for every stage, below it its tasks; the data of a task's node is its id, of a stage's "" ."""

    def __init__(self, **options: Any) -> None:
        super().__init__("", data="", **options)
        self.show_root = False
        self.guide_depth = 2
        self._stages: dict[Stage, TreeNode[str]] = {}
        self._tasks: dict[str, TreeNode[str]] = {}
        self._labels: dict[str, Text] = {}
        self._cancelled: frozenset[str] = frozenset()

    def show(self, view: ProjectView) -> None:
        """Show a project's tasks; where the cursor is stays."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        spent: dict[str, Usage] = {}
        for step in snapshot.steps:
            spent[step.task] = spent.get(step.task, Usage()) + step.usage
        order = sorted(snapshot.tasks, key=lambda task: (list(Stage).index(task.stage), int(task.id[1:])))
        cancelled = frozenset(task.id for task in order if task.state is TaskState.CANCELLED)
        if {task.id for task in order} != self._tasks.keys() or cancelled != self._cancelled:
            self._plant(order, cancelled)
        for task in order:
            self._label(task.id, self._tasks[task.id], _task_label(task, spent.get(task.id, Usage())))
        for stage, state in view.facts.stages if view.facts else ():
            done = [task for task in snapshot.tasks if task.stage is stage and task.state is not TaskState.CANCELLED]
            ended = sum(task.state.ended for task in done)
            sign = TASK[state.value]
            self._label(stage.value, self._stages[stage], cell(f"{sign} {stage.value} {ended}/{len(done)}", "bold"))

    def choose(self, task: str) -> None:
        """Put the cursor on a task."""
        if (node := self._tasks.get(task)) is not None:
            self.call_after_refresh(self.move_cursor, node)  # the line of a new node is known only then

    def on_resize(self) -> None:
        """Keep the cursor in sight; where it was put before the tree had a size, it is brought there."""
        if self.cursor_line >= 0:
            self.scroll_to_line(self.cursor_line, animate=False)

    def _plant(self, order: list[Task], cancelled: frozenset[str]) -> None:
        """Stages with their tasks; what was cancelled is folded below the others, but for one that was looked at."""
        chosen = self.cursor_node.data if self.cursor_node is not None else None
        was, self._cancelled = self._cancelled, cancelled
        self.clear()
        self._stages, self._tasks, self._labels = {}, {}, {}
        there = [task.id for task in order if task.id not in cancelled]
        for stage in dict.fromkeys(task.stage for task in order):
            node = self._stages[stage] = self.root.add(cell(stage.value), data="", expand=True)
            of_it = [task.id for task in order if task.stage is stage]
            self._tasks |= {task: node.add_leaf(cell(task), data=task) for task in of_it if task not in cancelled}
            if gone := [task for task in of_it if task in cancelled]:
                told = f"{TASK[TaskState.CANCELLED.value]} {len(gone)} cancelled"
                opened = not there or chosen in was.intersection(gone)
                folded = node.add(cell(told, "dim"), data="", expand=opened)
                self._tasks |= {task: folded.add_leaf(cell(task), data=task) for task in gone}
        stays = chosen in self._tasks and (chosen not in cancelled or chosen in was)
        self.choose(chosen if chosen and stays else (there or [order[-1].id])[-1])

    def _label(self, key: str, node: TreeNode[str], label: Text) -> None:
        if self._labels.get(key) != label:
            self._labels[key] = label
            node.set_label(label)


def _task_label(task: Task, usage: Usage) -> Text:
    sign = TASK[task.state.value]
    style = STYLE.get(sign, "dim" if task.state is TaskState.CANCELLED else "")
    figures = [length(task.seconds), money(usage.cost_usd), task.model or ""]
    label = Text.assemble((f"{sign} ", style), cell(task.id, "dim"), " ", cell(task.title), no_wrap=True)
    return label.append("  ").append_text(cell("  ".join(filter(None, figures)), "dim"))


def step_line(step: Step) -> str:
    """One step of the ledger as a line: what, how long, by whom, for how much."""
    seconds = (step.finished_at - step.started_at).total_seconds() if step.finished_at else None
    code = (step.output or {}).get("exit_code")
    told = [
        f"— {step.id} {step.kind.value}: {step.title}",
        "" if step.finished_at else "…",
        f"exit {code}" if isinstance(code, int) else "",
        length(seconds),
        step.model or "",
        money(step.usage.cost_usd),
    ]
    return "  ".join(filter(None, told))
