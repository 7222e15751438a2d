"""The loop of every agent that writes files: ask, apply, observe, until the work is accepted or a limit is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from smaker.agents.model.guards import Guard
from smaker.agents.model.structured import said
from smaker.agents.model.taking import taken
from smaker.agents.model.talk import answers_to, calls_in, reserved, within_context
from smaker.agents.model.tools import Toolbox
from smaker.agents.prompts import render
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.errors import ModelError, PathError
from smaker.core.ports import Message, Reply, Request, Role, Traits

MAX_TURNS = 8

Check = Callable[[], Awaitable[str]]
"""Looks at the files after an answer; returns what is wrong with them, in words for the model, or nothing."""

Choose = Callable[[Guard, Sequence[Reply]], Awaitable[Reply]]
"""Returns the best of several proposals."""


@dataclass
class Work:
    """One task of a model: what it is told, what it may write, and when its work is accepted."""

    context: Context
    role: Role
    title: str
    system: str
    task: str
    guard: Guard
    check: Check
    traits: Traits
    tools: bool = True
    choose: Choose | None = None  # between proposals, where there are several
    turn: int = 0  # whose, where a role has several models
    max_turns: int = MAX_TURNS
    turns: int = 0
    written: set[str] = field(default_factory=set[str])
    last: list[str] = field(default_factory=list[str])  # by the last answer
    prose: str = ""  # all that was said beside files

    async def run(self) -> None:
        """Work until the check finds nothing wrong.

        Raises ModelError: E_MODEL_STUCK, with what is still wrong, after too many turns or an answer that repeats.
        """
        box = Toolbox(self.context)
        began = await self.context.tree()
        native = self.tools and self.traits.tools
        system = self.system
        if self.tools and not native:
            system += "\n" + render("tool_format", tools=box.described())
        talk = [
            Message(role="system", text=system, stable=True),
            Message(role="user", text=self.task, stable=True),
        ]
        before: list[str] = []
        wrong = ""
        while self.turns < self.max_turns:
            self.turns += 1
            request = Request(
                messages=within_context(talk, self.traits),
                tools=box.described() if native else (),
                max_tokens=reserved(self.traits),
            )
            reply = await self._ask(request)
            calls = reply.calls if native or not self.tools else calls_in(reply.text)
            if reply.text and reply.text in before and not calls:
                break
            before.append(reply.text)
            talk.append(said(reply))
            faults = await self._apply(reply)
            results = await box.use(calls)
            if self.last and results:
                results[0] = (
                    results[0][0],
                    f"(First your files were written: {', '.join(self.last)}.)\n{results[0][1]}",
                )
            if not calls:  # what looks at the files next is not to look at what a program changes meanwhile
                await box.end()
            await self._put_back(began)
            talk += answers_to(results, native=native)
            if calls and not faults:
                continue
            wrong = "\n\n".join(faults) or await self.check()
            if not wrong:
                return
            talk.append(Message(role="user", text=wrong))
        raise ModelError(
            f"The model's work ({self.title}) was not accepted after {counted(self.turns, 'answer')}: "
            f"{_told_of(wrong)}",
            hint="Go on with: smaker restart ID, or give it to another model.",
            code="E_MODEL_STUCK",
        )

    def _title(self) -> str:
        return self.title if self.turns == 1 else f"{self.title} ({self.turns})"

    async def _ask(self, request: Request) -> Reply:
        """Have an answer; of several proposals the one that the tests choose."""
        if self.choose is None or self.traits.proposals < 2:
            return await self.context.ask_model(self.role, request, title=self._title(), turn=self.turn)
        replies = await self.context.propose(self.role, request, title=self._title())
        return await self.choose(self.guard, replies)

    async def _apply(self, reply: Reply) -> list[str]:
        """Write what an answer holds; return what of it could not be used, in words for the model."""
        found = await taken(self.context, reply, self.guard)
        self.prose = "\n".join(filter(None, (self.prose, found.prose)))
        faults = [*found.faults]
        self.last = sorted(found.files)
        if found.files:
            try:
                await self.context.write(found.files, title=f"write {', '.join(self.last)}"[:200])
            except PathError as error:
                faults.append(f"Nothing was written: {error.message} {error.hint}")
            else:
                self.written |= found.files.keys()
        if reply.finish == "length":
            faults.append("Your answer was cut off at its limit. Complete files were taken; go on with the rest.")
        elif not reply.text.strip() and not reply.calls:
            faults.append("Your answer was empty.")
        return faults

    async def _put_back(self, began: str) -> None:
        """What a command changed although the model must not is put back, as it was when the task began."""
        now = await self.context.tree()
        before = await self.context.changes(now, began) if now != began else {}
        wrong: dict[str, bytes | None] = {}
        for path, entry in before.items():
            old = entry[1] if entry else None
            if self.guard(path, old, await self.context.read_or(path) or None):
                wrong[path] = old
        if wrong:
            await self.context.write(wrong, title=f"put back {', '.join(sorted(wrong))}"[:200])


def _told_of(wrong: str) -> str:
    """The first of what a model was told is wrong, as its user reads it; what follows a full stop is the model's."""
    first = wrong.strip().partition("\n")[0].partition(". ")[0].rstrip(".")
    for words, instead in (("Your answer", "its answer"), ("You wrote", "it wrote")):
        first = first.replace(words, instead)
    return first or "it repeats itself"
