"""The Workers screen: this process, another one that builds, registered workers, and the machine."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.widgets import DataTable, Static

from smaker.core.models import TaskState, WorkerInfo
from smaker.tui.runners import runners
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.workers import WorkersScreen
from smaker.tui.view import Facts, ProjectView

HOLDER = """
import sys, time
from pathlib import Path
from smaker.workspace import FileLock
FileLock(Path(sys.argv[1])).acquire(sys.argv[2])
print("held", flush=True)
time.sleep(60)
"""


def rows(pilot: Any) -> list[list[str]]:
    table = pilot.app.screen.query_one("#runners", DataTable)
    return [[str(value) for value in table.get_row_at(index)] for index in range(table.row_count)]


def text(pilot: Any, part: str) -> str:
    return str(pilot.app.screen.query_one(part, Static).render())


async def open_workers(desk: Any, pilot: Any) -> None:
    await pilot.press("escape", "W")
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, WorkersScreen) and pilot.app.screen.query("#runners"))
    await desk.until(pilot, lambda: rows(pilot))


async def test_this_process_and_a_worker_that_fell_silent(desk: Any, screen_is: Any) -> None:
    now = datetime.now(UTC)
    store = desk.local.store
    seen = {"desk-1": now, "desk-2": now - timedelta(hours=2)}
    for name, at in seen.items():
        await store.save_worker(
            WorkerInfo(
                id=name, host="[@click=app.quit]", pid=7, capabilities=("web", "docker"), task="p/t1", seen_at=at
            )
        )
    async with desk.shown() as pilot:
        await open_workers(desk, pilot)
        await desk.until(pilot, lambda: len(rows(pilot)) == 3)
        assert [row[0] for row in rows(pilot)] == ["✓ idle", "▸ at work", "✗ silent"]
        assert rows(pilot)[0][1] == "this process"
        assert f"this process: pid {os.getpid()} on " in text(pilot, "#runner")
        await pilot.press("enter")
        await desk.until(pilot, lambda: any("builds nothing" in note.message for note in pilot.app._notifications))
        await pilot.press("down", "down")
        await desk.until(
            pilot, lambda: "worker: desk-2, pid 7 on [@click=app.quit]  ·  web, docker" in text(pilot, "#runner")
        )
        assert "✗ not heard of any more" in text(pilot, "#runner")
        await desk.until(pilot, lambda: "sandbox" in text(pilot, "#machine Static"))
        assert "✓ git" in text(pilot, "#machine Static")
        pilot.app.screen.query_one("#machine Static", Static).update("")
        screen_is(pilot, pilot.app.screen.query_one("#runners"), "workers", r"\d+s\b")
        await pilot.press("c")
        await desk.until(pilot, lambda: "✓ git" in text(pilot, "#machine Static"))
        await pilot.press("tab")
        assert pilot.app.screen.focused.id == "machine"
        await pilot.press("escape")
        await desk.until(pilot, lambda: not isinstance(pilot.app.screen, WorkersScreen))


async def test_another_process_that_builds_is_seen_and_led_to(desk: Any) -> None:
    project = await desk.project()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(desk.local.home), project, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 20) == b"held\n"
        async with desk.shown((80, 24)) as pilot:
            await open_workers(desk, pilot)
            await desk.until(pilot, lambda: len(rows(pilot)) == 2)
            await pilot.press("down")
            await desk.until(pilot, lambda: f"another process: pid {process.pid} on " in text(pilot, "#runner"))
            assert f"({project})" in text(pilot, "#runner")
            await pilot.press("enter")
            await desk.until(pilot, lambda: isinstance(pilot.app.screen, ProjectScreen))
            assert pilot.app.screen.project_id == project
            await pilot.press("escape")
            await desk.until(pilot, lambda: isinstance(pilot.app.screen, WorkersScreen))
            process.kill()
            await process.wait()
            pilot.app.feed.refresh(project)
            await desk.until(pilot, lambda: len(rows(pilot)) == 1)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("lease", [-300, 300])
async def test_a_process_whose_tasks_are_not_heard_of_is_told(desk: Any, lease: int) -> None:
    snapshot = await desk.snapshot(await desk.project())
    until = datetime.now(UTC) + timedelta(seconds=lease)
    task = snapshot.tasks[0].model_copy(update={"state": TaskState.RUNNING, "lease_until": until})
    held = snapshot.model_copy(update={"tasks": (task,), "holder": "pid 1 on here"})
    view = ProjectView(snapshot.project, Facts(held))
    _, other = runners([view], frozenset(), (), datetime.now(UTC))
    assert (other.name, other.task) == ("pid 1 on here", "t1 Plan")
    assert bool(other.health) == (lease < 0)
