"""What a browser saw, as findings for whoever mends the software."""

from __future__ import annotations

from smaker.agents.web.paths import KeptPath, slug
from smaker.core.browsing import Visit
from smaker.core.models import Finding, Severity
from smaker.core.ports.browser import Discovery

LOG_SHOWN = 1500  # characters of the software's output
CONSOLE_SHOWN = 10
SNAPSHOT_SHOWN = 3000


def not_started(visit: Visit) -> Finding:
    """The software did not come up."""
    return Finding(
        source="browser",
        message=f"Started to be tried in a browser, it does not come up: {visit.trouble}",
        expected="it listens on its port",
        seen=visit.trouble,
        signature="browser start",
        evidence=visit.whole_log[-LOG_SHOWN:],
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
    parts = [f"{path.name}:\n{steps}"]
    if failed and failed.snapshot:
        parts.append(f"The page then ({failed.url}):\n{failed.snapshot[:SNAPSHOT_SHOWN]}")
    parts += [_console(visit), _logged(visit.log_at(failed.at) if failed else visit.whole_log)]
    return Finding(
        source="browser",
        message=f"{path.name}: {failed.action if failed else 'the pages'}: {seen}",
        requirements=path.requirements,
        expected=str(failed.action) if failed else "all of it can be done",
        seen=seen,
        signature=f"browser path {slug(path.name)}",
        evidence="\n\n".join(part for part in parts if part),
    )


def _console(visit: Visit) -> str:
    result = visit.result
    assert result is not None
    lines = [*result.page_errors, *result.console, *result.failed][:CONSOLE_SHOWN]
    return "The browser's console and requests:\n" + "\n".join(lines) if lines else ""


def _logged(text: str) -> str:
    shown = text.strip()[-LOG_SHOWN:]
    return f"The software printed then:\n{shown}" if shown else ""
