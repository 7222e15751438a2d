"""What went wrong and what to do next, in keys: hints name verbs of the command line, and here most have a key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smaker.tui.literal import content

if TYPE_CHECKING:
    from smaker.core.errors import SmakerError
    from smaker.core.models import Problem

KEYS = {
    "add-step": "+",
    "delete": "X",
    "deploy": "D",
    "doctor": "W",
    "pause": "p",
    "restart": "R",
    "resume": "r",
}
"""The keys of verbs that are on the list of projects and on a project's own screen alike."""

BUDGET = "b"
"""The key of a verb that goes on with more money, time or tokens."""

_VERB = re.compile(
    rf"`?\bsmaker (?P<verb>{'|'.join(KEYS)})\b(?: ID\b| [a-z2-9]{{8}}\b)?"
    r"(?P<budget> --max-\S+ [\d.]+)?(?: --from (?P<stage>\w+))?`?"
)


def in_keys(hint: str) -> str:
    """The hint with keys instead of verbs that have one."""

    def key(found: re.Match[str]) -> str:
        if found["budget"]:
            return BUDGET
        stage = f" (from {found['stage']})" if found["stage"] else ""
        return f"{KEYS[found['verb']]}{stage}"

    return _VERB.sub(key, hint)


def complaint(error: SmakerError | Problem, *, apart: str = "\n") -> str:
    """An error and what to do about it, as it may be shown."""
    return str(content(f"{error.message}{apart}{in_keys(error.hint)}".strip()))
