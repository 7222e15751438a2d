"""A repository of another stack: its own tools are named by a model, tried, and decide with the acceptance tests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smaker.core.control import NewProject
from smaker.core.models import ProjectState, Stage

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

PLAN: dict[str, Any] = {
    "name": "Adder",
    "slug": "adder",
    "summary": "Adds numbers.",
    "kind": "cli",
    "profile": "python",
    "requirements": [{"text": "`./add 1 2` prints 3.", "lines": "1"}],
    "interfaces": ["./add A B"],
    "modules": [{"name": "mend", "title": "Mend adding"}],
    "toolchain": {"setup": [], "checks": [["make", "check"]]},
}
SOURCE = """#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    printf("%d\\n", atoi(argv[1]) - atoi(argv[2]));
    return 0;
}
"""
MAKEFILE = """add: add.c
\tgcc -o add add.c

check: add
\t./add 0 0 | grep -qx 0
\t! ./add 1

.PHONY: check
"""
TEST = """import pathlib
import subprocess

import pytest

HERE = pathlib.Path(__file__).parents[2]


@pytest.mark.requirement("R1")
def test_it_adds():
    subprocess.run(["make", "-s", "add"], cwd=HERE, check=True)
    assert subprocess.run([HERE / "add", "1", "2"], capture_output=True, text=True).stdout == "3\\n"
"""
RIGHT = SOURCE.replace(" - ", " + ")
BROKEN = RIGHT.replace("return 2", "return 0")


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "add.c").write_text(SOURCE)
    (folder / "Makefile").write_text(MAKEFILE)
    (folder / ".gitignore").write_text("/add\n")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *words], check=True)
    return folder


async def adopted(opened: Any, folder: Path) -> Any:
    request = NewProject(prompt="It subtracts: it is to add.", mode="local")
    return await opened.drive(await opened.local.adopt(str(folder), request, None))


async def test_what_its_own_tools_find_is_mended(shop: Any, script: Any, file: Any, theirs: Path) -> None:
    wrong = json.dumps({**PLAN, "toolchain": {"checks": [["make", "test"]]}})
    answers = script(
        planner=[wrong, json.dumps(PLAN["toolchain"])],
        coder=[file("add.c", BROKEN)],
        tester=[file("tests/acceptance/test_add.py", TEST)],
        fixer=[file("add.c", RIGHT)],
    )
    async with shop(answers) as opened:
        build = await adopted(opened, theirs)
        assert build.project.state is ProjectState.READY, build.project.error
        assert build.project.spec.toolchain.checks == (("make", "check"),)
        asked = [request.text for request in opened.server.requests if "You plan software" in request.text]
        assert "No rule to make target" in asked[1], "a command that does not work is sent back with what it said"
        told = next(request.text for request in opened.server.requests if "You mend software" in request.text)
        assert "`make check` does not pass: exit code 2" in told
        assert [task.stage for task in build.tasks].count(Stage.FIX) == 1
        assert not (theirs / "add").exists(), "what commands build stays where they ran"
        assert (await opened.local.replay(build.project.id)).equal


async def test_a_tool_that_is_not_there_is_left_out(shop: Any, script: Any, file: Any, theirs: Path) -> None:
    missing = {"setup": [["no-such-installer"]], "checks": [["make", "check"], ["no-such-tool", "."]]}
    answers = script(
        planner=[json.dumps({**PLAN, "toolchain": missing}), json.dumps(missing)],
        coder=[file("add.c", RIGHT)],
        tester=[file("tests/acceptance/test_add.py", TEST)],
    )
    async with shop(answers) as opened:
        build = await adopted(opened, theirs)
        assert build.project.state is ProjectState.READY, build.project.error
        assert build.project.spec.toolchain.setup == ()
        assert build.project.spec.toolchain.checks == (("make", "check"),)
