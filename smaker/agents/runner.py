"""The runner: tests, lint, gates and a start of the software, in the sandbox. Findings, or the proof, come out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice

from smaker.agents.evidence import findings_from_lint, findings_from_results, parse_junit
from smaker.agents.inherited import put_back, red_before, standing
from smaker.agents.inspection import inspect_proofs, test_sources
from smaker.core.box import Ran
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.coverage import parse_coverage
from smaker.core.models import Finding, Outcome, Problem, Severity, TestReport, TestSource, TestStatus, Verdict
from smaker.core.ports import SandboxProfile
from smaker.core.profile import Profile
from smaker.core.proof import Trace, TraceRow, trace
from smaker.profiles import Catalog

TRACE_FILE = ".smaker/trace.json"
PLACEHOLDER = re.compile(
    rb"(?:#|//|/\*|<!--|--|\"\"\")\s*(?:TODO|FIXME|XXX)\b|\bNotImplementedError\b|raise NotImplemented\b"
    rb"|(?i:lorem ipsum|(?:rest|remainder) (?:is )?unchanged)"
)
"""Text that stands for work not done. A mark counts in a comment alone: a to-do list may well be called TODO."""

MOST_PLACEHOLDERS = 10  # told of one file

TEXT_SUFFIXES = (
    ".py",
    ".js",
    ".mjs",
    ".ts",
    ".tsx",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".yaml",
    ".yml",
    ".jinja",
    ".sql",
)


class Runner:
    """Implements `smaker.core.ports.Agent` for the stage "run"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Run everything that can say no. READY needs every must-have requirement proved and no finding."""
        profile = self._catalog.of(context.spec).profile
        by_hand = bool(context.task.payload.get("by_hand"))
        if by_hand:
            await context.take_user_files()
        await context.prepare(profile)
        found = await context.tree()
        findings = await _own_tools(context, profile.setup, "install")
        before = await context.tree()
        ran = await context.run(profile.test, collect=[path for path in (profile.junit, profile.coverage) if path])
        findings += await self._touched(context, before)
        sources = await test_sources(context, profile)
        report, test_findings = self._report(ran, profile, before, sources)
        if spared := await red_before(context, profile, report, sources):
            report, test_findings = self._report(ran, profile, before, sources, spared=spared)
        findings += test_findings
        for argv in profile.lint:
            linted = await context.run(argv)
            if linted.exit_code != 0:
                findings += findings_from_lint(linted.output, " ".join(argv))
        findings += await _own_tools(context, profile.checks, "run")
        if profile.setup or profile.checks:
            await put_back(context, found)
        findings += await placeholders(context)
        findings = await standing(context, findings)
        wrong = [finding for finding in findings if finding.severity is Severity.ERROR]
        if profile.start and profile.port and profile.health and not wrong:
            findings += await self._starts(context, profile)
        await self._keep(context, ran, profile)
        table = await self._trace(context, report)
        findings += _unproved(table, report)
        if any(finding.severity is Severity.ERROR for finding in findings):
            return _problems(findings, report, table)
        if not by_hand:
            await context.write({TRACE_FILE: _dump(table, report)}, title="write the proof", own=True)
            await context.commit(f"proof: {_passing(report)}")
            report = report.model_copy(update={"tree": await context.tree()})
        covered = f", {report.coverage:.0f} % covered" if report.coverage is not None else ""
        return Outcome(
            verdict=Verdict.DONE,
            summary=f"{_passing(report)}{covered}",
            report=report,
        )

    @staticmethod
    async def _touched(context: Context, before: str) -> list[Finding]:
        """A test run that rewrites files of the project could make itself pass."""
        if await context.tree() == before:
            return []
        changed = ", ".join(sorted(await context.changes(before))[:10])
        message = f"Running the tests changed files of the project: {changed}"
        return [Finding(source="gate", message=message, signature="touched")]

    @staticmethod
    def _report(
        ran: Ran, profile: Profile, tree: str, tests: Sequence[TestSource], *, spared: frozenset[str] = frozenset()
    ) -> tuple[TestReport, list[Finding]]:
        """Judge a run by its report: an exit code or a printed "passed" proves nothing, and no test is not a pass.
        Tests that are ``spared`` may fail."""
        xml = ran.files.get(profile.junit)
        problem = ""
        results = ()
        try:
            results = parse_junit(xml, dialect=profile.dialect, tests=tests) if xml else ()
        except ValueError as error:
            problem = f"the test report cannot be read: {error}"
        measured = ran.files.get(profile.coverage) if profile.coverage else None
        report = TestReport(
            tree=tree, results=results, coverage=parse_coverage(measured) if measured else None, exit_code=ran.exit_code
        )
        judged = [result for result in results if result.id not in spared]
        findings = list(findings_from_results(judged, tests=tests))
        if ran.limit:
            problem = f"the tests were stopped: {ran.limit}"
        elif not results and not problem:
            problem = "no test ran"
        elif ran.exit_code != 0 and not findings and not spared:
            problem = f"the tests ended with exit code {ran.exit_code}, though none is reported as failed"
        if problem:
            findings.append(Finding(source="run", message=problem, evidence=ran.output[-4000:], signature=problem[:60]))
        return report, findings

    @staticmethod
    async def _starts(context: Context, profile: Profile) -> list[Finding]:
        assert profile.port is not None
        assert profile.health is not None
        started = await context.try_start(
            profile.start_command(context.spec.package),
            port=profile.port,
            path=profile.health,
            variables=profile.start_variables(context.spec.package),
        )
        if started.status == 200:
            return []
        seen = f"answered {started.status}" if started.status else started.detail
        return [
            Finding(
                source="run",
                message=f"Started with `{' '.join(profile.start)}`, {profile.health} {seen}",
                expected="200",
                seen=seen,
                evidence=started.detail,
                signature="start",
            )
        ]

    @staticmethod
    async def _keep(context: Context, ran: Ran, profile: Profile) -> None:
        if profile.junit in ran.files:
            await context.keep("test-report", "junit.xml", "application/xml", ran.files[profile.junit])
        if profile.coverage and profile.coverage in ran.files:
            await context.keep("coverage", "coverage.xml", "application/xml", ran.files[profile.coverage])

    @staticmethod
    async def _trace(context: Context, report: TestReport) -> Trace:
        async def read(path: str) -> bytes | None:
            return await context.read_or(path) or None

        proofs = context.project.proofs
        broken = await inspect_proofs(proofs, read)
        return trace(context.spec, proofs, report, tree=report.tree, broken=broken)


async def _own_tools(context: Context, commands: Sequence[Sequence[str]], profile: SandboxProfile) -> list[Finding]:
    """Run the own commands of a repository; each that does not end with 0 is a finding."""
    findings: list[Finding] = []
    for argv in commands:
        ran = await context.run(argv, profile=profile)
        if ran.exit_code != 0 or ran.limit:
            words = " ".join(argv)
            seen = f"stopped: {ran.limit}" if ran.limit else f"exit code {ran.exit_code}"
            findings.append(
                Finding(
                    source="run",
                    message=f"`{words}` does not pass: {seen}",
                    expected="exit code 0",
                    seen=seen,
                    evidence=ran.output[-4000:],
                    signature=f"tool {words}"[:80],
                )
            )
    return findings


async def placeholders(context: Context) -> list[Finding]:
    """Find text that stands for work not done."""
    findings: list[Finding] = []
    for path in await context.files():
        if not path.endswith(TEXT_SUFFIXES) or path.startswith(".smaker/"):
            continue
        content = await context.read(path)
        for found in islice(PLACEHOLDER.finditer(content), MOST_PLACEHOLDERS):
            line = content.count(b"\n", 0, found.start()) + 1
            findings.append(
                Finding(
                    source="gate",
                    message=f"{path}:{line}: a placeholder: {found.group().decode()}",
                    file=path,
                    line=line,
                    signature=f"placeholder:{path}",
                )
            )
    return findings


def _unproved(table: Trace, report: TestReport) -> list[Finding]:
    """One finding per weakened test, and per must-have requirement without proof whose failing test says nothing."""
    failed = {result.id for result in report.results if result.status is TestStatus.FAILED}
    weakened = [
        Finding(
            source="proof",
            message=f"{test.id} no longer proves what it proved: {test.reason}",
            test=test.id,
            signature=f"weakened:{test.id}",
        )
        for test in table.weakened
    ]
    return weakened + [
        Finding(
            source="proof",
            message=f"{row.requirement} is not proved: {_why(row)} ({row.text})",
            requirements=(row.requirement,),
            signature=f"unproved:{row.requirement}",
        )
        for row in table.unproved
        if not any(test.id in failed for test in row.tests)
    ]


def _why(row: TraceRow) -> str:
    return row.tests[0].reason if row.tests else "no test names it"


def _problems(findings: list[Finding], report: TestReport, table: Trace) -> Outcome:
    """Findings go to the fixer, but a requirement that nobody wrote a test for is beyond it."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    summary = f"{counted(len(errors), 'finding')}: {errors[0].message}"
    if all(finding.source == "proof" for finding in errors):
        names = ", ".join(row.requirement for row in table.unproved) or "tests were weakened"
        problem = Problem(
            message=f"Built, but not proved: {names}. {errors[0].message}",
            hint="See the table with `smaker trace ID`; what this builder cannot do needs a model.",
            code="E_UNPROVED",
        )
        return Outcome(
            verdict=Verdict.FAILED, summary=problem.message, findings=tuple(findings), report=report, error=problem
        )
    return Outcome(verdict=Verdict.FINDINGS, summary=summary, findings=tuple(findings), report=report)


def _dump(table: Trace, report: TestReport) -> bytes:
    """The table as JSON, without commits and times: equal work gives an equal file."""
    rows = [
        {
            "requirement": row.requirement,
            "text": row.text,
            "must": row.must,
            "proved": row.proved,
            "tests": [{"id": test.id, "status": test.status} for test in row.tests],
        }
        for row in table.rows
    ]
    passed = report.count(TestStatus.PASSED)
    return (
        json.dumps({"tests": {"passed": passed}, "requirements": rows}, indent=2, ensure_ascii=False) + "\n"
    ).encode()


def _passing(report: TestReport) -> str:
    passed = report.count(TestStatus.PASSED)
    return f"{counted(passed, 'test')} {'passes' if passed == 1 else 'pass'}"
