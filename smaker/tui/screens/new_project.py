"""A new project: what to build, in as many lines as it takes, and how; or an existing repository to take."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Button, Footer, Input, Label, Select, Static, TextArea

from smaker.core.errors import SmakerError, UsageError
from smaker.core.models import Budget, DeployTarget, Gate
from smaker.tui.literal import cell, content
from smaker.tui.screens.budget import FIELDS, BudgetForm
from smaker.tui.screens.live import LiveScreen
from smaker.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from smaker.core.control import NewProject
    from smaker.core.profile import Profile

MODES = {
    "offline": "offline: rules and blueprints, no model",
    "openai": "openai",
    "claude": "claude",
    "local": "local: a model of this machine",
    "hybrid": "hybrid: every provider, by role",
}
ANY = "recognised from the prompt"


class NewProjectScreen(LiveScreen):
    """The prompt above, how to build it below."""

    DEFAULT_CSS = """
    NewProjectScreen #prompt { height: 1fr; min-height: 5; }
    NewProjectScreen #how { height: auto; max-height: 60%; padding: 0 1; }
    NewProjectScreen .row { height: 1; }
    NewProjectScreen .row Label { width: 12; color: $text-muted; }
    NewProjectScreen .row Input { width: 1fr; }
    NewProjectScreen .row Select { width: 1fr; }
    NewProjectScreen Tick { margin-right: 3; }
    NewProjectScreen #do { height: 1; margin-top: 1; }
    NewProjectScreen Button { margin-right: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "build", "Build"),
        Binding("ctrl+b", "budget", "Budget"),
        Binding("escape", "back", "Back"),
    ]

    def __init__(self, prompt: str = "") -> None:
        super().__init__()
        self._given = prompt
        self._bounds: Budget | None = None  # as the configuration says, until they are changed

    def compose(self) -> ComposeResult:
        """The prompt, the rows, what to do."""
        yield Static("New project: what should be built?", id="summary", markup=False)
        yield TextArea(self._given or self.smaker.draft_text, id="prompt", soft_wrap=True, show_line_numbers=False)
        with VerticalScroll(id="how", can_focus=False):
            with Horizontal(classes="row"):
                yield Label("Repository")
                yield Input(placeholder="a folder or an address to carry on from; empty: new", compact=True, id="adopt")
            with Horizontal(classes="row"):
                yield Label("Folder")
                yield Input(placeholder="a place of its own", compact=True, id="folder")
            with Horizontal(classes="row"):
                yield Label("Name")
                yield Input(placeholder="taken from the plan", compact=True, id="name")
            with Horizontal(classes="row"):
                yield Label("Profile")
                yield Select[str]([(ANY, "")], value="", allow_blank=False, compact=True, id="profile")
            with Horizontal(classes="row"):
                yield Label("Built by")
                yield Select[str](
                    [(words, name) for name, words in MODES.items()], allow_blank=False, compact=True, id="mode"
                )
            with Horizontal(classes="row"):
                yield Label("Model")
                yield Input(placeholder="PROVIDER/MODEL for every role; empty: as configured", compact=True, id="model")
            with Horizontal(classes="row"):
                yield Label("Deploy")
                yield Select[str](
                    [(target.value, target.value) for target in DeployTarget],
                    allow_blank=False,
                    compact=True,
                    id="deploy",
                )
            with Horizontal(classes="row"):
                yield Label("Wait at")
                yield Tick("the plan", compact=True, id="gate-plan")
                yield Tick("the deployment", compact=True, id="gate-deploy")
                yield Tick("questions", compact=True, id="gate-questions")
            with Horizontal(classes="row"):
                yield Label("Also")
                yield Tick("try in a browser", compact=True, id="web")
                yield Tick("review by a model", compact=True, id="review")
            with Horizontal(classes="row"):
                yield Label("Budget")
                yield Static("", id="budget", markup=False)
        with Horizontal(id="do"):
            yield Button("Build (ctrl+s)", id="build", variant="primary", compact=True)
            yield Button("Budget (ctrl+b)", id="bounds", compact=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin with what the configuration says."""
        self.query_one("#prompt").focus()
        self._begin()

    @work
    async def _begin(self) -> None:
        try:
            settings = (await asyncio.to_thread(self.services.settings.loaded)).settings
            profiles = await asyncio.to_thread(self.services.profiles)
        except SmakerError as error:
            self.complain(error)
            return
        self.query_one("#mode", Select).value = settings.llm.mode
        self.query_one("#deploy", Select).value = settings.deploy.target.value
        self.query_one("#web", Tick).value = settings.browser.enabled
        self.query_one("#review", Tick).value = settings.llm.review
        self.query_one("#profile", Select).set_options([(Text(ANY), ""), *map(_option, profiles)])
        self.query_one("#profile", Select).value = ""
        self._bounds = Budget.model_validate(settings.budget.model_dump())
        self._tell_bounds()

    def _tell_bounds(self) -> None:
        given = self._bounds.model_dump(exclude_none=True) if self._bounds else {}
        told = ", ".join(f"{value:g} {FIELDS[name]}" for name, value in given.items())
        self.query_one("#budget", Static).update(content(told or "no bound"))

    # --- what the user does -------------------------------------------------------------------------------------------

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """By the mouse."""
        if event.button.id == "bounds":
            self.action_budget()
        else:
            self.action_build()

    @work
    async def action_budget(self) -> None:
        """Ask for the bounds."""
        found = await self.app.push_screen_wait(BudgetForm(self._bounds or Budget()))
        if found is not None:
            self._bounds = found
            self._tell_bounds()

    @work(exclusive=True, group="build")
    async def action_build(self) -> None:
        """Make the project and open it."""
        where = self.query_one("#adopt", Input).value.strip()
        folder = self.query_one("#folder", Input).value.strip()
        place = Path(folder).expanduser().absolute() if folder else None
        try:
            request = await asyncio.to_thread(self._request)
            if where:
                self.notify("Taking the repository …", timeout=4)
                project = await self.services.adopt(where, request, place)
            else:
                project = await self.services.control.create(request.model_copy(update={"workspace": place}))
        except SmakerError as error:
            self.complain(error)
            return
        self.smaker.draft_text = ""
        self.feed.refresh()
        self.smaker.drive(project.id)
        self.smaker.open_project(project.id, instead=True)

    def _request(self) -> NewProject:
        """What the fields say. Raises UsageError, ConfigError."""

        def text(name: str) -> str:
            return self.query_one(f"#{name}", Input).value.strip()

        def chosen(name: str) -> str:
            return str(self.query_one(f"#{name}", Select).value)

        def ticked(name: str) -> bool:
            return self.query_one(f"#{name}", Tick).value

        mode = chosen("mode")
        drawn = self.services.draft(self.query_one("#prompt", TextArea).text, mode, text("model") or None)
        given: dict[str, Any] = {
            "name": text("name") or None,
            "profile": chosen("profile") or None,
            "gates": tuple(gate for gate in Gate if ticked(f"gate-{gate.value}")),
            "deploy": DeployTarget(chosen("deploy")),
            "web": ticked("web"),
            "review": ticked("review") and mode != "offline",
            "budget": self._bounds or drawn.budget,
        }
        try:
            return type(drawn).model_validate({**dict(drawn), **given})
        except ValidationError as error:
            first = error.errors()[0]
            raise UsageError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def action_back(self) -> None:
        """Back; the prompt is there again next time."""
        self.smaker.draft_text = self.query_one("#prompt", TextArea).text
        self.dismiss()


def _option(profile: Profile) -> tuple[Text, str]:
    return cell(f"{profile.name}: {profile.title}"), profile.name
