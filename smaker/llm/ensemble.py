"""Several models answer the same question: one of them makes one answer of all, or tests choose."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from smaker.core.errors import ModelError, Unavailable
from smaker.core.models import Usage
from smaker.core.ports.llm import LanguageModel, Message, Reply, Request, Traits
from smaker.llm.fallback import first_answer, nobody
from smaker.llm.traits import common
from smaker.llm.wire import OnText

_RECONCILE = """\
{count} proposals for the answer follow, each by somebody else. Judge them by what was asked above: keep what is \
right, take the better where they differ, mend what is wrong in all. Then give the one final answer, complete, in \
exactly the form that was asked for, and without a word about the proposals.
"""


class Proposals:
    """Implements `LanguageModel` and `Proposing`: all members answer at once, and whoever can run tests chooses.

    ``ask`` is for questions whose answers no test can judge: the first member answers, or the next that is available.
    """

    def __init__(self, members: Sequence[LanguageModel]) -> None:
        self._members = tuple(members)

    @property
    def name(self) -> str:
        """The members, and that tests choose."""
        return f"{together(self._members)}, chosen by tests"

    @property
    def traits(self) -> Traits:
        """What all can, and how many they are."""
        return common(member.traits for member in self._members).model_copy(update={"proposals": len(self._members)})

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`."""
        return await first_answer(self._members, request, on_text)

    async def propose(self, request: Request) -> tuple[Reply, ...]:
        """Return the answers of all members that gave one, in the order of the configuration.

        Raises ModelAway if none did, and ModelError if none did because the question or the answers cannot be used.
        """
        return await all_answers(self._members, request)


class Ensemble:
    """Implements `LanguageModel`: all members answer at once, and ``reconcile`` makes one answer of theirs.

    The usage of every proposal is in the reply.
    """

    def __init__(self, members: Sequence[LanguageModel], reconcile: LanguageModel) -> None:
        self._members = tuple(members)
        self._reconcile = reconcile

    @property
    def name(self) -> str:
        """The members, and who reconciles."""
        return f"{together(self._members)}, reconciled by {self._reconcile.name}"

    @property
    def traits(self) -> Traits:
        """What all can. Who reconciles reads the proposals too, so they have to find room."""
        members = common(member.traits for member in self._members)
        judge = self._reconcile.traits
        room = judge.context_tokens - len(self._members) * members.answer_tokens
        judge = judge.model_copy(update={"context_tokens": max(room, judge.context_tokens // 2)})
        return common((members, judge))

    async def ask(self, request: Request, on_text: OnText | None = None) -> Reply:
        """Answer; see `LanguageModel.ask`. ``on_text`` hears who reconciles, or the answer that is returned, whole.

        Where nobody is there to reconcile, the first proposal is the answer: it has been paid for, and the reply says
        whose it is.
        """
        begun = time.monotonic()
        proposals = await all_answers(self._members, request)
        usage = sum((proposal.usage for proposal in proposals), Usage())
        answer = proposals[0]
        reconciled = None
        if len(proposals) > 1:
            try:
                reconciled = await self._reconcile.ask(_reconciling(request, proposals), on_text)
            except Unavailable:
                reconciled = None
        if reconciled is not None:
            answer, usage = reconciled, usage + reconciled.usage
        elif on_text is not None and answer.text:
            on_text(answer.text)
        return answer.model_copy(update={"usage": usage, "seconds": time.monotonic() - begun})


def together(members: Sequence[LanguageModel]) -> str:
    """The names of models that answer at once."""
    return f"together: {', '.join(member.name for member in members)}"


async def all_answers(members: Sequence[LanguageModel], request: Request) -> tuple[Reply, ...]:
    """Ask all at once; return the answers there are. Raises ModelAway, ModelError where there is none."""
    results = await asyncio.gather(*(member.ask(request) for member in members), return_exceptions=True)
    proposals = tuple(result for result in results if isinstance(result, Reply))
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Unavailable | ModelError):
            raise result
    if not proposals:
        for result in results:
            if isinstance(result, ModelError):
                raise result
        raise nobody([result for result in results if isinstance(result, Unavailable)])
    return proposals


def _reconciling(request: Request, proposals: Sequence[Reply]) -> Request:
    parts = [_RECONCILE.format(count=len(proposals))]
    for number, proposal in enumerate(proposals, 1):
        calls = [f"calls {call.name} with {call.arguments}" for call in proposal.calls]
        parts.append("\n".join([f"--- proposal {number} ---", proposal.text, *calls]))
    judge = Message(role="user", text="\n".join(parts))
    return request.model_copy(update={"messages": (*request.messages, judge)})
