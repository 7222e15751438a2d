"""Reads a job, does it in a browser, and writes ``result.json`` and pictures into the working folder."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from playwright.async_api import Error, async_playwright

from smaker.browser.inside.explorer import Explorer
from smaker.browser.inside.player import TRACE, Player, snapshot
from smaker.browser.inside.replay import Replays
from smaker.browser.inside.report import Report
from smaker.browser.inside.session import NoBrowser, Session
from smaker.core.ports.browser import BrowserJob

_SHRINKS = 0.95  # of the time, after which nothing is tried again


async def explore(session: Session, job: BrowserJob, report: Report, axe: str) -> None:
    """Look around, then try again what was found and keep what shows again."""
    explorer = Explorer(session, job, axe)
    until = report.begun + job.limits.seconds
    try:
        await explorer.run(until)
    except (NoBrowser, Error, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        explorer.ended = "crash"
    report.looked(explorer)
    replays = Replays(session, job, axe, report.folder)
    until = report.begun + job.limits.seconds * _SHRINKS
    for number, suspicion in enumerate(explorer.suspicions, start=1):
        report.tried(await replays.settle(suspicion, number, until))
    report.actions += replays.actions


async def play(session: Session, job: BrowserJob, report: Report) -> None:
    """Play the job's actions."""
    player = Player(session, job, report.folder)
    try:
        await player.run(report.begun + job.limits.seconds)
    except (NoBrowser, Error, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        player.ended = "crash"
    report.played(player.steps, player.ended, player.tab, await snapshot(player.tab) if player.tab else "")
    if (report.folder / TRACE).is_file():
        report.files.append(TRACE)


async def probe(executable: str) -> None:
    """Show a page, and say what it was shown by."""
    async with async_playwright() as playwright:
        session = Session(playwright, executable, BrowserJob(kind="play", port=9))
        tab = await session.tab()
        await tab.page.set_content("<h1>Ready</h1>")
        assert await tab.page.get_by_role("heading", name="Ready").count() == 1
        await tab.page.screenshot()
        sys.stdout.write(f"Chromium {session.version}\n")
        await session.close()


async def work(executable: str, axe: str) -> None:
    """Do the job on standard input."""
    job = BrowserJob.model_validate_json(sys.stdin.buffer.read())
    report = Report(Path.cwd(), job, begun=time.monotonic())
    report.write("crash")
    async with async_playwright() as playwright:
        session = Session(playwright, executable, job)
        if job.kind == "explore":
            await explore(session, job, report, Path(axe).read_text("utf-8"))
        else:
            await play(session, job, report)
        report.write()
        await session.close()


def begin() -> None:
    """Words: the browser, axe-core's file, and "probe" if that is all."""
    executable, axe, *asked = sys.argv[1:]
    asyncio.run(probe(executable) if asked else work(executable, axe))
