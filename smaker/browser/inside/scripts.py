"""The scripts that are run in pages, from the files beside this one."""

from __future__ import annotations

import re
from pathlib import Path


def _script(name: str) -> str:
    """The script without the comment that opens its file."""
    return re.sub(
        r"^/\*.*?\*/\s*", "", Path(__file__).with_name(f"{name}.js").read_text("utf-8"), flags=re.DOTALL
    ).strip()


PAGE = _script("page")
DIGEST = _script("digest")
GUARD = _script("guard")
BARE = _script("bare")
AROUND = _script("around")
NAMED = _script("named")
AXE = _script("axe")
