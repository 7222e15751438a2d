"""The one file that knows every adapter. ``open_*`` and ``build_*`` functions put the rooms together; no logic."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smaker.core.registry import Registry

if TYPE_CHECKING:
    from smaker.config import Settings
    from smaker.core.bus import Bus
    from smaker.core.clock import SystemClock
    from smaker.core.control import Snapshot
    from smaker.core.engine import Engine
    from smaker.core.events import Event
    from smaker.core.listing import Listed
    from smaker.core.models import Artifact, Project, Step
    from smaker.core.ports import Agent, Build, Environments, ProjectLock, Sandbox, Store, Workspaces
    from smaker.core.replay import Replayed
    from smaker.core.worker import Worker
    from smaker.deploy.process import ProcessTarget
    from smaker.profiles import Catalog
    from smaker.store.reader import Reader as StoreReader
    from smaker.store.sql import SqlStore
    from smaker.workspace import GitWorkspaces

AGENTS = Registry(
    "smaker.agents",
    {
        "planner": "smaker.agents.offline.planner:OfflinePlanner",
        "coder": "smaker.agents.offline.coder:OfflineCoder",
        "tester": "smaker.agents.offline.tester:OfflineTester",
        "fixer": "smaker.agents.offline.fixer:OfflineFixer",
        "runner": "smaker.agents.runner:Runner",
        "deployer": "smaker.agents.deployer:DeployAgent",
    },
)
"""Who does which kind of task while ``llm.mode`` is offline."""


@dataclass
class Local:
    """An engine and a worker in this process, and what they were put together from."""

    home: Path
    settings: Settings
    control: Engine
    worker: Worker
    store: Store
    workspaces: Workspaces
    sandbox: Sandbox
    environments: Environments
    catalog: Catalog
    deployer: ProcessTarget
    lock: ProjectLock
    clock: SystemClock
    bus: Bus
    listen: Any
    notices: tuple[str, ...] = ()

    def agent(self, name: str) -> Agent:
        """Make the agent of that name."""
        return build_agent(name, self.catalog, self.deployer)

    async def stop(self, project: str) -> bool:
        """Stop the deployed software and note it; whether any ran."""
        from smaker.core.pipeline import note_deployment

        stopped = await self.deployer.stop(project)
        if (await self.store.build(project)).project.deployment is not None:
            await self.store.apply(project, note_deployment(None))
        return stopped

    async def adopt(self, where: str, prompt: str, folder: Path | None) -> Project:
        """Take an existing repository: a folder as it is, or a clone of an address."""
        from smaker.agents.adoption import adopt

        return await adopt(
            where,
            prompt,
            folder,
            home=self.home,
            control=self.control,
            workspaces=self.workspaces,
            catalog=self.catalog,
        )

    async def replay(self, project: str) -> Replayed:
        """Rebuild a project from its ledger in a temporary repository. Raises Diverged."""
        from smaker.core.replay import replay_project

        with tempfile.TemporaryDirectory(prefix="smaker-replay-") as folder:
            workspaces = build_workspaces(Path(folder) / "state", self.clock)
            return await replay_project(
                project,
                store=self.store,
                workspaces=self.workspaces,
                scratch=workspaces,
                folder=Path(folder) / "files",
                agent=self.agent,
                clock=self.clock,
            )


@asynccontextmanager
async def open_local(home: Path, settings: Settings) -> AsyncGenerator[Local]:
    """Put an engine and a worker together over the record in ``home``, and close them afterwards.

    Raises StorageError, SandboxUnavailable, ConfigError.
    """
    from smaker.agents.inspection import inspect_proofs
    from smaker.core.bus import Bus
    from smaker.core.clock import SystemClock
    from smaker.core.engine import Desk, Engine
    from smaker.core.models import WorkerInfo
    from smaker.core.secrets import Redactor
    from smaker.core.worker import Crew, Worker
    from smaker.deploy.process import ProcessTarget
    from smaker.profiles import Catalog
    from smaker.sandbox.bridge import listen_on
    from smaker.sandbox.environments import CachedEnvironments
    from smaker.store.sql import open_store
    from smaker.workspace import FileLock

    build_log(home)
    clock, bus, catalog = SystemClock(), Bus(), Catalog(home / "profiles")
    sandbox = build_sandbox(settings)
    environments = CachedEnvironments(cache_folder(home), sandbox)
    lock, workspaces = FileLock(home), build_workspaces(home / "state", clock)
    deployer = ProcessTarget(home, (sys.executable, "-m", "smaker", "--home", str(home), "supervise"))
    store = await open_store(home, clock=clock)
    try:
        notices = await recover(store, workspaces)
        engine = Engine(
            Desk(
                home=home,
                store=store,
                workspaces=workspaces,
                clock=clock,
                bus=bus,
                lock=lock,
                inspect=inspect_proofs,
            )
        )
        crew = Crew(
            store=store,
            workspaces=workspaces,
            agent=lambda name: build_agent(name, catalog, deployer),
            sandbox=sandbox,
            environments=environments,
            clock=clock,
            bus=bus,
            lock=lock,
            redact=Redactor().redact,
        )
        info = WorkerInfo(
            id=f"{socket.gethostname()}-{os.getpid()}", host=socket.gethostname(), pid=os.getpid(), capabilities=()
        )
        yield Local(
            home=home,
            settings=settings,
            control=engine,
            worker=Worker(info, crew),
            store=store,
            workspaces=workspaces,
            sandbox=sandbox,
            environments=environments,
            catalog=catalog,
            deployer=deployer,
            lock=lock,
            clock=clock,
            bus=bus,
            listen=listen_on,
            notices=notices,
        )
    finally:
        await store.close()


async def recover(store: SqlStore, workspaces: GitWorkspaces) -> tuple[str, ...]:
    """Where the record was damaged: write down again what the repositories know, and return what to tell the user."""
    if store.recovered_from is None:
        return ()
    from smaker.agents.spec_file import load_spec
    from smaker.core.rebuild import rebuild
    from smaker.store.reader import salvage

    salvaged = {project.id: project for project in salvage(store.recovered_from)}
    places = {Path(project.workspace) for project in salvaged.values()} | {*workspaces.known()}
    found = await rebuild(sorted(places), salvaged=salvaged, store=store, workspaces=workspaces, parse=load_spec)
    aside, what = store.recovered_from, store.damage.strip().splitlines()[-1:]
    store.recovered()
    return (
        f"The record was damaged ({''.join(what)}) and is kept as {aside}. "
        f"{len(found)} projects were written down again from their git histories.",
    )


def build_agent(name: str, catalog: Catalog, deployer: ProcessTarget) -> Agent:
    """Make an agent; the deployer also gets its target."""
    made = AGENTS.load(name)
    return made(catalog, deployer) if name == "deployer" else made(catalog)


def build_workspaces(state: Path, clock: SystemClock) -> GitWorkspaces:
    """Repositories, with the secret scanner at their door."""
    from smaker.core.secrets import find_secret
    from smaker.workspace import GitWorkspaces

    return GitWorkspaces(state, clock=clock, scan=find_secret)


def build_sandbox(settings: Settings) -> Sandbox:
    """The configured sandbox, chosen when first used."""
    from smaker.sandbox.lazy import LazySandbox
    from smaker.sandbox.limits import Limits

    bounds = Limits(memory_mb=settings.sandbox.memory_mb, processes=settings.sandbox.processes)
    return LazySandbox(settings.sandbox.kind, bounds)


def build_log(home: Path) -> None:
    """Send the program's own log, as JSON lines, to ``<home>/log/smaker.log``."""
    import logging
    from logging.handlers import RotatingFileHandler

    import structlog

    folder = home / "log"
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(folder / "smaker.log", maxBytes=5_000_000, backupCount=2, delay=True)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ]
        )
    )
    root = logging.getLogger("smaker")
    root.handlers, root.propagate = [handler], False
    root.setLevel(logging.INFO)


