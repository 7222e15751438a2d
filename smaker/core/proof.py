"""Proof, not claims: which test proves which requirement, and why a proof does not hold.

A requirement is proved by a test that names it, was seen red before the work, still asserts what it asserted then,
passed in the newest run, and that run was of the files as they are now.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from smaker.core.models import Proof, TestReport, TestStatus
from smaker.core.spec import Frozen, Spec


class TraceTest(Frozen):
    """One test that names a requirement. ``reason`` says why it proves nothing, and is empty where it does;
    ``weakened`` that it no longer asserts what it asserted when it was seen red."""

    id: str
    status: str  # "passed", "failed", "skipped", "not run"
    reason: str = ""
    weakened: bool = False

    @property
    def proves(self) -> bool:
        """Whether the test proves what it names."""
        return not self.reason


class TracePath(Frozen):
    """A path through the pages that shows a requirement, besides its tests. ``reason`` says why it does not show it of
    the files as they are, and is empty where it does."""

    name: str
    reason: str = ""


class TraceRow(Frozen):
    """One requirement, its tests, the paths that show it in a browser, and the commits that serve it."""

    requirement: str
    text: str
    must: bool
    tests: tuple[TraceTest, ...]
    commits: tuple[str, ...] = ()
    paths: tuple[TracePath, ...] = ()

    @property
    def proved(self) -> bool:
        """Whether at least one test proves the requirement."""
        return any(test.proves for test in self.tests)


class Trace(Frozen):
    """The whole table. ``stale`` says why no proof holds at all, if so."""

    rows: tuple[TraceRow, ...]
    stale: str = ""

    @property
    def without_paths(self) -> Trace:
        """The same of tests alone: they are run again wherever a proof is looked at, paths are not."""
        return self.model_copy(update={"rows": tuple(row.model_copy(update={"paths": ()}) for row in self.rows)})

    @property
    def unproved(self) -> tuple[TraceRow, ...]:
        """The must-have requirements without proof."""
        return tuple(row for row in self.rows if row.must and not row.proved)

    @property
    def weakened(self) -> tuple[TraceTest, ...]:
        """The tests that were weakened, deleted or skipped since, each once: while there is one, nothing is taken as
        proved, even where another test names the same requirement."""
        found = {test.id: test for row in self.rows for test in row.tests if test.weakened}
        return tuple(found.values())

    @property
    def holds(self) -> bool:
        """Whether every must-have requirement is proved, by tests nobody weakened."""
        return bool(self.rows) and not self.unproved and not self.weakened


def trace(
    spec: Spec,
    proofs: Iterable[Proof],
    report: TestReport | None,
    *,
    tree: str,
    broken: Mapping[str, str],
    commits: Mapping[str, tuple[str, ...]] | None = None,
    paths: Mapping[str, Collection[str]] | None = None,
    walked: str = "",
) -> Trace:
    """Return the table of requirements and their proofs.

    ``tree`` is the git tree of the files as they are now. ``broken`` says for each proved test (by id) that no longer
    asserts what it did, why: deleted, skipped, an assertion removed. ``commits`` are requirement id -> commit ids,
    ``paths`` the requirements that each path through the pages shows; ``walked`` is the tree on which all of them could
    last be taken.
    """
    stale = ""
    if report is None:
        stale = "the tests have not run"
    elif report.tree != tree:
        stale = "the files changed since the last run"
    status = {result.id: result for result in report.results} if report else {}
    rows: list[TraceRow] = []
    listed = tuple(proofs)
    changed = "" if walked == tree else "the files changed since it was taken" if walked else "it was not taken yet"
    for requirement in spec.requirements:
        tests: list[TraceTest] = []
        for proof in listed:
            if requirement.id not in proof.source.requirements:
                continue
            name = proof.source.id
            result = status.get(name)
            reason = broken.get(name, "")
            if not reason and result is None:
                reason = "not run"
            elif not reason and result is not None and result.status is not TestStatus.PASSED:
                reason = result.status.value
            tests.append(
                TraceTest(
                    id=name,
                    status=result.status.value if result else "not run",
                    reason=reason or stale,
                    weakened=name in broken,
                )
            )
        rows.append(
            TraceRow(
                requirement=requirement.id,
                text=requirement.text,
                must=requirement.must,
                tests=tuple(tests),
                commits=(commits or {}).get(requirement.id, ()),
                paths=tuple(
                    TracePath(name=name, reason=changed)
                    for name, shown in (paths or {}).items()
                    if requirement.id in shown
                ),
            )
        )
    return Trace(rows=tuple(rows), stale=stale)
