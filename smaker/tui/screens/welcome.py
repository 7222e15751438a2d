"""The first run: what this machine has, and a sample that one Enter builds without any model."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Footer, Static, TextArea

from smaker.core.errors import SmakerError
from smaker.tui.literal import content, line
from smaker.tui.screens.live import LiveScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smaker.core.checked import Checked

MARK = {"ok": "✓", "missing": "·", "bad": "✗"}

HELLO = (
    "smaker, the Software Maker: type what you want built. It is planned, written, tested and run, with a git commit "
    "for every step.\n\n"
    "This is your first project. Change the words if you like, and press Enter. It is built by rules and blueprints: "
    "no model, no key, no network."
)


class Prompt(TextArea):
    """Some words; Enter is for the screen, after all that was typed before it."""

    def on_key(self, event: events.Key) -> None:
        """Leave Enter to the screen."""
        if event.key == "enter":
            event.prevent_default()


class WelcomeScreen(LiveScreen):
    """A sample and what was found."""

    DEFAULT_CSS = """
    WelcomeScreen #hello { padding: 1 2; }
    WelcomeScreen #sample { margin: 0 2; height: 5; }
    WelcomeScreen #found { margin: 1 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "build", "Build it"),
        Binding("ctrl+n", "more", "All that can be chosen"),
        Binding("escape", "back", "Not now"),
    ]

    def compose(self) -> ComposeResult:
        """What it is, the sample, what was found."""
        yield Static("smaker", id="summary", markup=False)
        yield Static(HELLO, id="hello", markup=False)
        yield Prompt(self.services.sample, id="sample", soft_wrap=True, show_line_numbers=False)
        with VerticalScroll(id="found", can_focus=False):
            yield Static("Looking at what this machine has …", id="checks", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Look around."""
        sample = self.query_one("#sample", TextArea)
        sample.focus()
        sample.select_all()  # what is typed takes its place; the arrow keys go into it
        self._look()

    @work
    async def _look(self) -> None:
        checks = await self.services.checkup()
        if self.is_current:
            self.query_one("#checks", Static).update(content(found_text(checks)))

    @work(exclusive=True)
    async def action_build(self) -> None:
        """Build it."""
        prompt = self.query_one("#sample", TextArea).text
        try:
            request = await asyncio.to_thread(self.services.draft, prompt, "offline")
            project = await self.services.control.create(request)
        except SmakerError as error:
            self.complain(error)
            return
        self.feed.refresh()
        self.smaker.drive(project.id)
        self.smaker.open_project(project.id, instead=True)

    def action_more(self) -> None:
        """The same prompt, with all that can be chosen."""
        self.smaker.draft_text = self.query_one("#sample", TextArea).text
        self.dismiss()
        self.smaker.show("new")

    def action_back(self) -> None:
        """To the list."""
        self.dismiss()


def found_text(checks: Sequence[Checked]) -> str:
    """What was found, a line each, and how to mend what is missing."""
    lines: list[str] = []
    for check in checks:
        lines.append(f"{MARK[check.state]} {check.name:<14} {line(check.detail)}")
        if check.state != "ok":
            lines += [f"    {remedy}" for remedy in check.remedy.splitlines()]
    return "\n".join(lines)
