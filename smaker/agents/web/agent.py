"""Implements the stage "web": kept paths are taken again, new ones found by a model, and the pages looked around in."""

from __future__ import annotations

from collections.abc import Set

from smaker.agents.web.findings import from_discovery, from_path, not_started
from smaker.agents.web.launching import Launching, launching
from smaker.agents.web.paths import PATHS_FILE, KeptPath, dump_paths, read_paths
from smaker.agents.web.visitor import Visitor
from smaker.core.browsing import Visit
from smaker.core.context import Context
from smaker.core.models import Finding, Outcome, Severity, TestReport, Verdict
from smaker.core.ports import SandboxLevel
from smaker.core.ports.browser import Action, BrowserJob, BrowserLimits
from smaker.profiles import Catalog

EXPLORE_S = 60.0
PLAY_S = 60.0
START = KeptPath(name="start", actions=(Action(kind="goto", value="/"),))
MEDIA = {".png": "image/png", ".zip": "application/zip"}


class WebAgent:
    """Implements `smaker.core.ports.Agent` for the stage "web"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Try the pages. Raises ModelError, Unavailable."""
        profile = self._catalog.of(context.spec).profile
        by_hand = bool(context.task.payload.get("by_hand"))
        if by_hand:
            await context.take_user_files()
        start = launching(context.spec, profile, await context.files())
        if start is None:
            return Outcome(verdict=Verdict.DONE, summary="there are no pages to try")
        if missing := await _missing(context):
            return Outcome(verdict=Verdict.DONE, summary=missing.message, findings=(missing,))
        await context.prepare(profile)
        looked = await self._visit(context, start, "look around", _explore(start))
        if looked.result is None:
            return _outcome([not_started(looked)], "")
        adopted = context.project.adopted
        findings = [from_discovery(found, looked, told_only=adopted) for found in looked.result.discoveries]
        report: TestReport | None = None
        kept = read_paths(await context.read_or(PATHS_FILE))
        for path in kept:
            played = await self._visit(context, start, f"try: {path.name}", _play(start, path))
            if (wrong := from_path(path, played) if played.result else not_started(played)) is not None:
                findings.append(wrong)
        if context.project.mode != "offline" and not by_hand:
            fresh, wrongs = await self._take(context, start, {path.name for path in kept})
            findings += wrongs
            if fresh:
                kept += fresh
                report = await _keep(context, kept)
        pages = len(looked.result.pages)
        outcome = _outcome(findings, f"{pages} pages, {len(kept)} paths: nothing wrong")
        return outcome.model_copy(update={"report": report})

    async def _take(
        self, context: Context, start: Launching, known: Set[str]
    ) -> tuple[tuple[KeptPath, ...], list[Finding]]:
        """Have a model take the paths of the plan that nobody took yet."""
        scenarios = [scenario for scenario in context.spec.scenarios if scenario.name not in known]
        if not scenarios:
            return (), []
        opened = await self._visit(context, start, "open the start page", _play(start, START))
        if opened.result is None:
            return (), [not_started(opened)]
        visitor = Visitor(context, lambda title, job: self._visit(context, start, title, job), start)
        taken: list[KeptPath] = []
        findings: list[Finding] = []
        for scenario in scenarios:
            path, wrong = await visitor.take(scenario, opened.result.snapshot)
            taken += [path] if path else []
            findings += [wrong] if wrong else []
        return tuple(taken), findings

    @staticmethod
    async def _visit(context: Context, start: Launching, title: str, job: BrowserJob) -> Visit:
        visit = await context.browse(job, title=title, argv=start.argv, variables=start.variables)
        for name, data in visit.files.items():
            suffix = f".{name.rpartition('.')[2]}"
            kind = "screenshot" if suffix == ".png" else "trace"
            await context.keep(kind, f"{title}/{name}", MEDIA.get(suffix, "application/octet-stream"), data)
        return visit


async def _missing(context: Context) -> Finding | None:
    """What to tell where this machine has no browser."""
    status = await context.browser()
    if status.level is not SandboxLevel.OFF:
        return None
    return Finding(
        source="browser",
        severity=Severity.WARNING,
        message=f"Not tried in a browser: {status.detail}",
        seen=status.remedy or None,
        signature="no browser",
    )


async def _keep(context: Context, paths: tuple[KeptPath, ...]) -> TestReport | None:
    """Commit the paths; return the newest run of the tests as one of these files, if it was of those before: nothing of
    the software is different."""
    before, report = await context.tree(), context.build.report
    await context.write({PATHS_FILE: dump_paths(paths)}, title="keep paths through the pages", own=True)
    await context.commit(f"web: {len(paths)} paths through the pages")
    if report is None or report.tree != before:
        return None
    return report.model_copy(update={"tree": await context.tree()})


def _explore(start: Launching) -> BrowserJob:
    return BrowserJob(kind="explore", port=start.port, path=start.path, limits=BrowserLimits(seconds=EXPLORE_S))


def _play(start: Launching, path: KeptPath) -> BrowserJob:
    return BrowserJob(
        kind="play", port=start.port, path=start.path, actions=path.actions, limits=BrowserLimits(seconds=PLAY_S)
    )


def _outcome(findings: list[Finding], summary: str) -> Outcome:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if not errors:
        return Outcome(verdict=Verdict.DONE, summary=summary, findings=tuple(findings))
    return Outcome(
        verdict=Verdict.FINDINGS, summary=f"{len(errors)} findings: {errors[0].message}", findings=tuple(findings)
    )
