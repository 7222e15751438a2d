"""What ``smaker trace`` shows of a requirement: its tests, and the paths that show it in a browser."""

from __future__ import annotations

from smaker.cli.views import trace_dict, trace_text
from smaker.core.models import Proof, TestReport, TestResult, TestSource, TestStatus
from smaker.core.proof import Trace, trace
from smaker.core.spec import ProductKind, Requirement, Spec

SPEC = Spec(
    name="Notes",
    slug="notes",
    summary="Keeps notes.",
    kind=ProductKind.WEB,
    profile="python",
    requirements=(Requirement(id="R1", text="A note is kept"), Requirement(id="R2", text="It can be read")),
)
TEST = "tests/acceptance/test_notes.py::test_kept"


def table(tree: str, walked: str) -> Trace:
    proof = Proof(source=TestSource(id=TEST, requirements=("R1",), assertions=("assert x",)), red_on="c0")
    report = TestReport(tree="now", results=(TestResult(id=TEST, status=TestStatus.PASSED),))
    paths = {"Keep a note": ("R1", "R2"), "Read it": ("R2",)}
    return trace(SPEC, [proof], report, tree=tree, broken={}, paths=paths, walked=walked)


def test_paths_stand_beside_tests_and_prove_nothing_alone() -> None:
    found = table("now", "now")
    assert [row.proved for row in found.rows] == [True, False]
    assert not found.holds
    lines = trace_text(found).splitlines()
    assert lines[1:3] == [f"        {TEST}  passed", "        in a browser: Keep a note  taken"]
    assert lines[4:7] == [
        "        no test names it",
        "        in a browser: Keep a note  taken",
        "        in a browser: Read it  taken",
    ]
    assert trace_dict(found)["requirements"][0]["paths"] == [{"name": "Keep a note", "taken": True, "reason": ""}]


def test_a_path_that_was_taken_on_other_files_says_so() -> None:
    reasons = {
        walked: {path.reason for row in table("now", walked).rows for path in row.paths}
        for walked in ("now", "before", "")
    }
    assert reasons == {"now": {""}, "before": {"the files changed since it was taken"}, "": {"it was not taken yet"}}


def test_a_bundle_claims_no_paths() -> None:
    assert not any(row.paths for row in table("now", "now").without_paths.rows)
