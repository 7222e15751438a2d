"""Every test has its own home, working folder and environment, and none of the developer's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
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
    "COVERAGE_PROCESS_START",
}
PREFIXES = ("PIP_", "SSL_", "REQUESTS_", "NODE_EXTRA_", "PYTEST_", "COV_", "COVERAGE_", "UV_")


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder as HOME, and nothing of the developer's environment but what tools need to install."""
    home = tmp_path / "user-home"
    home.mkdir()
    for name in list(os.environ):
        if name not in KEPT and not name.startswith(PREFIXES):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
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
        if os.environ.get("CI"):
            pytest.fail(f"CI lacks {program}: {why}")
        pytest.skip(f"needs {program}: {why}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """What marked tests need."""
    if item.get_closest_marker("sandbox"):
        lacking("bwrap", "install bubblewrap")
    if item.get_closest_marker("node"):
        lacking("node", "install Node.js 20")
