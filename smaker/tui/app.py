"""The app itself: it hands on what changed, leads from screen to screen, and knows them by name."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.command import Provider
from textual.screen import Screen

from smaker.core.errors import InUse, SmakerError
from smaker.tui.advice import complaint
from smaker.tui.literal import content, line
from smaker.tui.opening import Connect, OpeningApp, Watch
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.live import LiveScreen

if TYPE_CHECKING:
    from smaker.tui.feed import Batch

SCREEN_TABLE: dict[str, str] = {
    "project": "smaker.tui.screens.project:ProjectScreen",
    "new": "smaker.tui.screens.new_project:NewProjectScreen",
    "welcome": "smaker.tui.screens.welcome:WelcomeScreen",
    "settings": "smaker.tui.screens.settings:SettingsScreen",
    "workers": "smaker.tui.screens.workers:WorkersScreen",
}
"""Screens that are loaded when they are first shown."""

LATER_S = 0.05  # until a screen that is being made is told what changed
ENDING_S = 1.0  # in which a process that has nothing more to do lets go of a build


def _verbs() -> type[Provider]:
    from smaker.tui.palette import Verbs

    return Verbs


class SmakerApp(OpeningApp):
    """`smaker` as a full screen."""

    NEED_ENGINE = frozenset({"new", "screen_named", "about"})
    TITLE = "smaker"
    CSS_PATH = "styles/app.tcss"
    COMMANDS = {_verbs}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("f1", "help", "Help", show=False, priority=True),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+q", "leave", "Quit", show=False, priority=True),
        Binding("ctrl+t", "theme", "Light or dark", show=False),
        Binding("comma", "screen_named('settings')", "Settings", show=False),
        Binding("W", "screen_named('workers')", "Workers", show=False),
    ]

    def __init__(self, connect: Connect, watch: Watch, place: str) -> None:
        super().__init__(connect, watch, place)
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self.draft_text = ""  # a prompt that was begun
        self.drafts: dict[tuple[str, str], str] = {}  # other words that were begun: of which project, to what question
        self._notify_by = ""
        self._welcomed = False  # whether it was seen to
        self._began = datetime.now(UTC)

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the projects."""
        return Dashboard()

    def opened(self) -> None:
        """Look as it is configured; say what there is to say about the record."""
        self.apply_settings()
        for notice in self.services.notices:
            self.notify(notice, severity="warning", timeout=30, markup=False)

    @work(thread=True, exclusive=True, group="settings")
    def apply_settings(self) -> None:
        """Look and call as the configuration says."""
        try:
            chosen = self.services.settings.loaded().settings.tui
        except SmakerError as error:
            self.call_from_thread(self.complain, error)
            return
        self.call_from_thread(self._apply, chosen.theme, chosen.notify)

    def _apply(self, theme: str, notify_by: str) -> None:
        self.theme = f"textual-{theme}"
        self._notify_by = notify_by

    # --- what changed -------------------------------------------------------------------------------------------------

    def on_opening_app_moved(self) -> None:
        """Hand on what changed to the uppermost full screen, once it is there."""
        screen = next((screen for screen in reversed(self.screen_stack) if isinstance(screen, LiveScreen)), None)
        if not self.is_running:
            return
        if screen is None or not screen.painted or not screen.display:  # one that goes loses its widgets first
            self.set_timer(LATER_S, lambda: self.post_message(self.Moved()))
            return
        batch = self.feed.take()
        self._tell(batch)
        screen.moved(batch)
        self.shown()
        if batch.listed and not self._welcomed:
            self._welcomed = True
            if not self.feed.views and len(self.screen_stack) == 1:
                self.show("welcome")

    def _tell(self, batch: Batch) -> None:
        """Call the user, if something asks for that."""
        from smaker.tui.notify import sequence, worth_telling

        for event in batch.events:
            view = self.feed.views.get(event.project)
            if view is None or event.at < self._began:
                continue
            if (told := worth_telling(event, view.project.name)) is None:
                continue
            self.notify(str(content(told.text)), severity=told.severity, markup=False)
            if self._driver is not None and (call := sequence(self._notify_by, told.text)):
                self._driver.write(call)

    # --- what the user does -------------------------------------------------------------------------------------------

    def show(self, name: str, *arguments: object) -> None:
        """Put a screen of `SCREEN_TABLE` on top; it is made with ``arguments``."""
        module, _, attribute = SCREEN_TABLE[name].partition(":")
        self.push_screen(getattr(import_module(module), attribute)(*arguments))

    def pop_screen(self) -> AwaitComplete:
        """Leave the uppermost screen; what it still does ends before its widgets go."""
        self._end_work(self.screen)
        return super().pop_screen()

    def _end_work(self, screen: Screen[Any]) -> None:
        """Textual does so only when the widgets are gone already, and work that misses one would end the app."""
        for worker in [*self.workers]:
            if screen in worker.node.ancestors_with_self:
                worker.cancel()

    def open_project(self, project: str, *, tab: str = "", instead: bool = False) -> None:
        """Show a project, with a tab of it; ``instead`` of the screen that is there."""
        from smaker.tui.screens.project import ProjectScreen

        if not self.connected:
            self.when_connected(partial(self.open_project, project, tab=tab, instead=instead))
            return
        screen = self.screen
        if isinstance(screen, ProjectScreen) and screen.project_id == project:
            if tab:
                screen.action_tab(tab)
            return
        made = ProjectScreen(project, tab)
        if instead or isinstance(screen, ProjectScreen):
            self._end_work(screen)
            self.switch_screen(made)
        else:
            self.push_screen(made)

    def drive(self, project: str) -> None:
        """Let a project's build go on beside the app; where another process has it, it goes on there."""

        def failed(error: SmakerError) -> None:
            self._find_driver(project, error)

        self.services.builder.start(project, failed)
        self.feed.refresh(project)

    @work
    async def _find_driver(self, project: str, error: SmakerError) -> None:
        """A build does not go on here: that is well if another process has it and was not just about to end."""
        if isinstance(error, InUse):
            await asyncio.sleep(ENDING_S)
        try:
            snapshot = await self.services.control.snapshot(project)
        except SmakerError as fault:
            self.complain(fault)
            return
        self.feed.refresh(project)
        if snapshot.holder is not None:
            self.notify(f"{line(snapshot.holder)} goes on with it.", timeout=5, markup=False)
        elif isinstance(error, InUse):
            self.services.builder.start(project, self.complain)
        else:
            self.complain(error)

    def complain(self, error: SmakerError) -> None:
        """Tell the user what went wrong, and what to do next."""
        self.notify(complaint(error), severity="error", timeout=15, markup=False)

    def action_new(self) -> None:
        """A new project."""
        self.show("new")

    def action_projects(self) -> None:
        """Back to all projects."""
        while len(self.screen_stack) > 1:
            self.pop_screen()

    def action_screen_named(self, name: str) -> None:
        """Show a screen that needs nothing."""
        self.show(name)

    def action_help(self) -> None:
        """Every key that does something here."""
        from smaker.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))

    def action_theme(self) -> None:
        """Light or dark, and remember which."""
        theme = "light" if self.current_theme.dark else "dark"
        self.theme = f"textual-{theme}"
        if self.connected:
            self._remember("tui.theme", theme)

    @work(thread=True)
    def _remember(self, key: str, value: str) -> None:
        try:
            self.services.settings.set(key, value)
        except SmakerError as error:
            self.call_from_thread(self.complain, error)

    def action_about(self, what: str) -> None:
        """What this machine has, or what can be built."""
        from smaker.tui.screens.about import doctor, profiles

        self.push_screen((doctor if what == "doctor" else profiles)(self.services))

    # --- leaving ------------------------------------------------------------------------------------------------------

    @work(exclusive=True, group="leave")
    async def action_leave(self) -> None:
        """End; while something is being built here, ask whether it goes on."""
        from smaker.tui.screens.leave import leave

        if self._services is None or await leave(self, self._services.builder):
            self.exit()

    def panic(self, *renderables: object) -> None:
        """What reads the terminal has failed, in a thread of its own: that ends the app like any fault of ours."""
        del renderables
        self.failure = self.failure or RuntimeError("what the terminal sent could not be read")
        self._close_messages_no_wait()

    def _fatal_error(self) -> None:
        """A fault of ours ends the app; the program says so in one line and its log has the rest. Textual would print
        the values of variables."""
        self.failure = self._exception
        self._close_messages_no_wait()
