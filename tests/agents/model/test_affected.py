"""Affected tests first: a fix that leaves some of them red goes on in the same talk, as long as it gets better."""

from __future__ import annotations

from typing import Any

import pytest

from smaker.agents.model.affected import only
from smaker.core.models import ProjectState, Stage
from smaker.profiles import Catalog

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

STILL = "these fail now"


@pytest.fixture
def half(good: str) -> str:
    """A module of whose two functions the second is wrong."""
    return good.replace("return total\n", "return total + 1\n")


@pytest.fixture
def bad(half: str) -> str:
    """A module of whose two functions both are wrong."""
    return half.replace('return "".join(parts)', 'return "".join(parts) + "I"')


async def test_half_a_fix_goes_on_in_the_same_round(
    shop: Any, script: Any, good: str, half: str, bad: str, file: Any
) -> None:
    fixes = [file("roman.py", half), file("roman.py", good)]
    async with shop(script(coder=[file("roman.py", bad)], fixer=fixes)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert [task.stage for task in build.tasks].count(Stage.FIX) == 1
        assert opened.script.asked.count("fixer") == 2
        told = [asked.text for asked in opened.server.requests if STILL in asked.text]
        assert len(told) == 1
        assert "test_from_roman" in told[0].partition(STILL)[2]
        assert "test_to_roman" not in told[0].partition(STILL)[2], "what passes by now is not told"
        assert (await opened.local.replay(build.project.id)).equal


async def test_a_fix_that_gets_no_better_ends_its_round(
    shop: Any, script: Any, good: str, half: str, bad: str, file: Any
) -> None:
    other = half.replace("total + 1", "total + 2")
    fixes = [file("roman.py", half), file("roman.py", other), file("roman.py", good)]
    async with shop(script(coder=[file("roman.py", bad)], fixer=fixes)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert [task.stage for task in build.tasks].count(Stage.FIX) == 2
        assert opened.script.asked.count("fixer") == 3


async def test_a_fix_that_repeats_itself_ends_its_round(
    shop: Any, script: Any, good: str, half: str, bad: str, file: Any
) -> None:
    fixes = [file("roman.py", half), file("roman.py", half), file("roman.py", good)]
    async with shop(script(coder=[file("roman.py", bad)], fixer=fixes)) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert [task.stage for task in build.tasks].count(Stage.FIX) == 2


async def test_a_disputed_test_is_not_told_again(shop: Any, script: Any, bad: str, half: str, file: Any) -> None:
    name = "tests/acceptance/test_roman.py::test_from_roman"
    answer = file("roman.py", half) + f'\n<dispute test="{name}">The words do not say so.</dispute>'
    async with shop(script(coder=[file("roman.py", bad)], fixer=[answer])) as opened:
        await opened.build()
        assert not any(STILL in asked.text for asked in opened.server.requests)


@pytest.mark.parametrize(("name", "suffix"), [("python", ".py"), ("node", ".mjs")])
def test_the_command_for_some_files_names_them_instead_of_the_folder(name: str, suffix: str) -> None:
    profile = Catalog().load(name).profile
    command = only(profile, [f"tests/acceptance/one{suffix}"])
    assert command[-1] == f"tests/acceptance/one{suffix}"
    assert not any(word.rstrip("/") == profile.acceptance for word in command)
    assert set(command[:-1]) <= set(profile.test)
