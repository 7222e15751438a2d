"""A foreign repository in the hands of a model: what was wrong before stays told, what must not break is kept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smaker.core.control import NewProject
from smaker.core.models import ProjectState

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

PLAN = {
    "name": "Words",
    "slug": "words",
    "summary": "Counts words.",
    "kind": "library",
    "profile": "python",
    "requirements": [{"text": "count('a  b') is 2: blanks in a row count once.", "lines": "1"}],
    "interfaces": ["words.count(text: str) -> int"],
    "modules": [{"name": "mend", "title": "Mend counting"}],
}
OLD = 'def count(text):\n    # TODO: tabs\n    return len(text.split(" "))\n'
EDIT = (
    '<edit path="words.py">\n<<<<<<< SEARCH\n    return len(text.split(" "))\n=======\n'
    "    return len(text.split())\n>>>>>>> REPLACE\n</edit>"
)
TEST = (
    "import pytest\n\nimport words\n\n\n"
    '@pytest.mark.requirement("R1")\ndef test_blanks():\n    assert words.count("a  b") == 2\n'
)
OWN = (
    "import words\n\n\ndef test_one():\n    assert words.count('a b') == 2\n\n\n"
    "def test_red_before():\n    assert words.VERSION\n"
)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    (folder / "tests").mkdir(parents=True)
    (folder / "words.py").write_text(OLD)
    (folder / "old.py").write_text("print undefined_name\n")  # what no linter likes, and nobody asked to be mended
    (folder / "requirements.txt").write_text("")
    (folder / "tests" / "test_words.py").write_text(OWN)
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *words], check=True)
    return folder


async def test_a_change_is_made_and_what_was_red_before_stops_nothing(
    shop: Any, script: Any, file: Any, theirs: Path
) -> None:
    answers = script(planner=[json.dumps(PLAN)], coder=[EDIT], tester=[file("tests/acceptance/test_blanks.py", TEST)])
    async with shop(answers) as opened:
        request = NewProject(prompt="Blanks in a row count once.", mode="local")
        project = await opened.local.adopt(str(theirs), request, None)
        build = await opened.drive(project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert "split()" in (theirs / "words.py").read_text()
        assert (theirs / "old.py").read_text() == "print undefined_name\n"
        planned = opened.server.requests[0].text
        assert "def count" in planned
        assert build.report is not None
        red = [result.id for result in build.report.results if result.status.value == "failed"]
        assert red == ["tests/test_words.py::test_red_before"]
        assert (await opened.local.replay(project.id)).equal


async def test_what_breaks_is_found(shop: Any, script: Any, file: Any, theirs: Path) -> None:
    worse = EDIT.replace("return len(text.split())", "return 2 if '  ' in text else 0")
    answers = script(
        planner=[json.dumps(PLAN)],
        coder=[worse],
        tester=[file("tests/acceptance/test_blanks.py", TEST)],
        fixer=[EDIT.replace('return len(text.split(" "))', "return 2 if '  ' in text else 0")],
    )
    async with shop(answers) as opened:
        request = NewProject(prompt="Blanks in a row count once.", mode="local")
        build = await opened.drive(await opened.local.adopt(str(theirs), request, None))
        assert build.project.state is ProjectState.READY, build.project.error
        told = next(asked.text for asked in opened.server.requests if "You mend" in asked.text)
        assert "tests/test_words.py::test_one" in told
        assert "test_red_before:" not in told
