"""What both readers gather of a test: claims as text, and the place in the code where the reading stands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

CLAIM_PREFIXES = ("assert", "expect", "check_", "verify_", "should_")
"""A call of a function so named claims something, wherever the function is defined."""

MAX_FOLLOWED = 5000
"""Calls of helpers followed for one test: each of twenty that calls the next twice would make a million."""


class Tangled(ValueError):
    """The helpers of one test call each other without measure."""


@dataclass
class Claims:
    """What was found in one test."""

    texts: list[str] = field(default_factory=list)
    skipped: bool = False
    followed: int = 0

    def follow(self) -> None:
        """Count a helper that is followed. Raises Tangled."""
        self.followed += 1
        if self.followed > MAX_FOLLOWED:
            raise Tangled(f"the helpers of one test call each other more than {MAX_FOLLOWED} times")


@dataclass(frozen=True)
class Place:
    """Where the walk stands: the guards around it, and whether an assertion here is reached and can fail the test."""

    guards: tuple[str, ...] = ()
    dead: bool = False
    caught: bool = False
    test: bool = True  # in the test's own body, not in a helper's
    inside: tuple[str, ...] = ()  # helpers being followed

    def under(self, guard: str) -> Place:
        """The same place behind one more guard."""
        return replace(self, guards=(*self.guards, guard))


def acceptance_folder(path: str) -> str:
    """The folder of a test's file whose other files are read with it: that of the acceptance tests, else its own."""
    marked = f"/{path}".partition("/tests/acceptance/")
    before = f"{marked[0]}/tests/acceptance".lstrip("/")
    return before if marked[1] else path.rpartition("/")[0]
