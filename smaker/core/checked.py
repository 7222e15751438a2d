"""What a check of this machine found: one line per thing a build needs, and how to mend it."""

from __future__ import annotations

from typing import Literal

from smaker.core.spec import Frozen


class Checked(Frozen):
    """One finding: "bad" keeps builds from working, "missing" only closes a door."""

    name: str
    state: Literal["ok", "missing", "bad"]
    detail: str
    remedy: str = ""
