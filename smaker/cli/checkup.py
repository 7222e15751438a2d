"""`smaker doctor`: one line per thing a build needs, whether it works here, and how to mend it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Literal

from smaker.core.errors import SmakerError
from smaker.core.ports import SandboxLevel
from smaker.core.spec import Frozen

if TYPE_CHECKING:
    from smaker.cli.session import Session

MINIMUM_GIT = (2, 31)
MINIMUM_FREE = 1 << 30  # bytes

MARK = {"ok": "✓", "missing": "·", "bad": "✗"}


class Check(Frozen):
    """One finding: "bad" keeps builds from working, "missing" only closes a door."""

    name: str
    state: Literal["ok", "missing", "bad"]
    detail: str
    remedy: str = ""


def examine(session: Session) -> int:
    """Check everything and print it; 0 if nothing is bad."""
    checks = [
        check(session) for check in (_python, _home, _disk, _record, _configuration, _git, _sandbox, _browser, _docker)
    ]
    checks += _models(session)
    checks += [_program(*entry) for entry in PROGRAMS]

    def text() -> str:
        lines: list[str] = []
        for check in checks:
            lines.append(f"{MARK[check.state]} {check.name:<14} {check.detail}")
            lines += [f"    {line}" for line in check.remedy.splitlines()]
        return "\n".join(lines)

    session.show([check.model_dump() for check in checks], text)
    return 1 if any(check.state == "bad" for check in checks) else 0


PROGRAMS = (
    ("node", "static-site projects", "Install Node.js 20 or newer."),
    ("uv", "faster installs", "Install uv."),
)


def _python(session: Session) -> Check:
    del session
    version = ".".join(map(str, sys.version_info[:3]))
    return Check(name="python", state="ok", detail=version)


def _home(session: Session) -> Check:
    try:
        session.home.mkdir(parents=True, exist_ok=True)
        probe = session.home / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except (OSError, SmakerError) as error:
        return Check(name="home", state="bad", detail=str(error), remedy="Choose another: smaker --home DIR …")
    return Check(name="home", state="ok", detail=f"{session.home}  (log: {session.home / 'log' / 'smaker.log'})")


def _disk(session: Session) -> Check:
    try:
        free = shutil.disk_usage(session.home).free
    except OSError as error:
        return Check(name="disk", state="bad", detail=str(error))
    detail = f"{free / 2**30:.1f} GiB free"
    return Check(
        name="disk",
        state="ok" if free >= MINIMUM_FREE else "bad",
        detail=detail,
        remedy="" if free >= MINIMUM_FREE else "Free some space: an environment takes up to 0.3 GiB.",
    )


def _record(session: Session) -> Check:
    try:
        count = len(session.reader().listed())
    except SmakerError as error:
        return Check(name="record", state="bad", detail=error.message, remedy=error.hint)
    return Check(name="record", state="ok", detail=f"{count} projects")


def _configuration(session: Session) -> Check:
    try:
        loaded = session.settings()
    except SmakerError as error:
        return Check(name="configuration", state="bad", detail=error.message, remedy=error.hint)
    notices = [str(notice) for notice in (*loaded.warnings, *loaded.ignored)]
    return Check(
        name="configuration",
        state="ok",
        detail=f"llm.mode {loaded.settings.llm.mode}, sandbox {loaded.settings.sandbox.kind}",
        remedy="\n".join(notices),
    )


def _git(session: Session) -> Check:
    del session
    found = _version("git")
    if found is None:
        return Check(name="git", state="bad", detail="not found", remedy="Install git 2.31 or newer.")
    if found < MINIMUM_GIT:
        return Check(name="git", state="bad", detail=_dotted(found), remedy="git 2.31 or newer is needed.")
    return Check(name="git", state="ok", detail=_dotted(found))


def _sandbox(session: Session) -> Check:
    from smaker.wiring import build_sandbox

    try:
        status = asyncio.run(build_sandbox(session.settings().settings).probe())
    except SmakerError as error:
        return Check(name="sandbox", state="bad", detail=error.message, remedy=error.hint)
    state = "ok" if status.level >= SandboxLevel.PARTIAL else "bad"
    words = f"{status.level.name.lower()} ({status.name}): {status.detail}"
    return Check(name="sandbox", state=state, detail=words, remedy=status.remedy)


def _browser(session: Session) -> Check:
    from smaker.wiring import build_browser, build_sandbox

    try:
        settings = session.settings().settings
        browser = build_browser(settings, build_sandbox(settings))
        if browser is None:
            return Check(name="browser", state="ok", detail="switched off: browser.enabled is false")
        status = asyncio.run(browser.probe())
    except SmakerError as error:
        return Check(name="browser", state="missing", detail=error.message, remedy=error.hint)
    ready = status.level is not SandboxLevel.OFF
    detail = status.detail if ready else f"{status.detail} (to try pages in)"
    return Check(name="browser", state="ok" if ready else "missing", detail=detail, remedy=status.remedy)


def _docker(session: Session) -> Check:
    from smaker.core.errors import Unavailable
    from smaker.deploy.engine import connect

    async def ask() -> str:
        engine = await connect(session.home / "deployments" / ".docker")
        try:
            return await engine.versions()
        finally:
            await engine.close()

    try:
        return Check(name="docker", state="ok", detail=asyncio.run(ask()))
    except Unavailable as error:
        detail = f"{error.message} (for --deploy compose)"
        return Check(name="docker", state="missing", detail=detail, remedy=error.hint)
    except (OSError, SmakerError) as error:
        return Check(name="docker", state="missing", detail=str(error))


def _models(session: Session) -> list[Check]:
    """A line for each provider in use, and for each model server found on this machine."""
    from smaker.llm.discover import discover

    try:
        llm = session.settings().settings.llm
    except SmakerError:
        return []  # the line about the configuration says it
    checks: list[Check] = []
    for name in llm.in_use():
        provider = llm.providers.get(name)
        variable = provider.api_key_env if provider else None
        if variable and not os.environ.get(variable):
            remedy = f"Set {variable}, or choose another: smaker config set llm.mode offline"
            checks.append(Check(name=f"model {name}", state="bad", detail=f"{variable} is not set", remedy=remedy))
        elif provider:
            remedy = f"See what it can do: smaker models check {name}"
            checks.append(Check(name=f"model {name}", state="ok", detail=provider.model, remedy=remedy))
    for found in asyncio.run(discover()):
        detail = f"{found.kind} answers at {found.url}: {', '.join(found.models[:5]) or 'no model'}"
        checks.append(Check(name="local models", state="ok", detail=detail))
    return checks


def _program(name: str, use: str, remedy: str) -> Check:
    found = _version(name)
    if found is None:
        return Check(name=name, state="missing", detail=f"not found; needed for {use}", remedy=remedy)
    return Check(name=name, state="ok", detail=_dotted(found))


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


def attack_sandbox(session: Session) -> int:
    """Run the attack table inside the box and print what held; 0 if every attack was blocked."""
    from smaker.cli.columns import table
    from smaker.sandbox.attack import attack
    from smaker.wiring import build_sandbox

    sandbox = build_sandbox(session.settings().settings)
    results = asyncio.run(attack(sandbox))
    blocked = sum(result.blocked for result in results)
    rows = [("blocked" if result.blocked else "OPEN", result.name, result.detail) for result in results]
    summary = f"{blocked} of {len(results)} attacks blocked"
    session.show(
        {
            "blocked": blocked,
            "total": len(results),
            "attacks": [
                {"name": name, "blocked": state == "blocked", "detail": detail} for state, name, detail in rows
            ],
        },
        lambda: f"{table(('', 'ATTACK', 'HOW'), rows)}\n\n{summary}",
    )
    return 0 if blocked == len(results) else 1
