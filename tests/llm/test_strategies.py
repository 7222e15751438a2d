"""Models made of models."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from smaker.config.settings import Ensemble, Llm, Routing, Weighted
from smaker.core.errors import ModelError, Unavailable
from smaker.core.models import Usage
from smaker.core.ports.llm import Message, Reply, Request, Role, ToolCall, Traits
from smaker.llm.fallback import Fallback
from smaker.llm.weighted import Weighted as WeightedModel
from smaker.testing import Fault, Say

ASK = Request(messages=(Message(role="user", text="Name a colour."),))


def by_route(route) -> Llm:
    return Llm(mode="hybrid", routing=Routing(planning=route))


async def test_fallback_asks_in_order(route, serve) -> None:
    first, second = await serve([Fault.UNKNOWN_MODEL, "blue"]), await serve(["green"])
    model = route(by_route(("claude", "openai")), claude=first, openai=second).for_role(Role.PLANNING)
    assert model.name == "claude/claude-sonnet-4-5 → openai/gpt-4.1"
    assert [(await model.ask(ASK)).text for _ in range(2)] == ["green", "blue"]


async def test_a_step_that_fails_is_not_paid_for_elsewhere(route, serve) -> None:
    first, second = await serve([Fault.TOO_LONG]), await serve(["green"])
    model = route(by_route(("claude", "openai")), claude=first, openai=second).for_role(Role.PLANNING)
    with pytest.raises(ModelError):
        await model.ask(ASK)
    assert second.requests == []


async def test_round_robin_takes_turns_and_passes_over_the_dead(route, serve) -> None:
    one, two = await serve(lambda _: "1"), await serve(lambda _: "2")
    llm = by_route({"strategy": "round_robin", "providers": ("openai", "local", "claude")})
    model = route(llm, openai=one, claude=two, local="http://127.0.0.1:1/v1").for_role(Role.PLANNING)
    assert [(await model.ask(ASK)).text for _ in range(7)] == ["1", "2", "2", "1", "2", "2", "1"]


class Counting:
    """A model that answers with its name."""

    traits = Traits()

    def __init__(self, name: str, out: bool = False) -> None:
        self.name = name
        self.out = out

    async def ask(self, request, on_text=None) -> Reply:
        if self.out:
            raise Unavailable(f"{self.name} is out")
        return Reply(text=self.name, provider=self.name, model="m", usage=Usage(calls=1))


async def test_weights_hold_over_ten_thousand_draws() -> None:
    weights = {"a": 3, "b": 1, "c": 6}
    model = WeightedModel([(Counting(name), weight) for name, weight in weights.items()], random.Random(20261))
    seen = Counter([(await model.ask(ASK)).text for _ in range(10_000)])
    expected = {name: weight * 1000 for name, weight in weights.items()}
    chi_squared = sum((seen[name] - expected[name]) ** 2 / expected[name] for name in weights)
    assert chi_squared < 13.8  # two degrees of freedom: beyond it one fair run in a thousand


async def test_of_those_drawn_the_next_answers_where_one_is_out() -> None:
    model = WeightedModel([(Counting("a", out=True), 1000), (Counting("b"), 1)], random.Random(1))
    assert {(await model.ask(ASK)).text for _ in range(20)} == {"b"}


async def test_an_ensemble_is_reconciled(route, serve) -> None:
    call = ToolCall(id="a", name="paint", arguments='{"colour": "red"}')
    first = await serve([Say("red", tokens_in=10, tokens_out=1), Say("purple", tokens_in=50, tokens_out=2)])
    second = await serve([Say("blue", calls=(call,), tokens_in=10, tokens_out=1)])
    llm = by_route(Ensemble(strategy="ensemble", propose=("openai", "claude"), reconcile="openai"))
    model = route(llm, openai=first, claude=second).for_role(Role.PLANNING)
    pieces: list[str] = []
    reply = await model.ask(ASK, pieces.append)
    assert reply.text == "purple" == "".join(pieces)
    assert (reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.calls) == (70, 4, 3)
    judged = first.requests[1].text
    for words in ("Name a colour.", "2 proposals", "red", "blue", 'calls paint with {"colour": "red"}'):
        assert words in judged


async def test_an_ensemble_of_which_one_answers_needs_no_judge(route, serve) -> None:
    first, second = await serve([Fault.KEY_ECHO]), await serve(["blue"])
    llm = by_route(Ensemble(strategy="ensemble", propose=("openai", "claude"), reconcile="openai"))
    reply = await route(llm, openai=first, claude=second).for_role(Role.PLANNING).ask(ASK)
    assert (reply.text, reply.provider, reply.usage.calls) == ("blue", "claude", 1)
    assert len(first.requests) == 1


async def test_where_the_judge_is_out_the_first_proposal_is_the_answer_and_says_whose_it_is(route, serve) -> None:
    first, second, judge = await serve(["red"]), await serve(["blue"]), await serve([Fault.KEY_ECHO])
    llm = by_route(Ensemble(strategy="ensemble", propose=("openai", "claude"), reconcile="local"))
    pieces: list[str] = []
    model = route(llm, openai=first, claude=second, local=judge).for_role(Role.PLANNING)
    reply = await model.ask(ASK, pieces.append)
    assert (reply.text, reply.provider, reply.usage.calls) == ("red", "openai", 2)
    assert pieces == ["red"]


async def test_proposals_for_tests_to_pick_from(route, serve) -> None:
    first, second = await serve(["red", "red"]), await serve(["blue", "blue"])
    llm = by_route(Ensemble(strategy="ensemble", propose=("openai", "claude"), pick="tests"))
    model = route(llm, openai=first, claude=second).for_role(Role.PLANNING)
    assert [reply.text for reply in await model.propose(ASK)] == ["red", "blue"]
    reply = await model.ask(ASK)
    assert (reply.text, reply.usage.calls) == ("red", 1), "what no test can judge is asked once"
    assert model.traits.proposals == 2


@pytest.mark.parametrize(
    "chosen",
    [
        ("openai", "claude"),
        Weighted(strategy="weighted", providers={"openai": 1, "claude": 3}),
        Ensemble(strategy="ensemble", propose=("openai", "claude"), pick="tests"),
    ],
)
async def test_another_turn_is_another_provider(chosen, route, serve) -> None:
    first, second = await serve(["red"] * 4), await serve(["blue"] * 4)
    router = route(by_route(chosen), openai=first, claude=second)
    asked = [(await router.for_role(Role.PLANNING, turn).ask(ASK)).text for turn in (1, 2, 3)]
    assert asked == ["blue", "red", "blue"]


async def test_an_ensemble_that_is_out(route, serve) -> None:
    first, second = await serve([Fault.KEY_ECHO]), await serve([Fault.UNKNOWN_MODEL])
    llm = by_route(Ensemble(strategy="ensemble", propose=("openai", "claude"), pick="tests"))
    with pytest.raises(Unavailable) as caught:
        await route(llm, openai=first, claude=second).for_role(Role.PLANNING).ask(ASK)
    assert "openai/gpt-4.1 refuses" in caught.value.hint
    assert "claude/claude-sonnet-4-5 does not know" in caught.value.hint


async def test_several_can_do_what_all_can() -> None:
    weak = Counting("weak")
    weak.traits = Traits(context_tokens=4_000, tools=False)
    strong = Counting("strong")
    strong.traits = Traits(context_tokens=100_000, answer_tokens=1_000)
    assert Fallback([weak, strong]).traits == Traits(context_tokens=4_000, answer_tokens=1_000, tools=False)


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ("fallback", "openai/gpt-4.1 → local/qwen2.5-coder"),
        ("round_robin", "in turn: openai/gpt-4.1, local/qwen2.5-coder"),
        ("weighted", "by weight: openai/gpt-4.1 1, local/qwen2.5-coder 1"),
        ("ensemble", "together: openai/gpt-4.1, local/qwen2.5-coder, reconciled by openai/gpt-4.1"),
    ],
)
def test_a_list_is_used_by_the_strategy_of_all_roles(route, strategy, name) -> None:
    llm = Llm(mode="hybrid", strategy=strategy, routing=Routing(planning=("openai", "claude", "local"), testing=None))
    router = route(llm)  # claude is switched off
    assert router.for_role(Role.PLANNING).name == name
    assert router.for_role(Role.TESTING).name == name


def test_weights_of_those_that_are_left(route, serve) -> None:
    llm = by_route(Weighted(strategy="weighted", providers={"claude": 3, "openai": 1, "local": 2}))
    assert route(llm).for_role(Role.PLANNING).name == "by weight: openai/gpt-4.1 1, local/qwen2.5-coder 2"
