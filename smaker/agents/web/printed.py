"""What software printed while it was tried, without what tells nothing: files it served, lines that come again."""

from __future__ import annotations

import re

LOG_SHOWN = 700  # characters

_SERVED = re.compile(
    r"\b(GET|HEAD) \S+\.(css|m?js|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|webmanifest)(\?\S*)?"
    r"( HTTP/[\d.]+)?\"?:? +(\x1b\[\d+m)*(200|304)\b"
)
_VARIES = re.compile(r"\d{1,2}:\d{2}:\d{2}([.,]\d+)?|\b\d{1,3}(\.\d{1,3}){3}:\d+|\b[\d.]+ ?(ms|µs|us|s)\b")
"""Times, ports of whoever asked, durations: two lines that differ in nothing else are the same."""


def telling(text: str) -> str:
    """The end of an output, as far as it tells something; what was left out is counted."""
    seen: set[str] = set()
    lines: list[str] = []
    left_out = 0
    for line in text.splitlines():
        same = _VARIES.sub("#", line.strip())
        if not same:
            continue
        if _SERVED.search(line) or same in seen:
            left_out += 1
            continue
        seen.add(same)
        lines.append(line.rstrip())
    shown = "\n".join(lines)
    if len(shown) > LOG_SHOWN:
        shown = "…" + shown[-LOG_SHOWN:]
    if not shown:
        return ""
    return shown + (f"\n({left_out} lines left out: static files, repetitions)" if left_out else "")
