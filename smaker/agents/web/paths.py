"""Paths through the pages that a project keeps: what a visitor does, and what he sees then.

``.smaker/web.json`` holds them; no other agent can write there. Each is also a Playwright test beside the others, for
whoever runs the project's tests without smaker.
"""

from __future__ import annotations

import re

from pydantic import TypeAdapter

from smaker.core.ports.browser import EXPECTATIONS, Action
from smaker.core.spec import Frozen, RequirementId

PATHS_FILE = ".smaker/web.json"
_LISTED = TypeAdapter(tuple["KeptPath", ...])


class Untested(Frozen):
    """A step of the plan, in its words, that a path leaves out."""

    step: str
    why: str


class KeptPath(Frozen):
    """One path. ``requirements`` are those it shows."""

    name: str
    requirements: tuple[RequirementId, ...] = ()
    actions: tuple[Action, ...]
    untested: tuple[Untested, ...] = ()


def signature(name: str) -> str:
    """Of the finding that says what is wrong with a path."""
    return f"browser path {slug(name)}"


def slug(name: str) -> str:
    """A name as a part of a file's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60].strip("_") or "path"


def read_paths(content: bytes) -> tuple[KeptPath, ...]:
    """The paths in a file; none in an empty one. Raises ValueError."""
    return _LISTED.validate_json(content) if content.strip() else ()


def dump_paths(paths: tuple[KeptPath, ...]) -> bytes:
    """The file for paths."""
    return _LISTED.dump_json(paths, indent=1, exclude_defaults=True) + b"\n"


def faults_of(actions: tuple[Action, ...]) -> str:
    """Why actions show nothing, in words for whoever wrote them; "" where they end with what must be seen."""
    if not actions:
        return "there is no action"
    if actions[-1].kind not in EXPECTATIONS:
        return f"the last action must say what is seen then: {', '.join(sorted(EXPECTATIONS))}"
    return ""
