"""Several models that take turns."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.core.ports.llm import LanguageModel, Reply, Request, Traits
from smaker.llm.fallback import first_answer
from smaker.llm.traits import common
from smaker.llm.wire import OnText


class RoundRobin:
    """Implements `LanguageModel`: each question begins with the next member; one that is unavailable is passed over."""

    def __init__(self, members: Sequence[LanguageModel]) -> None:
        self._members = tuple(members)
        self._turn = 0

    @property
    def name(self) -> str:
        """The members."""
        return f"in turn: {', '.join(member.name for member in self._members)}"

    @property
    def traits(self) -> Traits:
        """What all can."""
        return common(member.traits for member in self._members)

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`."""
        at = self._turn
        self._turn = (at + 1) % len(self._members)
        return await first_answer((*self._members[at:], *self._members[:at]), request, on_text)
