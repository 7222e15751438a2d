"""Several models in order: the next answers when one cannot."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.core.errors import ModelAway, Unavailable
from smaker.core.ports.llm import LanguageModel, Reply, Request, Traits
from smaker.llm.traits import common
from smaker.llm.wire import OnText


class Fallback:
    """Implements `LanguageModel`: asks the first, and the next only where one is unavailable."""

    def __init__(self, members: Sequence[LanguageModel]) -> None:
        self._members = tuple(members)

    @property
    def name(self) -> str:
        """The members, in order."""
        return " → ".join(member.name for member in self._members)

    @property
    def traits(self) -> Traits:
        """What all can."""
        return common(member.traits for member in self._members)

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`."""
        return await first_answer(self._members, request, on_text)


async def first_answer(members: Sequence[LanguageModel], request: Request, on_text: OnText | None) -> Reply:
    """Return the answer of the first member that is available. Raises Unavailable, naming each, and ModelError."""
    out: list[Unavailable] = []
    for member in members:
        try:
            return await member.ask(request, on_text)
        except Unavailable as error:
            out.append(error)
    raise nobody(out) from out[-1]


def nobody(out: Sequence[Unavailable]) -> ModelAway:
    """Return the error that says that no model is left, and why each is out."""
    codes = {error.code for error in out}
    if len(out) == 1:
        return ModelAway(out[0].message, hint=out[0].hint, code=out[0].code)
    return ModelAway(
        f"none of {len(out)} models answers",
        hint="; ".join(f"{error.message} ({error.hint})" if error.hint else error.message for error in out),
        code=codes.pop() if len(codes) == 1 else None,
    )
