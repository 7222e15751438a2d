"""Model calls of one task: masked before they are sent, held to the budget, priced, and told to the user as they come.

The budget is checked before a call and warned of after one, so a task never spends more than one call beyond its
bound, and a project not more than one of each task that runs beside others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue, TypeAdapter

from smaker.core.budget import Warned, call_bounds
from smaker.core.confidential import Live
from smaker.core.errors import ConfigError, SmakerError, WaitingForUser
from smaker.core.ledger import Effect, Ledger
from smaker.core.models import Budget, StepKind, Usage
from smaker.core.ports.llm import LanguageModel, Models, Proposing, Reply, Request, Role, ToolCall, Traits
from smaker.core.ports.store import Store

INLINE_REPLY = 8192  # characters of a reply kept in the step itself; a longer one becomes a blob


@dataclass
class Asking:
    """What the model calls of one task go through. ``tell`` records events of the project."""

    project: str
    task: str
    budget: Budget
    models: Models | None
    store: Store
    redact: Callable[[str], str]
    live: Callable[[], Live]
    ledger: Ledger
    warned: Warned = field(default_factory=Warned)
    override: str | None = None  # a provider, or "provider/model", that answers for every role
    spent: Usage = field(default_factory=Usage)  # since `settle`
    model: str = ""  # who answered last

    async def ask(
        self, role: Role, request: Request, *, title: str, turn: int = 0, several: bool = False
    ) -> tuple[Reply, ...]:
        """Have the call as a step of the ledger, and return the answers: one, or with ``several`` all proposals.

        Raises WaitingForUser (E_BUDGET), ConfigError, ModelAway, ModelError.
        """
        masked = self._masked(request)
        payload: dict[str, JsonValue] = {"role": role.value, "request": _sha(masked)}
        payload |= {"turn": turn} if turn else {}
        payload |= {"several": True} if several else {}
        step = await self.ledger.step(StepKind.MODEL, title, payload, lambda: self._call(role, masked, turn, several))
        self.spent += step.usage
        self.model = step.model or self.model
        return await self._recall(step.output or {})

    def traits(self, role: Role) -> Traits:
        """What the model that serves a role can do. Raises ConfigError."""
        return self._serving(role, 0).traits

    def settle(self) -> None:
        """A commit has told what was spent."""
        self.spent = Usage()

    async def _call(self, role: Role, request: Request, turn: int, several: bool) -> Effect:
        model = self._serving(role, turn)
        await self._guard()
        asked = await self.store.put_blob(request.model_dump_json(exclude_defaults=True).encode())
        if several and isinstance(model, Proposing):
            replies = await model.propose(request)
        else:
            with self.live() as say:
                replies = (await model.ask(request, say),)
        usage = sum((reply.usage for reply in replies), Usage())
        steps = await self.store.steps(self.project)
        await self.warned.warn(self.store, self.project, call_bounds(self.budget, steps, self.task, usage))
        named = ", ".join(dict.fromkeys(f"{reply.provider}/{reply.model}" for reply in replies))
        return Effect(await self._kept(asked, [self._clean(reply) for reply in replies]), usage=usage, model=named)

    async def _kept(self, asked: str, replies: Sequence[Reply]) -> dict[str, JsonValue]:
        """What the ledger keeps of a call: one answer as it is, several as a list; long ones as a blob."""
        texts = [reply.model_dump_json(exclude_defaults=True) for reply in replies]
        name, text = ("reply", texts[0]) if len(texts) == 1 else ("replies", f"[{','.join(texts)}]")
        if len(text) <= INLINE_REPLY:
            return {"request": asked, name: text}
        return {"request": asked, f"{name}_blob": await self.store.put_blob(text.encode())}

    async def _recall(self, output: dict[str, JsonValue]) -> tuple[Reply, ...]:
        for name in ("reply", "replies"):
            text = output.get(name)
            if text is None and (blob := output.get(f"{name}_blob")) is not None:
                text = (await self.store.get_blob(str(blob))).decode()
            if text is not None:
                found = str(text) if name == "replies" else f"[{text}]"
                return TypeAdapter(tuple[Reply, ...]).validate_json(found)
        raise SmakerError("The record of a model's answer is damaged.", hint="Have it done again: smaker restart ID")

    def _masked(self, request: Request) -> Request:
        """The request without credentials: what is sent, and what the ledger knows it by."""
        messages = tuple(
            message.model_copy(update={"text": self.redact(message.text), "calls": self._hidden(message.calls)})
            for message in request.messages
        )
        return request.model_copy(update={"messages": messages})

    def _clean(self, reply: Reply) -> Reply:
        return reply.model_copy(update={"text": self.redact(reply.text), "calls": self._hidden(reply.calls)})

    def _hidden(self, calls: Sequence[ToolCall]) -> tuple[ToolCall, ...]:
        return tuple(call.model_copy(update={"arguments": self.redact(call.arguments)}) for call in calls)

    def _serving(self, role: Role, turn: int) -> LanguageModel:
        if self.models is None:
            raise ConfigError(
                "This build asks no model: llm.mode is offline.",
                hint="Choose one with: smaker config set llm.mode openai (or claude, local, hybrid)",
            )
        return self.models.named(self.override) if self.override else self.models.for_role(role, turn)

    async def _guard(self) -> None:
        """Warn of bounds that are nearly spent; raise WaitingForUser at one that is."""
        bounds = call_bounds(self.budget, await self.store.steps(self.project), self.task)
        await self.warned.warn(self.store, self.project, bounds)
        for bound in bounds:
            if bound.share >= 1:
                problem = bound.problem(self.project)
                raise WaitingForUser(problem.message, hint=problem.hint, code=problem.code)


def _sha(request: Request) -> str:
    """What the ledger knows a request by."""
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode("utf-8", "surrogatepass")).hexdigest()
