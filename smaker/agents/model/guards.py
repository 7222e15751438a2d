"""What a model must not write: whoever makes software pass its tests must not reach the tests, nor what runs them."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Callable, Mapping

from smaker.core.confidential import is_confidential
from smaker.core.profile import Profile

Guard = Callable[[str, bytes | None, bytes | None], str]
"""Of a path, its content before and after (None: not there): why that must not be, or nothing."""

REDACTED = b"[redacted:"
PROJECT_CONFIG = "smaker.yaml"
BROWSER_TESTS = "tests/web"  # of the web agent

_STARTED = frozenset({"sitecustomize.py", "usercustomize.py", "pytest.py", "_pytest.py", "pluggy.py", "coverage.py"})
"""In the project's folder, Python would load these before or instead of the test runner."""

_SETTINGS = frozenset(
    {"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "pyproject.toml"}
)
_SECTIONS = ("pytest", "tool:pytest")
_LOADING = ("addopts", "required_plugins", "usefixtures")
"""Settings that can bring foreign code into a run of tests; where tests lie and the like may be said freely."""


def outside_of_tests(profile: Profile) -> Guard:
    """For coders and fixers: neither the acceptance tests, nor what tells the runner how to run them."""
    folder = profile.acceptance.rstrip("/")
    parents = {"", *("/".join(folder.split("/")[:depth]) + "/" for depth in range(1, folder.count("/") + 1))}
    fixtures = {f"{parent}conftest.py" for parent in parents}

    def guard(path: str, before: bytes | None, after: bytes | None) -> str:
        if path.startswith((f"{folder}/", f"{BROWSER_TESTS}/", ".smaker/")) or path in {folder, BROWSER_TESTS}:
            return "acceptance tests, those in a browser, and the plan are not yours to change"
        if path == PROJECT_CONFIG:
            return "smaker's configuration is its user's"
        if profile.dialect != "pytest":
            return ""
        if path in fixtures or path in _STARTED or path.startswith(("pytest/", "_pytest/", "pluggy/")):
            return "it would change how the acceptance tests are run"
        if path in _SETTINGS and _runner_settings(path, before) != _runner_settings(path, after):
            return f"the test runner's {', '.join(_LOADING)} are not yours to set"
        return ""

    return guard


def inside_of(folder: str) -> Guard:
    """For testers: their own folder alone."""
    prefix = f"{folder.rstrip('/')}/"
    return lambda path, _before, _after: "" if path.startswith(prefix) else f"only files in {prefix} are yours"


def unseen(path: str, before: bytes | None, after: bytes | None) -> str:
    """For all: what they are not shown whole, they cannot write without harm."""
    if before is not None and is_confidential(path):
        return "it holds credentials, which you are not shown; name new settings in a sample beside it (.env.example)"
    if after is not None and after.count(REDACTED) > (before or b"").count(REDACTED):
        return (
            f"{REDACTED.decode()}…] stands for a credential that you are not shown; leave its line out of your edits, "
            "and where you need a value of your own, write one that is plainly made up (example-key)"
        )
    return ""


def _runner_settings(path: str, content: bytes | None) -> object:
    """What a file says to the test runner that matters; one that cannot be read says itself, so that it is a change."""
    if content is None:
        return {}
    text = content.decode("utf-8", "replace")
    try:
        if path.endswith(".toml"):
            tool = tomllib.loads(text).get("tool", {}).get("pytest", {})
            return _loading(tool.get("ini_options", tool))
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
    except (tomllib.TOMLDecodeError, configparser.Error, AttributeError, RecursionError):
        return text
    found: dict[str, object] = {}
    for section in _SECTIONS:
        if parser.has_section(section):
            found |= _loading(dict(parser[section]))
    return found


def _loading(settings: Mapping[str, object]) -> dict[str, object]:
    return {key: settings[key] for key in _LOADING if key in settings}
