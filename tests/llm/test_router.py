"""Who answers, by the configuration."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from smaker.config.settings import Llm, Provider, Routing
from smaker.core.errors import ConfigError
from smaker.core.ports.llm import Message, Models, Request, Role, Traits
from smaker.core.secrets import Redactor
from smaker.llm.prices import TABLE, UNKNOWN, Price, Prices
from smaker.llm.router import Router
from smaker.llm.traits import TABLE as SIZES
from smaker.llm.traits import MeasuredTraits
from smaker.llm.wire import Tokens
from smaker.testing import FrozenClock, Say, assert_safe_failure

ASK = Request(messages=(Message(role="user", text="Hello"),))


def test_it_implements_the_port(route) -> None:
    models: Models = route()
    assert models is not None


@pytest.mark.parametrize(
    ("mode", "name"),
    [("openai", "openai/gpt-4.1"), ("claude", "claude/claude-sonnet-4-5"), ("local", "local/qwen2.5-coder")],
)
def test_a_mode_of_one_provider_serves_every_role(route, mode, name) -> None:
    router = route(Llm(mode=mode))
    assert {router.for_role(role).name for role in Role} == {name}


def test_the_default_routes(route) -> None:
    router = route(Llm(mode="hybrid"))
    assert {role.value: router.for_role(role).name for role in Role} == {
        "planning": "openai/gpt-4.1",
        "code_generation": "local/qwen2.5-coder → openai/gpt-4.1",
        "testing": "openai/gpt-4.1",
        "fixing": "openai/gpt-4.1",
        "review": "openai/gpt-4.1",
    }


def test_no_provider_left_is_an_error_with_a_remedy(route) -> None:
    with pytest.raises(ConfigError, match="no provider is left for planning: claude") as caught:
        route(Llm(mode="hybrid", routing=Routing(planning=("claude",)))).for_role(Role.PLANNING)
    assert_safe_failure(caught.value, code="E_CONFIG", exit_code=2)


def test_offline_asks_no_model(route) -> None:
    with pytest.raises(ConfigError, match="mode offline") as caught:
        route(Llm()).for_role(Role.REVIEW)
    assert_safe_failure(caught.value)


async def test_by_name_and_with_another_model(route, serve) -> None:
    server = await serve(["a", "b"])
    router = route(openai=server)
    assert (await router.named("openai").ask(ASK)).model == "gpt-4.1"
    assert router.named("openai/org/other").name == "openai/org/other"
    assert (await router.named("openai/org/other").ask(ASK)).model == "org/other"
    assert router.named("openai") is router.named("openai/gpt-4.1")


@pytest.mark.parametrize(("name", "says"), [("nobody", "no provider 'nobody'"), ("claude/x", "switched off")])
def test_a_name_that_is_none(route, name, says) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        route().named(name)
    assert_safe_failure(caught.value)


def test_keys_are_learnt_by_the_redactor_and_are_in_no_repr(route) -> None:
    redactor = Redactor()
    router = route(redactor=redactor)
    assert redactor.redact("a sk-odd-4711-openai-value") == "a [redacted:openai]"
    assert "odd-4711" not in repr(router) + repr(router.named("openai")) + repr(vars(router.named("openai")))


@pytest.mark.parametrize(("provider", "key"), [("groq", "key-with-\nnewline"), ("groq", "schlüssel-123")])
async def test_a_key_that_would_break_a_header_is_not_sent(serve, provider, key) -> None:
    server = await serve(["never"])
    providers = {provider: Provider(model="m", base_url=server.url, api_key_env="GROQ_API_KEY")}
    router = Router(Llm(mode="hybrid", providers=providers), {"GROQ_API_KEY": key}, FrozenClock(), Redactor())
    with pytest.raises(Exception, match="no usable key") as caught:
        await router.named(provider).ask(ASK)
    assert key not in str(caught.value)
    assert server.requests == []


# --- sizes and prices -------------------------------------------------------------------------------------------------


def test_sizes_of_known_models_of_local_ones_and_of_measured_ones(tmp_path) -> None:
    path = tmp_path / "home" / "models.json"
    llm = Llm(
        mode="hybrid", providers={**Llm().providers, "groq": Provider(model="gpt-4.1", base_url="https://x.io/v1")}
    )

    def router() -> Router:
        return Router(llm, {}, FrozenClock(), Redactor(), measured=path)

    assert router().named("openai/gpt-4o-2024-08-06").traits.context_tokens == 128_000
    assert router().named("openai/nobody-knows").traits == Traits()
    assert router().named("local/gpt-4.1").traits == Traits()
    assert router().named("groq").traits.context_tokens == 1_000_000
    measured = Traits(context_tokens=4_000, tools=False)
    MeasuredTraits(path).keep("local/qwen2.5-coder", "http://localhost:11434/v1", measured)
    MeasuredTraits(path).keep("groq/gpt-4.1", "https://elsewhere.io/v1", measured)
    assert router().named("local").traits == measured
    assert router().named("groq").traits.context_tokens == 1_000_000  # measured at another address
    path.write_text("{half")
    assert router().named("local").traits == Traits()
    MeasuredTraits(path).keep("local/qwen2.5-coder", "http://localhost:11434/v1", measured)
    assert router().named("local").traits == measured
    assert [file.name for file in path.parent.iterdir()] == ["models.json"]


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-4.1", TABLE["gpt-4.1"]),
        ("gpt-4.1-mini-2025-04-14", TABLE["gpt-4.1-mini"]),
        ("openai/gpt-4o-mini", TABLE["gpt-4o-mini"]),
        ("claude-opus-4-1-20250805", TABLE["claude-opus-4"]),
        ("claude-opus-4-5-20251101", TABLE["claude-opus-4-5"]),
        ("claude-sonnet-4-5", TABLE["claude-sonnet-4"]),
        ("claude-opus-5-5-20261101", TABLE["claude-opus-5-5"]),
        ("gpt-4.15", UNKNOWN),
        ("qwen2.5-coder", UNKNOWN),
    ],
)
async def test_prices_are_found_by_the_longest_prefix(model, price) -> None:
    assert await Prices().of("some", model) == price


def test_parts_of_a_question_have_prices_of_their_own() -> None:
    price = Price(into=3, out=15, cached=0.3, stored=3.75)
    million = 1_000_000
    assert price.of(Tokens(into=million)) == pytest.approx(3)
    assert price.of(Tokens(into=million, cached=million)) == pytest.approx(0.3)
    assert price.of(Tokens(into=million, stored=million)) == pytest.approx(3.75)
    assert price.of(Tokens(into=3 * million, cached=million, stored=million, out=million)) == pytest.approx(22.05)


def test_every_price_has_a_size() -> None:
    assert not [name for name in TABLE if not any(name == size or name.startswith(f"{size}-") for size in SIZES)]


async def test_a_call_is_priced_and_a_local_one_is_free(route, serve) -> None:
    server = await serve(lambda _: Say("x", tokens_in=1_000_000, tokens_out=100_000, tokens_cached=500_000))
    llm = Llm(mode="hybrid")
    here = await route(llm, openai=server).named("openai").ask(ASK)
    assert here.usage.cost_usd == 0  # whatever it is called, it runs on this machine
    assert here.usage.tokens_in == 1_000_000


# --- what it costs to load --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "import smaker.llm.router, smaker.llm.check, smaker.llm.discover",
        "sys.argv.append('--version')\nfrom smaker.__main__ import main\nmain()",
    ],
)
def test_no_http_is_loaded_before_the_first_question(code) -> None:
    script = f"import sys, json; sys.argv = ['smaker']\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stdout.splitlines()[-1]))
    assert not loaded & {"httpx", "anyio", "certifi", "litellm"}
