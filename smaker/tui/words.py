"""Signs and short words for states, ages and money: no state is told by its colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

TASK = {"done": "✓", "failed": "✗", "running": "▸", "ready": "∘", "waiting": "·", "blocked": "?", "cancelled": "-"}
"""The sign of a task's state, by its value."""

STATUS = {
    "NEW": "·",
    "PLANNING": "▸",
    "CODING": "▸",
    "TESTING": "▸",
    "DEBUGGING": "▸",
    "READY": "✓",
    "DEPLOYED": "▲",
    "FAILED": "✗",
    "PAUSED": "‖",
    "STOPPED": "‖",
    "ASKS": "?",
    "WAITS": "?",
}
"""The sign of a project's status (`ProjectView.status`)."""

STYLE = {
    "✓": "green",
    "▲": "green",
    "✗": "red",
    "▸": "cyan",
    "?": "yellow",
    "‖": "yellow",
}
"""How a sign is coloured, as a help to those who see it."""


def age(at: datetime, now: datetime) -> str:
    """How long ago something was, in at most four characters."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def length(seconds: float | None) -> str:
    """A length of time, in at most six characters; "" of None."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    minutes = int(seconds) // 60
    return f"{minutes}m{int(seconds) % 60:02}" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02}"


def money(dollars: float) -> str:
    """US dollars; "" of nothing."""
    if dollars <= 0:
        return ""
    return f"${dollars:.2f}" if dollars >= 0.01 else "<$.01"


def count(number: int) -> str:
    """A number in at most five characters: 950, 12k, 3.4M."""
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 10 * size else f"{number // size}{unit}"
    return str(number)


def stage_bar(states: Iterable[str]) -> list[tuple[str, str]]:
    """The signs of stages and their styles, for `Text.assemble`."""
    return [(TASK[state], STYLE.get(TASK[state], "dim")) for state in states]


def share_bar(share: float, width: int) -> str:
    """A share of one as a bar of so many columns; what is not nothing shows at least as its thinnest part."""
    eighths = min(width * 8, max(0, round(share * width * 8)))
    if share > 0:
        eighths = max(1, eighths)
    full, part = divmod(eighths, 8)
    return f"{'█' * full}{' ▏▎▍▌▋▊▉'[part] if part else ''}".ljust(width, "░")
