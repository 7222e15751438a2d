"""A worker for measurements: real store, git, pipeline and ledger; one scripted agent; commands that do nothing."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from smaker.agents.inspection import inspect_proofs
from smaker.core.bus import Bus
from smaker.core.clock import SystemClock
from smaker.core.control import NewProject
from smaker.core.engine import Desk, Engine
from smaker.core.models import BuildLimits, Project, WorkerInfo
from smaker.core.ports import Agent, Store
from smaker.core.secrets import find_secret
from smaker.core.worker import Crew, Worker
from smaker.store.sql import open_store
from smaker.testing import NoEnvironments, ScriptedSandbox
from smaker.workspace import FileLock, GitWorkspaces

TEXT = "".join(f"line {number} of a source file\n" for number in range(60)).encode()
FILES = {f"part{number % 25}/module{number}.py": b"# %d\n" % number + TEXT for number in range(50)}
PATHS = tuple(FILES)


def changed(step: int) -> tuple[str, bytes]:
    """What a step writes: one file of the fifty."""
    return PATHS[step * 7 % len(PATHS)], b"# step %d\n" % step + TEXT


@dataclass(frozen=True)
class Shop:
    """An engine and a worker whose every task is done by one agent."""

    home: Path
    engine: Engine
    worker: Worker
    store: Store

    async def create(self, name: str, *, mode: str = "offline") -> Project:
        """A new project, with room for as many steps as it takes."""
        limits = BuildLimits(max_steps_per_task=10_000)
        return await self.engine.create(NewProject(prompt=name, workspace=self.home / name, limits=limits, mode=mode))


@asynccontextmanager
async def shop(home: Path, agent: Agent) -> AsyncGenerator[Shop]:
    """Open it over a home folder, and close it afterwards."""
    clock, bus, lock = SystemClock(), Bus(), FileLock(home)
    workspaces = GitWorkspaces(home / "state", clock=clock, scan=find_secret)
    store = await open_store(home, clock=clock)
    try:
        desk = Desk(
            home=home, store=store, workspaces=workspaces, clock=clock, bus=bus, lock=lock, inspect=inspect_proofs
        )
        crew = Crew(
            store=store,
            workspaces=workspaces,
            agent=lambda _, __: agent,
            sandbox=ScriptedSandbox(),
            environments=NoEnvironments(),
            clock=clock,
            bus=bus,
            lock=lock,
        )
        info = WorkerInfo(id="bench", host="bench", pid=os.getpid(), capabilities=())
        yield Shop(home, Engine(desk), Worker(info, crew), store)
    finally:
        await store.close()


def plain_repository(path: Path) -> Callable[[str, bytes], float]:
    """The same files under git alone; returns what one step of the smallest loop costs there, in seconds: write a file
    and commit it."""
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"]}
    people = {f"GIT_{who}_{what}": "bench" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=path, env=settings | people, check=True, capture_output=True)

    for arguments in (("init", "-q"), ("config", "gc.auto", "0"), ("add", "."), ("commit", "-q", "-m", "first")):
        git(*arguments)

    def step(name: str, content: bytes) -> float:
        begun = time.perf_counter()
        (path / name).write_bytes(content)
        git("commit", "-q", "-m", "step", "--", name)
        return time.perf_counter() - begun

    return step
