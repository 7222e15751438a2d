"""A page that does what it is told, waits until it is quiet, and says when it will not go on."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

from playwright.async_api import BrowserContext, Error, Locator, Page, Request, Route
from playwright.async_api import TimeoutError as TookTooLong

from smaker.browser.inside.scripts import AROUND, BARE, DIGEST, PAGE
from smaker.browser.inside.shapes import like
from smaker.browser.inside.watch import Seen, Watch, address_of, path_of
from smaker.core.ports.browser import EXPECTATIONS, UNIQUE, Action, Target

PATIENCE_S = 5.0  # for a page to answer a question
QUIET_S = 0.06
REACH_S = 1.5  # for a control to become one that can be clicked
HOLD_S = 0.2  # how long the answer takes after the second click
_NO_MATTER = ("ERR_ABORTED", "ERR_TOO_MANY_REDIRECTS")  # a download; and what is told as an endless redirect
_SETTLED_LATER = {"fill", "select", "check", "uncheck", "bare"}  # what comes next waits, for nobody looks before
_HINDERED = re.compile(
    r"^\s*- (?:(?P<over><.+) intercepts pointer events|element is (?P<state>not visible|not enabled|not editable|"
    r"not stable|outside of the viewport))\s*$",
    re.MULTILINE,
)
"""A line of what the browser tells of a control that it waits for."""
_STATES = {
    "not visible": "it is not displayed",
    "not enabled": "it is disabled",
    "not editable": "it cannot be written in",
    "not stable": "it keeps moving",
    "outside of the viewport": "it lies outside of the window",
}
_COVERED = "lies over it"
_OVER = 200  # letters of what lies over a control

Result = TypeVar("Result")


class Stuck(Exception):
    """The page does not answer, keeps asking or navigating by itself, or its process ended."""


class Missing(Exception):
    """What an action is about is not there, or cannot be reached."""


class Unmet(Exception):
    """An expectation does not hold; the words say what was there."""


class Tab:
    """One page of the app, and a watch on it."""

    def __init__(self, page: Page, origin: str, slow_s: float) -> None:
        self.page = page
        self.origin = origin
        self.watch = Watch(page, origin, slow_s)
        self.pinned: dict[Target, Target] = {}  # targets that their role and name alone found
        self._longest = 2 * slow_s + 4

    @classmethod
    async def open(cls, context: BrowserContext, origin: str, slow_s: float) -> Tab:
        """A new page of ``context``."""
        async with asyncio.timeout(PATIENCE_S * 4):
            return cls(await context.new_page(), origin, slow_s)

    @property
    def seen(self) -> Seen:
        """What happened since the last mark."""
        return self.watch.seen

    @property
    def path(self) -> str:
        """Path and query of where it is."""
        return path_of(self.page.url)

    @property
    def address(self) -> str:
        """Path, query and fragment of where it is."""
        return address_of(self.page.url)

    async def ask(self, doing: Awaitable[Result], patience_s: float = PATIENCE_S) -> Result:
        """Return what the page answers. Raises Stuck if it does not."""
        if self.seen.hostile:
            raise Stuck
        try:
            async with asyncio.timeout(patience_s):
                return await doing
        except TimeoutError as error:
            raise Stuck from error

    async def evaluate(self, script: str, argument: Any = None) -> Any:
        """Return the script's value; a page that is being left is asked again when it is there."""
        for _ in range(3):
            try:
                return await self.ask(self.page.evaluate(script, argument))
            except Error as error:
                if self.seen.crashed or "crash" in error.message:
                    raise Stuck from error
                await self.settle()
        raise Stuck

    async def look(self) -> dict[str, Any]:
        """What the page holds (page.js)."""
        return await self.evaluate(PAGE, {"text": 20_000})

    async def digest(self) -> str:
        """What would change if a visitor could notice anything."""
        return await self.evaluate(DIGEST)

    async def settle(self) -> None:
        """Wait until the page did what it was about to do. Raises Stuck."""
        end = time.monotonic() + self._longest
        with contextlib.suppress(Error):
            await self.ask(self.page.evaluate("() => new Promise(done => setTimeout(done, 0))"), self._longest)
        while not self.watch.quiet(QUIET_S):
            if self.seen.hostile:
                raise Stuck
            if time.monotonic() > end:
                self.watch.overdue()
                break
            await asyncio.sleep(0.01)
        with contextlib.suppress(Error):
            await self.ask(self.page.wait_for_load_state("load", timeout=PATIENCE_S * 1000), PATIENCE_S + 1)

    async def find(self, target: Target, unique: str) -> Locator:
        """What ``target`` names. Raises Missing."""
        named = self._named(target, unique) if target.role and (target.name or not target.css) else None
        try:
            if (
                named is not None
                and await self.ask(named.count()) == target.nth + 1
                and (target.nth == 0 or not target.css)
            ):
                self.pinned[target] = target.model_copy(update={"css": ""})
                return named.nth(target.nth)
            found = self.page.locator(target.css) if target.css else named
            if found is not None and await self.ask(found.count()) > target.nth:
                return found.nth(target.nth)
        except Error as error:
            raise Missing(f"{target} cannot be looked for: {error.message}") from error
        raise Missing(f"There is no {target} on {self.path}.")

    def _named(self, target: Target, unique: str) -> Locator:
        name = target.name.replace(UNIQUE, unique) or None
        return self.page.get_by_role(target.role, name=name, exact=True)  # pyright: ignore[reportArgumentType]

    async def act(self, action: Action, unique: str) -> None:
        """Do it and wait until the page is quiet. Raises Missing, Unmet, Stuck."""
        value = action.value.replace(UNIQUE, unique)
        self.watch.count_anew()
        try:
            if action.kind == "goto":
                await self._goto(self.origin + value)
            elif action.kind == "back":
                await self.ask(self.page.go_back(wait_until="commit", timeout=PATIENCE_S * 1000), PATIENCE_S + 1)
            elif action.kind == "reload":
                milliseconds = self._longest * 1000
                await self.ask(self.page.reload(wait_until="load", timeout=milliseconds), self._longest + 1)
            elif action.kind in EXPECTATIONS:
                await self._expect(action, value, unique)
                return
            elif action.kind == "press" and action.target is None:
                await self.ask(self.page.keyboard.press(value))
            elif action.target is None:
                raise Missing(f"{action.kind} needs a target.")
            else:
                await self._do(action, await self.find(action.target, unique), value)
        except Error as error:
            self._judge(action, value, error, around=await self._around(action, unique, error))
        if action.kind not in _SETTLED_LATER:
            await self.settle()

    async def _around(self, action: Action, unique: str, error: Error) -> str:
        """Where something that contains a control takes its clicks: by which part of it, as far as that can be told."""
        if action.target is None or not _why(error.message).endswith(_COVERED):
            return ""
        try:
            node = await self.find(action.target, unique)
            return str(await self.ask(node.evaluate(AROUND, timeout=REACH_S * 1000)))
        except (Error, Missing):
            return ""

    def _judge(self, action: Action, value: str, error: Error, *, around: str = "") -> None:
        """Say what an error of the browser means; one of a page that came after all means nothing."""
        said = _why(error.message)
        if isinstance(error, TookTooLong):
            self.watch.overdue()
        travels = action.kind in {"goto", "back", "reload"}
        if self.seen.hostile or (travels and isinstance(error, TookTooLong)):
            raise Stuck from error
        if not travels:
            raise Missing(f"{action} could not be done: {said}{around}") from error
        if "net::ERR_" in said and not any(reason in said for reason in _NO_MATTER):
            raise Missing(f"{value or 'The page'} does not answer: {said}") from error

    async def _goto(self, url: str) -> None:
        milliseconds = self._longest * 1000
        await self.ask(self.page.goto(url, wait_until="load", timeout=milliseconds), self._longest + 1)

    async def _do(self, action: Action, node: Locator, value: str) -> None:
        soon = REACH_S * 1000
        match action.kind:
            case "fill":
                await self.ask(node.fill(value, timeout=soon))
            case "select":
                await self.ask(node.select_option(value, timeout=soon))
            case "check":
                await self.ask(node.check(timeout=soon))
            case "uncheck":
                await self.ask(node.uncheck(timeout=soon))
            case "press":
                await self.ask(node.press(value, timeout=soon, no_wait_after=True))
            case "bare":
                await self.ask(node.evaluate(BARE, timeout=soon))
            case "double":
                await self._twice(node)
            case "dblclick":
                await self.ask(node.dblclick(timeout=soon, no_wait_after=True))
            case "hover":
                await self.ask(node.hover(timeout=soon))
            case "focus":
                await self.ask(node.focus(timeout=soon))
            case "blur":
                await self.ask(node.focus(timeout=soon))
                await self.ask(node.blur(timeout=soon))
            case _:
                await self.ask(node.click(timeout=soon, no_wait_after=True))

    async def _twice(self, node: Locator) -> None:
        """Click, and click there again before the first answer came: the app has it, and the line is slow."""
        sent, clicked = asyncio.Event(), asyncio.Event()

        async def hold(route: Route, request: Request) -> None:
            with contextlib.suppress(Error, TimeoutError):  # the second click may have cancelled the first request
                if request.method == "GET" or sent.is_set():
                    await route.continue_()
                    return
                answer = await route.fetch(max_redirects=0)
                sent.set()
                await asyncio.wait_for(clicked.wait(), PATIENCE_S)
                await asyncio.sleep(HOLD_S)
                await route.fulfill(response=answer)

        await self.page.route("**/*", hold)
        try:
            await self.ask(node.scroll_into_view_if_needed(timeout=REACH_S * 1000))
            box = await self.ask(node.bounding_box(timeout=REACH_S * 1000))
            if box is None:
                raise Missing(f"What is to be clicked twice cannot be seen on {self.path}.")
            at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            await self.ask(self.page.mouse.click(*at))
            await self._reached(sent)
            await self.ask(self.page.mouse.click(*at))
            clicked.set()
            await asyncio.sleep(2 * HOLD_S)
            await self.settle()
        finally:
            await self.page.unroute_all(behavior="ignoreErrors")

    async def _reached(self, sent: asyncio.Event) -> None:
        """Wait until the app has what was sent; not for long if nothing is."""
        for patience_s in (HOLD_S * 5, PATIENCE_S):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(sent.wait(), patience_s)
            if sent.is_set() or not self.watch.flying:
                return

    async def _expect(self, action: Action, value: str, unique: str) -> None:
        end = time.monotonic() + PATIENCE_S
        while True:
            wrong = await self.unmet(action, value, unique)
            if not wrong:
                return
            if time.monotonic() > end:
                raise Unmet(wrong)
            await asyncio.sleep(0.1)

    async def unmet(self, action: Action, value: str, unique: str) -> str:
        """What is there instead of what an action expects; "" where that is so. Raises Missing, Stuck."""
        if action.kind == "url":
            expected = like(action.value).replace(UNIQUE, unique)
            return "" if re.fullmatch(expected, self.address) else f"the address is {self.address}"
        target = action.target
        if target is None:
            if action.kind not in {"text", "gone"}:
                raise Missing(f"{action.kind} needs a target.")
            text = str(await self.evaluate("() => document.body ? document.body.innerText : ''"))
        elif action.kind in {"value", "checked", "unchecked"}:
            return await self._unlike(action, target, value, unique)
        else:
            found = self.page.locator(target.css) if target.css else self._named(target, unique)
            shown = (found.nth(target.nth) if target.nth else found).filter(visible=True)
            number = await self.ask(shown.count())
            if action.kind == "text" and not number:
                return f"{target} is not to be seen on {self.address}"
            if action.kind == "count":
                return "" if str(number) == value else f"{target} is there {number} times"
            if action.kind == "visible":
                return "" if number else f"{target} is not to be seen on {self.address}"
            if action.kind == "hidden" or (action.kind == "gone" and not value):
                return f"{target} is still to be seen" if number else ""
            text = "\n".join(await self.ask(shown.all_inner_texts()))
        text, value = (" ".join(words.split()) for words in (text, value))
        if action.kind == "gone":
            return f"{value!r} is still there" if value in text else ""
        return "" if value in text else f"{value!r} is not there; {self.address} says: {text[:1000]!r}"

    async def _unlike(self, action: Action, target: Target, value: str, unique: str) -> str:
        """What of a field is not as expected."""
        try:
            node = await self.find(target, unique)
        except Missing as error:  # it may come yet
            return str(error)
        if action.kind == "value":
            holds = await self.ask(node.input_value(timeout=REACH_S * 1000))
            return "" if holds == value else f"{target} holds {holds[:1000]!r}"
        checked = await self.ask(node.is_checked(timeout=REACH_S * 1000))
        return "" if checked == (action.kind == "checked") else f"{target} is {'' if checked else 'not '}checked"


def _why(message: str) -> str:
    """What hindered the browser: the last that its account of the waiting names, else its first line."""
    hindered = [*_HINDERED.finditer(message)]
    if not hindered:
        return message.splitlines()[0]
    over, state = hindered[-1].group("over", "state")
    return f"{over[:_OVER]} {_COVERED}" if over else _STATES[state]
