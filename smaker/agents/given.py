"""A plan that the user wrote: whoever plans takes it as it is."""

from __future__ import annotations

from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Outcome, Verdict
from smaker.core.revision import EDITED
from smaker.core.spec import Spec


async def take_given(context: Context) -> Outcome | None:
    """Write and commit the plan that a task was given; None where it was given none."""
    given = context.task.payload.get(EDITED)
    if given is None:
        return None
    spec = Spec.model_validate(given)
    known = context.project.spec
    fresh = [entry.id for entry in spec.requirements if known is None or entry not in known.requirements]
    text = context.task.payload.get("text")
    await context.write({SPEC_FILE: str(text).encode() if text else dump_spec(spec)}, title="write the spec", own=True)
    await context.commit("plan: edited by the user", requirements=fresh)
    return Outcome(
        verdict=Verdict.DONE, summary=f"{counted(len(spec.requirements), 'requirement')}, as edited", spec=spec
    )
