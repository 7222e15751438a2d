"""Who mends what once worked is shown what was changed since."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from smaker.core.commands import Restart
from smaker.core.models import ProjectState, Stage

IDENTITY = ("-c", "user.name=U", "-c", "user.email=u@example.org")


def commit(folder: Path) -> None:
    """As users commit by hand."""
    for words in (("add", "--all", "--force"), (*IDENTITY, "commit", "-q", "-m", "by hand")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)


pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]


async def test_a_change_that_broke_it_is_shown(
    shop: Any, script: Any, plan: str, good: str, file: Any, tests: str
) -> None:
    mended = file("roman.py", good)
    answers = script(
        planner=[plan], coder=[mended], tester=[file("tests/acceptance/test_roman.py", tests)], fixer=[mended]
    )
    async with shop(answers) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        folder = Path(build.project.workspace)
        (folder / "roman.py").write_text(good.replace("900", "901"))
        (folder / "notes.txt").write_text("by hand\n")
        (folder / "picture.bin").write_bytes(b"\0\1")
        (folder / ".env").write_text("PASSWORD=correct horse\n")
        commit(folder)
        await opened.local.control.steer(build.project.id, Restart(stage=Stage.RUN))
        build = await opened.drive(build.project)
        assert build.project.state is ProjectState.READY, build.project.error
        asked = next(asked.text for asked in opened.server.requests if "You mend software" in asked.text)
        since = asked.partition("# What changed since it was last found well")[2].partition("# Files that matter")[0]
        assert "--- a/roman.py\n+++ b/roman.py\n" in since
        assert [line[0] for line in since.splitlines() if "90" in line] == ["-", "+"]
        assert "+++ b/notes.txt" in since
        assert "Changed too: .env, picture.bin" in since
        assert "correct horse" not in asked


async def test_what_is_large_is_named(shop: Any, script: Any, plan: str, good: str, file: Any, tests: str) -> None:
    mended = file("roman.py", good)
    answers = script(
        planner=[plan], coder=[mended], tester=[file("tests/acceptance/test_roman.py", tests)], fixer=[mended]
    )
    async with shop(answers) as opened:
        build = await opened.build()
        folder = Path(build.project.workspace)
        (folder / "roman.py").write_text(f"raise SystemExit\n{'# long' * 1000}\n")
        commit(folder)
        await opened.local.control.steer(build.project.id, Restart(stage=Stage.RUN))
        assert (await opened.drive(build.project)).project.state is ProjectState.READY
        asked = next(asked.text for asked in opened.server.requests if "You mend software" in asked.text)
        assert "```diff\nChanged too: roman.py\n```" in asked
