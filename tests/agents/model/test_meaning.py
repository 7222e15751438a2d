"""Searches by meaning within a build: recorded, resumed and replayed without asking again, and never in its way."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from smaker.core.commands import Resume
from smaker.core.control import NewProject
from smaker.core.models import Budget, BuildLimits, ProjectState, StepKind
from smaker.core.ports import ToolCall
from smaker.testing import Fault, Say

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

VECTORS = {"embedding_model": "nomic-embed-text"}
ALIKE = {"antiquity": "divmod"}  # no file says the one, roman.py alone the other
WRITTEN = "(First your files were written"


def looking(text: str = "antiquity", **more: Any) -> Say:
    """An answer that searches."""
    return Say(calls=(ToolCall(id="s", name="search_files", arguments=json.dumps({"text": text})),), **more)


def told(opened: Any) -> list[str]:
    """What the coder was told, question by question."""
    return [asked.text for asked in opened.server.requests if "You write software from a plan" in asked.text]


async def steps(opened: Any, project: str) -> list[Any]:
    return [step for step in await opened.local.store.steps(project) if step.title.startswith("look for files like")]


async def away(opened: Any, project: str) -> list[Any]:
    return [event async for event in opened.local.control.events(project) if event.kind == "embeddings.away"]


async def test_a_file_is_found_that_no_word_leads_to(shop: Any, script: Any, good: str, file: Any) -> None:
    coder = [looking(), Say(file("roman.py", good), calls=looking().calls), "Done."]
    async with shop(script(coder=coder), provider=VECTORS, alike=ALIKE) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert "roman.py:" in told(opened)[2].partition(WRITTEN)[2]
        first, second = await steps(opened, build.project.id)
        assert (first.kind, second.kind) == (StepKind.CHECK, StepKind.CHECK)
        assert second.output["paths"][0] == "roman.py"
        assert second.usage.calls == 1
        assert second.usage.tokens_in > 0
        assert second.model == "local/nomic-embed-text"
        sent = [text for asked in opened.server.embedded for text in asked.texts]
        assert len(sent) == len(set(sent)), "no text is sent twice"
        before = len(opened.server.embedded)
        assert (await opened.local.replay(build.project.id)).equal
        assert len(opened.server.embedded) == before


async def test_a_resumed_task_asks_no_second_time(shop: Any, script: Any, good: str, file: Any) -> None:
    coder = [Say(file("roman.py", good), calls=looking().calls), Fault.KEY_ECHO]
    async with shop(script(coder=coder), provider=VECTORS, alike=ALIKE) as opened:
        project = await opened.create()
        build = await opened.drive(project)
        assert build.project.error.code == "E_MODEL_AUTH"
        assert len(opened.server.embedded) == 1
        (found,) = await steps(opened, project.id)
    async with shop(script(coder=["Done."]), provider=VECTORS, alike=ALIKE) as again:
        await again.local.control.steer(project.id, Resume())
        build = await again.drive(project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert again.server.embedded == []
        assert [step.output for step in await steps(again, project.id)] == [found.output]
        assert "roman.py:" in told(again)[0].partition(WRITTEN)[2]


async def test_a_task_that_began_without_goes_on_without(shop: Any, script: Any, good: str, file: Any) -> None:
    coder = [Say(file("roman.py", good), calls=looking().calls), looking("bygone"), Fault.KEY_ECHO]
    async with shop(script(coder=coder), alike=ALIKE) as opened:
        project = await opened.create()
        await opened.drive(project)
        assert await steps(opened, project.id) == []
    async with shop(script(coder=["Done."]), provider=VECTORS, alike=ALIKE) as again:
        await again.local.control.steer(project.id, Resume())
        build = await again.drive(project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert "Nothing found" in told(again)[0].partition(WRITTEN)[2], "what was recorded stays as it was"
        assert [asked.texts[0] for asked in again.server.embedded] == ["bygone"], "what was not is looked for anew"


@pytest.mark.parametrize("given", [Fault.KEY_ECHO, [[1.0]]], ids=["refused", "wrong count"])
async def test_where_there_are_no_vectors_the_search_goes_on(
    shop: Any, script: Any, good: str, file: Any, given: Any
) -> None:
    coder = [Say(file("roman.py", good), calls=looking().calls), looking("the numeral of antiquity"), "Done."]
    async with shop(script(coder=coder), provider=VECTORS, vectors=lambda _: given) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert "Nothing found" in told(opened)[1].partition(WRITTEN)[2]
        assert "roman.py:" in told(opened)[2].rpartition("Nothing found")[2]
        (event,) = await away(opened, build.project.id)
        assert event.message.startswith("Files are found by their words alone: local/nomic-embed-text ")
        assert not any("embed" in text or "nomic" in text for text in told(opened)), "nothing is said to the model"
        assert [step.output["paths"] for step in await steps(opened, build.project.id)] == [[], []]


async def test_a_spent_budget_buys_no_vectors(shop: Any, script: Any, good: str, file: Any) -> None:
    coder = [Say(file("roman.py", good), calls=looking().calls, tokens_in=2_000_000), "Done."]
    async with shop(script(coder=coder), provider=VECTORS) as opened:
        one = BuildLimits(max_parallel_tasks=1)  # else the tester may be the first to see that nothing is left
        build = await opened.build(budget=Budget(max_tokens=1_000_000), limits=one)
        assert build.project.error.code == "E_BUDGET"
        assert opened.server.embedded == []
        (step,) = await steps(opened, build.project.id)
        assert "budget" in step.output["why"]
        assert await away(opened, build.project.id) == []


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A repository with a password in a file of settings, and in a source."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / ".env").write_text("DB_PASSWORD=violet-otter-4711\n")
    (folder / "words.py").write_text(
        'PASSWORD = "violet-otter-4711"\n\n\ndef count(text):\n    return len(text.split())\n'
    )
    (folder / "requirements.txt").write_text("")
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *words], check=True)
    return folder


async def test_nothing_confidential_is_sent(shop: Any, script: Any, theirs: Path) -> None:
    async with shop(script(coder=[looking(), Fault.KEY_ECHO]), provider=VECTORS) as opened:
        request = NewProject(prompt="Count words.", mode="local")
        await opened.drive(await opened.local.adopt(str(theirs), request, None))
        sent = "\n".join(text for asked in opened.server.embedded for text in asked.texts)
        assert "def count(text)" in sent
        assert "violet-otter" not in sent
        assert ".env" not in sent
