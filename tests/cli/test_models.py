"""The program with a model: what it shows of models, and what it does when none can be asked."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.testing import Fault, ScriptedModelServer

pytestmark = pytest.mark.timeout(120)


def config(folder: Path, url: str, **more: object) -> Path:
    file = folder / "config.yaml"
    local = {"model": "scripted", "base_url": url, **more}
    file.write_text(json.dumps({"llm": {"mode": "local", "providers": {"local": local}}}))
    return file


async def ran(program: Any, *words: str) -> subprocess.CompletedProcess[str]:
    """Run it beside the server of this test."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "smaker", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=program.environment(),
    )
    output, errors = await process.communicate()
    assert b"Traceback" not in errors
    return subprocess.CompletedProcess(words, process.returncode or 0, output.decode(), errors.decode())


async def test_models_are_listed_and_checked(program: Any, tmp_path: Path) -> None:
    async with ScriptedModelServer(lambda _: "I would rather not.") as server:
        file = config(tmp_path, server.url)
        listed = await ran(program, "--config", str(file), "models", "--json")
        shown = {entry["name"]: entry for entry in json.loads(listed.stdout)["providers"]}
        assert shown["local"]["in_use"]
        assert shown["local"]["base_url"] == server.url
        assert server.requests == []
        checked = await ran(program, "--config", str(file), "models", "check", "--json")
        assert checked.returncode == 0, checked.stderr
        (found,) = json.loads(checked.stdout)
        assert found["can"] == {"plain": False}
        assert (program.home / "models.json").is_file()
        text = await ran(program, "--config", str(file), "models", "check")
        assert "✗ plain" in text.stdout


async def test_embeddings_are_tried(program: Any, tmp_path: Path) -> None:
    async with ScriptedModelServer(lambda _: "Paris", vectors=(None, Fault.UNKNOWN_MODEL)) as server:
        file = str(config(tmp_path, server.url, embedding_model="nomic-embed-text"))
        checked = await ran(program, "--config", file, "models", "check", "--json")
        (found,) = json.loads(checked.stdout)
        assert found["embedding"] == {"model": "local/nomic-embed-text", "dimension": 256, "why": ""}
        text = await ran(program, "--config", file, "models", "check")
        assert text.returncode == 0, text.stderr
        assert "✗ embeddings  local/nomic-embed-text does not know the model" in text.stdout


async def test_models_offline(program: Any) -> None:
    assert "mode offline" in program("models")
    assert "offline" in program.json("models", "check", code=2)["error"]["message"]


@pytest.mark.sandbox
@pytest.mark.parametrize(("fault", "said"), [(Fault.KEY_ECHO, "key"), (Fault.UNKNOWN_MODEL, "model")])
async def test_a_model_that_cannot_be_asked_pauses_the_build(
    fault: Fault, said: str, program: Any, tmp_path: Path
) -> None:
    async with ScriptedModelServer(lambda _: fault) as server:
        file = config(tmp_path, server.url)
        build = await ran(program, "--config", str(file), "init", "a small library", "--json")
        assert build.returncode == 4, build.stderr
        status = json.loads(build.stdout)
        assert status["desired"] == "pause"
        assert said in status["error"]["message"] + status["error"]["hint"]
        checked = await ran(program, "--config", str(file), "models", "check", "--json")
        assert checked.returncode == 4


def test_a_key_that_is_not_set_is_told_before_anything_begins(program: Any) -> None:
    error = program.json("init", "a small library", "--mode", "claude", code=2)["error"]
    assert "ANTHROPIC_API_KEY" in error["message"]
    assert program.json("list") == []
