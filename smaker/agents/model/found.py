"""Findings as a model reads them."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.core.models import Finding

EVIDENCE_SHOWN = 2_500  # characters of one finding's evidence
FINDINGS_SHOWN = 12


def findings_text(findings: Sequence[Finding]) -> str:
    """What was found, as a model reads it: the root cause first, as the runner ordered it."""
    parts: list[str] = []
    for number, finding in enumerate(findings[:FINDINGS_SHOWN], 1):
        where = f" ({finding.file}:{finding.line})" if finding.file and finding.line else ""
        serves = f" [{', '.join(finding.requirements)}]" if finding.requirements else ""
        lines = [f"## {number}. {finding.message}{where}{serves}"]
        if finding.expected is not None and finding.expected not in finding.message:
            lines.append(f"expected: {finding.expected}")
        if finding.seen is not None and finding.seen not in finding.message:
            lines.append(f"seen: {finding.seen}")
        if finding.evidence:
            lines.append(f"```\n{finding.evidence[-EVIDENCE_SHOWN:].strip()}\n```")
        parts.append("\n".join(lines))
    if len(findings) > FINDINGS_SHOWN:
        parts.append(f"… and {len(findings) - FINDINGS_SHOWN} more findings.")
    return "\n\n".join(parts)
