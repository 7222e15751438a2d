"""The Deployment tab: where the software answers, whether it is well, what it prints; deploy, stop, roll back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from smaker.core.commands import RunStage
from smaker.core.errors import NotFound, SmakerError
from smaker.core.models import DeployTarget, Stage, Step, StepKind, TaskState
from smaker.core.tail import Tail
from smaker.tui import outside
from smaker.tui.advice import complaint
from smaker.tui.feed import FRAME_S, TAIL_CHARACTERS
from smaker.tui.literal import cell, line
from smaker.tui.screens.confirm import Confirm
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.widgets.stream import Stream
from smaker.tui.words import STYLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smaker.core.control import Snapshot
    from smaker.core.models import Deployment
    from smaker.core.ports import CommitInfo, Container
    from smaker.tui.view import ProjectView

LOOK_S = 3.0  # between two looks at its health
SHOWN = 8  # commits of those that would go


class DeploymentTab(ProjectTab):
    """What is deployed, above what it prints."""

    DEFAULT_CSS = """
    DeploymentTab #deployment-state { height: auto; max-height: 6; padding: 0 1; text-style: bold; }
    DeploymentTab #deployment-containers { height: auto; max-height: 8; padding: 0 1; }
    DeploymentTab #deployment-output { height: 1fr; border-top: solid $primary; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "screen.deploy", "Deploy"),
        Binding("s", "stop", "Stop"),
        Binding("z", "roll_back", "Roll back"),
        Binding("v", "visit", "Open"),
        Binding("c", "copy", "Copy URL"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._current: Deployment | None = None
        self._heard = Tail(TAIL_CHARACTERS)
        self._fresh = False  # whether something was heard since it was last shown
        self._listens_to = ""  # the address whose output is followed

    def compose(self) -> ComposeResult:
        """The state, the containers, the output."""
        yield Static("", id="deployment-state", markup=False)
        yield Static("", id="deployment-containers", markup=False)
        yield Stream(id="deployment-output")

    async def load(self) -> None:
        """Look for the first time."""
        await self._look()
        self.set_interval(LOOK_S, self._tick)
        self.set_interval(FRAME_S, self._pour)

    def update_from(self, view: ProjectView) -> None:
        """Something happened to the project: look again."""
        self._state(view)
        self._look_again()

    # --- what runs ----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self.region.width and self.app.screen is self.screen:
            self._look_again()

    @work(exclusive=True, group="look")
    async def _look_again(self) -> None:
        try:
            await self._look()
        except SmakerError as error:
            self.query_one("#deployment-containers", Static).update(cell(f"✗ {complaint(error, apart=' ')}"))

    async def _look(self) -> None:
        """Ask what runs and how it is; follow its output, if it is another one than before."""
        desk = self.services.deployments
        self._current = current = await desk.current(self.project_id)
        if (view := self.view) is not None:
            self._state(view)
        address = f"{current.url} {current.pid or ''}" if current is not None else ""
        if address and address != self._listens_to:
            self._listens_to = address
            self.query_one("#deployment-output", Stream).clear()
            self._follow()
        elif not address:
            self._listens_to = ""
        composed = current is not None and current.target is DeployTarget.COMPOSE
        found = await desk.containers(self.project_id) if composed else ()
        self.query_one("#deployment-containers", Static).update(_containers(found))

    def _state(self, view: ProjectView) -> None:
        current = self._current
        deploying = any(task.stage is Stage.DEPLOY and task.state is TaskState.RUNNING for task in view.tasks)
        told = Text.assemble(("▸ deploying\n" if deploying else "", STYLE["▸"]))
        if current is None:
            meant = view.project.deployment
            told.append(
                f"✗ not running; it was at {line(meant.url)}" if meant else "· nothing is deployed: D deploys it"
            )
        else:
            sign, word = ("✓", "healthy") if current.healthy else ("✗", "not healthy")
            told.append(f"{sign} {word}", STYLE[sign]).append(f"  {line(current.url)}")
            pid = f"  pid {current.pid}" if current.pid is not None else ""
            told.append(f"\n  as {_KINDS[current.target]}{pid}", "dim")
        self.query_one("#deployment-state", Static).update(told)

    # --- what it prints -----------------------------------------------------------------------------------------------

    @work(exclusive=True, group="output")
    async def _follow(self) -> None:
        try:
            await self.services.deployments.output(self.project_id, self._hear, follow=True)
        except NotFound:
            return
        except SmakerError as error:
            self._hear(f"✗ {error.message}\n")

    def _hear(self, text: str) -> None:
        self._heard.add(text)
        self._fresh = True

    def _pour(self) -> None:
        """Show what was heard, at most as often as there are frames."""
        if self._fresh:
            text, self._heard, self._fresh = str(self._heard), Tail(TAIL_CHARACTERS), False
            self.query_one("#deployment-output", Stream).pour(text)

    # --- what the user does -------------------------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy the address."""
        if (url := self._url()) is not None:
            self.app.copy_to_clipboard(line(url))
            self.notify(f"Copied: {line(url)}", markup=False, timeout=3)

    def action_visit(self) -> None:
        """Open the address in the user's browser."""
        if (url := self._url()) is not None and not outside.show(url):
            self.app.copy_to_clipboard(line(url))
            self.notify(f"There is no browser to open here. Copied: {line(url)}", markup=False)

    def _url(self) -> str | None:
        if self._current is None:
            self.notify("Nothing is deployed.", timeout=3)
            return None
        return self._current.url

    @work
    async def action_stop(self) -> None:
        """Stop what runs."""
        current = self._current
        if current is None:
            self.notify("Nothing is deployed.", timeout=3)
            return
        detail = f"{current.url} will not answer any more. D deploys it again, with the data it has."
        if await self.app.push_screen_wait(Confirm("Stop the software?", detail, yes="Stop it")):
            try:
                await self.services.deployments.stop(self.project_id)
            except SmakerError as error:
                self.smaker.complain(error)
            self.smaker.feed.refresh(self.project_id)
            self._look_again()

    @work
    async def action_roll_back(self) -> None:
        """Put the project back to what was deployed before, and deploy that."""
        view, control = self.view, self.services.control
        if view is None or view.snapshot is None:
            return
        made = _deployments(view.snapshot)
        try:
            history = await control.history(self.project_id) if len(made) > 1 else []
            commit = _earlier(made, history)
            if commit is None:
                self.notify("There is no earlier deployment to go back to.", markup=False)
                return
            question = f"Go back to what was deployed before, {commit.sha[:8]} {commit.subject}?"
            lost = history[: history.index(commit)]
            if not await self.app.push_screen_wait(Confirm(question, _told(lost), yes="Roll back")):
                return
            await control.rewind(self.project_id, commit.sha, force=False)
            _, target = made[-1]
            await control.steer(self.project_id, RunStage(stage=Stage.DEPLOY, target=target))
        except SmakerError as error:
            self.smaker.complain(error)
            return
        finally:
            self.smaker.feed.refresh(self.project_id)
        self.services.builder.start(self.project_id, self.smaker.complain)  # the rewinding had its lock till now


_KINDS = {DeployTarget.PROCESS: "a process", DeployTarget.COMPOSE: "containers", DeployTarget.NONE: "nothing"}


def _deployments(snapshot: Snapshot) -> list[tuple[Step, DeployTarget]]:
    """What was deployed, and where to, the newest last."""
    done = {task.id: task for task in snapshot.tasks if task.stage is Stage.DEPLOY and task.state is TaskState.DONE}
    steps = [step for step in snapshot.steps if step.kind is StepKind.DEPLOY and step.task in done]
    wanted = {name: str(task.payload.get("target") or snapshot.project.deploy) for name, task in done.items()}
    return [(step, DeployTarget(wanted[step.task])) for step in sorted(steps, key=lambda step: step.started_at)]


def _earlier(made: Sequence[tuple[Step, DeployTarget]], history: Sequence[CommitInfo]) -> CommitInfo | None:
    """The commit that was deployed before that of the newest deployment."""
    found = [_deployed(step, history) for step, _ in reversed(made)]
    return next((commit for commit in found[1:] if commit is not None and commit != found[0]), None)


def _deployed(step: Step, history: Sequence[CommitInfo]) -> CommitInfo | None:
    """The newest commit there was when a deployment began."""
    return next((commit for commit in history if commit.at <= step.started_at), None)


def _told(lost: Sequence[CommitInfo]) -> str:
    shown = [f"  {commit.sha[:8]} {commit.subject}" for commit in lost[:SHOWN]]
    more = f"  and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    head = "The project goes back, too: what was made since goes, and the plan as it was then is in force."
    keep = "To keep it as a project of its own, fork it first (History)."
    return "\n".join(filter(None, (head, *shown, more, keep)))


def _containers(found: Sequence[Container]) -> Text:
    rows: list[Text] = []
    for entry in found:
        well = entry.status == "running" and entry.health in {"", "healthy"}
        ports = ", ".join(map(str, entry.ports))
        told = [entry.service, entry.status, entry.health, f"port {ports}" if ports else ""]
        told += [f"{entry.restarts} restarts" if entry.restarts else "", entry.image.removeprefix("sha256:")[:12]]
        sign = "✓" if well else "✗"
        rows.append(Text.assemble((f"{sign} ", STYLE[sign]), cell("  ".join(filter(None, told)))))
    return Text("\n").join(rows)
