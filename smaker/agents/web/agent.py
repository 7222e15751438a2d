"""Implements the stage "web": kept paths are taken again, new ones come from the profile or a model, and the pages are
looked around in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smaker.agents.web.findings import from_discovery, from_path, left_untested, not_started, stands
from smaker.agents.web.keeping import keep
from smaker.agents.web.launching import Launching, launching
from smaker.agents.web.paths import PATHS_FILE, KeptPath, read_paths, slug
from smaker.agents.web.planned import planned_paths
from smaker.agents.web.telling import Objection
from smaker.agents.web.visitor import Visitor
from smaker.core.browsing import PLAYED, Visit
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.mending import UNTRIED, disputed_paths
from smaker.core.models import Finding, Outcome, Severity, Verdict
from smaker.core.ports import SandboxLevel
from smaker.core.ports.browser import BrowserJob, BrowserLimits, Dialect
from smaker.core.spec import Scenario, Spec
from smaker.profiles import Catalog

EXPLORE_S = 60.0
MEDIA = {".png": "image/png", ".zip": "application/zip"}


class WebAgent:
    """Implements `smaker.core.ports.Agent` for the stage "web"."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self, context: Context) -> Outcome:
        """Try the pages. Raises ModelError, Unavailable."""
        loaded = self._catalog.of(context.spec)
        profile = loaded.profile
        by_hand = bool(context.task.payload.get("by_hand"))
        if by_hand:
            await context.take_user_files()
        start = launching(context.spec, profile, await context.files())
        if start is None:
            return Outcome(verdict=Verdict.DONE, summary="there are no pages to try")
        if missing := await _missing(context):
            return Outcome(verdict=Verdict.DONE, summary=missing.message, findings=(missing,))
        await context.prepare(profile)
        tried = _Tried(context, start, profile.dialect)
        looked = await tried.visit("look around", _explore(start))
        if looked.result is None:
            return _outcome([not_started(looked)], "")
        adopted = context.project.adopted
        findings = [from_discovery(found, looked, told_only=adopted) for found in looked.result.discoveries]
        known = {path.name: path for path in read_paths(await context.read_or(PATHS_FILE))}
        tests = {} if adopted else dict(looked.tests)
        offline = context.project.mode == "offline"
        planned = planned_paths(loaded, context.spec) if offline and not adopted else ()
        by_name = {path.name: path for path in planned}
        paths = by_name | known if by_hand else known | by_name
        judging = {entry.path: Objection(entry.reason, entry.found) for entry in disputed_paths(context.task)}
        visits = _Visits(tried, Visitor(context, tried.visit, start), judging)
        for path in paths.values():
            wrong = await tried.take(path)
            if wrong and slug(path.name) in judging:
                wrong = await visits.make(_scenario(context.spec, path))
                if not _errors(wrong):
                    known.pop(path.name, None)
            elif not wrong:
                known[path.name] = path
            findings += wrong
        if not offline and not by_hand:
            for scenario in context.spec.scenarios:
                if scenario.name not in known and scenario.name not in visits.made:
                    findings += await visits.make(scenario)
        kept = tuple((known | visits.taken).values())
        findings += [untested for path in kept for untested in left_untested(path)]
        tests |= tried.tests
        report = await keep(context, kept, tests, profile.dialect) if not by_hand else None
        outcome = _outcome(findings, f"{counted(len(looked.result.pages), 'page')}, {counted(len(kept), 'path')}")
        return outcome.model_copy(update={"report": report})


class _Tried:
    """Visits of one task; ``tests`` are of the paths that could be taken, by their names."""

    def __init__(self, context: Context, start: Launching, dialect: Dialect) -> None:
        self.context = context
        self.start = start
        self.tests: dict[str, str] = {}
        self._dialect: Dialect = dialect

    async def visit(self, name: str, job: BrowserJob) -> Visit:
        """Make a visit and keep its pictures."""
        context, start = self.context, self.start
        visit = await context.browse(job, name=name, argv=start.argv, variables=start.variables, dialect=self._dialect)
        for file, data in visit.files.items():
            suffix = f".{file.rpartition('.')[2]}"
            kind = "screenshot" if suffix == ".png" else "trace"
            await context.keep(kind, f"{name}/{file}", MEDIA.get(suffix, "application/octet-stream"), data)
        return visit

    async def take(self, path: KeptPath) -> list[Finding]:
        """Take a path from its beginning; return what is wrong with it."""
        visit = await self.visit(path.name, self.start.play(path.actions))
        wrong = from_path(path, visit) if visit.result else not_started(visit)
        if wrong is not None:
            return [wrong]
        self.tests[path.name] = visit.tests[PLAYED]
        return []


class _Visits:
    """What a model made of scenarios: ``taken`` are the paths that it found and that can be taken once more."""

    def __init__(self, tried: _Tried, visitor: Visitor, judging: Mapping[str, Objection]) -> None:
        self.made: set[str] = set()
        self.taken: dict[str, KeptPath] = {}
        self._tried = tried
        self._visitor = visitor
        self._judging = judging

    async def make(self, scenario: Scenario) -> list[Finding]:
        """Have a scenario taken; return what is wrong. Raises ModelError."""
        objection = self._judging.get(slug(scenario.name))
        self.made.add(scenario.name)
        taken = await self._visitor.take(scenario, objection)
        wrong = [*taken.findings]
        if taken.path is not None:
            wrong = await self._tried.take(taken.path)
            if not wrong:
                self.taken[scenario.name] = taken.path
        return [stands(one) for one in wrong] if objection else wrong


def _scenario(spec: Spec, path: KeptPath) -> Scenario:
    """What the plan says of a path; of one it does not know, what is done there."""
    planned = next((scenario for scenario in spec.scenarios if scenario.name == path.name), None)
    return planned or Scenario(
        name=path.name, requirements=path.requirements, steps=tuple(str(action) for action in path.actions)
    )


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
        signature=UNTRIED,
    )


def _explore(start: Launching) -> BrowserJob:
    return BrowserJob(kind="explore", port=start.port, path=start.path, limits=BrowserLimits(seconds=EXPLORE_S))


def _errors(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is Severity.ERROR]


def _outcome(findings: list[Finding], summary: str) -> Outcome:
    if errors := _errors(findings):
        return Outcome(
            verdict=Verdict.FINDINGS,
            summary=f"{counted(len(errors), 'finding')}: {errors[0].message}",
            findings=tuple(findings),
        )
    warned = counted(len(findings), "warning") if findings else "nothing wrong"
    return Outcome(
        verdict=Verdict.DONE, summary=f"{summary}: {warned}" if summary else warned, findings=tuple(findings)
    )
