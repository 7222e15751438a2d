"""Plays actions one after the other, with a picture and the accessibility tree after each, until one fails."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from difflib import SequenceMatcher
from pathlib import Path

from playwright.async_api import Error

from smaker.browser.inside import checks
from smaker.browser.inside.session import Session
from smaker.browser.inside.shapes import unique
from smaker.browser.inside.tab import PATIENCE_S, Missing, Stuck, Tab, Unmet
from smaker.core.ports.browser import UNIQUE, Action, BrowserJob, Ended, Played, Target

TRACE = "trace.zip"
_LARGEST = 50_000  # letters of a snapshot
_TOLD = 8  # names of what is there instead


class Player:
    """One visitor who does as told. After ``run``, ``steps`` are what happened, and ``tab`` is where it ended."""

    def __init__(self, session: Session, job: BrowserJob, folder: Path) -> None:
        self.steps: list[Played] = []
        self.tab: Tab | None = None
        self.ended: Ended = "done"
        self._session = session
        self._job = job
        self._folder = folder
        self._never = {number: action for number, action in enumerate(_whole(job)) if _denies(action)}

    async def run(self, until: float) -> None:
        """Play the job's actions, beginning at its start page."""
        tab = self.tab = await self._session.tab()
        letters = unique(self._job.seed, 0)
        if self._job.trace:
            await tab.page.context.tracing.start(screenshots=True, snapshots=True)
        for number, action in enumerate(_whole(self._job)):
            if time.monotonic() > until:
                self.ended = "seconds"
                break
            if not await self._step(tab, number, action, letters):
                self.ended = "failed"
                break
            await self._see(tab, letters)
        if self.ended == "done":
            pages = "\n".join(step.snapshot for step in self.steps)
            for number, action in self._never.items():
                idle = f"it was there at no other step either{others(pages, action.target, letters)}"
                self.steps[number] = self.steps[number].model_copy(update={"idle": idle})
        if self._job.trace:
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(PATIENCE_S * 2):
                    await tab.page.context.tracing.stop(path=self._folder / TRACE)

    async def _see(self, tab: Tab, letters: str) -> None:
        """Take down which of the things that are expected to be gone, now or later, are there."""
        for number, action in list(self._never.items()):
            try:
                there = await tab.unmet(action, action.value.replace(UNIQUE, letters), letters)
            except (Missing, Stuck, Error):
                there = "or nobody can say"
            if there:
                del self._never[number]

    async def _step(self, tab: Tab, number: int, action: Action, letters: str) -> bool:
        at, said = time.time(), ""
        try:
            await tab.act(action, letters)
        except Stuck:
            said = checks.stuck(tab.seen, tab.path).message
        except (Missing, Unmet) as error:
            said = str(error)
        picture = await self._session.picture(tab, self._folder / f"step-{number + 1}.png")
        page = await snapshot(tab)
        self.steps.append(
            Played(
                action=action,
                ok=not said,
                url=tab.address,
                seen=said and f"{said.rstrip('.')}{others(page, action.target, letters)}",
                screenshot=picture,
                snapshot=page,
                at=at,
            )
        )
        return not said


def _whole(job: BrowserJob) -> tuple[Action, ...]:
    """The job's actions, from the page it begins at."""
    actions = job.actions
    return actions if actions and actions[0].kind == "goto" else (Action(kind="goto", value=job.path), *actions)


def _denies(action: Action) -> bool:
    """Whether an action expects that something is not there."""
    return action.kind in {"hidden", "gone"} or (action.kind == "count" and action.value == "0")


async def snapshot(tab: Tab) -> str:
    """The page as assistive technology is told it; "" if it does not answer."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return (await tab.page.locator("body").aria_snapshot(timeout=PATIENCE_S * 1000))[:_LARGEST]
    except (Error, TimeoutError):
        return ""


def others(page: str, target: Target | None, letters: str) -> str:
    """What a page has of a target's role where it has nothing of its name, the most similar names first."""
    if target is None or not (target.role and target.name):
        return ""
    sought = target.name.replace(UNIQUE, letters)
    found = re.findall(rf"^\s*- '?{re.escape(target.role)} \"((?:[^\"\\]|\\.)*)\"", page, re.MULTILINE)
    names = [*dict.fromkeys(name.replace('\\"', '"') for name in found)]
    if sought in names:
        return ""
    names.sort(key=lambda name: SequenceMatcher(None, sought, name).ratio(), reverse=True)
    return (
        f"; of that role there are: {', '.join(map(repr, names[:_TOLD]))}"
        if names
        else "; nothing of that role is there"
    )
