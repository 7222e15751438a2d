"""Models that go away in the middle of a build: it waits, and goes on by itself; nothing is lost or paid twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from smaker.core.commands import Pause, Resume
from smaker.core.models import BuildLimits, Desired, ProjectState
from smaker.testing import Fault

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]


async def kinds(opened: Any, project: str) -> list[str]:
    return [event.kind async for event in opened.local.control.events(project)]


async def test_it_goes_on_by_itself(shop: Any, script: Any, good: str, file: Any) -> None:
    away = [Fault.ERROR_500] * 3  # as often as a provider is asked in one go
    async with shop(script(coder=[*away, file("roman.py", good)])) as opened:
        build = await opened.build()
        assert build.project.state is ProjectState.READY, build.project.error
        assert build.project.error is None
        told = await kinds(opened, build.project.id)
        assert told.count("model.away") == 1, "one message a minute"
        assert told.count("model.back") == 1
        assert opened.script.asked.count("planner") == 1
        assert opened.script.asked.count("coder") == 4


async def test_it_can_be_paused_while_it_waits(shop: Any, script: Any, good: str, file: Any) -> None:
    away = [Fault.ERROR_500] * 9
    async with shop(script(coder=[*away, file("roman.py", good)])) as opened:
        project = await opened.create()
        driving = asyncio.create_task(opened.drive(project))
        async for event in opened.local.control.events(project.id, follow=True):
            if getattr(event, "kind", "") == "model.away":
                break
        await opened.local.control.steer(project.id, Pause())
        build = await asyncio.wait_for(driving, 20)
        assert build.project.desired is Desired.PAUSE
        opened.script.coder = [file("roman.py", good)]
        await opened.local.control.steer(project.id, Resume())
        build = await opened.drive(project)
        assert build.project.state is ProjectState.READY, build.project.error
        assert opened.script.asked.count("planner") == 1


async def test_when_it_waited_long_enough_it_pauses(shop: Any, script: Any) -> None:
    async with shop(script(coder=[Fault.ERROR_500])) as opened:
        limits = BuildLimits(max_outage_minutes=0.5 / 60)
        build = await opened.build(limits=limits)
        assert build.project.desired is Desired.PAUSE
        assert build.project.state is not ProjectState.FAILED
        assert build.project.error is not None
        assert build.project.error.code == "E_UNAVAILABLE"
        assert "model.back" not in await kinds(opened, build.project.id)


async def test_a_model_that_never_answered_is_not_waited_for(shop: Any, script: Any) -> None:
    async with shop(script(planner=[Fault.ERROR_500])) as opened:
        build = await opened.build()
        assert build.project.desired is Desired.PAUSE
        assert "model.away" not in await kinds(opened, build.project.id)
