"""Puts an engine and a worker together in this process."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smaker.wiring.parts import build_agent, build_browser, build_sandbox, build_workspaces, cache_folder, open_log

if TYPE_CHECKING:
    from smaker.agents.verification import Check
    from smaker.config import Settings
    from smaker.core.bundle import Bundle
    from smaker.core.bus import Bus
    from smaker.core.clock import SystemClock
    from smaker.core.control import NewProject
    from smaker.core.engine import Engine
    from smaker.core.models import DeployTarget, Project
    from smaker.core.ports import Agent, Deployer, Environments, ProjectLock, Sandbox, Store, Workspaces
    from smaker.core.replay import Replayed
    from smaker.core.secrets import Redactor
    from smaker.core.worker import Crew, Worker
    from smaker.deploy.compose import Cleaned, ComposeTarget
    from smaker.deploy.process import ProcessTarget
    from smaker.profiles import Catalog
    from smaker.store.sql import SqlStore
    from smaker.wiring.engaged import Engaged
    from smaker.wiring.models import ConfiguredModels
    from smaker.workspace import GitWorkspaces


@dataclass
class Local:
    """An engine and a worker in this process, and what they were put together from."""

    home: Path
    settings: Settings
    control: Engine
    crew: Crew
    worker: Worker
    store: Store
    workspaces: Workspaces
    sandbox: Sandbox
    environments: Environments
    catalog: Catalog
    deployer: ProcessTarget
    containers: ComposeTarget
    lock: ProjectLock
    clock: SystemClock
    bus: Bus
    models: ConfiguredModels
    redactor: Redactor
    listen: Any
    notices: tuple[str, ...] = ()

    @property
    def targets(self) -> dict[DeployTarget, Deployer]:
        """Where software can be deployed."""
        from smaker.core.models import DeployTarget

        return {DeployTarget.PROCESS: self.deployer, DeployTarget.COMPOSE: self.containers}

    def agent(self, name: str, mode: str) -> Agent:
        """Make the agent for a kind of task in a mode."""
        return build_agent(name, mode, self.catalog, self.targets)

    async def stop(self, project: str) -> bool:
        """Stop the deployed software and note it; whether any ran."""
        from smaker.core.pipeline import note_deployment

        stopped = [await target.stop(project) for target in self.targets.values()]
        if (await self.store.build(project)).project.deployment is not None:
            await self.store.apply(project, note_deployment(None))
        return any(stopped)

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool) -> None:
        """Give ``heard`` what the deployed software printed; with ``follow`` until it ends. Raises NotFound."""
        where = self.containers if self.containers.current(project) is not None else None
        await (where.logs if where else self.deployer.output)(project, heard, follow=follow)

    def draft(self, prompt: str, engaged: Engaged | None = None) -> NewProject:
        """A project of this prompt with what the settings say (those this was opened with, or of ``engaged``). Raises
        ConfigError if no model can plan it, UsageError if the prompt cannot be one."""
        from smaker.core.control import NewProject
        from smaker.core.models import Budget
        from smaker.core.typed import MAX_OFFLINE, MAX_PROMPT, checked

        settings, models = (engaged.settings, engaged.models) if engaged else (self.settings, self.models)
        offline = settings.llm.mode == "offline"
        text = checked(prompt, limit=MAX_OFFLINE if offline else MAX_PROMPT)
        if not offline:
            models.ready()
        return NewProject(
            prompt=text,
            mode=settings.llm.mode,
            deploy=settings.deploy.target,
            review=settings.llm.review and not offline,
            web=settings.browser.enabled,
            budget=Budget.model_validate(settings.budget.model_dump()),
            limits=settings.limits.of_build(),
        )

    async def clean(self, project: str | None = None) -> Cleaned:
        """Remove the containers, images and data of a project's deployments; without one, those of projects that are
        not known any more, and what processes that died left of the others. Raises Unavailable."""
        cleaned = await self.containers.clean(project, keep=[known.id for known in await self.store.projects()])
        if project is not None:
            await self.stop(project)
        return cleaned

    async def forget(self, project: str, *, files: bool) -> None:
        """Stop what a project has deployed and delete it, with its files if ``files``. Raises InUse."""
        await self.stop(project)
        if self.containers.remembers(project):
            await self.containers.clean(project)
        await self.control.delete(project, files=files)

    async def adopt(self, where: str, request: NewProject, folder: Path | None) -> Project:
        """Take an existing repository: a folder as it is, or a clone of an address."""
        from smaker.agents.adoption import adopt

        return await adopt(
            where,
            folder,
            settings=request,
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
                redactor=self.redactor,
            )

    async def replay_file(self, path: Path) -> Replayed:
        """Build again from a record in a file, in a temporary folder. Raises UsageError, Diverged."""
        from smaker.core.rebuilding import build_again
        from smaker.core.recording import read

        recording, blobs = read(path)
        with tempfile.TemporaryDirectory(prefix="smaker-record-") as folder:
            workspaces = build_workspaces(Path(folder) / "state", self.clock)
            return await build_again(recording, blobs, workspaces=workspaces, folder=Path(folder) / "files")

    async def export_record(self, project: str, path: Path) -> None:
        """Write the record of a build to a file. Raises UsageError, OSError."""
        from smaker.core.recording import record, write

        workspace = await self.workspaces.open(Path((await self.store.build(project)).project.workspace))
        head = await workspace.head()
        write(path, *await record(self.store, project, tree=await workspace.tree(head) if head else ""))

    async def export_proof(self, project: str, path: Path) -> str:
        """Write the proof bundle of a build to a file; return its digest. Raises UsageError, BuildFailed, OSError."""
        from smaker import __version__
        from smaker.core.bundle import packed
        from smaker.core.bundling import gather

        workspace = await self.workspaces.open(Path((await self.store.build(project)).project.workspace))
        table = await self.control.trace(project)
        data, digest = packed(await gather(self.store, workspace, project, table, made_by=f"smaker {__version__}"))
        await asyncio.to_thread(path.write_bytes, data)
        return digest

    async def verify(self, bundle: Bundle, say: Callable[[str], None]) -> tuple[Check, ...]:
        """See again what a proof bundle claims, in a temporary folder. Raises Unavailable, NotFound."""
        from smaker.agents.verification import Verifier

        with tempfile.TemporaryDirectory(prefix="smaker-verify-") as folder:
            verifier = Verifier(
                workspaces=build_workspaces(Path(folder), self.clock),
                sandbox=self.sandbox,
                environments=self.environments,
                catalog=self.catalog,
                timeout_s=self.settings.limits.command_timeout_s,
                say=say,
            )
            return await verifier.verify(bundle)


@asynccontextmanager
async def open_local(home: Path, settings: Settings) -> AsyncGenerator[Local]:
    """Put an engine and a worker together over the record in ``home``, and close them afterwards.

    Raises StorageError, SandboxUnavailable, ConfigError.
    """
    from smaker.agents.inspection import inspect_proofs, requirements_by_path
    from smaker.core.bus import Bus
    from smaker.core.clock import SystemClock
    from smaker.core.engine import Desk, Engine
    from smaker.core.models import DeployTarget, WorkerInfo
    from smaker.core.secrets import Redactor
    from smaker.core.worker import Crew, Worker
    from smaker.deploy.compose import ComposeTarget
    from smaker.deploy.process import ProcessTarget
    from smaker.profiles import Catalog
    from smaker.sandbox.bridge import listen_on
    from smaker.sandbox.environments import CachedEnvironments
    from smaker.store.live import share_live
    from smaker.store.sql import open_store
    from smaker.wiring.models import ConfiguredModels, known_keys
    from smaker.workspace import FileLock

    async with AsyncExitStack() as closing:
        closing.enter_context(open_log(home))
        clock, bus, catalog = SystemClock(), Bus(), Catalog(home / "profiles")
        sandbox = build_sandbox(settings)
        environments = CachedEnvironments(cache_folder(home) / "environments", sandbox)
        lock, workspaces = FileLock(home), build_workspaces(home / "state", clock)
        deployer = ProcessTarget(home, (sys.executable, "-m", "smaker", "--home", str(home), "supervise"))
        containers = ComposeTarget(home)
        redactor = Redactor(known_keys(settings))
        models = ConfiguredModels(home, settings, clock, redactor)
        closing.push_async_callback(models.close)
        store = await open_store(home, clock=clock)
        closing.push_async_callback(store.close)
        closing.enter_context(share_live(bus, home))
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
                paths=requirements_by_path,
                redact=redactor.redact,
            )
        )
        crew = Crew(
            store=store,
            workspaces=workspaces,
            agent=lambda name, mode: build_agent(
                name, mode, catalog, {DeployTarget.PROCESS: deployer, DeployTarget.COMPOSE: containers}
            ),
            sandbox=sandbox,
            environments=environments,
            clock=clock,
            bus=bus,
            lock=lock,
            redactor=redactor,
            models=models,
            browser=build_browser(settings, sandbox),
        )
        info = WorkerInfo(
            id=f"{socket.gethostname()}-{os.getpid()}", host=socket.gethostname(), pid=os.getpid(), capabilities=()
        )
        yield Local(
            home=home,
            settings=settings,
            control=engine,
            crew=crew,
            worker=Worker(info, crew),
            store=store,
            workspaces=workspaces,
            sandbox=sandbox,
            environments=environments,
            catalog=catalog,
            deployer=deployer,
            containers=containers,
            lock=lock,
            clock=clock,
            bus=bus,
            models=models,
            redactor=redactor,
            listen=listen_on,
            notices=notices,
        )


async def recover(store: SqlStore, workspaces: GitWorkspaces) -> tuple[str, ...]:
    """Where the record was damaged: write down again what the repositories know, and return what to tell the user."""
    if store.recovered_from is None:
        return ()
    from smaker.config.spec_file import load_spec
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
