"""Deploys once, in a process of its own that a test can kill: reads what from standard input, says what came of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from smaker.core.models import Finding, Project
from smaker.core.ports import Release
from smaker.core.profile import Profile
from smaker.deploy.compose import ComposeTarget


async def smoke(url: str) -> Sequence[Finding]:
    """Die in the middle, if that is wanted."""
    if os.environ.get("DIE_IN_SMOKE"):
        os.kill(os.getpid(), signal.SIGKILL)
    return ()


async def main() -> None:
    """Deploy."""
    given = json.load(sys.stdin)
    release = Release(
        key=given["key"],
        files={path: (mode, text.encode()) for path, (mode, text) in given["files"].items()},
        say=lambda text: sys.stderr.write(text) and sys.stderr.flush(),
        smoke=smoke,
    )
    target = ComposeTarget(Path(given["home"]))
    profile, project = Profile.model_validate(given["profile"]), Project.model_validate(given["project"])
    sys.stdout.write((await target.deploy(project, profile, release)).model_dump_json())


asyncio.run(main())
