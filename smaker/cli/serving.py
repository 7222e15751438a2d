"""Run the software that was built: in the foreground, or under a supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.errors import UsageError
from smaker.core.ports import Command
from smaker.deploy.process import supervise
from smaker.deploy.serving import served, start_boxed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smaker.cli.session import Session
    from smaker.core.models import Project
    from smaker.core.profile import Profile
    from smaker.wiring import Local


async def run_software(session: Session, local: Local, identifier: str, *, port: int, extra: Sequence[str]) -> int:
    """Start a server and print where it answers until Ctrl-C; run a command-line tool to its end."""
    project, profile, package = await _built(local, identifier)
    workspace = Path(project.workspace)
    if profile.port is None:
        return await _run_tool(session, local, project, profile, extra)
    ended = _until_signal()
    process = await start_boxed(
        local.sandbox, local.environments, profile, package, workspace, lambda text: session.say(text.rstrip())
    )
    async with served(process, profile, local.listen, port=port) as software:
        session.show(
            {"id": identifier, "url": software.url, "pid": software.process.pid},
            f"{project.name} answers at {software.url}   (Ctrl-C stops it)",
        )
        import sys

        sys.stdout.flush()
        over = asyncio.ensure_future(software.process.wait())
        await asyncio.wait({ended, over}, return_when=asyncio.FIRST_COMPLETED)
        if over.done() and not ended.done():
            session.say(software.process.tail(20))
            return 1
    return 0


async def supervise_software(local: Local, identifier: str) -> int:
    """Keep a project's server up until SIGTERM."""
    project, profile, package = await _built(local, identifier)
    workspace = Path(project.workspace)
    ended = _until_signal()
    watching = asyncio.ensure_future(
        supervise(
            local.deployer,
            identifier,
            profile,
            start=lambda: start_boxed(local.sandbox, local.environments, profile, package, workspace),
            listen=local.listen,
        )
    )
    await asyncio.wait({ended, watching}, return_when=asyncio.FIRST_COMPLETED)
    if watching.done():
        watching.result()
        return 1
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    return 0


async def _built(local: Local, identifier: str) -> tuple[Project, Profile, str]:
    project = (await local.store.build(identifier)).project
    if project.spec is None or not Path(project.workspace).is_dir():
        raise UsageError("There is nothing built yet.", hint=f"See: smaker status {identifier}")
    return project, local.catalog.of(project.spec).profile, project.spec.package


async def _run_tool(session: Session, local: Local, project: Project, profile: Profile, extra: Sequence[str]) -> int:
    if not profile.start:
        raise UsageError(
            f"A {profile.title} has nothing to start.", hint=f"Use it from {project.workspace}: its README says how."
        )
    assert project.spec is not None
    workspace = Path(project.workspace)
    for word in extra:
        if Path(word).is_file() and not (workspace / word).exists():
            raise UsageError(
                f"The software sees the files of its own folder alone, and {word} is not there.",
                hint=f"Copy it: cp {word} {workspace}/",
            )
    mounts = await local.environments.prepare(profile, workspace, lambda text: session.say(text.rstrip()))
    command = Command(
        argv=(*profile.start_command(project.spec.package), *(extra or ("--help",))),
        env=profile.start_variables(project.spec.package),
        workspace=workspace,
        mounts=mounts,
        path=("/env/bin",) if mounts else (),
        timeout_s=3600,
    )
    result = await local.sandbox.run(command)
    session.show({"id": project.id, "exit_code": result.exit_code, "output": result.output}, result.output.rstrip("\n"))
    return result.exit_code


def _until_signal() -> asyncio.Future[None]:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    return ended
