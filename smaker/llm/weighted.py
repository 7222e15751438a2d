"""Several models, drawn by weight."""

from __future__ import annotations

import random
from collections.abc import Sequence

from smaker.core.ports.llm import LanguageModel, Reply, Request, Traits
from smaker.llm.fallback import first_answer
from smaker.llm.traits import common
from smaker.llm.wire import OnText


class Weighted:
    """Implements `LanguageModel`: with weights 3 and 1 the first is asked three times in four.

    Where the one drawn is unavailable, another is drawn from the rest.
    """

    def __init__(self, members: Sequence[tuple[LanguageModel, int]], chance: random.Random) -> None:
        self._members = tuple(members)
        self._chance = chance

    @property
    def name(self) -> str:
        """The members with their weights."""
        return f"by weight: {', '.join(f'{member.name} {weight}' for member, weight in self._members)}"

    @property
    def traits(self) -> Traits:
        """What all can."""
        return common(member.traits for member, _ in self._members)

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`."""
        return await first_answer(self._drawn(), request, on_text)

    def _drawn(self) -> list[LanguageModel]:
        """All members, in the order in which they were drawn."""
        left = list(self._members)
        drawn: list[LanguageModel] = []
        while left:
            at = self._chance.choices(range(len(left)), [weight for _, weight in left])[0]
            drawn.append(left.pop(at)[0])
        return drawn
