"""The test readers by dialect."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from smaker.agents.evidence.node_module import node_beside
from smaker.agents.evidence.node_source import read_node
from smaker.agents.evidence.pytest_source import read_pytest
from smaker.agents.evidence.python_module import python_beside
from smaker.core.models import TestSource

Dialect = Literal["pytest", "node"]

Read = Callable[[str, str, Mapping[str, str]], list[TestSource]]
READERS: Mapping[Dialect, Read] = {"pytest": read_pytest, "node": read_node}
BESIDE: Mapping[Dialect, Callable[[str, str], set[str]]] = {"pytest": python_beside, "node": node_beside}

# What each runner takes for a file of tests when it is told nothing else.
TEST_FILES: Mapping[Dialect, re.Pattern[str]] = {
    "pytest": re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$"),
    "node": re.compile(r"(?:^|/)test/.*\.[cm]?js$|(?:^|/)(?:test|test-[^/]*|[^/]*[._-]test)\.[cm]?js$"),
}


SUFFIXES: Mapping[Dialect, tuple[str, ...]] = {"pytest": (".py",), "node": (".js", ".mjs", ".cjs")}


def is_source(dialect: Dialect, path: str) -> bool:
    """Whether the file at ``path`` is written in the language of the tests."""
    return path.endswith(SUFFIXES[dialect])


def is_test_file(dialect: Dialect, path: str) -> bool:
    """Whether the runner collects tests from the file at ``path`` (relative to the workspace)."""
    return TEST_FILES[dialect].search(path) is not None


def read_tests(dialect: Dialect, path: str, source: str, beside: Mapping[str, str] | None = None) -> list[TestSource]:
    """Return the tests in a file; a file the runner takes no tests from (a conftest, a helper) has none.

    ``beside`` are other files of its folder, by path: what helpers and fixtures there assert counts to the tests that
    use them. Raises ValueError with path and line if a source does not parse.
    """
    return READERS[dialect](path, source, beside or {}) if is_test_file(dialect, path) else []


async def files_beside(
    dialect: Dialect, path: str, source: str, read: Callable[[str], Awaitable[bytes | None]]
) -> dict[str, str]:
    """Return the files that `read_tests` may want of a file of tests: it, what it imports of its folder, and so on.

    ``read`` returns a file, None if there is none. Raises ValueError as `read_tests` does.
    """
    found = {path: source}
    waiting, asked = [(path, source)], {path}
    while waiting:
        for name in sorted(BESIDE[dialect](*waiting.pop()) - asked):
            asked.add(name)
            if (content := await read(name)) is not None:
                found[name] = content.decode()
                waiting.append((name, found[name]))
    return found
