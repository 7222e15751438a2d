"""The own tools of an adopted repository: a model names the commands, and they are tried before they are relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smaker.agents.inherited import put_back
from smaker.agents.model.plan import Plan
from smaker.agents.model.structured import ask_for
from smaker.agents.prompts import render
from smaker.core.context import Context
from smaker.core.ports import Message, Role, Traits
from smaker.core.spec import Argv, Toolchain

TRIES = 2
NOT_THERE = frozenset({126, 127})
OUTPUT_SHOWN = 1_200  # characters of each command's end


@dataclass(frozen=True)
class _Tried:
    argv: Argv
    exit_code: int
    output: str
    stopped: str | None

    @property
    def there(self) -> bool:
        """Whether it could be run at all."""
        return self.exit_code not in NOT_THERE and self.stopped is None

    @property
    def told(self) -> str:
        """How it went, as a model reads it."""
        ended = self.stopped or f"exit code {self.exit_code}"
        return f"`{' '.join(self.argv)}`: {ended}\n{self.output[-OUTPUT_SHOWN:].strip()}"


async def confirmed(context: Context, plan: Plan, talk: Sequence[Message], traits: Traits) -> Plan:
    """The plan with the commands that work here. What does not is shown to the model, which corrects or drops it; what
    cannot be run even then is left out, and said so. Raises ModelError."""
    proposed = plan.toolchain or Toolchain()
    tried = await _try(context, proposed)
    for _ in range(TRIES):
        if all(one.exit_code == 0 for one in tried):
            break
        told = "\n\n".join(one.told for one in tried)
        question = Message(role="user", text=render("planner_toolchain", tried=told))
        corrected, _ = await ask_for(
            context, Role.PLANNING, [*talk, question], Toolchain, title="how its own tools are run", traits=traits
        )
        if corrected == proposed:
            break
        proposed = corrected
        tried = await _try(context, proposed)
    there = {one.argv: one.there for one in tried}
    kept = Toolchain(
        setup=tuple(argv for argv in proposed.setup if there[argv]),
        checks=tuple(argv for argv in proposed.checks if there[argv]),
    )
    return plan.model_copy(update={"toolchain": kept if kept.setup or kept.checks else None})


async def _try(context: Context, toolchain: Toolchain) -> list[_Tried]:
    before = await context.tree()
    tried: list[_Tried] = []
    for argv in toolchain.setup:
        ran = await context.run(argv, profile="install")
        tried.append(_Tried(argv, ran.exit_code, ran.output, ran.limit))
    for argv in toolchain.checks:
        ran = await context.run(argv)
        tried.append(_Tried(argv, ran.exit_code, ran.output, ran.limit))
    await put_back(context, before)
    return tried
