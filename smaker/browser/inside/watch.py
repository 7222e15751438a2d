"""What happens in a page, taken down as it happens and bounded: answers, errors, dialogs, navigations."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Dialog, Download, Error, Frame, Page, Request, Response

MOST = 50  # of each kind, between two marks
MOST_DIALOGS = 10  # from here on a page is taken for one that never stops asking
MOST_NAVIGATIONS = 12
_UNENDING = {"websocket", "eventsource", "ping", "media"}
_OF_THE_NETWORK = re.compile(r"^Failed to load resource|net::ERR_|^Access to \w+ at |blocked by CORS policy")


@dataclass(frozen=True)
class Answer:
    """A response of the app. ``redirected`` are the paths that led to it."""

    method: str
    path: str
    status: int
    kind: str  # document, script, image, fetch, …
    seconds: float
    page: bool  # whether it became the page itself
    redirected: tuple[str, ...] = ()


@dataclass
class Seen:
    """What happened since the last mark."""

    answers: list[Answer] = field(default_factory=list[Answer])
    failed: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])  # method, path, reason
    foreign: list[str] = field(default_factory=list[str])  # hosts that are not the app's, and what was asked of them
    led_out: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])  # from, to: the page itself left
    console: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])
    requests: int = 0
    dialogs: int = 0
    downloads: int = 0
    navigations: int = 0
    endless: str = ""  # a redirect that never ends, or an address that was not to be reached
    crashed: bool = False

    @property
    def page(self) -> Answer | None:
        """The answer that became the page, the last one."""
        return next((answer for answer in reversed(self.answers) if answer.page), None)

    @property
    def hostile(self) -> bool:
        """Whether the page keeps going by itself."""
        return self.dialogs > MOST_DIALOGS or self.navigations > MOST_NAVIGATIONS or self.crashed


def path_of(url: str) -> str:
    """Path and query of an address."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def address_of(url: str) -> str:
    """Path, query and fragment of an address."""
    fragment = urlsplit(url).fragment
    return path_of(url) + (f"#{fragment}" if fragment else "")


class Watch:
    """Listens to one page."""

    def __init__(self, page: Page, origin: str, slow_s: float) -> None:
        self.seen = Seen()
        self._page = page
        self._origin = origin
        self._slow_s = slow_s
        self._flying: dict[Request, float] = {}
        self._active = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfinished", self._on_finished)
        page.on("requestfailed", self._on_failed)
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("dialog", self._on_dialog)
        page.on("download", self._on_download)
        page.on("framenavigated", self._on_navigation)
        page.on("crash", self._on_crash)

    def mark(self) -> Seen:
        """Begin anew; return what was seen until now."""
        before, self.seen = self.seen, Seen()
        return before

    def count_anew(self) -> None:
        """Forget what pages did by themselves until now: their visitor goes on."""
        self.seen.dialogs = self.seen.navigations = 0

    @property
    def flying(self) -> list[Request]:
        """Requests without an answer yet."""
        return list(self._flying)

    def quiet(self, seconds: float) -> bool:
        """Whether nothing is under way and nothing came for so long."""
        return not self._flying and time.monotonic() - self._active >= seconds

    def overdue(self) -> None:
        """Take down what is still without an answer as slow, and wait for it no more."""
        for request, since in list(self._flying.items()):
            waited = time.monotonic() - since
            if waited > self._slow_s:
                self._answered(request, 0, waited)
        self._flying.clear()

    def _ours(self, url: str) -> bool:
        return url.startswith(f"{self._origin}/") or url == self._origin

    def _main(self, request: Request) -> bool:
        with contextlib.suppress(Error):  # a frame that is gone already
            return request.is_navigation_request() and request.frame == self._page.main_frame
        return False

    def _on_request(self, request: Request) -> None:
        self._active = time.monotonic()
        self.seen.requests += 1
        if self._ours(request.url):
            if request.resource_type not in _UNENDING:
                self._flying[request] = self._active
        elif request.url.startswith(("http:", "https:", "ws:", "wss:", "ftp:")):
            host = urlsplit(request.url).netloc
            if len(self.seen.foreign) < MOST:
                self.seen.foreign.append(f"{host} {request.resource_type}")
            if self._main(request) and len(self.seen.led_out) < MOST:
                before = request.redirected_from
                self.seen.led_out.append((path_of(before.url) if before else "", host))

    def _on_response(self, response: Response) -> None:
        self._active = time.monotonic()
        request = response.request
        if self._ours(request.url) and not 300 <= response.status < 400:
            waited = time.monotonic() - self._flying.get(request, self._active)
            self._answered(request, response.status, waited)

    def _answered(self, request: Request, status: int, seconds: float) -> None:
        if len(self.seen.answers) >= MOST:
            return
        earlier: list[str] = []
        before = request.redirected_from
        while before is not None and len(earlier) < MOST:
            earlier.insert(0, path_of(before.url))
            before = before.redirected_from
        with contextlib.suppress(Error, KeyError):
            measured = request.timing["responseStart"] / 1000
            if measured > 0:
                seconds = measured
        self.seen.answers.append(
            Answer(
                method=request.method,
                path=path_of(request.url),
                status=status,
                kind=request.resource_type,
                seconds=seconds,
                page=self._main(request),
                redirected=tuple(earlier),
            )
        )

    def _on_finished(self, request: Request) -> None:
        self._active = time.monotonic()
        self._flying.pop(request, None)

    def _on_failed(self, request: Request) -> None:
        self._on_finished(request)
        reason = (request.failure or "").removeprefix("net::")
        if "TOO_MANY_REDIRECTS" in reason and self._main(request):
            self.seen.endless = path_of(request.url)
        elif self._ours(request.url) and "ERR_ABORTED" not in reason and len(self.seen.failed) < MOST:
            self.seen.failed.append((request.method, path_of(request.url), reason))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and len(self.seen.console) < MOST and not _OF_THE_NETWORK.search(message.text):
            self.seen.console.append(message.text[:1000])

    def _on_error(self, error: Error) -> None:
        if len(self.seen.errors) < MOST:
            self.seen.errors.append(f"{error.name}: {error.message}"[:1000] if error.name else error.message[:1000])

    def _on_dialog(self, dialog: Dialog) -> None:
        self._active = time.monotonic()
        self.seen.dialogs += 1
        self._later(dialog.accept("7") if self.seen.dialogs <= MOST_DIALOGS else dialog.dismiss())

    def _on_download(self, download: Download) -> None:
        self.seen.downloads += 1
        self._later(download.cancel())

    def _on_navigation(self, frame: Frame) -> None:
        self._active = time.monotonic()
        if frame == self._page.main_frame:
            self.seen.navigations += 1

    def _on_crash(self, _: Page) -> None:
        self.seen.crashed = True

    def _later(self, doing: object) -> None:
        async def do() -> None:
            with contextlib.suppress(Error):  # the page went away meanwhile
                await doing  # pyright: ignore[reportGeneralTypeIssues]

        task = asyncio.ensure_future(do())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
