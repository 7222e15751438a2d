"""The further steps that wait for their turn: shown in order, moved up and down, taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from smaker.core.commands import AddStep, DropStep, MoveStep, Steering
from smaker.core.errors import SmakerError
from smaker.core.models import Task
from smaker.core.queue import queued
from smaker.tui.literal import content, line
from smaker.tui.screens.dialogs import Dialog

if TYPE_CHECKING:
    from smaker.tui.app import SmakerApp


class QueueScreen(Dialog[None]):
    """The queue of one project."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up,u", "move(-1)", "Up", key_display="u"),
        Binding("shift+down,d", "move(1)", "Down", key_display="d"),
        Binding("delete,x", "drop", "Take back", key_display="x"),
        Binding("z", "undo", "Undo"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__("Steps that wait. u, d: up, down · x: take back · z: undo that · escape: done", "Queue")
        self._project = project_id
        self._steps: list[Task] = []
        self._dropped: list[str] = []

    def body(self) -> ComposeResult:
        """The list."""
        yield OptionList(id="queue", markup=False)

    async def on_mount(self) -> None:
        """Fill it."""
        await self._fill()

    async def action_move(self, by: int) -> None:
        """Up or down."""
        if (task := self._under()) is not None:
            place = self._steps.index(task)
            await self._steer(MoveStep(step=task.id, by=-1 if by < 0 else 1), place + by)

    async def action_drop(self) -> None:
        """Take the step back."""
        if (task := self._under()) is not None:
            self._dropped.append(str(task.payload["instruction"]))
            await self._steer(DropStep(step=task.id), self._steps.index(task))

    async def action_undo(self) -> None:
        """Put the step that was taken back last at the end of the queue."""
        if self._dropped:
            await self._steer(AddStep(text=self._dropped.pop()), len(self._steps))

    def _under(self) -> Task | None:
        place = self.query_one("#queue", OptionList).highlighted
        return self._steps[place] if place is not None and place < len(self._steps) else None

    async def _steer(self, command: Steering, place: int) -> None:
        app = cast("SmakerApp", self.app)
        try:
            await app.services.control.steer(self._project, command)
        except SmakerError as error:
            self.tell(error)
            return
        app.feed.refresh(self._project)
        await self._fill(place)

    async def _fill(self, place: int = 0) -> None:
        app = cast("SmakerApp", self.app)
        self._steps = queued((await app.services.control.snapshot(self._project)).tasks)
        listed = self.query_one("#queue", OptionList)
        listed.clear_options()
        listed.add_options(
            Option(content(f"{number}. {line(str(task.payload['instruction']))}"))
            for number, task in enumerate(self._steps, 1)
        )
        if self._steps:
            listed.highlighted = max(0, min(place, len(self._steps) - 1))
        listed.focus()
