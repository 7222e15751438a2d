"""The plan, or one requirement of it, as text to edit; what is wrong with it is told before it is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import yaml
from pydantic import ValidationError
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Static, TextArea

from smaker.config.spec_file import dump_spec, load_spec
from smaker.core.errors import SmakerError, UsageError
from smaker.core.revision import check_edit
from smaker.core.spec import Requirement, Spec
from smaker.tui.advice import complaint
from smaker.tui.literal import cell, content, lines

if TYPE_CHECKING:
    from smaker.core.models import Project

TOLD = 6  # lines of what is wrong


class PlanEditor(ModalScreen[Spec | None]):
    """Gives back the edited plan, one that can be taken. With ``requirement`` only that one is edited."""

    DEFAULT_CSS = """
    PlanEditor { align: center middle; }
    PlanEditor > Vertical { width: 96%; height: 94%; background: $surface; border: solid $primary; }
    PlanEditor TextArea { height: 1fr; border: none; }
    PlanEditor #wrong { height: auto; max-height: 8; padding: 0 1; color: $text-error; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "done", "Review"),
        Binding("escape", "leave", "Back"),
    ]

    def __init__(self, project: Project, plan: Spec, requirement: str = "") -> None:
        super().__init__()
        self._project = project
        self._plan = plan
        self._requirement = requirement
        self._before = (
            _one(plan.requirement(requirement)) if requirement else dump_spec(plan).decode().partition("\n")[2]
        )

    def compose(self) -> ComposeResult:
        """The text, what is wrong with it, the keys."""
        with Vertical() as box:
            box.border_title = cell(f"Edit {self._requirement}" if self._requirement else "Edit the plan")
            yield TextArea("\n".join(lines(self._before)), soft_wrap=bool(self._requirement), show_line_numbers=True)
            yield Static("", id="wrong", markup=False)
            yield Footer()

    def action_done(self) -> None:
        """Give the plan back, if it is one."""
        try:
            plan = self._read(self.query_one(TextArea).text)
            check_edit(self._project, plan)
        except SmakerError as error:
            wrong = self.query_one("#wrong", Static)
            wrong.update(content(f"✗ {complaint(error)}"))
            wrong.display = True
        else:
            self.dismiss(plan)

    @work
    async def action_leave(self) -> None:
        """Leave it; ask, if something is changed."""
        from smaker.tui.screens.confirm import Confirm

        changed = self.query_one(TextArea).text.strip() != "\n".join(lines(self._before)).strip()
        if not changed or await self.app.push_screen_wait(Confirm("Drop what you changed?", yes="Drop it")):
            self.dismiss(None)

    def _read(self, text: str) -> Spec:
        """The plan with what is written. Raises UsageError."""
        if not self._requirement:
            return read_plan(text)
        values = _values(text)
        known = self._plan.requirement(self._requirement)
        try:
            edited = Requirement.model_validate({**values, "id": known.id, "operation": known.operation})
        except ValidationError as error:
            raise _told(error) from error
        kept = (edited if entry.id == known.id else entry for entry in self._plan.requirements)
        return self._plan.model_copy(update={"requirements": tuple(kept)})


def read_plan(text: str) -> Spec:
    """The plan that a text is. Raises UsageError with what is wrong, and where."""
    try:
        plan = load_spec(text.encode())
    except ValidationError as error:
        raise _told(error) from error
    except ValueError as error:
        raise UsageError(f"This is no plan: {error}", hint="Mend it.") from error
    if plan is None:
        raise UsageError("This is empty.", hint="Escape leaves the plan as it is.")
    return plan


def _values(text: str) -> dict[str, object]:
    try:
        values = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"This is not YAML: {error}", hint="Mend it.") from error
    if not isinstance(values, dict) or set(values) - {"text", "must", "acceptance"}:
        raise UsageError("A requirement has a text, must (true or false) and acceptance.", hint="Mend it.")
    return {str(key): value for key, value in values.items()}


def _one(requirement: Requirement) -> str:
    values = {"text": requirement.text, "must": requirement.must, "acceptance": [*requirement.acceptance]}
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=1000)


def _told(error: ValidationError) -> UsageError:
    """Where the plan is wrong, and how, without what pydantic says of itself."""
    found = [f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors()]
    more = f"\nand {len(found) - TOLD} more" if len(found) > TOLD else ""
    return UsageError("This is no plan:\n" + "\n".join(found[:TOLD]) + more, hint="Mend it.")
