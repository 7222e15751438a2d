"""Findings as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.core.models import Finding

EVIDENCE_SHOWN = 2_500  # characters of one finding's evidence
FINDINGS_SHOWN = 12
REPEATED = 120  # characters of a paragraph, from which it is shown once


def findings_text(findings: Sequence[Finding]) -> str:
    """What was found, as a model reads it: the root cause first, as the runner ordered it; what several have in common,
    such as the page that they end on, once."""
    parts: list[str] = []
    told: dict[str, int] = {}
    for number, finding in enumerate(findings[:FINDINGS_SHOWN], 1):
        where = f" ({finding.file}:{finding.line})" if finding.file and finding.line else ""
        serves = f" [{', '.join(finding.requirements)}]" if finding.requirements else ""
        lines = [f"## {number}. {finding.message}{where}{serves}"]
        if finding.expected is not None and finding.expected not in finding.message:
            lines.append(f"expected: {finding.expected}")
        if finding.seen is not None and finding.seen not in finding.message:
            lines.append(f"seen: {finding.seen}")
        if evidence := _once(finding.evidence[-EVIDENCE_SHOWN:].strip(), number, told):
            lines.append(f"```\n{evidence}\n```")
        parts.append("\n".join(lines))
    if len(findings) > FINDINGS_SHOWN:
        parts.append(f"… and {len(findings) - FINDINGS_SHOWN} more findings.")
    return "\n\n".join(parts)


def _once(evidence: str, number: int, told: dict[str, int]) -> str:
    """Evidence where long paragraphs that an earlier finding showed are named instead; ``told`` says by which."""
    parts: list[str] = []
    for part in evidence.split("\n\n"):
        first = told.setdefault(part, number) if len(part) >= REPEATED else number
        heading = part.partition("\n")[0]
        parts.append(part if first == number else f"{heading} as in {first}.")
    return "\n\n".join(parts)
