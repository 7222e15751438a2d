"""Makes single parts: agents by name, repositories, the sandbox, the log."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from smaker.core.registry import Registry

if TYPE_CHECKING:
    from smaker.config import Settings
    from smaker.core.clock import SystemClock
    from smaker.core.models import DeployTarget
    from smaker.core.ports import Agent, Deployer, Sandbox
    from smaker.core.ports.browser import Browser
    from smaker.profiles import Catalog
    from smaker.workspace import GitWorkspaces

AGENTS = Registry(
    "smaker.agents",
    {
        "planner": "smaker.agents.model.planner:ModelPlanner",
        "coder": "smaker.agents.model.coder:ModelCoder",
        "tester": "smaker.agents.model.tester:ModelTester",
        "fixer": "smaker.agents.model.fixer:ModelFixer",
        "reviewer": "smaker.agents.model.reviewer:ModelReviewer",
        "offline-planner": "smaker.agents.offline.planner:OfflinePlanner",
        "offline-coder": "smaker.agents.offline.coder:OfflineCoder",
        "offline-tester": "smaker.agents.offline.tester:OfflineTester",
        "offline-fixer": "smaker.agents.offline.fixer:OfflineFixer",
        "runner": "smaker.agents.runner:Runner",
        "deployer": "smaker.agents.deployer:DeployAgent",
        "web": "smaker.agents.web.agent:WebAgent",
    },
)
"""Who does which kind of task; in a project whose mode is offline, ``offline-NAME`` for those of `BY_RULES`."""

BY_RULES = {"planner", "coder", "tester", "fixer"}


def build_agent(name: str, mode: str, catalog: Catalog, targets: Mapping[DeployTarget, Deployer]) -> Agent:
    """Make the agent for a kind of task in a mode; the deployer also gets its targets."""
    made = AGENTS.load(f"offline-{name}" if mode == "offline" and name in BY_RULES else name)
    return made(catalog, targets) if name == "deployer" else made(catalog)


def build_workspaces(state: Path, clock: SystemClock) -> GitWorkspaces:
    """Repositories, with the secret scanner at their door."""
    from smaker.core.secrets import find_secret
    from smaker.workspace import GitWorkspaces

    return GitWorkspaces(state, clock=clock, scan=find_secret)


def build_sandbox(settings: Settings, say: Callable[[str], None] | None = None) -> Sandbox:
    """The configured sandbox, chosen when first used; ``say`` hears what that takes."""
    from smaker.sandbox.lazy import LazySandbox
    from smaker.sandbox.limits import Limits

    bounds = Limits(memory_mb=settings.sandbox.memory_mb, processes=settings.sandbox.processes)
    chosen = settings.sandbox
    return LazySandbox(chosen.kind, bounds, reach=chosen.network, image=chosen.image, say=say)


def build_browser(settings: Settings, sandbox: Sandbox) -> Browser | None:
    """The browser, looked for when it is first needed; None where it is switched off."""
    from smaker.browser.boxed import BoxedBrowser

    return BoxedBrowser(sandbox, settings.browser.executable) if settings.browser.enabled else None


@contextmanager
def open_log(home: Path) -> Generator[None]:
    """Meanwhile, send the program's log, as JSON lines, to ``<home>/log/smaker.log``, with an error nobody expected;
    that error has a note then of where it is. Raises OSError."""
    from logging.handlers import RotatingFileHandler

    import structlog

    from smaker.core.errors import SmakerError

    file = home / "log" / "smaker.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(file, maxBytes=5_000_000, backupCount=2, delay=True)
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
    root.propagate = False
    root.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    except (SmakerError, OSError, UnicodeError):
        raise
    except Exception as error:
        root.exception("internal error")
        error.add_note(f"That is a fault of smaker. The details: {file}")
        raise
    finally:
        root.removeHandler(handler)  # a closed one would open its file again for whoever speaks late
        handler.close()


def cache_folder(home: Path) -> Path:
    """Where what can be made again is kept (environments, vectors); several homes may share it by SMAKER_CACHE."""
    return Path(os.environ.get("SMAKER_CACHE") or home / "cache")
