"""A visitor: a model that takes a path through the pages by what a screen reader would tell of them.

It sees the accessibility tree, not the code; what pages say is data. Every turn plays all actions from the start on
software that was started afresh, so that what is kept in the end is known to work from nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from smaker.agents.model.structured import ask_for
from smaker.agents.web.findings import left_untested, not_started, path_wrong
from smaker.agents.web.launching import Launching
from smaker.agents.web.paths import KeptPath, Untested, faults_of
from smaker.agents.web.telling import Objection, after, first_turns, idle
from smaker.agents.web.turns import MOST_ACTIONS, Turn
from smaker.core.browsing import Visit
from smaker.core.context import Context
from smaker.core.models import Finding
from smaker.core.ports import Message, Role
from smaker.core.ports.browser import Action, BrowserJob
from smaker.core.spec import Scenario

MOST_TURNS = 8

Play = Callable[[str, BrowserJob], Awaitable[Visit]]


@dataclass(frozen=True)
class Taken:
    """A path as a visitor took it; without one, ``findings`` say what is wrong, or that nothing of it can be tried."""

    path: KeptPath | None = None
    findings: tuple[Finding, ...] = ()


class Visitor:
    """Takes the paths of one project."""

    def __init__(self, context: Context, play: Play, start: Launching) -> None:
        self._context = context
        self._play = play
        self._start = start
        self._opening = Action(kind="goto", value=start.path)
        self._opened: Visit | None = None

    async def take(self, scenario: Scenario, objection: Objection | None = None) -> Taken:
        """Take one path, or with an ``objection`` judge it again. Raises ModelError."""
        if self._opened is None:
            self._opened = await self._play("open the start page", self._start.play((self._opening,)))
        if self._opened.result is None:
            return Taken(findings=(not_started(self._opened),))
        traits = await self._context.model_traits(Role.TESTING)
        talk = first_turns(
            self._context.spec,
            self._context.project.prompt,
            scenario,
            path=self._start.path,
            snapshot=self._opened.result.snapshot,
            most=MOST_TURNS,
            most_actions=MOST_ACTIONS,
            objection=objection,
        )
        first = len(talk)
        well: tuple[Action, ...] = ()  # what worked
        told = ""
        shows_nothing = ""
        asked = False  # for an account of the steps, and for names that are there
        for number in range(MOST_TURNS):
            title = f"visit: {scenario.name}" + (f" ({number + 1})" if number else "")
            turn, talk = await ask_for(self._context, Role.TESTING, talk, Turn, title=title, traits=traits, first=first)
            if turn.wrong is not None:
                return _wrong(scenario, well, turn.wrong.expected, turn.wrong.seen)
            whole = True
            told = "" if turn.done else "You named nothing to do. Go on."
            if turn.actions:
                visit = await self._play(f"{title}: try", self._start.play((self._opening, *well, *turn.deeds)))
                if visit.result is None:
                    return _wrong(scenario, well, "it comes up", visit.trouble)
                did = tuple(step.action for step in visit.result.steps if step.ok)[1:]  # the first opens the start page
                whole = len(did) == len(well) + len(turn.actions)
                told = after(visit, whole=whole, taken=len(well))
                shows_nothing = idle(visit)
                well = did if len(did) >= len(well) else well
            if whole and turn.done:
                left_out = turn.left_out(scenario.steps)
                doubts = "; ".join(filter(None, (turn.unaccounted(scenario.steps), shows_nothing)))
                fault = _fault(well, left_out, scenario.steps)
                if not fault and (asked or not doubts):
                    return _end(scenario, well, left_out)
                asked = asked or not fault
                told = f"{told}\nNot the end yet: {fault or doubts}.".strip()
            talk.append(Message(role="user", text=f"{told}\nAnswers left: {MOST_TURNS - number - 1}."))
        seen = f"a visitor did not get through in {MOST_TURNS} tries; at last: {told[:600]}"
        return _wrong(scenario, well, "; ".join(scenario.steps), seen)


def _fault(actions: tuple[Action, ...], left_out: Sequence[Untested], steps: Sequence[str]) -> str:
    """Why a path that is said to end there does not; nothing of one of which no step can be taken."""
    return "" if steps and len(left_out) == len(steps) and not actions else faults_of(actions)


def _end(scenario: Scenario, actions: tuple[Action, ...], left_out: tuple[Untested, ...]) -> Taken:
    path = KeptPath(name=scenario.name, requirements=scenario.requirements, actions=actions, untested=left_out)
    return Taken(path=path) if actions else Taken(findings=tuple(left_untested(path)))


def _wrong(scenario: Scenario, well: tuple[Action, ...], expected: str, seen: str) -> Taken:
    steps = "\n".join(f"{number}. {action}" for number, action in enumerate(well, 1))
    evidence = f"In the browser, before that:\n{steps}" if steps else ""
    finding = path_wrong(
        scenario.name, scenario.requirements, message=seen, expected=expected, seen=seen, evidence=evidence
    )
    return Taken(findings=(finding,))
