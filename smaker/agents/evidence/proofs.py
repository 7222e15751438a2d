"""Compare what tests proved with what their source says now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from smaker.core.models import TestSource


def compare_proofs(proved: Sequence[TestSource], now: Sequence[TestSource]) -> dict[str, str]:
    """Return test id -> why it no longer proves what it proved: deleted, skipped, something it asserted removed.

    Asserting more, or the same in another order, is fine.
    """
    current = {test.id: test for test in now}
    broken: dict[str, str] = {}
    for before in proved:
        after = current.get(before.id)
        reason = "deleted" if after is None else _weakened(before, after)
        if reason:
            broken[before.id] = reason
    return broken


def _weakened(before: TestSource, after: TestSource) -> str:
    if after.skipped and not before.skipped:
        return "skipped"
    missing = list((Counter(before.assertions) - Counter(after.assertions)).elements())
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        return f"assertion removed: {missing[0]}{more}"
    unnamed = [identifier for identifier in before.requirements if identifier not in after.requirements]
    if unnamed:
        return f"no longer names {', '.join(unnamed)}"
    return ""
