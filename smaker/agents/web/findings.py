"""What a browser saw, as findings for whoever mends the software."""

from __future__ import annotations

from collections.abc import Iterator

from smaker.agents.web.paths import KeptPath, signature
from smaker.agents.web.printed import LOG_SHOWN, telling
from smaker.core.browsing import Visit
from smaker.core.models import Finding, Severity
from smaker.core.ports.browser import Discovery

CONSOLE_SHOWN = 10
LINE_SHOWN = 300  # characters of an entry of the console
SNAPSHOT_SHOWN = 1_000


def not_started(visit: Visit) -> Finding:
    """The software did not come up."""
    return Finding(
        source="browser",
        message=f"Started to be tried in a browser, it does not come up: {visit.trouble}",
        expected="it listens on its port",
        seen=visit.trouble,
        signature="browser start",
        evidence=visit.whole_log[-2 * LOG_SHOWN :],
    )


def from_discovery(found: Discovery, visit: Visit, *, told_only: bool) -> Finding:
    """What looking around found, with the way there and what the software printed meanwhile. ``told_only``: a warning,
    whatever it is; so is what did not show a second time."""
    steps = "\n".join(f"{number}. {action}" for number, action in enumerate(found.actions, 1))
    parts = [f"The way there:\n{steps}", found.finding.evidence, _logged(visit.log_at(found.at))]
    update: dict[str, object] = {"evidence": "\n\n".join(part for part in parts if part)}
    if told_only or not found.confirmed:
        update["severity"] = Severity.WARNING
    return found.finding.model_copy(update=update)


def from_path(path: KeptPath, visit: Visit) -> Finding | None:
    """What is wrong with a path that was played; None if all of it went well."""
    assert visit.result is not None
    failed = next((step for step in visit.result.steps if not step.ok), None)
    if failed is None and visit.result.ended == "done":
        return None
    steps = "\n".join(
        f"{number}. {step.action}{'' if step.ok else '   <- here'}" for number, step in enumerate(visit.result.steps, 1)
    )
    seen = failed.seen if failed else f"the browser ended: {visit.result.ended}"
    parts = [_logged(visit.log_at(failed.at) if failed else visit.whole_log), _console(visit)]
    if failed and failed.snapshot:
        parts.append(f"The page then ({failed.url}):\n{_clipped(failed.snapshot)}")
    parts.append(f"{path.name}:\n{steps}")  # last, for where room is short the beginning of evidence goes
    return path_wrong(
        path.name,
        path.requirements,
        message=seen if failed is None or str(failed.action.target or seen) in seen else f"{failed.action}: {seen}",
        expected=str(failed.action) if failed else "all of it can be done",
        seen=seen,
        evidence="\n\n".join(part for part in parts if part),
    )


def path_wrong(
    name: str, requirements: tuple[str, ...], *, message: str, expected: str, seen: str, evidence: str
) -> Finding:
    """A path that cannot be taken."""
    return Finding(
        source="browser",
        message=f"{name}: {message}",
        requirements=requirements,
        expected=expected,
        seen=seen,
        signature=signature(name),
        evidence=evidence,
    )


def stands(finding: Finding) -> Finding:
    """A finding on a path that was disputed, looked at again, and is as wrong as before."""
    if finding.severity is not Severity.ERROR:
        return finding
    told = "An objection to this path was heard: a visitor took it again, and it stands."
    return finding.model_copy(update={"evidence": f"{finding.evidence}\n\n{told}".strip()})


def left_untested(path: KeptPath) -> Iterator[Finding]:
    """A warning for each step of the plan that a path leaves out."""
    for entry in path.untested:
        yield Finding(
            source="browser",
            severity=Severity.WARNING,
            message=f"{path.name}: not tested in a browser: {entry.step} ({entry.why})",
            requirements=path.requirements,
            expected=entry.step,
            seen=entry.why,
            signature=f"{signature(path.name)}: {entry.step}",
        )


def _console(visit: Visit) -> str:
    result = visit.result
    assert result is not None
    lines = [line[:LINE_SHOWN] for line in dict.fromkeys([*result.page_errors, *result.console, *result.failed])]
    return "The browser's console and requests:\n" + "\n".join(lines[:CONSOLE_SHOWN]) if lines else ""


def _logged(text: str) -> str:
    shown = telling(text)
    return f"The software printed then:\n{shown}" if shown else ""


def _clipped(snapshot: str) -> str:
    """The beginning and the end of a page."""
    half = SNAPSHOT_SHOWN // 2
    return snapshot if len(snapshot) <= 2 * half else f"{snapshot[:half]}\n…\n{snapshot[-half:]}"
