"""Builds by a real model that is much too small for it: each ends soon, within its budget, and says why."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.config import Settings
from smaker.core.control import NewProject
from smaker.core.models import Budget, ProjectState, Stage, StepKind
from smaker.core.ports import Build, Traits
from smaker.llm.traits import MeasuredTraits
from smaker.testing import ScriptedModelServer
from smaker.wiring import Local, open_local

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]

WORDS = "A Python function `add(a, b)` in `adding.py` that returns the sum of two numbers."
ABLE = Traits(context_tokens=4096, answer_tokens=100, tools=False, structured=True, edits=False)
"""What is measured of the model, but for the length of its answers: they get no better by being long."""


class Weak:
    """A home whose model for ``roles`` is the real one."""

    def __init__(self, folder: Path, url: str, name: str) -> None:
        self.home, self.config = folder / "home", folder / "config.yaml"
        self.providers: dict[str, Any] = {"local": {"model": name, "base_url": url}}
        self.config.write_text(json.dumps({"llm": {"mode": "local", "providers": self.providers}}))
        MeasuredTraits(self.home / "models.json").keep(f"local/{name}", url, ABLE)

    async def run(self, *words: str, code: int) -> Any:
        """One command line, and what it prints."""
        command = ("-m", "smaker", "--home", str(self.home), "--config", str(self.config), *words, "--json")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == code, errors.decode()
        return json.loads(output)


@pytest.fixture
def weak(serve_local, tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Weak:
    """A home with a model that plans and writes nothing of use."""
    monkeypatch.setenv("SMAKER_CACHE", str(environments))
    model = serve_local(ABLE.context_tokens)
    return Weak(tmp_path, model.url, model.name)


async def driven(local: Local, prompt: str, mode: str, **budget: int) -> Build:
    project = await local.control.create(NewProject(prompt=prompt, mode=mode, budget=Budget(**budget)))
    return await local.worker.drive(project.id)


async def test_it_cannot_plan_pauses_at_its_budget_and_fails_with_what_was_wrong(weak) -> None:
    paused = await weak.run("init", WORDS, "--max-tokens", "1000", code=3)
    assert paused["error"]["code"] == "E_BUDGET"
    assert paused["usage"]["calls"] == 1, "the first answer was more than all that might be spent"
    assert f"smaker resume {paused['id']} --max-tokens" in paused["error"]["hint"]
    failed = await weak.run("resume", paused["id"], "--max-tokens", "8000", code=1)
    assert (failed["state"], failed["error"]["code"]) == ("FAILED", "E_MODEL_FORMAT")
    assert "The model did not give the data it was asked for" in failed["error"]["message"]
    assert "its answer was cut off after 100 tokens" in failed["error"]["message"]
    assert "with another model" in failed["error"]["hint"]
    assert failed["usage"]["calls"] == 3, "the answer that was there is not asked for again, and repairs have an end"
    assert failed["usage"]["tokens_in"] + failed["usage"]["tokens_out"] < 8000


async def test_it_cannot_write_what_another_planned_and_is_not_asked_for_ever(weak, script, prompt) -> None:
    async with ScriptedModelServer(script()) as able:
        providers = {**weak.providers, "able": {"model": "scripted", "base_url": able.url}}
        routing = {"planning": ["able"], "testing": ["able"], "code_generation": ["local"], "fixing": ["local"]}
        llm = {"mode": "hybrid", "providers": providers, "routing": routing}
        async with open_local(weak.home, Settings.model_validate({"llm": llm})) as local:
            build = await driven(local, prompt, "hybrid", max_tokens=50_000)
            steps = await local.store.steps(build.project.id)
    asked = [step for step in steps if step.kind is StepKind.MODEL and step.model == "local/smollm2"]
    assert build.project.state is ProjectState.FAILED
    assert build.project.error.code == "E_MODEL_STUCK"
    said = f"(write whole) was not accepted after {len(asked)} answers: its answer was cut off at its limit"
    assert said in build.project.error.message
    assert "to another model" in build.project.error.hint
    assert [task.stage for task in build.tasks if task.error] == [Stage.IMPLEMENTATION]
    assert 2 <= len(asked) <= 8
    assert sum(step.usage.tokens_out for step in asked) <= len(asked) * ABLE.answer_tokens


async def test_an_unusable_answer_is_sent_back_as_far_as_it_fits(tmp_path: Path) -> None:
    async with ScriptedModelServer(lambda _: "The plan is this: " + "to plan, " * 2_000) as server:
        home = tmp_path / "home"
        MeasuredTraits(home / "models.json").keep("local/scripted", server.url, ABLE)
        providers = {"local": {"model": "scripted", "base_url": server.url}}
        settings = Settings.model_validate({"llm": {"mode": "local", "providers": providers}})
        async with open_local(home, settings) as local:
            build = await driven(local, WORDS, "local")
    assert build.project.error.message.endswith("it was asked for: there is no JSON object in it")
    first, *again = [asked.body["messages"] for asked in server.requests]
    assert [len(messages) for messages in again] == [4, 6]
    for messages in again:
        assert messages[:2] == first
        assert "characters left out here" in messages[2]["content"]
        assert len(json.dumps(messages)) < 3 * ABLE.context_tokens
