"""The command palette: every verb for the project at hand, every screen, and every project by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.types import IgnoreReturnCallbackType

from smaker.tui.literal import content, line
from smaker.tui.screens.steering import SteeringScreen

if TYPE_CHECKING:
    from smaker.tui.app import SmakerApp

VERBS = {
    "init": ("app.new", "a new project from a prompt"),
    "adopt": ("app.new", "take an existing repository and carry on"),
    "list": ("app.projects", "all projects"),
    "doctor": ("app.about('doctor')", "what this machine has of what builds need"),
    "profiles": ("app.about('profiles')", "the stack profiles there are"),
    "config": ("app.screen_named('settings')", "settings, models, limits"),
    "models": ("app.screen_named('settings')", "models, and whether they answer"),
    "workers": ("app.screen_named('workers')", "the processes that do tasks"),
    "theme": ("app.theme", "light or dark"),
    "help": ("app.help", "every key"),
    "quit": ("app.leave", "leave smaker; builds may go on"),
}
"""Verbs for which no project is needed: the action and what it does."""

STEERING = {
    "pause": ("pause", "stop at the next step"),
    "resume": ("resume", "go on"),
    "add-step": ("add_step", "a further instruction"),
    "queue": ("queue", "further steps that wait"),
    "approve": ("approve", "open the gate it waits at"),
    "reject": ("reject", "refuse the plan, with what should be different"),
    "answer": ("reply", "answer what is asked"),
    "budget": ("budget", "raise what it may spend"),
    "restart": ("restart", "do the stages from one on again"),
    "test": ("stage('run')", "run the tests now"),
    "web": ("stage('web')", "try it in a browser now"),
    "deploy": ("deploy", "deploy it, or stop it"),
    "stop": ("deploy", "stop what is deployed"),
    "cancel": ("cancel", "stop for good"),
    "delete": ("delete", "forget the project"),
    "export": ("export", "write the software as a zip archive"),
    "replay": ("replay", "rebuild from the record, and compare"),
    "copy": ("copy", "its folder, to the clipboard"),
}
"""Verbs about the project at hand."""

IN_TABS = {
    "status": "spec",
    "trace": "spec",
    "history": "history",
    "rewind": "history",
    "fork": "history",
    "diff": "diff",
    "artifacts": "files",
    "cost": "cost",
    "logs": "log",
    "run": "deployment",
}
"""Verbs that a tab of the project has."""


class Verbs(Provider):
    """All of them."""

    async def discover(self) -> Hits:
        """Everything, in order."""
        for words, do in self._all():
            yield DiscoveryHit(content(words), do)

    async def search(self, query: str) -> Hits:
        """What fits the words."""
        matcher = self.matcher(query)
        for words, do in self._all():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, content(words), do)

    def _all(self) -> Iterator[tuple[str, IgnoreReturnCallbackType]]:
        """The verb, what it does and to what; and the doing."""
        from smaker.tui.tabs.base import TABS

        app = cast("SmakerApp", self.app)
        screen = self.screen
        if isinstance(screen, SteeringScreen) and app.connected and (view := screen.target) is not None:
            about = line(view.project.name)
            for name, (action, why) in STEERING.items():
                if screen.check_action(action.partition("(")[0], ()):
                    yield f"{name}: {why}  ({about})", partial(screen.run_action, action)
            for name, tab in IN_TABS.items():
                yield f"{name}: {TABS[tab].title}  ({about})", partial(app.open_project, view.id, tab=tab)
        for name, (action, why) in VERBS.items():
            yield f"{name}: {why}", partial(app.run_action, action)
        if app.connected:
            for view in app.feed.views.values():
                yield f"open {line(view.project.name)}  ({view.id})", partial(app.open_project, view.id)
