"""One model of one provider, with the patience that such a thing needs."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from smaker.core.errors import ModelAway, ModelError
from smaker.core.models import Usage
from smaker.core.ports import Clock
from smaker.core.ports.llm import Reply, Request, Traits
from smaker.llm.breaker import Breaker
from smaker.llm.faults import AUTH, UNKNOWN, Broken, ModelFault, Passing, Unusable
from smaker.llm.mask import Mask
from smaker.llm.prices import FREE, Prices
from smaker.llm.wire import Answer, OnText, Tokens, Wire

_REMEDIES = {
    AUTH: "set its key, or name another variable in llm.providers.{provider}.api_key_env",
    UNKNOWN: "correct llm.providers.{provider}.model or its base_url",
    "E_MODEL_CONTEXT": "use a larger context, or less text; smaker models check {provider} finds out how much it reads",
    "E_MODEL_FILTERED": "ask in other words, or use another provider",
    "E_MODEL_REQUEST": "see what the model can do with: smaker models check",
    "E_MODEL_EMPTY": "use another model: smaker models check shows what each can do",
}
_LATER = "try again later, or enable another provider"


@dataclass(frozen=True)
class Patience:
    """How often a provider is asked, and the wait between: ``first_s``, doubled each time, and up to half more."""

    attempts: int = 3
    slow_attempts: int = 2  # when each takes until its deadline
    first_s: float = 1.0
    longest_s: float = 30.0

    def pause(self, attempt: int, chance: random.Random) -> float:
        """Seconds to wait after ``attempt`` attempts; chance keeps many askers from coming back at once."""
        return min(self.longest_s, self.first_s * 2 ** (attempt - 1)) * (1 + chance.random() / 2)


class ProviderModel:
    """Implements `LanguageModel` for one model of one provider.

    Passing trouble is tried again, an empty answer once; the breaker belongs to the provider, so that its models share
    it. When a stream breaks and is tried again, ``on_text`` hears the answer again from its beginning.
    """

    def __init__(
        self,
        provider: str,
        model: str,
        wire: Wire,
        *,
        traits: Traits,
        breaker: Breaker,
        clock: Clock,
        mask: Mask,
        prices: Prices | None,
        patience: Patience | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._provider = provider
        self._model = model
        self._wire = wire
        self._traits = traits
        self._breaker = breaker
        self._clock = clock
        self._mask = mask
        self._prices = prices
        self._patience = patience or Patience()
        self._chance = chance or random.Random()  # noqa: S311  spreads load, guards nothing

    @property
    def name(self) -> str:
        """Provider and model."""
        return f"{self._provider}/{self._model}"

    @property
    def traits(self) -> Traits:
        """What is known of the model."""
        return self._traits

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`. ``seconds`` includes waits and attempts that failed."""
        begun = time.monotonic()
        asked = self._mask.request(request)
        if asked.max_tokens > self._traits.answer_tokens:
            asked = asked.model_copy(update={"max_tokens": self._traits.answer_tokens})
        try:
            answer, usage = await self._not_empty(asked, on_text)
        except Unusable as fault:
            raise ModelError(f"{self.name} {fault.why}", hint=self._remedy(fault.code), code=fault.code) from fault
        except ModelFault as fault:
            hint = f"{self._provider}: {self._remedy(fault.code)}"
            raise ModelAway(f"{self.name} {fault.why}", hint=hint, code=fault.code) from fault
        return self._reply(answer, usage, time.monotonic() - begun)

    async def _not_empty(self, request: Request, on_text: OnText | None) -> tuple[Answer, Usage]:
        usage = Usage()
        for _ in range(2):
            answer = await self._patiently(request, on_text)
            usage += await self._usage(request, answer)
            if answer.text.strip() or answer.calls or answer.finish != "stop":
                return answer, usage
        raise Unusable("gave an empty answer, twice", code="E_MODEL_EMPTY")

    async def _patiently(self, request: Request, on_text: OnText | None) -> Answer:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._once(request, on_text)
            except Passing as fault:
                attempts = self._patience.slow_attempts if fault.slow else self._patience.attempts
                if attempt >= attempts:
                    raise
                pause = self._patience.pause(attempt, self._chance)
                await self._clock.sleep(pause if fault.wait_s is None else max(fault.wait_s, 0.1))

    async def _once(self, request: Request, on_text: OnText | None) -> Answer:
        blocked = self._breaker.enter()
        if blocked is not None:
            last = self._breaker.last
            why = last.why if last is not None else "failed"
            raise Broken(f"{why} (left alone for {blocked:.0f} s more)", code=last.code if last else "E_UNAVAILABLE")
        listener = self._mask.listener(on_text) if on_text is not None else None
        try:
            answer = await self._wire.call(request, listener.feed if listener is not None else None)
        except Unusable:
            self._breaker.succeeded()  # it is there, and understood the question well enough to decline it
            raise
        except ModelFault as fault:
            self._breaker.failed(fault, fault.wait_s if isinstance(fault, Broken) else None)
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        self._breaker.succeeded()
        if listener is not None:
            listener.end()
        return answer

    async def _usage(self, request: Request, answer: Answer) -> Usage:
        tokens = answer.tokens or _estimate(request, answer)
        price = await self._prices.of(self._provider, self._model) if self._prices is not None else FREE
        return Usage(tokens_in=tokens.into, tokens_out=tokens.out, cost_usd=price.of(tokens), calls=1)

    def _reply(self, answer: Answer, usage: Usage, seconds: float) -> Reply:
        mask = self._mask.answer
        return Reply(
            text=mask(answer.text),
            calls=tuple(call.model_copy(update={"arguments": mask(call.arguments)}) for call in answer.calls),
            finish=answer.finish,
            provider=self._provider,
            model=mask(answer.model),
            usage=usage,
            seconds=seconds,
        )

    def _remedy(self, code: str) -> str:
        return _REMEDIES.get(code, _LATER).format(provider=self._provider)


def _estimate(request: Request, answer: Answer) -> Tokens:
    """Roughly what a provider would have counted that does not: budgets have to end at something."""
    asked = sum(len(message.text) + sum(len(call.arguments) for call in message.calls) for message in request.messages)
    said = len(answer.text) + sum(len(call.arguments) for call in answer.calls)
    return Tokens(into=-(-asked // 4), out=-(-said // 4))
