"""The offline fixer: mends what formatters mend by themselves, and says honestly when that is not enough."""

from __future__ import annotations

from smaker.agents.offline.coder import format_files
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.mending import findings_of
from smaker.core.models import Outcome, Problem, Verdict
from smaker.profiles import Catalog


class OfflineFixer:
    """Implements `smaker.core.ports.Agent` for the stage "fix"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Run the profile's formatters; failed if they change nothing."""
        findings = findings_of(context.task)
        before = await context.tree()
        if any(finding.source == "lint" for finding in findings):
            await format_files(context, self._catalog.of(context.spec))
        if await context.tree() == before:
            first = findings[0].message if findings else "nothing was reported"
            message = f"{counted(len(findings), 'finding')} that no rule mends: {first}"
            problem = Problem(
                message=message,
                hint="Mend the files and run `smaker restart ID --from run`, or build with a model.",
                code="E_NEEDS_MODEL",
            )
            return Outcome(verdict=Verdict.FAILED, summary=message, findings=findings, error=problem)
        await context.commit("fix: format and lint")
        return Outcome(verdict=Verdict.DONE, summary="formatted")
