"""The test readers by dialect."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from smaker.agents.evidence.node_source import read_node
from smaker.agents.evidence.pytest_source import read_pytest
from smaker.core.models import TestSource

Dialect = Literal["pytest", "node"]

READERS: Mapping[Dialect, Callable[[str, str], list[TestSource]]] = {"pytest": read_pytest, "node": read_node}

# What each runner takes for a file of tests when it is told nothing else.
TEST_FILES: Mapping[Dialect, re.Pattern[str]] = {
    "pytest": re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$"),
    "node": re.compile(r"(?:^|/)test/.*\.[cm]?js$|(?:^|/)(?:test|test-[^/]*|[^/]*[._-]test)\.[cm]?js$"),
}


def is_test_file(dialect: Dialect, path: str) -> bool:
    """Whether the runner collects tests from the file at ``path`` (relative to the workspace)."""
    return TEST_FILES[dialect].search(path) is not None


def read_tests(dialect: Dialect, path: str, source: str) -> list[TestSource]:
    """Return the tests in a file; a file the runner takes no tests from (a conftest, a helper) has none.

    Raises ValueError with path and line if the source does not parse.
    """
    return READERS[dialect](path, source) if is_test_file(dialect, path) else []
