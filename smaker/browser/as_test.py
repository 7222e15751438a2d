"""A discovery, or a scenario, as a small test in the project's own language: red while the fault is there.

The tests need Playwright, the address of the app in ``BASE_URL``, and where Playwright has no browser of its own
``CHROMIUM`` (a program) and ``CHROMIUM_ARGS``. Those about accessibility need axe-core from its package too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smaker.browser import node_test, python_test
from smaker.core.ports.browser import Action, Dialect, Discovery

SUFFIXES: dict[Dialect, str] = {"pytest": ".py", "node": ".test.cjs"}


def as_test(discovery: Discovery, dialect: Dialect = "pytest", *, slow_s: float = 2.0) -> str:
    """Return the source of a test that fails while ``discovery`` shows. ``slow_s``: the bound of the run."""
    words = _comment(discovery.finding.message)
    name = name_of(discovery)
    if dialect == "node":
        return node_test.render(words, name, discovery.check, discovery, slow_s=slow_s)
    return python_test.render(words, name, discovery.check, discovery, slow_s=slow_s)


def as_scenario(name: str, actions: Sequence[Action], dialect: Dialect = "pytest") -> str:
    """Return the source of a test that plays ``actions`` and holds what they expect."""
    words, called = _comment(name), _slug(name)
    if dialect == "node":
        return node_test.scenario(words, called, actions)
    return python_test.scenario(words, called, actions)


def name_of(discovery: Discovery) -> str:
    """A name for the test: the check, and what it is about."""
    return _slug(f"{discovery.check} {discovery.subject}")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:70].strip("_") or "page"


def _comment(text: str) -> str:
    """One line that ends no comment and no string, whatever a page said."""
    return re.sub(r"[^\w .,:;()/<>=+*'!?-]", "", " ".join(text.split())).replace("*/", "")[:200].strip()
