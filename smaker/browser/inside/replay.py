"""Does what was found show again? The same actions by another visitor; and which of them are needed."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Error

from smaker.browser.inside import checks, forms
from smaker.browser.inside.checks import Claim
from smaker.browser.inside.scripts import NAMED
from smaker.browser.inside.session import Session
from smaker.browser.inside.shapes import unique
from smaker.browser.inside.suspicions import Suspicion
from smaker.browser.inside.tab import Missing, Stuck, Tab, Unmet
from smaker.browser.inside.trials import alive
from smaker.browser.inside.watch import Seen
from smaker.core.models import Finding, Severity
from smaker.core.ports.browser import Action, BrowserJob, Discovery, Target

_LATER_MS = 500  # for a page that is there to begin what it does not end


@dataclass
class Shown:
    """A claim that holds: the actions, where it was seen, and its picture."""

    actions: tuple[Action, ...]
    url: str
    picture: str
    at: float


async def loses_the_way(tab: Tab, actions: tuple[Action, ...], letters: str) -> bool:
    """Whether the last two of the actions, to another page and back, end elsewhere than they began."""
    *before, there, back = actions
    for action in before:
        await tab.act(action, letters)
    path, heading = tab.path, (await tab.look())["heading"]
    await tab.act(there, letters)
    if tab.path == path:
        return False
    far = (await tab.look())["heading"]
    await tab.act(back, letters)
    return tab.path != path or (await tab.look())["heading"] == far != heading


class Replays:
    """Tries action lists as visitors that were never there before."""

    def __init__(self, session: Session, job: BrowserJob, axe: str, folder: Path) -> None:
        self._session = session
        self._job = job
        self._axe = axe
        self._folder = folder
        self._number = 0
        self.actions = 0

    @asynccontextmanager
    async def _visitor(self) -> AsyncGenerator[tuple[Tab, str]]:
        self._number += 1
        tab = await self._session.tab()
        try:
            yield tab, unique(f"{self._job.seed}/again", self._number)
        finally:
            await self._session.leave(tab)

    async def shows(self, claim: Claim, actions: tuple[Action, ...], picture: str = "") -> Shown | None:
        """Do the actions as a new visitor; what was seen if the claim holds, else None."""
        self.actions += len(actions)
        async with self._visitor() as (tab, letters):
            at = time.time()
            try:
                holds = await self._holds(tab, claim, actions, letters)
            except (Missing, Unmet, Error):
                return None
            if not holds:
                return None
            file = await self._session.picture(tab, self._folder / picture) if picture and not tab.seen.hostile else ""
            pinned = tuple(
                action.model_copy(update={"target": tab.pinned[action.target]})
                if action.target in tab.pinned
                else action
                for action in actions
            )
            return Shown(pinned, tab.path, file, at)

    async def _holds(self, tab: Tab, claim: Claim, actions: tuple[Action, ...], letters: str) -> bool:
        try:
            if claim.check == "lost-back":
                return await loses_the_way(tab, actions, letters)
            if claim.check == "double-submit":
                return await self._makes_two(tab, actions, letters)
            for action in actions[:-1]:
                await tab.act(action, letters)
            if claim.check == "dead-control":
                return not await alive(tab, actions[-1], letters, fragment=claim.fragment)
            await tab.act(actions[-1], letters)
            return await self._asked(tab, claim, letters)
        except Stuck:
            if claim.check in {"unresponsive", "crash"}:
                return checks.stuck(tab.seen, tab.path).check == claim.check
            return self._seen(claim, tab.seen)
        except Missing:  # a page that does not come may be what the claim is about
            return self._seen(claim, tab.seen)

    async def _asked(self, tab: Tab, claim: Claim, letters: str) -> bool:
        """Whether the claim holds for the page that the actions led to."""
        match claim.check:
            case "markup":
                return bool((await tab.look())["probes"])
            case "unlabelled":
                found = await tab.find(claim.target or Target(), letters)
                return not await tab.ask(found.evaluate(NAMED))
            case "accessibility":
                return bool(await checks.inaccessible(tab, self._axe, tab.path, 0, (claim.rule,)))
            case "unresponsive" | "crash":
                await tab.page.wait_for_timeout(_LATER_MS)
                await tab.look()
                return False
            case "missing-page":
                answer = tab.seen.page
                return answer is not None and (answer.status < 400 or answer.status >= 500)
            case _:
                return self._seen(claim, tab.seen)

    def _seen(self, claim: Claim, seen: Seen) -> bool:
        """Whether the claim is one of those that need no question."""
        found = (*checks.passive(seen, slow_s=self._job.limits.slow_s), *checks.broken(seen))
        return claim.signature in {one.signature for one in found}

    async def _makes_two(self, tab: Tab, actions: tuple[Action, ...], letters: str) -> bool:
        """Whether two clicks show more of what was written than one."""
        before, once, double = forms.twice(actions)
        for action in before:
            await tab.act(action, letters)
        shown: list[int] = []
        for way in (once, double):
            self._number += 1
            letters = unique(f"{self._job.seed}/again", self._number)
            for action in way:
                await tab.act(action, letters)
            shown.append(int(await tab.evaluate(COUNT, letters)))
        return shown[1] > shown[0] > 0

    async def settle(self, suspicion: Suspicion, number: int, until: float) -> Discovery:
        """Try the ways of a suspicion, shrink the first that shows it, and tell it as a finding.

        What is seen once and not again is told as a warning; what there was no time for, as it was seen.
        """
        claim, picture = suspicion.claim, f"finding-{number}.png"
        shown: Shown | None = None
        for way in suspicion.ways:
            if time.monotonic() > until:
                break
            if shown := await self.shows(claim, way, picture):
                kept = suspicion.prefix if way[: suspicion.prefix] == suspicion.made else 0
                shown = await self.shrink(claim, shown, max(kept, 0), until, picture)
                break
        late = shown is None and time.monotonic() > until
        return told(claim, shown or Shown(suspicion.ways[-1], suspicion.path, "", time.time()), bool(shown), late=late)

    async def shrink(self, claim: Claim, shown: Shown, first: int, until: float, picture: str) -> Shown:
        """Leave out what is not needed from action ``first`` on, the last one excepted, as long as there is time."""
        at = len(shown.actions) - 2
        while at >= first and time.monotonic() < until:
            fewer = shown.actions[:at] + shown.actions[at + 1 :]
            needed = shown.actions[at].kind == "double" or fewer[0].kind != "goto"
            if not needed and (again := await self.shows(claim, fewer, picture)):
                shown = again
            at -= 1
        return shown


def told(claim: Claim, shown: Shown, confirmed: bool, *, late: bool) -> Discovery:
    """The claim in the words of a finding."""
    steps = "\n".join(f"{number}. {action}" for number, action in enumerate(shown.actions, start=1))
    again = "" if confirmed or late else " (seen once: the same steps did not show it again)"
    evidence = f"Steps:\n{steps}\nSeen on {shown.url}" + (
        f"\nAt {claim.target.css or claim.target}" if claim.target else ""
    )
    finding = Finding(
        source="browser",
        message=claim.message + again,
        severity=claim.severity if confirmed or late else Severity.WARNING,
        expected=claim.expected,
        seen=claim.seen,
        signature=claim.signature,
        evidence=f"{evidence}\n{claim.detail}" if claim.detail else evidence,
    )
    return Discovery(
        finding=finding,
        check=claim.check,
        actions=shown.actions,
        url=shown.url,
        subject=claim.rule or claim.subject,
        target=claim.target,
        screenshot=shown.picture,
        confirmed=confirmed,
        at=shown.at,
    )


COUNT = """letters => (document.body ? document.body.innerText : "").split(letters).length - 1"""
