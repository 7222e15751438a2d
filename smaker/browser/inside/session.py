"""The browser itself: started once, started again if it ends, and contexts in it that know nothing of each other."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from playwright.async_api import Browser, BrowserContext, Error, Playwright

from smaker.browser.inside.scripts import GUARD
from smaker.browser.inside.tab import PATIENCE_S, Tab
from smaker.core.ports.browser import BrowserJob

ARGUMENTS = (
    "--no-sandbox",  # the box confines it
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-breakpad",
    "--no-pings",
    "--block-new-web-contents",
    "--disable-features=Translate,OptimizationHints,MediaRouter,ServiceWorker",
    "--js-flags=--max-old-space-size=1024",
)
_CLOSE_S = 3.0


class NoBrowser(Exception):
    """It does not start, or ends at once."""


class Session:
    """Chromium, and what it may reach: ``port`` of the loopback, and nothing else."""

    def __init__(self, playwright: Playwright, executable: str, job: BrowserJob) -> None:
        self._playwright = playwright
        self._executable = executable
        self._job = job
        self._browser: Browser | None = None
        self.origin = f"http://127.0.0.1:{job.port}"

    @property
    def version(self) -> str:
        """Chromium's, while it runs."""
        return self._browser.version if self._browser else ""

    async def context(self) -> BrowserContext:
        """A new visitor: no cookies, no storage, no rights but the clipboard."""
        browser = self._browser
        if browser is None or not browser.is_connected():
            browser = self._browser = await self._playwright.chromium.launch(
                executable_path=self._executable,
                args=[
                    *ARGUMENTS,
                    # a second wall: all but the app is asked of a proxy that is not there
                    "--proxy-server=http://127.0.0.1:9",
                    f"--proxy-bypass-list=<-loopback>;127.0.0.1:{self._job.port}",
                ],
                timeout=30_000,
            )
        context = await browser.new_context(
            viewport={"width": self._job.width, "height": self._job.height},
            service_workers="block",
            accept_downloads=False,
            reduced_motion="reduce",
            locale="en-GB",
            timezone_id="UTC",
        )
        await context.add_init_script(GUARD)
        return context

    async def tab(self) -> Tab:
        """A page of a new visitor. A browser that just ended is started again, once. Raises NoBrowser."""
        for attempt in (1, 2):
            try:
                return await Tab.open(await self.context(), self.origin, self._job.limits.slow_s)
            except (Error, TimeoutError) as error:
                await self.close()
                if attempt == 2:
                    raise NoBrowser(f"Chromium does not start: {error}") from error
        raise AssertionError

    async def leave(self, tab: Tab) -> None:
        """Close a visitor's pages, whatever they are doing."""
        with contextlib.suppress(Error, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await tab.page.context.close()
                return
        await self.close()  # what cannot be closed takes the browser along

    async def close(self) -> None:
        """End the browser."""
        browser, self._browser = self._browser, None
        if browser is not None:
            with contextlib.suppress(Error, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await browser.close()

    async def picture(self, tab: Tab, file: Path) -> str:
        """Take a picture of what is in view; its name, or "" if the page cannot be drawn."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await tab.page.screenshot(path=file, animations="disabled", timeout=PATIENCE_S * 1000)
        except (Error, TimeoutError):
            return ""
        return file.name
