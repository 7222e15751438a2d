"""Every prompt has a golden file, so that a change of its words is seen in review, and gets all it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from smaker.agents.prompts import gaps, names, render
from smaker.core.profile import Profile
from smaker.core.spec import ProductKind, Requirement

GOLDEN = Path(__file__).parent / "golden"
PROFILE = Profile(
    name="python",
    title="Python project",
    description="Any software in Python.",
    kind=ProductKind.LIBRARY,
    test=("python", "-m", "pytest"),
    rules=("Keep it plain.",),
)
GIVEN: dict[str, object] = {
    "profiles": [PROFILE],
    "profile": PROFILE,
    "spec": "Roman: it converts.\n\nRequirements:\n- R1: to_roman(4) is IV.",
    "files": '<file path="a.py">\nx = 1\n</file>',
    "numbered": "1| Convert numbers.",
    "prompt": "Convert numbers.",
    "answer": "Upper case.",
    "lines": "1| Convert numbers.",
    "task": "Write the whole of the software now.",
    "existing": "",
    "others": "README.md",
    "findings": "## 1. it fails",
    "since": "--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x = 2\n+x = 1",
    "pattern": "tests/acceptance/test_*.py",
    "naming": "Each test has a mark.",
    "tools": [],
    "tests": "",
    "answer_lines": 1500,
    "pages": True,
    "most": 8,
    "edit_format": "(the format of files and edits)",
    "decided": ("Which case? Taken: upper.",),
    "requirements": [Requirement(id="R1", text="4 is IV.")],
    "passages": "Numerals are upper case.",
    "objection": {"found": "Turn a number: iv", "reason": "No words say so."},
    "most_actions": 30,
    "scenario": "Turn a number",
    "steps": ("open /", "type 4", "see IV"),
    "path": "/",
    "snapshot": "- textbox: Number",
    "tried": "`make check`: exit code 2",
}


@pytest.mark.parametrize("name", names())
def test_a_prompt_is_as_it_was_reviewed(name: str) -> None:
    """To accept a change: write the text into the golden file."""
    assert gaps(name) <= GIVEN.keys(), "a gap that no agent fills"
    text = render(name, **{gap: GIVEN[gap] for gap in gaps(name)})
    golden = GOLDEN / f"{name}.md"
    assert golden.is_file(), f"{name} has no golden file"
    assert text == golden.read_text("utf-8")


def test_every_golden_file_has_its_prompt() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(names())


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in names()
        if not name.endswith(("_task", "_review", "_answers", "_toolchain", "_path", "tool_format"))
    ],
)
def test_a_role_is_the_same_for_every_task(name: str) -> None:
    """What a provider caches must not hold what differs from task to task."""
    assert gaps(name) <= {"edit_format", "pattern", "naming", "most", "most_actions"}
