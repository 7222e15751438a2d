"""Named points at which a test can end the process, to prove that a killed build loses nothing.

``SMAKER_CRASH_AT=name:n`` kills this process (SIGKILL) when point ``name`` is passed for the n-th time, and
``SMAKER_CRASH_AT=*:n`` at the n-th passing of any point. Without the variable a point
costs an addition and a comparison.
"""

from __future__ import annotations

import os
import signal

_at, _, _count = os.environ.get("SMAKER_CRASH_AT", "").partition(":")
_left = int(_count or "1") if _at else 0
_passed = 0


def passed() -> int:
    """How many points this process has passed."""
    return _passed


def crashpoint(name: str) -> None:
    """Mark a boundary between two durable effects."""
    global _left, _passed  # noqa: PLW0603  one count per process
    _passed += 1
    if _left and _at in {name, "*"}:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
