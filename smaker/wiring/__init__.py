"""The one room that knows every adapter. ``open_*`` and ``build_*`` functions put the others together; no logic.

What they put together is imported when it is first needed, so that looking at the record starts quickly.
"""

from smaker.wiring.local import Local, open_local
from smaker.wiring.parts import AGENTS, build_browser, build_sandbox, build_workspaces
from smaker.wiring.reader import Reader, found_damaged, open_reader

__all__ = [
    "AGENTS",
    "Local",
    "Reader",
    "build_browser",
    "build_sandbox",
    "build_workspaces",
    "found_damaged",
    "open_local",
    "open_reader",
]
