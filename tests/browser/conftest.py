"""A browser that is started once, apps in boxes of their own, and a way to run the tests that come out."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from smaker.browser import programs
from smaker.browser.boxed import BoxedBrowser
from smaker.core.ports import Command, CommandResult, Mount, Process
from smaker.core.ports.browser import BrowserJob, BrowserResult
from smaker.sandbox.bwrap import BwrapSandbox

HERE = Path(__file__).parent
PORT = 8000

Serve = Callable[..., Awaitable[Process]]
Look = Callable[..., Awaitable[BrowserResult]]
RunTests = Callable[..., Awaitable[CommandResult]]


@pytest.fixture
def box() -> BwrapSandbox:
    return BwrapSandbox()


@pytest.fixture
def browser(box: BwrapSandbox) -> BoxedBrowser:
    return BoxedBrowser(box)


@pytest.fixture
async def serve(box: BwrapSandbox, tmp_path: Path) -> AsyncIterator[Serve]:
    """Start a program of this folder in a box of its own, with these words after its port."""
    async with AsyncExitStack() as stack:
        number = 0

        async def start(program: str, *words: str) -> Process:
            nonlocal number
            number += 1
            workspace = tmp_path / f"app-{number}"
            workspace.mkdir()
            shutil.copy(HERE / program, workspace)
            command = Command(
                argv=("python3", program, str(PORT), *words), workspace=workspace, profile="web", port=PORT
            )
            process = await box.start(command)
            stack.push_async_callback(process.stop)
            await process.wait_for_port(timeout_s=30)
            return process

        yield start


@pytest.fixture
def job() -> Callable[..., BrowserJob]:
    def make(kind: str = "explore", **settings: object) -> BrowserJob:
        return BrowserJob.model_validate({"kind": kind, "port": PORT, **settings})

    return make


@pytest.fixture
def look(browser: BoxedBrowser, tmp_path: Path) -> Look:
    """Do a job on an app that was started; the pictures are in ``tmp_path / into``."""

    async def do(app: Process, wanted: BrowserJob, into: str = "seen") -> BrowserResult:
        folder = tmp_path / into
        folder.mkdir(exist_ok=True)
        return await browser.run(wanted, folder, socket=app.socket)

    return do


@pytest.fixture
def run_tests(box: BwrapSandbox, tmp_path: Path) -> RunTests:
    """Run test files against an app, in a box like the explorer's, by pytest or by Node.

    Each starts a browser as it says, or has a context in ``one_browser`` for all.
    """
    found = programs.find()
    site = Path(importlib.util.find_spec("pytest").origin).parents[1]  # type: ignore[union-attr]
    driver = Path(importlib.util.find_spec("playwright").origin).parent / "driver/package"  # type: ignore[union-attr]
    axe = next(mount.host for mount in found.mounts if mount.inside == found.axe)

    async def run(app: Process, sources: dict[str, str], *, one_browser: bool = False) -> CommandResult:
        folder = tmp_path / f"tests-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        for name, source in sources.items():
            (folder / name).write_text(source)
        node = any(name.endswith(".cjs") for name in sources)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        argv = (version, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", *sources)
        if node:
            argv = ("node", "--test-reporter=tap", "one_browser.cjs" if one_browser else "--test", *sources)
        if one_browser:
            shutil.copy(HERE / "one_browser.cjs", folder)
            shutil.copy(HERE / "one_browser.py", folder / "conftest.py")
        return await box.run(
            Command(
                argv=argv,
                workspace=folder,
                profile="browser",
                mounts=(
                    *found.mounts,
                    Mount(host=site, inside="/opt/site"),
                    Mount(host=driver, inside="/opt/node/playwright-core"),
                    Mount(host=axe, inside="/opt/node/axe-core/axe.min.js"),
                ),
                env={
                    "PYTHONPATH": "/opt/site",
                    "NODE_PATH": "/opt/node",
                    "CHROMIUM": found.executable,
                    "CHROMIUM_ARGS": "--no-sandbox --disable-gpu --disable-dev-shm-usage",
                    "BASE_URL": f"http://127.0.0.1:{PORT}",
                },
                timeout_s=170,
                reach={PORT: app.socket} if app.socket else {},
            )
        )

    return run
