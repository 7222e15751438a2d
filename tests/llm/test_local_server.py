"""A real model on this machine, behind a real server that is none of ours: what the router makes of both."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from smaker.core.errors import ModelError
from smaker.core.ports.llm import Message, Request
from smaker.llm.discover import Found, discover
from smaker.llm.wire import Deadlines
from smaker.testing import FrozenClock

pytestmark = pytest.mark.timeout(120)  # beside other tests it reads some dozens of tokens a second

PATIENT = Deadlines(connect_s=5.0, first_s=60.0, idle_s=30.0, total_s=100.0)
CAPITAL = Request(
    messages=(Message(role="user", text="What is the capital of France? Answer with one word."),), max_tokens=50
)
STORY = Request(messages=(Message(role="user", text="Write a long story about a dog."),), max_tokens=150)
ENDLESS = Request(messages=(Message(role="user", text="What is the capital of France?"),), max_tokens=900)
WAITED_S = 3.0
"""It repeats itself until it is stopped: ten seconds and more."""


@pytest.fixture(scope="session")
def local_model(serve_local):
    """The real model, with a small context."""
    return serve_local(1024)


@pytest.fixture
def clock() -> FrozenClock:
    """Stands still unless the router waits before it asks again."""
    return FrozenClock()


@pytest.fixture
def model(route, local_model, clock):
    """The real model, behind the router."""
    return route(clock=clock, deadlines=PATIENT, local=local_model.url).named(f"local/{local_model.name}")


def connections(port: int) -> list[Any]:
    """Connections of this process to a server."""
    return [each for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port]


async def test_it_answers_and_its_count_of_tokens_is_kept(model) -> None:
    reply = await model.ask(CAPITAL)
    assert "Paris" in reply.text
    assert (reply.finish, reply.provider, reply.model) == ("stop", "local", "smollm2")
    assert (reply.usage.calls, reply.usage.cost_usd) == (1, 0)
    assert 20 < reply.usage.tokens_in < 80
    assert 1 <= reply.usage.tokens_out < 50


async def test_its_answer_comes_in_pieces_while_it_is_written(model) -> None:
    pieces: list[str] = []
    times: list[float] = []

    def hear(piece: str) -> None:
        pieces.append(piece)
        times.append(time.monotonic())

    reply = await model.ask(STORY, hear)
    ended = time.monotonic()
    assert "".join(pieces) == reply.text
    assert (reply.finish, reply.usage.tokens_out) == ("length", STORY.max_tokens)
    assert len(pieces) > 50
    assert times[-1] - times[0] > 10 * (ended - times[-1]), "the pieces came all at once"


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_question_beyond_its_context_is_refused_at_once_and_asked_once(
    model, local_model, clock, heard, streaming
) -> None:
    text = "The river was calm that day. " * local_model.context
    begun = time.monotonic()
    with pytest.raises(ModelError, match=r"too long for the model.*1024 tokens") as caught:
        await model.ask(Request(messages=(Message(role="user", text=text),)), heard[1] if streaming else None)
    assert caught.value.code == "E_MODEL_CONTEXT"
    assert "smaker models check local" in caught.value.hint
    assert time.monotonic() - begun < WAITED_S
    assert clock.monotonic() == 0, "it waited, to ask again"
    assert heard[0] == []


async def test_an_answer_that_fills_the_context_is_cut_off_and_says_so(model, local_model) -> None:
    filler = "The river was calm that day. " * 130
    question = Request(messages=(Message(role="user", text=filler + STORY.messages[0].text),))
    reply = await model.ask(question)
    assert reply.finish == "length"
    assert reply.usage.tokens_in + reply.usage.tokens_out in range(local_model.context - 2, local_model.context + 2)


async def test_a_cancelled_answer_ends_at_once_and_leaves_the_server_free(model, local_model) -> None:
    speaking = asyncio.Event()
    others = asyncio.all_tasks()
    asking = asyncio.create_task(model.ask(ENDLESS, lambda _: speaking.set()))
    await asyncio.wait_for(speaking.wait(), 30)
    begun = time.monotonic()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert time.monotonic() - begun < WAITED_S
    assert asyncio.all_tasks() == others
    assert connections(local_model.port) == []
    assert "Paris" in (await model.ask(CAPITAL)).text
    assert time.monotonic() - begun < 5, "it went on with the answer that nobody waits for"


async def test_what_it_can_do_is_found_out_and_kept(local_model, tmp_path: Path) -> None:
    home, config = tmp_path / "smaker-home", tmp_path / "config.yaml"
    provider = {"model": local_model.name, "base_url": local_model.url}
    config.write_text(json.dumps({"llm": {"mode": "local", "providers": {"local": provider}}}))
    words = ("--home", str(home), "--config", str(config), "models", "check", "--json")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "smaker", *words), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    (found,) = json.loads(output)
    assert found["can"] == {"plain": True, "json": True, "tool": False, "edit": False, "long": False}
    traits = {"context_tokens": 1024, "answer_tokens": 512, "tools": False, "structured": True, "edits": False}
    assert traits.items() <= found["traits"].items()
    kept = json.loads((home / "models.json").read_bytes())
    assert kept == {"local/smollm2": {"url": local_model.url, "traits": found["traits"]}}


async def test_it_is_found_on_its_port(local_model) -> None:
    assert await discover({local_model.port: "llama.cpp"}) == (
        Found("llama.cpp", local_model.url, (local_model.name,)),
    )
