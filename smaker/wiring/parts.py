"""Makes single parts: agents by name, repositories, the sandbox, the log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.registry import Registry

if TYPE_CHECKING:
    from smaker.config import Settings
    from smaker.core.clock import SystemClock
    from smaker.core.ports import Agent, Sandbox
    from smaker.deploy.process import ProcessTarget
    from smaker.profiles import Catalog
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
    return LazySandbox(settings.sandbox.kind, bounds, reach=settings.sandbox.network)


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
