"""Retries, waits and the breaker, on a clock that the test owns."""

from __future__ import annotations

from email.utils import format_datetime

import pytest

from smaker.config.settings import Llm, Routing
from smaker.core.errors import ModelError, Unavailable
from smaker.core.ports.llm import Message, Request, Role
from smaker.llm.breaker import Breaker
from smaker.llm.faults import Passing, retry_after
from smaker.testing import Fault, FrozenClock, Say
from smaker.testing.clock import START

ASK = Request(messages=(Message(role="user", text="Hello"),))


async def test_waits_double_and_are_spread(route, serve) -> None:
    server = await serve([Fault.ERROR_500, Fault.RESET, "fine"])
    clock = FrozenClock()
    assert (await route(clock=clock, openai=server).named("openai").ask(ASK)).text == "fine"
    assert 1 + 2 < clock.monotonic() < 1.5 + 3
    assert clock.monotonic() % 0.5 != 0


async def test_retry_after_is_honoured(route, serve) -> None:
    server = await serve([Fault.WAIT_1, "fine"])
    clock = FrozenClock()
    assert (await route(clock=clock, openai=server).named("openai").ask(ASK)).text == "fine"
    assert clock.monotonic() == 1.0


async def test_a_day_is_not_waited_and_the_provider_is_left_alone(route, serve) -> None:
    busy, other = await serve([Fault.WAIT_DAY, "back"]), await serve(["one", "two", "three"])
    clock = FrozenClock()
    llm = Llm(mode="hybrid", routing=Routing(planning=("openai", "claude")))
    model = route(llm, clock=clock, openai=busy, claude=other).for_role(Role.PLANNING)
    assert [(await model.ask(ASK)).text for _ in range(3)] == ["one", "two", "three"]
    assert clock.monotonic() == 0
    assert len(busy.requests) == 1
    clock.advance(901)  # quotas are raised: after a quarter of an hour it is asked again
    assert (await model.ask(ASK)).text == "back"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        (format_datetime(START.replace(minute=1), usegmt=True), 60.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("Wed, 21 Oct 2015 07:28:00", None),
    ],
)
def test_retry_after_in_every_form(text, seconds) -> None:
    assert retry_after({"retry-after": text}, START) == seconds


async def test_an_empty_answer_is_asked_for_once_more_and_both_are_counted(route, serve) -> None:
    server = await serve([Say("", tokens_in=10, tokens_out=1), Say("fine", tokens_in=10, tokens_out=2)])
    reply = await route(openai=server).named("openai").ask(ASK)
    assert reply.text == "fine"
    assert (reply.usage.calls, reply.usage.tokens_in, reply.usage.tokens_out) == (2, 20, 3)


async def test_a_question_that_is_refused_opens_no_breaker(route, serve) -> None:
    server = await serve(lambda _: Fault.TOO_LONG if len(server.requests) <= 6 else "fine")
    model = route(openai=server).named("openai")
    for _ in range(6):
        with pytest.raises(ModelError, match="too long"):
            await model.ask(ASK)
    assert (await model.ask(ASK)).text == "fine"


async def test_the_breaker_opens_tries_one_and_closes(route, serve) -> None:
    well = False
    server = await serve(lambda _: "fine" if well else Fault.KEY_ECHO)
    clock = FrozenClock()
    router = route(clock=clock, openai=server)
    model, sibling = router.named("openai"), router.named("openai/gpt-5")
    for _ in range(5):
        with pytest.raises(Unavailable, match="refuses the key"):
            await model.ask(ASK)
    for one in (model, sibling):  # the breaker is the provider's
        with pytest.raises(Unavailable, match=r"refuses the key.*left alone for 30 s more") as caught:
            await one.ask(ASK)
        assert caught.value.code == "E_MODEL_AUTH"
    assert len(server.requests) == 5
    clock.advance(31)
    with pytest.raises(Unavailable):
        await model.ask(ASK)
    assert len(server.requests) == 6
    with pytest.raises(Unavailable, match="left alone"):
        await model.ask(ASK)  # one failure is enough where one was let through to try
    assert len(server.requests) == 6
    clock.advance(31)
    well = True
    assert (await model.ask(ASK)).text == "fine"
    assert (await sibling.ask(ASK)).text == "fine"


def test_a_half_open_breaker_lets_one_through() -> None:
    clock = FrozenClock()
    breaker = Breaker(clock, failures=2, cool_down_s=10)
    for _ in range(2):
        assert breaker.enter() is None
        breaker.failed(Passing("is ill"))
    assert breaker.enter() == 10
    clock.advance(10)
    assert breaker.enter() is None
    assert breaker.enter() is not None
    breaker.abandoned()  # cancelled: the next one tries
    assert breaker.enter() is None
    breaker.succeeded()
    assert breaker.enter() is None
    assert breaker.enter() is None
