"""A plan that the user wrote: whoever plans takes it as it is."""

from __future__ import annotations

from collections.abc import Callable

from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Outcome, Verdict
from smaker.core.revision import EDITED, EDITED_FROM, changed_requirements, contradiction
from smaker.core.spec import Requirement, Spec


async def take_given(context: Context, reword: Callable[[Spec, Spec], Spec] | None = None) -> Outcome | None:
    """Write and commit the plan that a task was given; None where it was given none.

    ``reword`` gets the plan there was and the one that was given, and returns it in words that fit what is built. It
    may raise Refused. A file that its user wrote is taken as it is, or refused: in their folder it is not written to.
    """
    given = context.task.payload.get(EDITED)
    if given is None:
        return None
    written = Spec.model_validate(given)
    known = context.project.spec
    shown = context.task.payload.get(EDITED_FROM)
    origin = Spec.model_validate(shown) if shown is not None else known
    spec = reword(origin, written) if reword is not None and origin is not None else written
    fresh = [entry.id for entry in spec.requirements if known is None or entry not in known.requirements]
    text = context.task.payload.get("text")
    if text and (unlike := changed_requirements(written, spec)):
        said, built = (_words(plan.requirement(unlike[0])) for plan in (written, spec))
        raise contradiction(unlike[0], said, built)
    await context.write({SPEC_FILE: str(text).encode() if text else dump_spec(spec)}, title="write the spec", own=True)
    await context.commit("plan: edited by the user", requirements=fresh)
    summary = f"{counted(len(spec.requirements), 'requirement')}, as edited{tell_reworded(written, spec)}"
    return Outcome(verdict=Verdict.DONE, summary=summary, spec=spec)


def tell_reworded(written: Spec, spec: Spec) -> str:
    """The end of a summary: what was edited, and had its words changed to fit; empty where nothing had."""
    said = [f"{name} says now: {spec.requirement(name).text}" for name in changed_requirements(written, spec)]
    return "".join(f"; {one}" for one in said)


def _words(requirement: Requirement) -> str:
    return " ".join((requirement.text, *requirement.acceptance))
