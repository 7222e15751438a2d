"""What a user can want of a build, as data: the same over a terminal, a screen or a wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from smaker.core.models import Budget, DeployTarget, Stage
from smaker.core.spec import Frozen, RequirementId, Spec

Text = Annotated[str, Field(min_length=1, max_length=200_000)]


class Pause(Frozen):
    """Stop at the next step boundary."""

    verb: Literal["pause"] = "pause"


class Resume(Frozen):
    """Go on; ``budget`` replaces the bounds that stopped it."""

    verb: Literal["resume"] = "resume"
    budget: Budget | None = None


class Cancel(Frozen):
    """Stop for good."""

    verb: Literal["cancel"] = "cancel"


class Restart(Frozen):
    """Do the stages from ``stage`` on again; None is the stage that failed, or the first."""

    verb: Literal["restart"] = "restart"
    stage: Stage | None = None


class Approve(Frozen):
    """Open the gate the build waits at."""

    verb: Literal["approve"] = "approve"


class Reject(Frozen):
    """Refuse what the gate shows, with what should be different."""

    verb: Literal["reject"] = "reject"
    text: Text


class Reply(Frozen):
    """Answer the question an agent asked."""

    verb: Literal["answer"] = "answer"
    text: Text


class AddStep(Frozen):
    """A further instruction, planned as new requirements and tasks on top of what is there: after all that is planned
    already, or ``now``."""

    verb: Literal["add-step"] = "add-step"
    text: Text
    now: bool = False


class MoveStep(Frozen):
    """Let a further step that waits (its task's id) change places with the one before it, or the one after it."""

    verb: Literal["move-step"] = "move-step"
    step: str
    by: Literal[-1, 1]


class DropStep(Frozen):
    """Take back a further step that waits."""

    verb: Literal["drop-step"] = "drop-step"
    step: str


class EditPlan(Frozen):
    """Take the plan as its user wrote it in place of the one there is, and do again what differs; at the gate of a plan
    this also opens it. The requirements of ``wording`` say the same in other words: what proves them still does.
    ``text`` is how the user wrote it, for its file to say just that."""

    verb: Literal["edit-plan"] = "edit-plan"
    spec: Spec
    wording: tuple[RequirementId, ...] = ()
    text: Text | None = None


class RunStage(Frozen):
    """Run one stage now: the tests, the browser, or a deployment to ``target``."""

    verb: Literal["run-stage"] = "run-stage"
    stage: Literal[Stage.RUN, Stage.WEB, Stage.DEPLOY]
    target: DeployTarget = DeployTarget.NONE


Steering = (
    Pause | Resume | Cancel | Restart | Approve | Reject | Reply | AddStep | MoveStep | DropStep | EditPlan | RunStage
)
