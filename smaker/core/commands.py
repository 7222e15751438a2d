"""What a user can want of a build, as data: the same over a terminal, a screen or a wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from smaker.core.models import Budget, DeployTarget, Stage
from smaker.core.spec import Frozen

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
    """A further instruction, planned as new requirements and tasks on top of what is there."""

    verb: Literal["add-step"] = "add-step"
    text: Text


class RunStage(Frozen):
    """Run one stage now: the tests, the browser, or a deployment to ``target``."""

    verb: Literal["run-stage"] = "run-stage"
    stage: Literal[Stage.RUN, Stage.WEB, Stage.DEPLOY]
    target: DeployTarget = DeployTarget.NONE


Steering = Pause | Resume | Cancel | Restart | Approve | Reject | Reply | AddStep | RunStage