def cache_folder(home: Path) -> Path:
    """Where environments of generated projects are kept; several homes may share it by SMAKER_CACHE."""
    return Path(os.environ.get("SMAKER_CACHE") or home / "cache") / "environments"


class Reader:
    """The record, read with nothing but SQLite: what ``list``, ``status`` and ``logs`` need, quickly."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def _store(self) -> StoreReader:
        from smaker.store.reader import Reader as StoreReader

        return StoreReader(self._home)

    def listed(self) -> list[Listed]:
        """All projects as a list shows them, newest first."""
        from smaker.store.glance import Glance

        with Glance(self._home) as glance:
            return glance.listed()

    def build(self, project: str) -> Build:
        """The whole build. Raises NotFound."""
        return self._store.build(project)

    def steps(self, project: str) -> list[Step]:
        """The ledger."""
        return self._store.steps(project)

    def events(self, project: str, *, after: int = 0) -> list[Event]:
        """Events with a number above ``after``."""
        return self._store.events(project, after=after)

    def artifacts(self, project: str) -> list[Artifact]:
        """What the build kept."""
        return self._store.artifacts(project)

    def blob(self, sha256: str) -> bytes:
        """The bytes of an artifact."""
        return self._store.blob(sha256)

    def holder(self, project: str) -> str | None:
        """Who drives the project now."""
        from smaker.workspace.lock import FileLock

        return FileLock(self._home).holder(project)

    def snapshot(self, project: str) -> Snapshot:
        """All there is to show."""
        from smaker.core.control import Snapshot
        from smaker.core.models import Usage
        from smaker.workspace.head import head_of

        build, steps = self.build(project), self.steps(project)
        return Snapshot(
            project=build.project,
            tasks=build.tasks,
            steps=tuple(steps),
            artifacts=tuple(self.artifacts(project)),
            report=build.report,
            usage=sum((step.usage for step in steps), Usage()),
            head=head_of(Path(build.project.workspace)),
            holder=self.holder(project),
        )


def found_damaged(home: Path) -> bool:
    """Whether an earlier run met damage in the record, or it is gone; whoever opens it whole sets that right."""
    record, mark = home / "smaker.db", home / "smaker.db-mark"
    gone = mark.exists() and (not record.exists() or record.stat().st_size == 0)
    return gone or (home / "smaker.db-suspect").exists()


def open_reader(home: Path) -> Reader:
    """Open the record for reading. A home without one reads as empty."""
    return Reader(home)
