"""Leaving while builds go on: they are paused, or go on without a terminal; and are found again."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

import pytest

from smaker.core.models import Desired, ProjectState
from smaker.tui.screens.dashboard import Dashboard
from smaker.tui.screens.dialogs import OneOf

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(180)]


async def asked(desk: Any, pilot: Any, key: str) -> None:
    """Begin a build, quit, and choose by moving down."""
    (project,) = pilot.app.feed.views
    pilot.app.drive(project)
    await desk.until(pilot, lambda: any(task.started_at for task in pilot.app.feed.views[project].tasks))
    await pilot.press("q")
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, OneOf))
    await pilot.press(*["down"] * {"background": 0, "pause": 1, "stay": 2}[key], "enter")


async def test_nothing_is_asked_where_nothing_goes_on(desk: Any) -> None:
    async with desk.shown() as pilot:
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(pilot.app.screen, Dashboard))
        await pilot.press("q")
        await desk.left(pilot)


async def test_smaker_can_be_left_while_something_is_typed(desk: Any) -> None:
    async with desk.shown() as pilot:
        await pilot.press("escape", "n", *"a landing page", "ctrl+q")
        await desk.left(pilot)


async def test_stay(desk: Any) -> None:
    await desk.project()
    async with desk.shown() as pilot:
        await asked(desk, pilot, "stay")
        await desk.until(pilot, lambda: not isinstance(pilot.app.screen, OneOf))
        assert not pilot.app._exit
        (project,) = await desk.services.control.projects()
        assert desk.services.builder.running() or project.state is ProjectState.READY
        assert project.desired is Desired.RUN


async def test_paused_builds_go_on_by_one_key(desk: Any) -> None:
    await desk.project()
    async with desk.shown() as pilot:
        await asked(desk, pilot, "pause")
        await desk.left(pilot, 30)
    (project,) = await desk.services.control.projects()
    assert project.desired is Desired.PAUSE
    async with desk.shown() as pilot:
        views = pilot.app.feed.views
        await desk.until(pilot, lambda: views[project.id].status == "PAUSED")
        await pilot.press("r")
        await desk.until(pilot, lambda: views[project.id].status == "READY")


async def stopped(desk: Any, project: str) -> int:
    """The process of its own that takes a build, stopped as soon as it has."""
    while True:
        words = (desk.local.lock.holder(project) or "").split()
        if words and int(words[1]) != os.getpid():
            os.kill(int(words[1]), signal.SIGSTOP)
            return int(words[1])
        await asyncio.sleep(0.01)


async def test_builds_go_on_in_a_process_of_their_own_and_are_seen_live(desk: Any) -> None:
    stopping = asyncio.create_task(stopped(desk, await desk.project()))
    try:
        await go_on_in_the_background(desk, stopping)
    finally:
        if not stopping.cancel():  # it was stopped, and would stay so where the test has failed
            with suppress(ProcessLookupError):
                os.kill(stopping.result(), signal.SIGCONT)


async def go_on_in_the_background(desk: Any, stopping: asyncio.Task[int]) -> None:
    async with desk.shown() as pilot:
        await asked(desk, pilot, "background")
        await desk.left(pilot, 40)
    assert desk.services.builder.running() == frozenset()
    process = await asyncio.wait_for(stopping, 20)
    async with desk.shown() as pilot:
        view = next(iter(pilot.app.feed.views.values()))
        await desk.until(pilot, lambda: view.holder is not None and view.seq)
        await asyncio.sleep(1)  # it is listened to now; on a busy machine it might have ended by then
        os.kill(process, signal.SIGCONT)
        await desk.until(pilot, lambda: view.status == "READY", 90)
        assert view.seq > 20, "its events were followed"
        printed = "".join(pilot.app.feed.tail(view.id, task.id) for task in view.tasks)
        assert "Serving on " in printed, "what its commands print is seen as they print it"
    for _ in range(200):
        if desk.local.lock.holder(view.id) is None:
            break
        await asyncio.sleep(0.1)
    assert desk.local.lock.holder(view.id) is None, "the process of its own has ended"
    assert (await desk.snapshot(view.id)).project.state is ProjectState.READY
