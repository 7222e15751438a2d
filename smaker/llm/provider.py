"""One model of one provider, with the patience that such a thing needs."""

from __future__ import annotations

import time

from smaker.core.models import Usage
from smaker.core.ports.llm import Reply, Request, Traits
from smaker.llm.faults import ModelFault, Unusable
from smaker.llm.mask import Mask
from smaker.llm.patience import Patiently, told
from smaker.llm.prices import FREE, Prices
from smaker.llm.wire import Answer, OnText, Tokens, Wire


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
        patiently: Patiently,
        mask: Mask,
        prices: Prices | None,
    ) -> None:
        self._provider = provider
        self._model = model
        self._wire = wire
        self._traits = traits
        self._patiently = patiently
        self._mask = mask
        self._prices = prices

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
        except ModelFault as fault:
            raise told(fault, self.name) from fault
        return self._reply(answer, usage, time.monotonic() - begun)

    async def _not_empty(self, request: Request, on_text: OnText | None) -> tuple[Answer, Usage]:
        usage = Usage()
        for _ in range(2):
            answer = await self._patiently.call(lambda: self._once(request, on_text))
            usage += await self._usage(request, answer)
            if answer.text.strip() or answer.calls or answer.finish != "stop":
                return answer, usage
        raise Unusable("gave an empty answer, twice", code="E_MODEL_EMPTY")

    async def _once(self, request: Request, on_text: OnText | None) -> Answer:
        listener = self._mask.listener(on_text) if on_text is not None else None
        answer = await self._wire.call(request, listener.feed if listener is not None else None)
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


def _estimate(request: Request, answer: Answer) -> Tokens:
    """Roughly what a provider would have counted that does not: budgets have to end at something."""
    asked = sum(len(message.text) + sum(len(call.arguments) for call in message.calls) for message in request.messages)
    said = len(answer.text) + sum(len(call.arguments) for call in answer.calls)
    return Tokens(into=-(-asked // 4), out=-(-said // 4))
