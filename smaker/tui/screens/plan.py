"""What a gate shows before it is opened: the plan, or where the software would be deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Static

from smaker.core.models import Stage
from smaker.tui.literal import content, line
from smaker.tui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from smaker.tui.view import ProjectView


class ApprovePlan(Dialog[str]):
    """Answers "approve", "reject" or, of a plan, "edit"."""

    DEFAULT_CSS = """
    ApprovePlan VerticalScroll { height: auto; max-height: 16; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "answer('approve')", "Approve"),
        Binding("j", "answer('reject')", "Reject"),
        Binding("e", "answer('edit')", "Edit"),
    ]

    def __init__(self, view: ProjectView) -> None:
        deploys = view.waiting is not None and view.waiting.stage is Stage.DEPLOY
        super().__init__("Deploy this?" if deploys else "Build this?", "Approve")
        self._plan = f"Deploy to {view.project.deploy.value}" if deploys else plan_text(view)
        self._editable = not deploys and view.project.spec is not None

    def body(self) -> ComposeResult:
        """The plan and its buttons."""
        with VerticalScroll():
            yield Static(content(self._plan))
        with Horizontal():
            yield Button("Approve (a)", id="approve", variant="primary")
            yield Button("Reject (j)", id="reject")
            if self._editable:
                yield Button("Edit (e)", id="edit")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A deployment has no plan to edit."""
        return self._editable or (action, parameters) != ("answer", ("edit",))

    def action_answer(self, said: str) -> None:
        """Answer by a key."""
        self.dismiss(said)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by a button."""
        self.dismiss(event.button.id)


def plan_text(view: ProjectView) -> str:
    """The plan in lines: what is promised, what is not, what was taken for granted."""
    spec = view.project.spec
    if spec is None:
        return "There is no plan yet."
    lines = [line(f"{spec.name} ({spec.profile}): {spec.summary}"), ""]  # a part of it cannot draw a line of its own
    lines += [f"{entry.id:<4} {'' if entry.must else '(may) '}{line(entry.text)}" for entry in spec.requirements]
    lines += ["", "Not built:", *(f"  {line(entry)}" for entry in spec.unsupported)] if spec.unsupported else []
    lines += ["", "Open:", *(f"  {line(entry)}" for entry in spec.questions)] if spec.questions else []
    lines += ["", "In these parts: " + ", ".join(line(module.title) for module in spec.modules)]
    return "\n".join(lines)
