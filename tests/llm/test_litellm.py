"""Providers that only litellm reaches. Where it is not installed, that is said; where it is, it is asked for real."""

from __future__ import annotations

import gc
import importlib.util
import sys

import pytest

from smaker.config.settings import Llm, Provider
from smaker.core.errors import ConfigError, ModelError, Unavailable
from smaker.core.ports.llm import Message, Request, Tool, ToolCall
from smaker.core.secrets import Redactor
from smaker.llm.breaker import Breaker
from smaker.llm.embedder import ProviderEmbedder
from smaker.llm.litellm_wire import Litellm
from smaker.llm.mask import Mask
from smaker.llm.patience import Patiently
from smaker.llm.prices import Prices
from smaker.llm.provider import ProviderModel
from smaker.llm.traits import Traits
from smaker.llm.transport import Transport
from smaker.llm.wire import Deadlines, Endpoint
from smaker.testing import Fault, FrozenClock, Say, assert_safe_failure

INSTALLED = importlib.util.find_spec("litellm") is not None
installed = pytest.mark.skipif(not INSTALLED, reason="needs litellm: pip install 'smaker[litellm]'")
KEY = "odd-4713-deepseek-value"
TOOL = Tool(name="edit", description="Edits.", parameters={"type": "object", "properties": {}})
ASK = Request(messages=(Message(role="user", text="Hello"),), tools=(TOOL,))


@pytest.mark.skipif(INSTALLED, reason="litellm is installed")
def test_without_it_its_providers_say_how_to_get_it(route) -> None:
    llm = Llm(mode="hybrid", providers={"deepseek": Provider(model="deepseek-chat")})
    with pytest.raises(ConfigError, match="litellm, which is not installed") as caught:
        route(llm).named("deepseek")
    assert "pip install 'smaker[litellm]'" in caught.value.hint
    assert_safe_failure(caught.value, code="E_CONFIG")


@installed
def test_with_it_its_providers_are_there(route) -> None:
    llm = Llm(mode="hybrid", providers={"deepseek": Provider(model="deepseek-chat")})
    assert route(llm).named("deepseek").name == "deepseek/deepseek-chat"


@pytest.fixture
def _nothing_left():
    """What litellm keeps of a test's clients goes here, where it may complain, and not in another test."""
    yield
    if (litellm := sys.modules.get("litellm")) is not None:
        litellm.in_memory_llm_clients_cache.flush_cache()
        gc.collect()


@pytest.fixture
def model(serve, _nothing_left):
    """A model behind litellm whose server answers by script."""

    async def make(*script, total_s: float = 10.0):
        server = await serve(script)
        clock, mask = FrozenClock(), Mask(Redactor({"deepseek": KEY}))
        transport = Transport(mask, clock)
        wire = Litellm(Endpoint("deepseek", "deepseek-chat", server.url, KEY, Deadlines(total_s=total_s)), transport)
        prices = Prices()
        return server, ProviderModel(
            "deepseek",
            "deepseek-chat",
            wire,
            traits=Traits(),
            patiently=Patiently(Breaker(clock), clock),
            mask=mask,
            prices=prices,
        )

    return make


@installed
@pytest.mark.filterwarnings("ignore")
async def test_text_calls_usage_and_price(model) -> None:
    call = ToolCall(id="a", name="edit", arguments='{"path": "x"}')
    server, deepseek = await model(Say("Hi", calls=(call,), tokens_in=1000, tokens_out=100))
    pieces: list[str] = []
    reply = await deepseek.ask(ASK, pieces.append)
    assert (reply.text, reply.calls, reply.finish) == ("Hi", (call,), "calls")
    assert pieces == ["Hi"]
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == (1000, 100)
    assert reply.usage.cost_usd > 0
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert not server.requests[0].stream


