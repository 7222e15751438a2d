"""What a visitor may answer: what to do next, what could not be tried, or why the software is at fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from smaker.agents.web.paths import Untested
from smaker.core.ports.browser import Action, Deed, Expectation, Target

MOST_ACTIONS = 30

_ALONE = frozenset({"goto", "back", "reload", "press", "text", "gone", "url"})
"""What needs no target."""
_SAYING = frozenset({"goto", "select", "press", "text", "count", "url"})
"""What needs a value."""
_UNSAID = "the visitor did not say whether it was taken"


class _Loose(BaseModel):
    """What models add unasked is left out, not an error."""

    model_config = ConfigDict(extra="ignore")


class Doing(BaseModel):
    """One action, without what the explorer alone does."""

    model_config = ConfigDict(extra="forbid")

    kind: Deed | Expectation
    target: Target | None = None
    value: Annotated[str, Field(max_length=100_000)] = ""

    @model_validator(mode="after")
    def _whole(self) -> Doing:
        if self.target is None and (self.kind not in _ALONE or (self.kind == "gone" and not self.value)):
            raise ValueError(f"{self.kind} needs a target")
        if self.target is not None and not ((self.target.role or self.target.css) and self.target.nth >= 0):
            raise ValueError('a target is {"role": …, "name": …} or {"css": …}, its nth 0 or more')
        if self.kind in _SAYING and not self.value.strip():
            raise ValueError(f"{self.kind} needs a value")
        if self.kind == "goto" and not self.value.startswith("/"):
            raise ValueError('the value of goto is a path that begins with "/"')
        if self.kind == "count" and not self.value.isdecimal():
            raise ValueError("the value of count is a number")
        return self


class Wrong(_Loose):
    """Why a path cannot be taken: the software is at fault."""

    expected: Annotated[str, Field(min_length=1, max_length=1000)]
    seen: Annotated[str, Field(min_length=1, max_length=1000)]


class Skipped(_Loose):
    """A step of the path, by its number, that no action takes."""

    step: int
    why: Annotated[str, Field(min_length=1, max_length=400)]


class Turn(_Loose):
    """What to do next, and whether that is the end of the path; then each step is ``taken`` or ``untested``."""

    actions: tuple[Doing, ...] = ()
    done: bool = False
    taken: tuple[int, ...] = ()
    untested: tuple[Skipped, ...] = ()
    wrong: Wrong | None = None

    @field_validator("actions")
    @classmethod
    def _not_too_many(cls, actions: tuple[Doing, ...]) -> tuple[Doing, ...]:
        if len(actions) > MOST_ACTIONS:
            raise ValueError(
                f"at most {MOST_ACTIONS} in an answer: the first ones now, `done` false, and then the rest"
            )
        return actions

    @property
    def deeds(self) -> tuple[Action, ...]:
        """The actions as the browser takes them."""
        return tuple(Action(kind=one.kind, target=one.target, value=one.value) for one in self.actions)

    def unaccounted(self, steps: Sequence[str]) -> str:
        """What is wrong with its account of the path's steps, in words for whoever gave it; "" if nothing is."""
        numbers = range(1, len(steps) + 1)
        skipped = {entry.step for entry in self.untested}
        faults = [
            ("there is no step", {*self.taken, *skipped} - {*numbers}),
            ("both taken and untested:", skipped.intersection(self.taken)),
            ("neither in `taken` nor in `untested`: step", {*numbers} - {*self.taken, *skipped}),
        ]
        return "; ".join(f"{words} {', '.join(map(str, sorted(found)))}" for words, found in faults if found)

    def left_out(self, steps: Sequence[str]) -> tuple[Untested, ...]:
        """The steps that it does not say are taken."""
        why = {entry.step: entry.why for entry in self.untested}
        return tuple(
            Untested(step=step, why=why.get(number, _UNSAID))
            for number, step in enumerate(steps, 1)
            if number in why or number not in self.taken
        )
