"""How a provider is asked: again after trouble that passes, and not at all while it is left alone; and what is said in
the end."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from smaker.core.errors import ModelAway, ModelError
from smaker.core.ports import Clock
from smaker.llm.breaker import Breaker
from smaker.llm.faults import AUTH, UNKNOWN, Broken, ModelFault, Passing, Unusable

T = TypeVar("T")

_REMEDIES = {
    AUTH: "set its key, or name another variable in llm.providers.{provider}.api_key_env",
    UNKNOWN: "correct llm.providers.{provider}.{setting} or its base_url",
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


class Patiently:
    """Makes calls of one provider. The breaker may be shared by all that depends on the same."""

    def __init__(
        self, breaker: Breaker, clock: Clock, *, patience: Patience | None = None, chance: random.Random | None = None
    ) -> None:
        self._breaker = breaker
        self._clock = clock
        self._patience = patience or Patience()
        self._chance = chance or random.Random()  # noqa: S311  spreads load, guards nothing

    async def call(self, once: Callable[[], Awaitable[T]]) -> T:
        """Return what ``once`` returns, which is called again after passing trouble. Raises ModelFault."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._guarded(once)
            except Passing as fault:
                attempts = self._patience.slow_attempts if fault.slow else self._patience.attempts
                if attempt >= attempts:
                    raise
                pause = self._patience.pause(attempt, self._chance)
                await self._clock.sleep(pause if fault.wait_s is None else max(fault.wait_s, 0.1))

    async def _guarded(self, once: Callable[[], Awaitable[T]]) -> T:
        blocked = self._breaker.enter()
        if blocked is not None:
            last = self._breaker.last
            why = last.why if last is not None else "failed"
            raise Broken(f"{why} (left alone for {blocked:.0f} s more)", code=last.code if last else "E_UNAVAILABLE")
        try:
            answer = await once()
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
        return answer


def told(fault: ModelFault, name: str, *, setting: str = "model") -> ModelAway | ModelError:
    """Return what is said of a fault of "provider/model" outside of this room; ``setting`` is what names the model."""
    provider = name.partition("/")[0]
    remedy = _REMEDIES.get(fault.code, _LATER).format(provider=provider, setting=setting)
    if isinstance(fault, Unusable):
        return ModelError(f"{name} {fault.why}", hint=remedy, code=fault.code)
    return ModelAway(f"{name} {fault.why}", hint=f"{provider}: {remedy}", code=fault.code)
