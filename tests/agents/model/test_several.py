"""Several models for one role: tests choose between their proposals, and another one takes over where one is stuck."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from smaker.config import Settings
from smaker.core.control import NewProject
from smaker.core.models import BuildLimits, ProjectState, Stage, StepKind
from smaker.core.ports import Build
from smaker.testing import ScriptedModelServer
from smaker.wiring import Local, open_local

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

Open = Callable[..., Any]


@pytest.fixture
def pair(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch, prompt: str) -> Open:
    """Two providers with a script each; gives the home and a way to build in it."""
    monkeypatch.setenv("SMAKER_CACHE", str(environments))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none-of-the-two-one")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-none-of-the-two-two")

    @asynccontextmanager
    async def opened(one: Any, two: Any, routing: dict[str, Any]) -> AsyncIterator[tuple[Local, Callable[[], Any]]]:
        async with ScriptedModelServer(one) as first, ScriptedModelServer(two) as second:
            routes = {role: ["openai"] for role in ("planning", "code_generation", "testing", "fixing")}
            providers = {
                "openai": {"enabled": True, "model": "one", "base_url": first.url},
                "claude": {"enabled": True, "model": "two", "base_url": second.url},
            }
            llm = {"mode": "hybrid", "providers": providers, "routing": routes | routing}
            async with open_local(tmp_path / "home", Settings.model_validate({"llm": llm})) as local:

                async def build() -> Build:
                    asked = NewProject(prompt=prompt, mode="hybrid", limits=BuildLimits(max_fix_attempts=8))
                    return await local.worker.drive((await local.control.create(asked)).id)

                yield local, build

    return opened


BY_TESTS = {"strategy": "ensemble", "propose": ["openai", "claude"], "pick": "tests"}


async def titles(local: Local, project: str, kind: StepKind) -> list[str]:
    return [step.title for step in await local.store.steps(project) if step.kind is kind]


async def test_tests_pick_the_proposal_that_passes(pair: Open, script: Any, good: str, file: Any) -> None:
    wrong = good.replace('"IV"', '"IIII"')
    one = script(coder=[file("roman.py", wrong)], fixer=[file("roman.py", wrong.replace("< 4000", "<= 3999"))])
    two = script(fixer=[file("roman.py", good)])
    async with pair(one, two, {"fixing": BY_TESTS}) as (local, build):
        built = await build()
        assert built.project.state is ProjectState.READY, built.project.error
        assert (one.asked.count("fixer"), two.asked.count("fixer")) == (1, 1), "both are asked, once"
        tried = [title for title in await titles(local, built.project.id, StepKind.COMMAND) if "proposal" in title]
        assert len(tried) == 2
        assert (await local.replay(built.project.id)).equal
        cost = [step for step in await local.store.steps(built.project.id) if step.model and "," in step.model]
        assert [step.usage.calls for step in cost] == [2]


async def test_of_two_that_pass_the_smaller_change_is_taken(pair: Open, script: Any, good: str, file: Any) -> None:
    wrong = good.replace('"IV"', '"IIII"')
    line = '    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "{}"), (1, "I"),'
    search, replace = line.format("IIII"), line.format("IV")
    small = f'<edit path="roman.py">\n<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n</edit>\n'
    one = script(coder=[file("roman.py", wrong)], fixer=[file("roman.py", f"# rewritten\n# whole\n{good}")])
    two = script(fixer=[small])
    async with pair(one, two, {"fixing": BY_TESTS}) as (_, build):
        built = await build()
        assert built.project.state is ProjectState.READY, built.project.error
        assert "# rewritten" not in (Path(built.project.workspace) / "roman.py").read_text()


async def test_where_one_model_is_stuck_the_other_begins_from_the_best_files(
    pair: Open, script: Any, good: str, file: Any
) -> None:
    wrong = good.replace('"IV"', '"IIII"')
    worse = [file("roman.py", wrong.replace("return total", f"return total + {number}")) for number in range(1, 7)]
    one = script(coder=[file("roman.py", wrong)], fixer=worse)
    two = script(fixer=[file("roman.py", good)])
    async with pair(one, two, {"fixing": ["openai", "claude"]}) as (local, build):
        built = await build()
        assert built.project.state is ProjectState.READY, built.project.error
        assert (one.asked.count("fixer"), two.asked.count("fixer")) == (6, 1), "each round tries a second time"
        fixes = [task for task in built.tasks if task.stage is Stage.FIX]
        assert [task.payload.get("turn", 0) for task in fixes] == [0, 0, 0, 1]
        assert "go back to the best files there were" in await titles(local, built.project.id, StepKind.EDIT)
        assert (await local.replay(built.project.id)).equal
