"""What may be wrong, each cause once, with the ways that may show it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smaker.browser.inside.checks import Claim
from smaker.browser.inside.chores import Chore
from smaker.browser.inside.shapes import has_id
from smaker.core.ports.browser import Action


@dataclass
class Suspicion:
    """A claim, and the ways to it, the likeliest short one first. ``made``: the actions that make an account."""

    claim: Claim
    ways: tuple[tuple[Action, ...], ...]
    made: tuple[Action, ...]
    path: str

    @property
    def prefix(self) -> int:
        """How many actions make the account."""
        return len(self.made)


class Suspicions:
    """In the order in which they were met. ``account``: the actions that make an account, once there is one."""

    def __init__(self) -> None:
        self.account: tuple[Action, ...] = ()
        self._met: dict[str, Suspicion] = {}

    def __iter__(self) -> Iterator[Suspicion]:
        return iter(self._met.values())

    def add(
        self,
        chore: Chore,
        found: Iterable[Claim],
        *,
        actions: tuple[Action, ...] | None = None,
        way: tuple[Action, ...] = (),
        path: str = "",
    ) -> None:
        """Take claims down that came up in a chore. ``actions``: what it did, if more than it had to; ``way``: what
        must have been done before; ``path``: the page on which they were seen."""
        place = chore.place
        did = chore.actions if actions is None else actions
        account = self.account if place.signed else ()
        near = did if did[0].kind == "goto" else (Action(kind="goto", value=place.path), *place.local, *did)
        ways = [near, (*account, *near), (*place.route, *place.local, *did)]
        if path and path != place.path and not has_id(path):  # it may be enough to go there
            there = Action(kind="goto", value=path)
            ways = [(there,), (*account, there), *ways]
        if way:
            ways.append((*way, *near))
        for claim in found:
            serving = dict.fromkeys(one for one in ways if _serves(claim, one))
            self._met.setdefault(claim.signature, Suspicion(claim, tuple(serving), account, path or place.path))


def _serves(claim: Claim, way: tuple[Action, ...]) -> bool:
    """Whether a way can show the claim: what is about an action must end with it."""
    if claim.check == "dead-control":
        return way[-1].kind == "click"
    if claim.check == "lost-back":
        return len(way) > 1 and way[-1].kind == "back"
    if claim.check == "double-submit":
        return any(action.kind == "double" for action in way)
    return True
