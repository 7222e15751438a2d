"""The offline tester: renders acceptance tests from the spec alone, and sees each fail before the work is done."""

from __future__ import annotations

from smaker.agents.offline.coder import format_files
from smaker.agents.red_first import NotRed, read_sources, see_red
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import Finding, Outcome, Problem, Verdict
from smaker.profiles import Catalog


class OfflineTester:
    """Implements `smaker.core.ports.Agent` for the stage "tests"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Write and commit the tests. Fails if one is green on the skeleton: it would prove nothing."""
        spec = context.spec
        loaded = self._catalog.of(spec)
        files: dict[str, bytes] = {}
        for entity in spec.entities:
            files.update(loaded.render("acceptance/entity", spec, entity=entity))
        files.update(loaded.render("acceptance/project", spec))
        await context.write({**files}, title=f"write {counted(len(files), 'file')} of tests")
        await format_files(context, loaded)
        written = {path: await context.read(path) for path in files}
        sources = read_sources(loaded.profile, written)
        proofs, unproved = await see_red(context, loaded.profile, written, sources)
        if unproved:
            return _worthless(unproved)
        await context.commit(
            f"tests: {len(sources)} acceptance tests",
            requirements=sorted(
                {name for source in sources for name in source.requirements}, key=lambda name: int(name[1:])
            ),
        )
        return Outcome(verdict=Verdict.DONE, summary=f"{counted(len(sources), 'test')}, each seen red", proofs=proofs)


def _worthless(unproved: tuple[NotRed, ...]) -> Outcome:
    findings = tuple(
        Finding(
            source="proof",
            message=f"{one.source.id} does not fail without the work it is to prove: it {one.instead}",
            test=one.source.id,
            requirements=one.source.requirements,
            expected="red before the work",
            seen=f"it {one.instead}",
        )
        for one in unproved
    )
    message = f"{len(unproved)} acceptance tests prove nothing: {findings[0].message}"
    return Outcome(verdict=Verdict.FAILED, summary=message, findings=findings, error=Problem(message=message))
