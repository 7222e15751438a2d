"""Tests choose between proposals: each is applied in a folder of its own and the project's tests are run there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from smaker.agents.evidence import parse_junit
from smaker.agents.model.guards import Guard
from smaker.agents.model.taking import Taken, taken
from smaker.core.context import Context
from smaker.core.errors import PathError
from smaker.core.models import TestStatus
from smaker.core.ports import Reply
from smaker.core.profile import Profile

NONE_RAN = 1_000_000  # failures that a proposal counts as whose tests do not run at all


async def chosen(context: Context, profile: Profile, guard: Guard, replies: Sequence[Reply]) -> Reply:
    """The proposal after which most is green: fewest tests fail, then the smallest diff, then the cheapest. Only one
    that writes nothing (it wants to look around first) is passed over for any that writes."""
    if len(replies) == 1:
        return replies[0]
    judged: list[tuple[bool, int, int, float, int]] = []
    for number, reply in enumerate(replies):
        proposal = await taken(context, reply, guard)
        failing = await _failing(context, profile, proposal, reply) if proposal.files else NONE_RAN
        judged.append((not proposal.files, failing, _size(proposal), reply.usage.cost_usd, number))
    return replies[min(judged)[-1]]


async def _failing(context: Context, profile: Profile, proposal: Taken, reply: Reply) -> int:
    await context.prepare(profile)
    try:
        ran = await context.run(
            profile.test,
            title=f"try the proposal of {reply.provider}/{reply.model}",
            collect=[profile.junit],
            at=await context.tree(),
            overlay=proposal.files,
        )
    except PathError:
        return NONE_RAN
    xml = ran.files.get(profile.junit)
    try:
        results = parse_junit(xml, dialect=profile.dialect) if xml else ()
    except ValueError:
        results = ()
    if not results:
        return NONE_RAN
    failed = sum(result.status is TestStatus.FAILED for result in results)
    return failed or (NONE_RAN if ran.exit_code else 0)


def _size(proposal: Taken) -> int:
    """Lines that a proposal adds and removes."""
    lines = 0
    for path, data in proposal.files.items():
        old, new = (text.decode("utf-8", "replace").splitlines() for text in (proposal.old.get(path, b""), data or b""))
        lines += sum(line[:1] in "+-" for line in difflib.unified_diff(old, new, n=0, lineterm=""))
    return lines
