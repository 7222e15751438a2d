"""A repository of five thousand files: prompts stay within their model, and the map is quick, cold and warm."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from smaker.agents.model.showing import MAPS, repository
from smaker.core.control import NewProject
from smaker.core.models import ProjectState

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

FILES = 5_000
PLAN = {
    "name": "Big",
    "slug": "big",
    "summary": "Many modules.",
    "kind": "library",
    "profile": "python",
    "requirements": [{"text": "part7.module7007.total(2, 3) is 5.", "lines": "1"}],
    "interfaces": ["part7/module7007.py: total(a: int, b: int) -> int"],
    "modules": [{"name": "mend", "title": "Mend total"}],
}
BODY = "".join(f"\n\ndef helper{number}(value):\n    return value + {number}\n" for number in range(6))


@pytest.fixture
def big(tmp_path: Path) -> Path:
    folder = tmp_path / "big"
    for number in range(FILES):
        place = folder / f"part{number % 50}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"module{number}.py").write_text(f'"""Module {number}."""\n\nNUMBER = {number}\n{BODY}')
    (folder / "part7" / "module7007.py").write_text("def total(a, b):\n    return a - b\n")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *words], check=True)
    return folder


async def test_a_big_repository_is_changed(shop: Any, script: Any, file: Any, big: Path) -> None:
    mended = file("part7/module7007.py", "def total(a, b):\n    return a + b\n")
    test = (
        "import sys\n\nimport pytest\n\nsys.path.insert(0, 'part7')\nimport module7007\n\n\n"
        '@pytest.mark.requirement("R1")\ndef test_total():\n    assert module7007.total(2, 3) == 5\n'
    )
    answers = script(planner=[json.dumps(PLAN)], coder=[mended], tester=[file("tests/acceptance/test_total.py", test)])
    async with shop(answers) as opened:
        request = NewProject(prompt="total(2, 3) in part7/module7007.py must be 5.", mode="local")
        project = await opened.local.adopt(str(big), request, None)
        build = await opened.drive(project)
        assert build.project.state is ProjectState.READY, build.project.error
        for asked in opened.server.requests:
            assert len(json.dumps(asked.body)) < 3 * 32_000, "characters: well within 32,000 tokens"
        coder = next(asked.text for asked in opened.server.requests if "You write software" in asked.text)
        assert "return a - b" in coder, "the file that the plan names is shown"


class Files:
    """A folder as a task sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = type("Project", (), {"id": "big"})

    async def tree(self) -> str:
        return str(max(path.stat().st_mtime_ns for path in self.folder.glob("part7/*.py")))

    async def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.glob("part*/*.py"))

    async def read(self, path: str) -> bytes:
        return (self.folder / path).read_bytes()

    async def text(self, path: str) -> str:
        return (self.folder / path).read_text()

    async def similar(self, text: str, rank: object) -> tuple[str, ...]:
        return ()

    changes = None


async def test_the_map_is_quick(big: Path) -> None:
    files: Any = Files(big)
    times: list[float] = []
    for _ in range(2):
        began = time.process_time()
        async with MAPS.borrow("big", files) as index:
            assert len(index.files) == FILES + 1
        times.append(time.process_time() - began)
    assert times[0] < 10, "it takes five"
    assert times[1] < 1
    shown = await repository(files, await files.files(), budget=6_000, about="total", first=["part7/module7007.py"])
    assert "return a - b" in shown
    assert len(shown) < 6_000 * 5
