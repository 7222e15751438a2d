"""Several builds in one process: the same files as one after the other."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from smaker.config import Settings
from smaker.core.control import NewProject
from smaker.core.models import ProjectState
from smaker.wiring import open_local

PROMPTS = (
    "a landing page with a pricing table that switches monthly and yearly, and a contact form",
    "a landing page with testimonials, a faq and a newsletter form",
    "a one-page portfolio with a gallery, an about section and a contact form",
    "a website with features, pricing and a team section",
)

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(240)]


async def build(home: Path, *, together: bool) -> list[str]:
    async with open_local(home, Settings()) as local:
        projects = [await local.control.create(NewProject(prompt=prompt)) for prompt in PROMPTS]
        if together:
            ended = await asyncio.gather(*(local.worker.drive(project.id) for project in projects))
        else:
            ended = [await local.worker.drive(project.id) for project in projects]
        assert [build.project.state for build in ended] == [ProjectState.READY] * 4, [
            build.project.error for build in ended
        ]
    return [
        subprocess.run(  # noqa: ASYNC221
            ["git", "-C", project.workspace, "rev-parse", "HEAD^{tree}"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for project in projects
    ]


async def test_four_at_once_end_as_one_after_the_other(tmp_path: Path) -> None:
    assert await build(tmp_path / "together", together=True) == await build(tmp_path / "in-turn", together=False)
