"""The Cost tab: what was spent by stage, agent and model, and what is left of the budget."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from smaker.core.budget import WARN_AT, Bound, all_bounds
from smaker.core.models import Step, Task, Usage
from smaker.tui.literal import cell
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.words import count, money, share_bar

if TYPE_CHECKING:
    from smaker.core.control import Snapshot
    from smaker.tui.view import ProjectView

ORDERS = ("stage", "agent", "model")
BAR = 20  # columns
FIGURES = 34  # columns beside a name and its bar
ROOMY = 80  # columns for all that there is to say


class CostTab(ProjectTab):
    """The sum, the budget, and a bar for each stage, agent or model."""

    DEFAULT_CSS = """
    CostTab VerticalScroll { padding: 0 1; }
    CostTab Static { height: auto; }
    CostTab #cost-sum { text-style: bold; }
    CostTab #cost-budget { margin: 1 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "group", "By stage, agent, model"),
        Binding("b", "screen.budget", "More budget"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._order = 0
        names = ("sum", "budget", "parts")
        self._parts = {name: Static("", id=f"cost-{name}", markup=False) for name in names}

    def compose(self) -> ComposeResult:
        """The three parts below each other."""
        with VerticalScroll():
            yield from self._parts.values()

    def update_from(self, view: ProjectView) -> None:
        """Show what is spent now."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        bounds = all_bounds(view.project.budget, snapshot.tasks, snapshot.steps)
        self._parts["sum"].update(Text(_sum(snapshot)))
        self._parts["budget"].update(_budget(bounds, self._room()))
        self._parts["parts"].update(_parts(snapshot, ORDERS[self._order], self._room()))

    def on_resize(self) -> None:
        """Bars are as long as there is room."""
        if self.view is not None:
            self.update_from(self.view)

    def _room(self) -> int:
        """Columns for a line."""
        return self.query_one(VerticalScroll).scrollable_content_region.width or 80

    def action_group(self) -> None:
        """By stage, by agent, by model."""
        self._order = (self._order + 1) % len(ORDERS)
        if self.view is not None:
            self.update_from(self.view)


def _sum(snapshot: Snapshot) -> str:
    usage = snapshot.usage
    if not usage.calls:
        return "No model was asked: nothing was spent."
    told = (
        money(usage.cost_usd) or "no money",
        f"{count(usage.tokens_in)} tokens in",
        f"{count(usage.tokens_out)} out",
    )
    return "  ·  ".join((*told, f"{usage.calls} {'call' if usage.calls == 1 else 'calls'}"))


def _budget(bounds: Iterable[Bound], room: int) -> Text:
    """What is left of each bound; of those of tasks only what is nearly spent."""
    rows: list[Text] = []
    for bound in bounds:
        if bound.task is not None and bound.share < WARN_AT:
            continue
        left = f"{bound.limit - bound.spent:,.{0 if bound.what == 'tokens' else 2}f} left"
        sign, word, style = "✓", left, ""
        if bound.share >= 1:
            sign, word, style = "✗", "spent", "red"
        elif bound.share >= WARN_AT:
            sign, word, style = "!", f"nearly spent, {left}" if room >= ROOMY else "nearly spent", "yellow"
        whose = f"task {bound.task}: " if bound.task is not None else ""
        told = (
            f"{sign} {share_bar(bound.share, BAR if room >= ROOMY else 8)} {bound.share:4.0%}  {whose}{bound}, {word}"
        )
        rows.append(Text(told, style=style))
    return Text("\n").join(rows) if rows else Text("No bound is set: b sets one.", style="dim")


def _parts(snapshot: Snapshot, order: str, room: int) -> Text:
    """A bar for each part, by what it cost; by its tokens where nothing cost money."""
    tasks = {task.id: task for task in snapshot.tasks}
    parts: dict[str, Usage] = {}
    for step in snapshot.steps:
        if step.usage.calls and (task := tasks.get(step.task)) is not None:
            name = _name(order, task, step, snapshot.project.mode)
            parts[name] = parts.get(name, Usage()) + step.usage
    paid = any(usage.cost_usd for usage in parts.values())
    weight = {name: usage.cost_usd if paid else usage.tokens_in + usage.tokens_out for name, usage in parts.items()}
    whole = sum(weight.values()) or 1
    width = max((len(name) for name in parts), default=0)
    bar = min(BAR, max(4, room - width - FIGURES))
    head = f"by {order}".ljust(width + bar + 3)
    lines = [Text(f"{head}share    cost    in   out calls", style="bold")]
    for name in sorted(parts, key=lambda name: -weight[name]):
        usage, share = parts[name], weight[name] / whole
        told = f"{money(usage.cost_usd):>7} {count(usage.tokens_in):>5} {count(usage.tokens_out):>5} {usage.calls:>5}"
        chart = f"  {share_bar(share, bar)} {share:5.0%} {told}"
        lines.append(Text.assemble(cell(name), " " * (width - len(name)), chart))
    return Text("\n").join(lines) if parts else Text("")


def _name(order: str, task: Task, step: Step, mode: str) -> str:
    if order == "stage":
        return task.stage.value
    return task.agent if order == "agent" else step.model or mode
