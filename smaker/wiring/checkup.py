"""What this machine has of what builds need: one line per thing, whether it works here, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.checked import Checked
from smaker.core.counting import counted
from smaker.core.errors import SmakerError
from smaker.core.ports import SandboxLevel

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.wiring.reader import Reader

MINIMUM_GIT = (2, 31)
MINIMUM_FREE = 1 << 30  # bytes

PROGRAMS = (
    ("node", "static-site projects", "Install Node.js 20 or newer."),
    ("uv", "faster installs", "Install uv."),
)


@dataclass(frozen=True)
class Place:
    """What is looked at."""

    home: Path
    settings: Callable[[], Loaded]
    reader: Callable[[], Reader]
    say: Callable[[str], None] | None = None  # hears what takes its time


def examine(place: Place) -> list[Checked]:
    """Check everything. Blocks for seconds, and runs event loops of its own: call it in a thread that has none."""
    checks = [
        check(place) for check in (_python, _home, _disk, _record, _configuration, _git, _sandbox, _browser, _docker)
    ]
    return [*checks, *_models(place), *(_program(*entry) for entry in PROGRAMS)]


def _python(place: Place) -> Checked:
    del place
    version = ".".join(map(str, sys.version_info[:3]))
    return Checked(name="python", state="ok", detail=version)


def _home(place: Place) -> Checked:
    try:
        place.home.mkdir(parents=True, exist_ok=True)
        probe = place.home / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, SmakerError) as error:
        return Checked(name="home", state="bad", detail=str(error), remedy="Choose another: smaker --home DIR …")
    return Checked(name="home", state="ok", detail=f"{place.home}  (log: {place.home / 'log' / 'smaker.log'})")


def _disk(place: Place) -> Checked:
    try:
        free = shutil.disk_usage(place.home).free
    except OSError as error:
        return Checked(name="disk", state="bad", detail=str(error))
    detail = f"{free / 2**30:.1f} GiB free"
    return Checked(
        name="disk",
        state="ok" if free >= MINIMUM_FREE else "bad",
        detail=detail,
        remedy="" if free >= MINIMUM_FREE else "Free some space: an environment takes up to 0.3 GiB.",
    )


def _record(place: Place) -> Checked:
    try:
        count = len(place.reader().listed())
    except SmakerError as error:
        return Checked(name="record", state="bad", detail=error.message, remedy=error.hint)
    return Checked(name="record", state="ok", detail=counted(count, "project"))


def _configuration(place: Place) -> Checked:
    try:
        loaded = place.settings()
    except SmakerError as error:
        return Checked(name="configuration", state="bad", detail=error.message, remedy=error.hint)
    notices = [str(notice) for notice in (*loaded.warnings, *loaded.ignored)]
    return Checked(
        name="configuration",
        state="ok",
        detail=f"llm.mode {loaded.settings.llm.mode}, sandbox {loaded.settings.sandbox.kind}",
        remedy="\n".join(notices),
    )


def _git(place: Place) -> Checked:
    del place
    found = _version("git")
    if found is None:
        return Checked(name="git", state="bad", detail="not found", remedy="Install git 2.31 or newer.")
    if found < MINIMUM_GIT:
        return Checked(name="git", state="bad", detail=_dotted(found), remedy="git 2.31 or newer is needed.")
    return Checked(name="git", state="ok", detail=_dotted(found))


def _sandbox(place: Place) -> Checked:
    from smaker.wiring.parts import build_sandbox

    try:
        status = asyncio.run(build_sandbox(place.settings().settings, place.say).probe())
    except SmakerError as error:
        return Checked(name="sandbox", state="bad", detail=error.message, remedy=error.hint)
    state = "ok" if status.level >= SandboxLevel.PARTIAL else "bad"
    words = f"{status.level.name.lower()} ({status.name}): {status.detail}"
    return Checked(name="sandbox", state=state, detail=words, remedy=status.remedy)


def _browser(place: Place) -> Checked:
    from smaker.wiring.parts import build_browser, build_sandbox

    try:
        settings = place.settings().settings
        browser = build_browser(settings, build_sandbox(settings))
        if browser is None:
            return Checked(name="browser", state="ok", detail="switched off: browser.enabled is false")
        status = asyncio.run(browser.probe())
    except SmakerError as error:
        return Checked(name="browser", state="missing", detail=error.message, remedy=error.hint)
    ready = status.level is not SandboxLevel.OFF
    detail = status.detail if ready else f"{status.detail} (to try pages in)"
    return Checked(name="browser", state="ok" if ready else "missing", detail=detail, remedy=status.remedy)


def _docker(place: Place) -> Checked:
    from smaker.core.errors import Unavailable
    from smaker.deploy.engine import connect

    async def ask() -> str:
        engine = await connect(place.home / "deployments" / ".docker")
        try:
            return await engine.versions()
        finally:
            await engine.close()

    try:
        return Checked(name="docker", state="ok", detail=asyncio.run(ask()))
    except Unavailable as error:
        detail = f"{error.message} (for --deploy compose and sandbox.kind docker)"
        return Checked(name="docker", state="missing", detail=detail, remedy=error.hint)
    except (OSError, SmakerError) as error:
        return Checked(name="docker", state="missing", detail=str(error))


def _models(place: Place) -> list[Checked]:
    """A line for each provider in use, and for each model server found on this machine."""
    from smaker.llm.discover import discover

    try:
        llm = place.settings().settings.llm
    except SmakerError:
        return []  # the line about the configuration says it
    checks: list[Checked] = []
    for name in llm.in_use():
        provider = llm.providers.get(name)
        variable = provider.api_key_env if provider else None
        if variable and not os.environ.get(variable):
            remedy = f"Set {variable}, or choose another: smaker config set llm.mode offline"
            checks.append(Checked(name=f"model {name}", state="bad", detail=f"{variable} is not set", remedy=remedy))
        elif provider:
            remedy = f"See what it can do: smaker models check {name}"
            checks.append(Checked(name=f"model {name}", state="ok", detail=provider.model, remedy=remedy))
    for found in asyncio.run(discover()):
        detail = f"{found.kind} answers at {found.url}: {', '.join(found.models[:5]) or 'no model'}"
        checks.append(Checked(name="local models", state="ok", detail=detail))
    return checks


def _program(name: str, use: str, remedy: str) -> Checked:
    found = _version(name)
    if found is None:
        return Checked(name=name, state="missing", detail=f"not found; needed for {use}", remedy=remedy)
    return Checked(name=name, state="ok", detail=_dotted(found))


def _version(program: str) -> tuple[int, ...] | None:
    path = shutil.which(program)
    if path is None:
        return None
    try:
        ran = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={"PATH": os.environ["PATH"]},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", ran.stdout + ran.stderr)
    return tuple(int(part) for part in found.groups() if part) if found else (0,)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
