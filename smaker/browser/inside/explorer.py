"""The explorer: without a model, it follows links, presses controls and fills forms in, and takes down what is wrong.

Breadth first, one thing after the other, each once by its shape; first as a stranger, then with an account it made.
What removes something comes late, what logs out last.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterable
from typing import Any

from playwright.async_api import Error

from smaker.browser.inside import checks, forms, trials
from smaker.browser.inside.checks import Claim
from smaker.browser.inside.chores import Chore, Place, offered
from smaker.browser.inside.replay import COUNT
from smaker.browser.inside.session import Session
from smaker.browser.inside.shapes import has_id, plain, shape, tokens, unique
from smaker.browser.inside.suspicions import Suspicions
from smaker.browser.inside.tab import Missing, Stuck, Tab
from smaker.core.ports.browser import UNIQUE, Action, BrowserJob, Ended

NOWHERE = "/no-such-page-here"
_SHARE = 0.6  # of the time that is for looking around; the rest is for trying again
_ALIKE = 12  # pages below one folder


class Explorer:
    """One look around. After ``run``, ``suspicions`` are in the order in which they were met."""

    def __init__(self, session: Session, job: BrowserJob, axe: str) -> None:
        self.suspicions = Suspicions()
        self.pages: dict[str, str] = {}  # shape -> path
        self.actions = 0
        self.ended: Ended = "done"
        self._session = session
        self._job = job
        self._axe = axe
        self._queue: list[Chore] = []
        self._order = 0
        self._examined: set[tuple[str, ...]] = set()
        self._waiting: dict[tuple[str, ...], Chore] = {}  # what was offered, tried or not
        self._tab: Tab | None = None
        self._signed = False
        self._prefix: tuple[Action, ...] = ()
        self._joining: Chore | None = None
        self._entering: Chore | None = None
        self._leaving: tuple[Action, ...] = ()
        self._numbers = 0
        self._at = ""  # the path of the page, where it is as it was loaded
        self._made: dict[str, tuple[Action, ...]] = {}  # letters -> how the record that has them is made
        self._shown: dict[tuple[str, ...], tuple[str, int]] = {}  # form -> where its record is shown, and how often
        self._until = 0.0

    async def run(self, until: float) -> None:
        """Look around until all is done, or time or actions are up."""
        self._until = time.monotonic() + (until - time.monotonic()) * _SHARE
        await self._begin(signed=False)
        await self._work()
        if self._joining is not None and self._left():
            await self._sign_in(self._joining)
        elif self._entering is not None and self._job.account and self._left():
            await self._sign_in(self._entering)
        if self._signed:
            await self._begin(signed=True)
            await self._work()
            if self._leaving and self._entering is not None and self._left():
                await self._come_back(self._entering)
        await self._close()

    # --- the queue --------------------------------------------------------------------------------------------------

    def _left(self) -> bool:
        if time.monotonic() >= self._until:
            self.ended = "seconds"
        elif self.actions >= self._job.limits.actions:
            self.ended = "actions"
        return self.ended == "done"

    async def _begin(self, *, signed: bool) -> None:
        start = Action(kind="goto", value=self._job.path)
        place = Place(self._job.path, (*self._prefix, start), signed)
        self._add(Chore((0, 0), "visit", place, (start,)))
        self._add(Chore((1, 0), "nowhere", place, (Action(kind="goto", value=NOWHERE),)))

    def _add(self, chore: Chore) -> None:
        self._order += 1
        chore.rank = (chore.rank[0], self._order)
        heapq.heappush(self._queue, chore)

    async def _work(self) -> None:
        while self._queue and self._left():
            chore = heapq.heappop(self._queue)
            try:
                await self._do(chore)
            except Missing:  # what was there is gone: another try removed it
                if self._tab is not None:
                    self._passive(chore, self._tab, self._tab.path)
            except Stuck:
                await self._got_stuck(chore)
            except Error:
                await self._close()
        self._queue.clear()

    async def _got_stuck(self, chore: Chore) -> None:
        tab = self._tab
        if tab is not None:
            self._passive(chore, tab, tab.path)
            if tab.seen.hostile or not tab.seen.endless:
                self.suspicions.add(
                    chore, [checks.stuck(tab.seen, chore.place.path if tab.path == "blank" else tab.path)]
                )
        await self._close()

    async def _close(self) -> None:
        tab, self._tab, self._at = self._tab, None, ""
        if tab is not None:
            await self._session.leave(tab)

    # --- going there ------------------------------------------------------------------------------------------------

    async def _here(self, *, signed: bool) -> tuple[Tab, str]:
        """A tab of the stranger, or of the one with an account; and letters for what is made now."""
        self._numbers += 1
        letters = unique(self._job.seed, self._numbers)
        if self._tab is None:
            self._tab = await self._session.tab()
            if signed:
                await self._play(self._tab, self._prefix, letters)
        return self._tab, letters

    async def _play(self, tab: Tab, actions: Iterable[Action], letters: str) -> None:
        for action in actions:
            self.actions += 1
            await tab.act(action, letters)

    async def _arrive(self, tab: Tab, chore: Chore, letters: str) -> None:
        """Go to the chore's place; by the whole way where the address alone does not lead there."""
        place, at = chore.place, self._at
        self._at = ""
        if chore.actions[0].kind == "goto" or (at == place.path and not place.local):
            return
        await self._play(tab, (Action(kind="goto", value=place.path), *place.local), letters)
        first = chore.actions[0]
        if first.target is None:
            return
        try:
            await tab.find(first.target, letters)
        except Missing:
            await self._play(tab, (*place.route[len(self._prefix) if place.signed else 0 :], *place.local), letters)

    # --- doing it ---------------------------------------------------------------------------------------------------

    async def _do(self, chore: Chore) -> None:
        apart = chore.kind == "form" and bool(chore.form.get("apart"))
        if apart:  # what is tried on log-in forms may log in
            await self._close()
        tab, letters = await self._here(signed=chore.place.signed)
        await self._arrive(tab, chore, letters)
        tab.watch.mark()
        match chore.kind:
            case "visit":
                await self._visit(tab, chore, letters)
            case "press":
                await self._press(tab, chore, letters)
            case "nowhere":
                await self._nowhere(tab, chore, letters)
            case _:
                await self._form(tab, chore, letters)
        if forms.leaves(str(chore.actions[-1].target or ""), chore.link.get("path", "")):
            if chore.place.signed:
                self._leaving = (Action(kind="goto", value=chore.place.path), *chore.place.local, *chore.actions)
            await self._close()
        elif apart:
            await self._close()

    async def _visit(self, tab: Tab, chore: Chore, letters: str) -> None:
        before = tab.path
        try:
            await self._play(tab, chore.actions, letters)
        except Missing:
            if "path" not in chore.link:
                raise
            await self._play(tab, (Action(kind="goto", value=chore.link["path"]),), letters)
            before = tab.path
        moved = tab.path != before and chore.actions[-1].kind == "click"
        self.suspicions.add(chore, checks.broken(tab.seen))
        answer = tab.seen.page
        page = await self._taken_in(tab, chore, letters)
        if moved and page is not None and answer is not None and answer.status < 400 and not answer.redirected:
            way = (*chore.actions, Action(kind="back"))
            far, path = page["heading"], tab.path
            await self._play(tab, (way[-1],), letters)
            lost = tab.path != before
            self._at = "" if lost else before
            if lost or (await tab.look())["heading"] == far != chore.link.get("heading"):
                claim = Claim(
                    "lost-back",
                    shape(path),
                    f"From {path} the back button does not lead back to {before}",
                    before,
                    tab.path,
                )
                self.suspicions.add(chore, [claim], actions=way, path=path)

    async def _press(self, tab: Tab, chore: Chore, letters: str) -> None:
        self.actions += 1
        alive = await trials.alive(tab, chore.actions[-1], letters, fragment=bool(chore.link.get("fragment")))
        target = chore.actions[-1].target
        if not alive and not await trials.second_chance(tab, chore, letters):
            words = "The link leads nowhere" if chore.link.get("fragment") else "Nothing happens on a click"
            claim = Claim(
                "dead-control",
                f"{chore.place.shape} {plain(str(target))}",
                f"{words}: {target} on {chore.place.path}",
                "a change on the page, a request, another page",
                "nothing",
                target=target,
                fragment=bool(chore.link.get("fragment")),
            )
            self.suspicions.add(chore, [claim])
        if alive:
            await self._taken_in(tab, chore, letters)

    async def _nowhere(self, tab: Tab, chore: Chore, letters: str) -> None:
        await self._play(tab, chore.actions, letters)
        answer = tab.seen.page
        self._passive(chore, tab, NOWHERE)
        if answer is not None and answer.status < 400 and not answer.redirected:
            claim = Claim(
                "missing-page",
                "missing-page",
                f"An address that does not exist, {NOWHERE}, answers {answer.status}",
                "404",
                str(answer.status),
            )
            self.suspicions.add(chore, [claim])

    async def _form(self, tab: Tab, chore: Chore, letters: str) -> None:
        key = chore.key[:-1]
        if chore.variant == "double" and key not in self._shown:
            return
        await self._play(tab, chore.actions, letters)
        refused = chore.variant in forms.INVALID
        page = await self._taken_in(tab, chore, letters, wrong_input=refused)
        if page is None:
            return
        if chore.variant == "valid" and chore.form["method"] != "get":
            await self._where_shown(tab, chore, letters, key)
        elif chore.variant == "double":
            where, once = self._shown[key]
            go = Action(kind="goto", value=where)
            await self._play(tab, (go,), letters)
            number = int(await tab.evaluate(COUNT, letters))
            if number > once:
                claim = Claim(
                    "double-submit",
                    f"{chore.place.shape} {chore.form['action'] or chore.form['css']}",
                    f"Two quick clicks on {chore.actions[-1].target} make the record twice ({chore.place.path})",
                    "one record",
                    f"{number // max(once, 1)} records on {where}",
                )
                self.suspicions.add(chore, [claim], actions=(*chore.actions, go))

    async def _where_shown(self, tab: Tab, chore: Chore, letters: str, key: tuple[str, ...]) -> None:
        """Remember on which page what was just made is shown, and how often."""
        for path in dict.fromkeys((tab.path, chore.place.path, self._job.path)):
            if has_id(path):
                continue
            await self._play(tab, (Action(kind="goto", value=path),), letters)
            if number := int(await tab.evaluate(COUNT, letters)):
                self._shown[key] = (path, number)
                return

    async def _sign_in(self, chore: Chore) -> None:
        """Make an account, or use the one that was given; all that follows is done with it."""
        await self._close()
        tab, letters = await self._here(signed=False)
        way = (Action(kind="goto", value=chore.place.path), *chore.actions)
        try:
            await self._play(tab, way, letters)
            self._passive(chore, tab, tab.path)
            page = await tab.look()
            entering = self._entering
            if page["passwords"] == 1 and entering is not None and entering is not chore:
                given = forms.credentials(entering.form, chore.form)
                more = forms.actions(entering.form, "valid", given=given)
                further = (Action(kind="goto", value=entering.place.path), *more)
                await self._play(tab, further, letters)
                way += further
                page = await tab.look()
        except (Missing, Stuck, Error):
            await self._close()
            return
        if not page["passwords"]:
            self._prefix = self.suspicions.account = way
            self._signed = True

    async def _come_back(self, chore: Chore) -> None:
        """Log in with the account that was made, after it was left."""
        if self._joining is None:
            return
        given = forms.credentials(chore.form, self._joining.form)
        way = (
            *self._leaving,
            Action(kind="goto", value=chore.place.path),
            *forms.actions(chore.form, "valid", given=given),
        )
        await self._close()
        try:
            tab, letters = await self._here(signed=True)
            tab.watch.mark()
            await self._play(tab, way, letters)
        except (Missing, Stuck, Error):
            pass
        if self._tab is not None:
            place = Place(self._job.path, self._prefix, signed=True)
            self._passive(Chore((9, 0), "form", place, way), self._tab, place.path)

    # --- what was found ---------------------------------------------------------------------------------------------

    async def _taken_in(
        self, tab: Tab, chore: Chore, letters: str, *, wrong_input: bool = False
    ) -> dict[str, Any] | None:
        """Judge what was seen, look at the page, and queue what there is to try. None for a page that is no page."""
        self._passive(chore, tab, tab.path, wrong_input=wrong_input)
        if not tab.page.url.startswith(self._session.origin):
            return None
        page = await tab.look()
        if chore.variant == "markup" or (chore.variant == "valid" and letters in page["text"]):
            self._made[letters] = (*chore.place.route, *chore.place.local, *chore.actions)
        if claim := checks.markup(page):
            self.suspicions.add(chore, [claim], way=self._made.get(page["probes"][0], ()))
        answer = tab.seen.page
        stays = answer is None and tab.path == chore.place.path
        place = self._place(tab, chore, page, stays=stays)
        if answer is not None and answer.status >= 400 and chore.kind != "form":
            return None
        if page["type"] == "text/html":
            await self._examine(tab, chore, page)
        apart = bool(chore.form.get("apart"))  # it may have logged in: what it sees is not what a stranger sees
        if len(self.pages) <= self._job.limits.pages and not apart:
            for found in offered(place, page, self._session.origin):
                self._offer(found)
        return page

    def _place(self, tab: Tab, chore: Chore, page: dict[str, Any], *, stays: bool) -> Place:
        signed = chore.place.signed
        if stays:
            return Place(tab.path, chore.place.route, signed, (*chore.place.local, *chore.actions))
        go = Action(kind="goto", value=tab.path)
        known = [self._made[one] for one in tokens(page["text"]) if one in self._made]
        if not has_id(tab.path):
            before = known[-1] if known else (self._prefix if signed else ())
            return Place(tab.path, (*before, go), signed)
        return Place(tab.path, (*chore.place.route, *chore.place.local, *chore.actions), signed)

    async def _examine(self, tab: Tab, chore: Chore, page: dict[str, Any]) -> None:
        where = shape(tab.path)
        self.pages.setdefault(where, tab.path)
        key = (where, plain(page["heading"]), str(len(page["forms"])))
        if key not in self._examined:
            self._examined.add(key)
            found = [*checks.unlabelled(page, tab.path)]
            found += await checks.inaccessible(tab, self._axe, tab.path, page["size"])
            self.suspicions.add(chore, found, path=tab.path)

    def _offer(self, chore: Chore) -> None:
        """Queue what was not tried yet; of things that are alike, rather the one that is about a record of ours."""
        waiting = self._waiting.get(chore.key)
        if waiting is not None:
            if _ours(chore) and not _ours(waiting):
                waiting.place, waiting.actions = chore.place, chore.actions
            return
        if chore.kind == "visit":
            folder = chore.link["path"].rpartition("/")[0]
            below = sum(1 for key in self._waiting if key[0] == "visit" and key[2].rpartition("/")[0] == folder)
            if below >= _ALIKE:
                return
        self._waiting[chore.key] = chore
        if chore.form.get("joins") and chore.variant == "valid":
            self._joining = self._joining or chore
        elif chore.form.get("enters") and chore.variant == "valid":
            self._entering = self._entering or chore
        else:
            self._add(chore)

    def _passive(self, chore: Chore, tab: Tab, path: str, *, wrong_input: bool = False) -> None:
        found = checks.passive(tab.seen, wrong_input=wrong_input, slow_s=self._job.limits.slow_s)
        self.suspicions.add(chore, found, path=path)


def _ours(chore: Chore) -> bool:
    """Whether the control names a record that was made here: it can be made again."""
    target = chore.actions[0].target
    return target is not None and UNIQUE in target.name
