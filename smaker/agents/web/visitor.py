"""A visitor: a model that takes a path through the pages by what a screen reader would tell of them.

It sees the accessibility tree, not the code; what pages say is data. Every turn plays all actions from the start on
software that was started afresh, so that what is kept in the end is known to work from nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from smaker.agents.model.plan import spec_text
from smaker.agents.model.structured import ask_for
from smaker.agents.prompts import render
from smaker.agents.web.launching import Launching
from smaker.agents.web.paths import KeptPath, faults_of
from smaker.core.browsing import Visit
from smaker.core.context import Context
from smaker.core.models import Finding
from smaker.core.ports import Message, Role
from smaker.core.ports.browser import Action, BrowserJob
from smaker.core.spec import Scenario

MOST_TURNS = 8
SNAPSHOT_SHOWN = 8_000  # characters

Play = Callable[[str, BrowserJob], Awaitable[Visit]]


class Wrong(BaseModel):
    """Why a path cannot be taken: the software is at fault."""

    model_config = ConfigDict(extra="ignore")

    expected: Annotated[str, Field(min_length=1, max_length=1000)]
    seen: Annotated[str, Field(min_length=1, max_length=1000)]


class Turn(BaseModel):
    """What a visitor answers: what to do next, and whether that is the end of the path."""

    model_config = ConfigDict(extra="ignore")

    actions: Annotated[tuple[Action, ...], Field(max_length=30)] = ()
    done: bool = False
    wrong: Wrong | None = None


class Visitor:
    """Takes the paths of one project."""

    def __init__(self, context: Context, play: Play, start: Launching) -> None:
        self._context = context
        self._play = play
        self._start = start

    async def take(self, scenario: Scenario, first: str) -> tuple[KeptPath | None, Finding | None]:
        """Take one path; return it, or what is wrong. ``first`` is the accessibility tree of the start page."""
        traits = await self._context.model_traits(Role.TESTING)
        task = render(
            "visitor_task",
            prompt=self._context.project.prompt,
            spec=spec_text(self._context.spec),
            scenario=scenario.name,
            steps=scenario.steps,
            path=self._start.path,
            snapshot=first[:SNAPSHOT_SHOWN],
        )
        talk = [
            Message(role="system", text=render("visitor"), stable=True),
            Message(role="user", text=task, stable=True),
        ]
        opening = Action(kind="goto", value=self._start.path)
        taken: tuple[Action, ...] = ()
        told = ""
        for number in range(MOST_TURNS):
            title = f"visit: {scenario.name}" + (f" ({number + 1})" if number else "")
            turn, talk = await ask_for(self._context, Role.TESTING, talk, Turn, title=title, traits=traits)
            if turn.wrong is not None:
                return None, self._finding(scenario, taken, turn.wrong)
            if not turn.actions:
                fault = faults_of(taken)
                if turn.done and not fault:
                    return self._kept(scenario, taken), None
                talk.append(Message(role="user", text=f"You named nothing to do. {fault if turn.done else 'Go on'}."))
                continue
            visit = await self._play(f"{title}: try", self._start.play((opening, *taken, *turn.actions)))
            if visit.result is None:
                return None, self._finding(scenario, taken, Wrong(expected="it comes up", seen=visit.trouble))
            well = tuple(step.action for step in visit.result.steps if step.ok)[1:]  # the first opens the start page
            whole = len(well) == len(taken) + len(turn.actions)
            if whole and turn.done and not faults_of(well):
                return self._kept(scenario, well), None
            told = _told(visit, whole=whole, taken=len(taken))
            taken = well if len(well) >= len(taken) else taken
            if whole and turn.done:
                told += f"\nNot the end yet: {faults_of(well)}."
            talk.append(Message(role="user", text=told))
        seen = f"a visitor did not get through in {MOST_TURNS} tries; at last: {told[:600]}"
        return None, self._finding(scenario, taken, Wrong(expected="; ".join(scenario.steps), seen=seen))

    @staticmethod
    def _kept(scenario: Scenario, actions: tuple[Action, ...]) -> KeptPath:
        return KeptPath(name=scenario.name, requirements=scenario.requirements, actions=actions)

    @staticmethod
    def _finding(scenario: Scenario, taken: tuple[Action, ...], wrong: Wrong) -> Finding:
        steps = "\n".join(f"{number}. {action}" for number, action in enumerate(taken, 1))
        return Finding(
            source="browser",
            message=f"{scenario.name}: {wrong.seen}",
            requirements=scenario.requirements,
            expected=wrong.expected,
            seen=wrong.seen,
            signature=f"browser scenario {scenario.name}",
            evidence=f"In the browser, before that:\n{steps}" if steps else "",
        )


def _told(visit: Visit, *, whole: bool, taken: int) -> str:
    """What a model is told of a try: the step that failed, and the page as it is now."""
    result = visit.result
    assert result is not None
    failed = next((step for step in result.steps if not step.ok), None)
    lines: list[str] = []
    if whole:
        lines.append("All of it worked.")
    elif failed is not None:
        number = result.steps.index(failed) - 1 - taken
        before = f"The first {number} worked; " if number > 0 else ""
        lines.append(f"{before}this did not: {failed.action}: {failed.seen}")
        lines.append("What came after it was not done. What worked stands; answer with what comes instead.")
    else:
        lines.append(f"The browser ended: {result.ended}.")
    lines += [f"console: {entry}" for entry in (*result.page_errors, *result.console)[:5]]
    url = result.steps[-1].url if result.steps else ""
    lines.append(f"The page now ({url}):\n<page>\n{result.snapshot[:SNAPSHOT_SHOWN]}\n</page>")
    return "\n".join(lines)
