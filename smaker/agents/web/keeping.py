"""What the web agent leaves in a project: the paths, and a Playwright test for each of them and each fault it found.

The tests are the project's own: whoever has it runs them against the software at ``BASE_URL``. They stay out of the way
of its other tests, which have no browser.
"""

from __future__ import annotations

from collections.abc import Mapping

from smaker.agents.model.guards import BROWSER_TESTS
from smaker.agents.web.paths import PATHS_FILE, KeptPath, dump_paths, slug
from smaker.core.context import Context
from smaker.core.counting import counted
from smaker.core.models import TestReport
from smaker.core.ports.browser import Dialect

# Named so that Node's runner takes them only where they are named: it knows no way to leave tests out.
_SUFFIXES: Mapping[Dialect, str] = {"pytest": ".py", "node": ".cjs"}
_CONFTEST = b'''"""Tests in a real browser: they run where Playwright is installed, on the software at BASE_URL."""

import importlib.util
import os

collect_ignore_glob = [] if os.environ.get("BASE_URL") and importlib.util.find_spec("playwright") else ["test_*.py"]
'''


def test_file(name: str, dialect: Dialect) -> str:
    """Where a test of that name lies."""
    return f"{BROWSER_TESTS}/test_{slug(name)}{_SUFFIXES[dialect]}"


async def keep(
    context: Context, paths: tuple[KeptPath, ...], tests: Mapping[str, str], dialect: Dialect
) -> TestReport | None:
    """Commit paths, and tests by their names; return the newest run of the project's tests as one of these files, if it
    was of those before: of the software nothing is different."""
    before, report = await context.tree(), context.build.report
    files = {test_file(name, dialect): text.encode() for name, text in tests.items()}
    if files and dialect == "pytest":
        files[f"{BROWSER_TESTS}/conftest.py"] = _CONFTEST
    if paths:
        files[PATHS_FILE] = dump_paths(paths)
    new = {path: data for path, data in files.items() if await context.read_or(path) != data}
    if not new:
        return None
    await context.write(new, title="keep what was tried in a browser", own=True)
    await context.commit(f"web: {counted(len(tests), 'test')} in a browser")
    if report is None or report.tree != before:
        return None
    return report.model_copy(update={"tree": await context.tree()})
