"""Turn failed tests and the output of linters and crashed programs into findings, one per cause, the root first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from smaker.agents.evidence.traces import Trace, normalised, read_trace, relative, strip_colours
from smaker.core.models import Finding, TestResult, TestSource, TestStatus
from smaker.core.ports import WORKSPACE

EVIDENCE = 4000
"""Characters of evidence kept with a finding."""

# A file that does not load fails every test that needs it: what it says comes before what they say.
LOADING = {
    "SyntaxError",
    "IndentationError",
    "TabError",
    "ImportError",
    "ModuleNotFoundError",
    "ReferenceError",
    "NameError",
}
RUFF_LINE = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+):\d+: (?P<code>[A-Z]+\d+|[a-z-]+):? (?:\[\*\] )?(?P<text>.+)$"
)
UNFORMATTED = re.compile(
    r"^(?:Would reformat: (?P<file>.+)|unformatted: .*\n *--> (?P<other>.+?):\d+:\d+)$", re.MULTILINE
)


def findings_from_results(
    results: Iterable[TestResult], *, tests: Sequence[TestSource] = (), root: str = WORKSPACE
) -> tuple[Finding, ...]:
    """Return one finding per cause among the failed ``results``, the root first.

    Root first: what keeps files from loading, then what fails most tests, then the order of the report.
    ``tests`` give the requirements each finding touches. ``root`` is where the workspace was during the run.
    """
    requirements = {test.id: test.requirements for test in tests}
    groups: dict[str, list[tuple[TestResult, Trace]]] = {}
    for result in results:
        if result.status is TestStatus.FAILED:
            trace = _trace(result, root)
            groups.setdefault(trace.signature, []).append((result, trace))
    ordered = sorted(groups.values(), key=lambda group: (group[0][1].kind not in LOADING, -len(group)))
    return tuple(_finding(group, requirements) for group in ordered)


def _trace(result: TestResult, root: str) -> Trace:
    found = read_trace(result.message, root=root)
    if found is not None:
        return found
    lines = [line.strip() for line in strip_colours(result.message).splitlines() if line.strip()]
    return Trace("Failed", lines[0] if lines else "no reason given", result.file, result.line)


def _finding(group: list[tuple[TestResult, Trace]], requirements: dict[str, tuple[str, ...]]) -> Finding:
    result, trace = group[0]
    names = dict.fromkeys(name for member, _ in group for name in requirements.get(member.id, ()))
    others = len(group) - 1
    more = f" (and {others} more test{'s' if others > 1 else ''} for the same reason)" if others else ""
    return Finding(
        source="test",
        message=f"{result.id}: {trace.kind}: {trace.message}{more}",
        file=trace.file or result.file,
        line=trace.line or result.line,
        test=result.id,
        requirements=tuple(names),
        expected=trace.expected,
        seen=trace.seen,
        signature=trace.signature,
        evidence=_clipped(result.message),
    )


def findings_from_lint(
    output: str, command: str, *, source: Literal["lint", "gate", "run"] = "lint", root: str = WORKSPACE
) -> tuple[Finding, ...]:
    """Return findings for the output of a check that ended with an error; at least one.

    Knows ruff's concise and JSON formats and its formatter, and any program that ends in a Python or Node stack
    trace; of other output the end is the evidence of one finding. ``command`` is named in messages.
    """
    text = strip_colours(output)
    found = list(_ruff_json(text, root)) or [*_ruff_lines(text, root), *_ruff_format(text, root)]
    if found:
        return tuple(dict.fromkeys(found))
    trace = read_trace(text, root=root)
    if trace is not None:
        message, signature = f"`{command}`: {trace.kind}: {trace.message}", trace.signature
    else:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        message = f"`{command}` failed: {lines[-1] if lines else 'it printed nothing'}"
        signature = normalised(message)
    return (
        Finding(
            source=source,
            message=message,
            file=trace.file if trace else None,
            line=trace.line if trace else None,
            signature=signature,
            evidence=_clipped(text),
        ),
    )


def _ruff_json(text: str, root: str) -> Iterator[Finding]:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError):
        return
    for item in items if isinstance(items, list) else []:
        match item:
            case {"filename": str(file), "message": str(message), "location": {"row": int(row)}, **rest}:
                code = rest.get("code")
                yield _lint(file, row, code if isinstance(code, str) else "invalid-syntax", message, root)
            case _:
                pass


def _ruff_lines(text: str, root: str) -> Iterator[Finding]:
    for line in text.splitlines():
        match = RUFF_LINE.match(line)
        if match:
            yield _lint(match["file"], int(match["line"]), match["code"], match["text"], root)


def _ruff_format(text: str, root: str) -> Iterator[Finding]:
    for match in UNFORMATTED.finditer(text):
        yield _lint(match["file"] or match["other"], None, "format", "is not formatted", root)


def _lint(file: str, line: int | None, code: str, message: str, root: str) -> Finding:
    path = relative(file, root) or file
    where = f"{path}:{line}" if line else path
    return Finding(
        source="lint",
        message=f"{where}: {code} {message}",
        file=path,
        line=line,
        signature=f"{code} {normalised(message)} at {path}",
    )


def _clipped(text: str) -> str:
    if len(text) <= EVIDENCE:
        return text
    head = EVIDENCE // 4
    return f"{text[:head]}\n…\n{text[head - EVIDENCE :]}"
