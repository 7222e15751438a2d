"""Named points at which a test can end the process, to prove that a killed build loses nothing.

``SMAKER_CRASH_AT=name:n`` kills this process (SIGKILL) when point ``name`` is passed for the n-th time, and
``SMAKER_CRASH_AT=*:n`` at the n-th passing of any point. Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_at, _, _count = os.environ.get("SMAKER_CRASH_AT", "").partition(":")
_left = int(_count or "1") if _at else 0


def crashpoint(name: str) -> None:
    """Mark a boundary between two durable effects."""
    global _left  # noqa: PLW0603  one countdown per process
    if _left and _at in {name, "*"}:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
