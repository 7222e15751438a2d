"""Red first: acceptance tests are run where the work is not done yet; one that is green there proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smaker.agents.evidence import compare_proofs, is_source, parse_junit, read_tests
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.errors import BuildFailed
from smaker.core.models import Proof, TestSource, TestStatus
from smaker.core.profile import Profile

WHOLE = {"pytest": ("--continue-on-collection-errors",), "node": ()}
"""A file that cannot be imported must not keep the tests of others from running."""

INSTEAD = {TestStatus.PASSED: "passes", TestStatus.SKIPPED: "is skipped", None: "does not run"}


def read_sources(profile: Profile, files: Mapping[str, bytes]) -> tuple[TestSource, ...]:
    """The acceptance tests among ``files`` that name a requirement. Raises ValueError."""
    texts = {path: content.decode() for path, content in sorted(files.items()) if is_source(profile.dialect, path)}
    return tuple(
        source
        for path, text in texts.items()
        for source in read_tests(profile.dialect, path, text, texts)
        if source.requirements
    )


@dataclass(frozen=True)
class NotRed:
    """A test that did not fail where the work is missing, and what it did instead: "passes", "is skipped" …"""

    source: TestSource
    instead: str


async def see_red(
    context: Context,
    profile: Profile,
    files: Mapping[str, bytes],
    sources: tuple[TestSource, ...],
    *,
    on: str | None = None,
) -> tuple[tuple[Proof, ...], tuple[NotRed, ...]]:
    """Run the tests before the work they prove is done: on the commit ``on``, by default the skeleton. Return proofs,
    and the tests that did not fail.

    A test that was seen red before and still asserts all it did keeps that proof.
    """
    earlier_proofs = {proof.source.id: proof for proof in context.project.proofs}
    kept: list[Proof] = []
    for source in sources:
        earlier = earlier_proofs.get(source.id)
        if earlier and not compare_proofs([earlier.source], [source]):
            kept.append(Proof(source=source, red_on=earlier.red_on))
    known = {proof.source.id for proof in kept}
    fresh = [source for source in sources if source.id not in known]
    before_work = on or context.project.skeleton
    if not fresh or before_work is None:
        return tuple(kept), tuple(NotRed(source, "has nothing to fail on") for source in fresh)
    await context.prepare(profile)
    ran = await context.run(
        (*profile.test, *WHOLE[profile.dialect]),
        title=f"see {counted(len(fresh), 'test')} fail without the work",
        collect=[profile.junit],
        at=before_work,
        overlay={**files},
    )
    report = ran.files.get(profile.junit)
    results = parse_junit(report, dialect=profile.dialect, tests=sources) if report else ()
    if not results:
        raise BuildFailed(
            f"The tests could not be run without the work: exit code {ran.exit_code}, and no test is reported.",
            hint=ran.output.strip()[-2000:],
        )
    status = {result.id: result.status for result in results}
    failed = [source for source in fresh if status.get(source.id) is TestStatus.FAILED]
    red = tuple(Proof(source=source, red_on=before_work) for source in failed)
    proved = {proof.source.id for proof in red}
    others = (source for source in fresh if source.id not in proved)
    return (*kept, *red), tuple(NotRed(source, INSTEAD[status.get(source.id)]) for source in others)
