"""Model calls of one task: masked before they are sent, held to the budget, priced, and told to the user as they come.

The budget is checked before a call and warned of after one, so a project never spends more than one call (of each task
that runs beside others) beyond its bound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from smaker.core.errors import ConfigError, WaitingForUser
from smaker.core.events import NewEvent
from smaker.core.models import Budget, Usage
from smaker.core.ports.llm import LanguageModel, Message, Models, Reply, Request, Role, Traits
from smaker.core.ports.store import Store

if TYPE_CHECKING:
    from smaker.core.ledger import Effect

WARN_AT = 0.8  # of a bound
INLINE_REPLY = 8192  # characters of a reply kept in the step itself; a longer one becomes a blob


@dataclass(frozen=True)
class Bound:
    """One bound of a budget and what of it was spent."""

    what: str
    spent: float
    limit: float
    option: str

    @property
    def share(self) -> float:
        """The part that is spent; a bound of nothing is always spent."""
        return self.spent / self.limit if self.limit else 1.0

    def __str__(self) -> str:
        shown = (
            f"{self.spent:.2f} of {self.limit:.2f}"
            if self.what == "US dollars"
            else f"{self.spent:,.0f} of {self.limit:,.0f}"
        )
        return f"{shown} {self.what}"


def bounds(budget: Budget, spent: Usage) -> list[Bound]:
    """The bounds that model calls can reach."""
    found: list[Bound] = []
    if budget.max_cost_usd is not None:
        found.append(Bound("US dollars", spent.cost_usd, budget.max_cost_usd, "--max-cost"))
    if budget.max_tokens is not None:
        used = spent.tokens_in + spent.tokens_out
        found.append(Bound("tokens", used, budget.max_tokens, "--max-tokens"))
    return found


@dataclass(frozen=True)
class Asking:
    """What the model calls of one task go through. ``tell`` records events of the project."""

    project: str
    task: str
    budget: Budget
    models: Models | None
    store: Store
    redact: Callable[[str], str]
    say: Callable[[str], None]
    override: str | None = None  # a provider, or "provider/model", that answers for every role

    def masked(self, request: Request) -> Request:
        """The request without credentials: what is sent, and what the ledger knows it by."""

        def clean(message: Message) -> Message:
            calls = tuple(call.model_copy(update={"arguments": self.redact(call.arguments)}) for call in message.calls)
            return message.model_copy(update={"text": self.redact(message.text), "calls": calls})

        return request.model_copy(update={"messages": tuple(clean(message) for message in request.messages)})

    async def ask(self, role: Role, request: Request) -> Effect:
        """Have the call. Raises WaitingForUser (E_BUDGET), ConfigError, Unavailable, ModelError."""
        from smaker.core.ledger import Effect  # noqa: PLC0415  the ledger knows no models, nor do they it

        model = self._model(role)
        before = await self._spent()
        self._stop_at_bound(before)
        asked = await self.store.put_blob(request.model_dump_json(exclude_defaults=True).encode())
        reply = await model.ask(request, self.say)
        reply = reply.model_copy(update={"text": self.redact(reply.text)})
        await self._warn(before, before + reply.usage)
        text = reply.model_dump_json(exclude_defaults=True)
        output: dict[str, JsonValue] = {"request": asked}
        if len(text) <= INLINE_REPLY:
            output["reply"] = text
        else:
            output["reply_blob"] = await self.store.put_blob(text.encode())
        return Effect(output, usage=reply.usage, model=f"{reply.provider}/{reply.model}")

    async def recall(self, output: dict[str, JsonValue]) -> Reply:
        """The recorded reply."""
        text = output.get("reply")
        if text is None:
            text = (await self.store.get_blob(str(output["reply_blob"]))).decode()
        return Reply.model_validate_json(str(text))

    def traits(self, role: Role) -> Traits:
        """What the model that serves a role can do. Raises ConfigError."""
        return self._model(role).traits

    def _model(self, role: Role) -> LanguageModel:
        if self.models is None:
            raise ConfigError(
                "This build asks no model: llm.mode is offline.",
                hint="Choose one with: smaker config set llm.mode openai (or claude, local, hybrid)",
            )
        return self.models.named(self.override) if self.override else self.models.for_role(role)

    async def _spent(self) -> Usage:
        return sum((step.usage for step in await self.store.steps(self.project)), Usage())

    def _stop_at_bound(self, spent: Usage) -> None:
        for bound in bounds(self.budget, spent):
            if bound.share >= 1:
                raise WaitingForUser(
                    f"The budget is spent: {bound}.",
                    hint=f"Give it more with: smaker resume {self.project} {bound.option} {_more(bound)}",
                    code="E_BUDGET",
                )

    async def _warn(self, before: Usage, after: Usage) -> None:
        for earlier, now in zip(bounds(self.budget, before), bounds(self.budget, after), strict=True):
            if earlier.share < WARN_AT <= now.share:
                event = NewEvent(
                    kind="budget.warning",
                    message=f"Spent {now}",
                    task=self.task,
                    data={"spent": now.spent, "limit": now.limit, "what": now.what},
                )
                await self.store.emit(self.project, [event])


def request_sha(request: Request) -> str:
    """What the ledger knows a request by."""
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode("utf-8", "surrogatepass")).hexdigest()


def _more(bound: Bound) -> str:
    wanted = max(2 * bound.limit, bound.spent * 1.5, 1)
    return f"{wanted:.2f}" if bound.what == "US dollars" else f"{wanted:.0f}"
