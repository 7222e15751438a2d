"""What a user can do with a build, by a key, from the list of projects and from its own screen.

What cannot be undone asks first (cancel, delete, reject, restart); pause and resume do not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from smaker.tui.literal import line
from smaker.tui.screens.live import LiveScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from smaker.core.commands import Steering
    from smaker.tui.view import ProjectView

_SENSE: dict[str, Callable[[ProjectView], bool]] = {
    "pause": lambda view: view.moving or view.status in {"ASKS", "WAITS"},
    "resume": lambda view: view.status in {"PAUSED", "STOPPED"},
    "approve": lambda view: view.status == "WAITS",
    "reject": lambda view: view.status == "WAITS",
    "reply": lambda view: view.status == "ASKS",
    "cancel": lambda view: any(not task.state.ended for task in view.tasks),
    "queue": lambda view: bool(view.queue),
    **dict.fromkeys(
        ("add_step", "budget", "restart", "stage", "deploy", "delete", "copy", "export", "replay"), lambda _: True
    ),
}
"""When an action about a project makes sense, if there is one."""


class SteeringScreen(LiveScreen):
    """A screen with a project that is being steered: its `target`."""

    NEED_ENGINE = frozenset(_SENSE) - {"copy"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("r", "resume", "Resume"),
        Binding("plus", "add_step", "Add step", key_display="+"),
        Binding("a", "approve", "Approve"),
        Binding("j", "reject", "Reject"),
        Binding("w", "reply", "Answer"),
        Binding("b", "budget", "Budget", show=False),
        Binding("o", "queue", "Queue", show=False),
        Binding("R", "restart", "Restart", show=False),
        Binding("t", "stage('run')", "Test now", show=False),
        Binding("T", "stage('web')", "Try in a browser", show=False),
        Binding("D", "deploy", "Deploy", show=False),
        Binding("x", "cancel", "Cancel", show=False),
        Binding("X", "delete", "Delete", show=False),
        Binding("y", "copy", "Copy", show=False),
    ]

    @property
    def target(self) -> ProjectView | None:
        """The project that keys are about."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Show only what makes sense now."""
        del parameters
        if action not in _SENSE:
            return True
        view = self.target if self.painted and self.smaker.watching else None
        return view is not None and _SENSE[action](view)

    # --- at once ------------------------------------------------------------------------------------------------------

    async def action_pause(self) -> None:
        """Stop at the next step."""
        from smaker.core.commands import Pause

        await self._steer(Pause(), "Pausing at the next step.")

    async def action_resume(self) -> None:
        """Go on."""
        from smaker.core.commands import Resume

        await self._steer(Resume(), "Going on.", goes_on=True)

    def action_copy(self) -> None:
        """Put the project's id and folder on the clipboard."""
        if (view := self.target) is not None:
            self.smaker.copy_to_clipboard(line(view.project.workspace))
            self.notify(f"Copied: {line(view.project.workspace)}", markup=False, timeout=3)

    # --- after a question ---------------------------------------------------------------------------------------------

    @work
    async def action_cancel(self) -> None:
        """Stop for good."""
        from smaker.core.commands import Cancel
        from smaker.tui.screens.confirm import Confirm

        if (view := self.target) is None:
            return
        question = f"Stop {view.project.name} for good?"
        if await self.app.push_screen_wait(Confirm(question, "It can only be restarted.", yes="Cancel it")):
            await self._steer(Cancel(), "Cancelled.")

    @work
    async def action_delete(self) -> None:
        """Forget the project."""
        from smaker.tui.screens.dialogs import Choice, OneOf

        if (view := self.target) is None:
            return
        choices = [Choice("record", "Forget the record", f"{view.project.workspace} stays as it is")]
        if not view.project.adopted:
            choices.append(Choice("files", "Delete the folder too", "nothing of it is left"))
        chosen = await self.app.push_screen_wait(
            OneOf(f"Delete {view.project.name}? This cannot be undone.", choices, title="Delete")
        )
        if chosen is not None:
            await self.attempt(self.services.forget(view.id, chosen == "files"), "Deleted.")

    @work
    async def action_restart(self) -> None:
        """Do the stages from one on again."""
        from smaker.core.again import beginnings
        from smaker.core.commands import Restart
        from smaker.core.models import Stage
        from smaker.tui.screens.dialogs import Choice, OneOf

        if (view := self.target) is None:
            return
        choices = [Choice("", "What failed", "or all of it, if nothing did")]
        choices += [Choice(stage.value, f"From {stage.value} on") for stage in beginnings(view.project)]
        chosen = await self.app.push_screen_wait(
            OneOf("Do again, in new tasks. What was committed stays in the history.", choices, title="Restart")
        )
        if chosen is not None:
            await self._steer(Restart(stage=Stage(chosen) if chosen else None), "Doing it again.", goes_on=True)

    @work
    async def action_add_step(self) -> None:
        """A further instruction: after what is planned, or now."""
        from smaker.core.commands import AddStep
        from smaker.tui.screens.dialogs import Choice, OneOf

        if (view := self.target) is None:
            return
        text = await self._words("What should be added or changed?", "Add a step", "Add")
        if text is None:
            return
        now = False
        if view.moving and view.project.spec is not None:
            when = await self.app.push_screen_wait(
                OneOf(
                    "The build goes on. When should this be planned?",
                    [
                        Choice("after", "After all that is planned", "it waits in the queue (o)"),
                        Choice("now", "Now", "as soon as what runs has ended; the rest waits for its plan"),
                    ],
                    title="Add a step",
                )
            )
            if when is None:
                return
            now = when == "now"
        await self._steer(AddStep(text=text, now=now), "Added.", goes_on=True)

    @work
    async def action_approve(self) -> None:
        """Open the gate, once its user has seen what it shows."""
        from smaker.core.commands import Approve
        from smaker.tui.plan_edit import edit_plan
        from smaker.tui.screens.plan import ApprovePlan

        view = self.target
        if view is None or view.waiting is None:
            return
        said = await self.app.push_screen_wait(ApprovePlan(view))
        if said == "approve":
            await self._steer(Approve(), "Approved.", goes_on=True)
        elif said == "reject":
            self.action_reject()
        elif said == "edit":
            await edit_plan(self, view)

    @work
    async def action_reject(self) -> None:
        """Refuse what the gate shows."""
        from smaker.core.commands import Reject

        text = await self._words("What should be different?", "Reject", "Reject")
        if text is not None:
            await self._steer(Reject(text=text), "Rejected.", goes_on=True)

    @work
    async def action_reply(self) -> None:
        """Answer what an agent asks."""
        from smaker.core.commands import Reply

        view = self.target
        if view is None or view.waiting is None or view.waiting.question is None:
            return
        text = await self._words(view.waiting.question, "Answer", "Answer")
        if text is not None:
            await self._steer(Reply(text=text), "Answered.", goes_on=True)

    @work
    async def action_budget(self) -> None:
        """Raise bounds, and go on."""
        from smaker.core.budget import all_bounds
        from smaker.core.commands import Resume
        from smaker.tui.screens.budget import BudgetForm

        view = self.target
        if view is None or view.snapshot is None:
            return
        spent = all_bounds(view.project.budget, view.snapshot.tasks, view.snapshot.steps)
        found = await self.app.push_screen_wait(BudgetForm(view.project.budget, spent))
        if found is not None:
            await self._steer(Resume(budget=found), "Going on with the new bounds.", goes_on=True)

    @work
    async def action_queue(self) -> None:
        """The further steps that wait, to reorder and take back."""
        from smaker.tui.screens.queue import QueueScreen

        if (view := self.target) is not None:
            await self.app.push_screen_wait(QueueScreen(view.id))

    async def action_stage(self, stage: str) -> None:
        """Run one stage now."""
        from smaker.core.commands import RunStage
        from smaker.core.models import Stage

        wanted = Stage.RUN if stage == "run" else Stage.WEB
        await self._steer(RunStage(stage=wanted), "Begun.", goes_on=True)

    @work
    async def action_deploy(self) -> None:
        """Deploy now, or stop what is deployed."""
        from smaker.core.commands import RunStage
        from smaker.core.models import DeployTarget, Stage
        from smaker.tui.screens.dialogs import Choice, OneOf

        if (view := self.target) is None:
            return
        choices = [
            Choice("process", "As a process", "in the sandbox of this machine"),
            Choice("compose", "As containers", "docker compose"),
        ]
        if view.project.deployment is not None:
            choices.append(Choice("stop", "Stop it", view.project.deployment.url))
        chosen = await self.app.push_screen_wait(OneOf("Where should it run?", choices, title="Deploy"))
        if chosen == "stop":
            await self.attempt(self.services.deployments.stop(view.id), "Stopped.", project=view.id)
        elif chosen is not None:
            command = RunStage(stage=Stage.DEPLOY, target=DeployTarget(chosen))
            await self._steer(command, "Deploying.", goes_on=True)

    @work
    async def action_export(self) -> None:
        """Write the software to a file."""
        from pathlib import Path

        from smaker.core.typed import checked
        from smaker.tui.screens.dialogs import Words

        if (view := self.target) is None:
            return
        slug = view.project.spec.slug if view.project.spec else view.id
        question = "Write the software as a zip archive, without its history. Where to?"
        place = str(Path.cwd() / f"{slug}.zip")
        chosen = await self.app.push_screen_wait(
            Words(question, check=lambda text: checked(text, "path"), title="Export", text=place, verb="Write")
        )
        if chosen is not None:
            destination = Path(chosen).expanduser().absolute()
            await self.attempt(self.services.control.export(view.id, destination), f"Written: {destination}")

    def action_replay(self) -> None:
        """Rebuild from the record."""
        from smaker.tui.screens.dialogs import Show

        if (view := self.target) is not None:
            words = "Rebuilds the project from its record, with no model and no network, and compares."
            self.app.push_screen(Show(words, title="replay", later=lambda: self.services.replay(view.id)))

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _words(self, question: str, title: str, verb: str) -> str | None:
        from smaker.core.typed import checked
        from smaker.tui.screens.dialogs import Words

        def check(text: str) -> str:
            return checked(text, "text")

        drafts, about = self.smaker.drafts, (self.target.id if self.target else "", question)
        words = Words(
            question,
            check=check,
            title=title,
            verb=verb,
            text=drafts.pop(about, ""),
            keep=lambda text: drafts.update({about: text}),
        )
        return await self.app.push_screen_wait(words)

    async def _steer(self, command: Steering, done: str, *, goes_on: bool = False) -> None:
        view = self.target
        if view is None:
            return
        steered = self.services.control.steer(view.id, command)
        if await self.attempt(steered, done, project=view.id) and goes_on:
            self.smaker.drive(view.id)
