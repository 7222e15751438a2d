"""Affected tests first: those that had failed are run again as soon as a fix is written, before all are.

What still fails is told at once, in the talk in which the fix was written: cheaper than a round of its own. It is told
as long as fewer fail than before; what is left then is for the next round.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from smaker.agents.evidence import findings_from_results, is_test_file, parse_junit
from smaker.agents.inspection import test_sources
from smaker.agents.model.found import findings_text
from smaker.core.context import Context
from smaker.core.models import Finding, TestStatus
from smaker.core.profile import Profile


class Affected:
    """The tests that a fix is about."""

    def __init__(self, context: Context, profile: Profile, findings: Sequence[Finding]) -> None:
        self._context = context
        self._profile = profile
        self._tests = {finding.test for finding in findings if finding.test}
        self._before: int | None = None  # how many failed when the model was last told
        self.told = False  # that is all that is wrong with its files

    async def wrong(self, disputed: Set[str]) -> str:
        """What fails of them now, in words for a model; nothing where all pass, or no fewer fail than last time."""
        self.told = False
        files = [
            path for path in await self._context.files() if path in {name.partition("::")[0] for name in self._tests}
        ]
        if not files:
            return ""
        found = await self._failing(files, disputed)
        if not found or (self._before is not None and len(found) >= self._before):
            return ""
        self._before, self.told = len(found), True
        return (
            "Your files are in place. Of the tests that had failed, these fail now:\n\n"
            f"{findings_text(found)}\n\nMend what is left."
        )

    async def _failing(self, files: Sequence[str], disputed: Set[str]) -> Sequence[Finding]:
        context, profile = self._context, self._profile
        sources = await test_sources(context, profile)
        ran = await context.run(
            only(profile, files),
            title=f"run the tests of {', '.join(files)}"[:200],
            collect=[profile.junit],
            at=await context.tree(),
        )
        report = ran.files.get(profile.junit)
        try:
            results = parse_junit(report, dialect=profile.dialect, tests=sources) if report else ()
        except ValueError:
            return ()  # running all of them says what is wrong
        matter = (self._tests | {proof.source.id for proof in context.project.proofs}) - disputed
        failed = [result for result in results if result.status is TestStatus.FAILED and result.id in matter]
        return findings_from_results(failed, tests=sources)


def only(profile: Profile, files: Sequence[str]) -> tuple[str, ...]:
    """The profile's test command for some files of tests."""
    words = [
        word
        for word in profile.test
        if word.rstrip("/") != profile.acceptance and not is_test_file(profile.dialect, word)
    ]
    return (*words, *files)