@installed
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault.KEY_ECHO, Unavailable, "E_MODEL_AUTH"),
        (Fault.UNKNOWN_MODEL, Unavailable, "E_MODEL_UNKNOWN"),
        (Fault.TOO_LONG, ModelError, "E_MODEL_CONTEXT"),
        (Fault.WAIT_DAY, Unavailable, "E_UNAVAILABLE"),
        (Fault.ERROR_500, Unavailable, "E_UNAVAILABLE"),
        (Fault.MOVED_307, Unavailable, "E_UNAVAILABLE"),
        (Fault.SLOW_BODY, Unavailable, "E_UNAVAILABLE"),
        (Fault.EMPTY_TEXT, ModelError, "E_MODEL_EMPTY"),
        (Fault.CUT_BODY, Unavailable, "E_UNAVAILABLE"),
        (Fault.HUGE, Unavailable, "E_UNAVAILABLE"),
        (Fault.GZIP_BOMB, Unavailable, "E_UNAVAILABLE"),
    ],
)
async def test_faults_are_named_and_hold_no_key(model, serve, fault, error, code) -> None:
    other = await serve(["stolen"])
    server, deepseek = await model(*[fault] * 3, total_s=1.0)
    server.elsewhere = f"http://127.0.0.1:{other.port}"
    with pytest.raises(error) as caught:
        await deepseek.ask(ASK)
    assert_safe_failure(caught.value, code=code)
    assert "odd-4713" not in f"{caught.value.message}{caught.value.hint}{caught.value.__cause__!r}"
    assert other.requests == []
    assert len(server.requests) <= 3  # it does not ask again by itself


@pytest.fixture
def embedder(serve, _nothing_left):
    """A model for embeddings behind litellm."""

    async def make(*vectors, total_s: float = 10.0):
        server = await serve(vectors=vectors)
        clock, mask = FrozenClock(), Mask(Redactor({"mistral": KEY}))
        endpoint = Endpoint("mistral", "mistral-embed", server.url, KEY, Deadlines(total_s=total_s))
        wire = Litellm(endpoint, Transport(mask, clock))
        patiently = Patiently(Breaker(clock), clock)
        return server, ProviderEmbedder(
            "mistral", "mistral-embed", "", wire, patiently=patiently, mask=mask, prices=Prices()
        )

    return make


@installed
@pytest.mark.filterwarnings("ignore")
async def test_vectors_usage_and_price(embedder) -> None:
    server, mistral = await embedder()
    answer = await mistral.embed(["a cat", "a dog"])
    assert [len(vector) for vector in answer.vectors] == [256, 256]
    assert sum(a * b for a, b in zip(*answer.vectors, strict=True)) == pytest.approx(0.5)
    assert answer.usage.tokens_in > 0
    assert answer.usage.cost_usd > 0
    (asked,) = server.embedded
    assert asked.texts == ["a cat", "a dog"]
    assert asked.headers["authorization"] == f"Bearer {KEY}"


@installed
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        (Fault.KEY_ECHO, "E_MODEL_AUTH"),
        (Fault.UNKNOWN_MODEL, "E_MODEL_UNKNOWN"),
        (Fault.ERROR_500, "E_UNAVAILABLE"),
        (Fault.MOVED_307, "E_UNAVAILABLE"),
        (Fault.SLOW_BODY, "E_UNAVAILABLE"),
        (Fault.HUGE, "E_UNAVAILABLE"),
        ([[1.0]], "E_UNAVAILABLE"),
        ([[1.0], ["one"]], "E_UNAVAILABLE"),
    ],
    ids=str,
)
async def test_faults_of_vectors_are_named_and_hold_no_key(embedder, serve, given, code) -> None:
    other = await serve()
    server, mistral = await embedder(*[given] * 3, total_s=1.0)
    server.elsewhere = f"http://127.0.0.1:{other.port}"
    with pytest.raises(Unavailable) as caught:
        await mistral.embed(["a cat", "a dog"])
    assert_safe_failure(caught.value, code=code)
    assert "odd-4713" not in f"{caught.value.message}{caught.value.hint}{caught.value.__cause__!r}"
    assert other.embedded == []
    assert len(server.embedded) <= 3
