"""The pictures of the terminal app: all are drawn from recorded builds, and all are on its page."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.timeout(180)
def test_every_picture_can_be_drawn_and_is_on_the_page(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, str(DOCS / "screens" / "make.py"), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    drawn = {path.name for path in tmp_path.glob("*.svg")}
    assert drawn == {path.name for path in (DOCS / "screens").glob("*.svg")}, "draw them with: make screens"
    assert drawn == set(re.findall(r"\(screens/([\w-]+\.svg)\)", (DOCS / "tui.md").read_text("utf-8")))
    for path in tmp_path.glob("*.svg"):
        text = path.read_text("utf-8")
        assert "READY" in text or "smaker" in text
        assert "/tmp/" not in text
        assert str(tmp_path) not in text
