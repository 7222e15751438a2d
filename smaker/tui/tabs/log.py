"""The Log tab: every event of a project, filtered by kind, searched, followed."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Input, Select

from smaker.core.events import Delta, Event
from smaker.tui.literal import line
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.widgets.stream import Stream

if TYPE_CHECKING:
    from smaker.tui.view import ProjectView

KEPT = 20_000  # events

KINDS = {
    "all": "",
    "tasks": "task.",
    "steps": "step.",
    "findings": "finding",
    "project": "project.",
    "budget": "budget.",
    "models": "model.",
    "questions": "question answer",
}
"""What can be shown alone: the beginnings of the kinds of events."""


class LogTab(ProjectTab):
    """Events, the newest at the end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "Search"),
        Binding("k", "kinds", "Kinds"),
        Binding("end", "follow", "Newest", show=False),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._words = ""
        self._kinds: tuple[str, ...] = ("",)
        self._reading = False

    def compose(self) -> ComposeResult:
        """The filters above the events."""
        with Horizontal(id="log-filters"):
            yield Select([(name, name) for name in KINDS], value="all", allow_blank=False, compact=True, id="log-kinds")
            yield Input(placeholder="search", compact=True, id="log-words")
        yield Stream(lines=KEPT, id="log-events")

    async def load(self) -> None:
        """Read all events so far."""
        await self._read()
        self._fill()

    def update_from(self, view: ProjectView) -> None:
        """Add what is new; after a gap, read it."""
        seen = self._events[-1].seq if self._events else 0
        fresh = [event for event in view.events if event.seq > seen]
        if fresh and fresh[0].seq > seen + 1:
            if not self._reading:
                self.run_worker(self._catch_up())
            return
        self._events.extend(fresh)
        self._add(fresh)

    async def _catch_up(self) -> None:
        seen = self._events[-1].seq if self._events else 0
        await self._read()
        self._add([event for event in self._events if event.seq > seen])

    async def _read(self) -> None:
        self._reading = True
        try:
            after = self._events[-1].seq if self._events else 0
            async for message in self.services.control.events(self.project_id, after=after):
                if not isinstance(message, Delta):
                    self._events.append(message)
        finally:
            self._reading = False

    def _fill(self) -> None:
        self.query_one("#log-events", Stream).clear()
        self._add(self._events)

    def _add(self, events: list[Event] | deque[Event]) -> None:
        text = "".join(f"{_row(event)}\n" for event in events if self._wanted(event))
        if text:
            self.query_one("#log-events", Stream).pour(text)

    def _wanted(self, event: Event) -> bool:
        if not event.kind.startswith(self._kinds):
            return False
        text = f"{event.kind} {event.task or ''} {event.message}".casefold()
        return all(word in text for word in self._words.split())

    def focus_first(self) -> None:
        """The events, not the filters."""
        self.query_one("#log-events").focus()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Show these kinds alone."""
        self._kinds = tuple(KINDS[str(event.value)].split()) or ("",)
        self._fill()
        if event.select.has_focus:  # the user chose
            self.focus_first()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show what has these words."""
        self._words = event.value.casefold()
        self._fill()

    def on_input_submitted(self) -> None:
        """Back to the events."""
        self.query_one("#log-events").focus()

    def action_search(self) -> None:
        """Ask for words."""
        self.query_one("#log-words").focus()

    def action_kinds(self) -> None:
        """Ask for the kinds."""
        self.query_one("#log-kinds", Select).focus()
        self.query_one("#log-kinds", Select).action_show_overlay()

    def action_follow(self) -> None:
        """Go to the newest and stay there."""
        self.query_one("#log-events", Stream).scroll_end(animate=False)


def _row(event: Event) -> str:
    told = f"{event.task or '':>4} {event.kind:<16} {line(event.message)}"
    return f"{event.seq:>5} {event.at.astimezone():%H:%M:%S} {told}"
