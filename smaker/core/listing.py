"""Projects as a list shows them. The standard library alone: a list must not wait until the models are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from smaker.core.errors import NotFound, UsageError


@dataclass(frozen=True)
class Listed:
    """One line of a list of projects. ``created_at`` is ISO 8601."""

    id: str
    name: str
    state: str
    desired: str
    profile: str | None
    mode: str
    workspace: str
    created_at: str


def pick(known: Sequence[str], prefix: str) -> str:
    """Return the one id that is or begins with ``prefix``. Raises NotFound, UsageError."""
    if prefix in known:
        return prefix
    found = [identifier for identifier in known if prefix and identifier.startswith(prefix)]
    if not found:
        raise NotFound(f"There is no project {prefix!r}.", hint="See them with: smaker list")
    if len(found) > 1:
        raise UsageError(
            f"{prefix!r} is the beginning of {len(found)} projects: {', '.join(found)}.", hint="Type more."
        )
    return found[0]
