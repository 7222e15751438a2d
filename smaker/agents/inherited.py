"""What was wrong in an adopted repository before this build touched it: it is told, but not this build's to mend."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from smaker.agents.evidence import parse_junit
from smaker.core.context import Context
from smaker.core.errors import SmakerError
from smaker.core.models import Finding, Severity, TestReport, TestSource, TestStatus
from smaker.core.profile import Profile

FAILURES_SHOWN = 12
FAILURE_SHOWN = 700  # characters, of the end of what a test said
SOURCE_SHOWN = 2_500  # characters


async def red_before(
    context: Context, profile: Profile, report: TestReport, sources: Sequence[TestSource]
) -> frozenset[str]:
    """The failed tests that prove nothing of this build and had failed before its work; they are run there to see."""
    skeleton = context.project.skeleton
    failed = {result.id for result in report.results if result.status is TestStatus.FAILED}
    doubtful = failed - {proof.source.id for proof in context.project.proofs}
    if not context.project.adopted or skeleton is None or not doubtful:
        return frozenset()
    ran = await context.run(
        profile.test, title="see which tests failed before the work", collect=[profile.junit], at=skeleton
    )
    xml = ran.files.get(profile.junit)
    try:
        results = parse_junit(xml, dialect=profile.dialect, tests=sources) if xml else ()
    except ValueError:
        return frozenset()
    return frozenset(doubtful & {result.id for result in results if result.status is TestStatus.FAILED})


async def tests_as_they_are(context: Context, profile: Profile) -> str:
    """What the tests of an adopted repository say before anything is changed, as a model reads it."""
    await context.prepare(profile)
    before = await context.tree()
    ran = await context.run(profile.test, title="see what its tests say", collect=[profile.junit])
    await put_back(context, before)
    xml = ran.files.get(profile.junit)
    try:
        results = parse_junit(xml, dialect=profile.dialect) if xml else ()
    except ValueError:
        results = ()
    failed = [result for result in results if result.status is TestStatus.FAILED]
    if not results:
        return f"`{' '.join(profile.test)}` ran no test (exit code {ran.exit_code}):\n{ran.output.strip()[-1500:]}"
    counted = TestReport(tree="", results=results)
    lines = [
        f"`{' '.join(profile.test)}`: {counted.ran} tests (each case of one with parameters is one), "
        f"{counted.count(TestStatus.FAILED)} fail now, of {len(failed)} functions:"
    ]
    for result in failed[:FAILURES_SHOWN]:
        cases = sum(result.cases.values())
        counts = f" ({result.cases[TestStatus.FAILED]} of its {cases} cases)" if cases > 1 else ""
        source = await _source(context, profile, result.id)
        lines.append(f"\n{result.id}{counts}\n{source}{result.message.strip()[-FAILURE_SHOWN:]}")
    if len(failed) > FAILURES_SHOWN:
        lines.append("\nAlso: " + ", ".join(result.id for result in failed[FAILURES_SHOWN : 10 * FAILURES_SHOWN]))
    return "\n".join(lines)


async def put_back(context: Context, tree: str) -> None:
    """Undo what commands did to files that git would keep: put them as they were in ``tree``."""
    if (now := await context.tree()) != tree:
        changed = await context.changes(now, tree)
        old = {path: entry[1] if entry else None for path, entry in changed.items()}
        await context.write(old, title="put back what commands changed")


async def _source(context: Context, profile: Profile, name: str) -> str:
    """The whole of a test, which says more than where it first failed; "" where it cannot be read, or is long."""
    path, _, inside = name.partition("::")
    if profile.dialect != "pytest":
        return ""
    try:
        text = await context.text(path)
        bodies: Sequence[ast.stmt] = ast.parse(text).body
    except (SmakerError, SyntaxError, ValueError, RecursionError):
        return ""
    found: ast.stmt | None = None
    for part in inside.split("::"):
        found = next((node for node in bodies if getattr(node, "name", None) == part), None)
        bodies = getattr(found, "body", [])
    lines = text.splitlines()[found.lineno - 1 : found.end_lineno] if found is not None else []
    shown = "\n".join(lines)
    return f"{shown}\n--- it says:\n" if lines and len(shown) <= SOURCE_SHOWN else ""


async def standing(context: Context, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, as warnings those of linters and gates about files that nobody touched, or about lines that stood
    there before."""
    skeleton = context.project.skeleton
    if not context.project.adopted or skeleton is None:
        return [*findings]
    before = await context.changes(await context.tree(), skeleton)
    sorted_out: list[Finding] = []
    for finding in findings:
        ours = finding.source not in {"lint", "gate"} or finding.file is None
        if finding.file in before and not ours:
            entry = before[finding.file]
            old = {line.strip() for line in entry[1].splitlines()} if entry else set[bytes]()
            now = [
                line.strip() for line in (await context.read_or(finding.file)).splitlines()
            ]  # it may have been moved
            ours = finding.line is None or not 0 < finding.line <= len(now) or now[finding.line - 1] not in old
        sorted_out.append(finding if ours else finding.model_copy(update={"severity": Severity.WARNING}))
    return sorted_out
