"""Rounds of fixing as a table: what counts as progress, when something else is tried, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from smaker.core.fold import fold
from smaker.core.mending import UNTRIED, disputed_paths, findings_of
from smaker.core.models import (
    BuildLimits,
    Dispute,
    Finding,
    Outcome,
    Project,
    ProjectState,
    Severity,
    Stage,
    Task,
    TaskState,
    TestReport,
    TestResult,
    TestStatus,
    Verdict,
)
from smaker.core.pipeline import advance
from smaker.core.ports import Build

AT = datetime(2026, 1, 1, tzinfo=UTC)
Seen = tuple[int, int]
"""Findings, and tests that pass."""


def run_once(build: Build, number: int, seen: Seen) -> Build:
    found, passed = seen
    results = [TestResult(id=f"t::{index}", status=TestStatus.PASSED, seconds=0) for index in range(passed)]
    findings = [
        Finding(source="test", message=f"finding {index}", signature="one" if index < 2 else "two")
        for index in range(found)
    ]
    outcome = Outcome(
        verdict=Verdict.FINDINGS,
        summary="s",
        findings=tuple(findings),
        report=TestReport(tree=f"tree-{number}", results=tuple(results), exit_code=1),
    )
    run = [task for task in build.tasks if task.stage is Stage.RUN][-1]
    return fold(build, advance(build, run.id, outcome, at=AT, commit=None))


def build_of(limit: int) -> Build:
    project = Project(
        id="p",
        name="P",
        prompt="x",
        workspace="/w",
        created_at=AT,
        limits=BuildLimits(max_fix_attempts=limit),
    )
    run = Task(id="t1", project="p", stage=Stage.RUN, title="Run", agent="runner", state=TaskState.RUNNING)
    return Build(project=project, tasks=(run,))


def rounds_of(series: Sequence[Seen], limit: int = 50) -> tuple[list[Task], Build]:
    build = build_of(limit)
    for number, seen in enumerate(series):
        build = run_once(build, number, seen)
        fixes = [task for task in build.tasks if task.stage is Stage.FIX]
        if build.project.state is ProjectState.FAILED:
            break
        done = Outcome(verdict=Verdict.DONE, summary="s")
        build = fold(build, advance(build, fixes[-1].id, done, at=AT, commit=f"c{number}"))
    return [task for task in build.tasks if task.stage is Stage.FIX], build


def test_progress_goes_on() -> None:
    fixes, build = rounds_of([(9, 0), (8, 0), (7, 0), (6, 0), (5, 0), (4, 0), (3, 0), (2, 0)])
    assert len(fixes) == 8
    assert not any("turn" in task.payload or "back_to" in task.payload for task in fixes)
    assert build.project.state is not ProjectState.FAILED


def test_more_tests_that_pass_are_progress_though_more_fail() -> None:
    fixes, _ = rounds_of([(1, 0), (20, 5), (20, 9), (25, 12), (30, 14)])
    assert not any("turn" in task.payload for task in fixes)


@pytest.mark.parametrize(
    ("series", "back_to"),
    [
        ([(3, 1), (3, 1), (3, 1), (3, 1)], "tree-0"),
        ([(3, 1), (5, 1), (4, 1), (6, 0)], "tree-0"),
        ([(9, 0), (3, 1), (5, 1), (4, 1), (6, 0)], "tree-1"),
    ],
)
def test_three_rounds_without_progress_begin_anew(series: list[Seen], back_to: str) -> None:
    fixes, _ = rounds_of(series)
    last = fixes[-1]
    assert [task.payload.get("turn") for task in fixes] == [None] * (len(fixes) - 1) + [1]
    assert last.payload["back_to"] == back_to
    assert {finding.signature for finding in findings_of(last)} == {"one"}, "one cause alone"
    assert "begun anew" in last.title


def test_after_three_more_the_build_has_failed() -> None:
    fixes, build = rounds_of([(3, 1)] * 20)
    assert len(fixes) == 6
    assert build.project.state is ProjectState.FAILED
    assert build.project.error is not None
    assert build.project.error.message.startswith("No progress in 6 fix attempts")
    assert build.project.error.code == "E_BUILD_FAILED"


def test_progress_of_the_other_model_goes_on() -> None:
    fixes, build = rounds_of([(3, 1), (3, 1), (3, 1), (3, 1), (2, 1), (2, 1), (2, 1), (1, 1)])
    assert [task.payload.get("turn", 0) for task in fixes] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert build.project.state is not ProjectState.FAILED


def test_the_limit_ends_it_all_the_same() -> None:
    fixes, build = rounds_of([(9, 0), (8, 0), (7, 0), (6, 0)], limit=2)
    assert len(fixes) == 2
    assert build.project.state is ProjectState.FAILED


def test_who_mends_is_told_of_the_files_that_were_last_found_well() -> None:
    build = build_of(5)
    run = build.tasks[0]
    report = TestReport(tree="well")
    build = fold(build, advance(build, run.id, Outcome(verdict=Verdict.DONE, summary="s", report=report), at=AT))
    assert "held" not in run.payload
    later = run.model_copy(update={"id": "t2"})
    web = run.model_copy(update={"id": "t3", "stage": Stage.WEB})
    build = build.model_copy(update={"tasks": (*build.tasks, later, web)})
    wrong = Outcome(verdict=Verdict.FINDINGS, summary="s", findings=(Finding(source="test", message="no"),))
    ran = fold(build, advance(build, later.id, wrong, at=AT))
    assert ran.tasks[-2].payload["held"] == "well"
    visited = fold(build, advance(build, web.id, wrong, at=AT))
    assert "held" not in visited.tasks[-3].payload, "the tests passed on them, but nobody had visited them"
    well = fold(build, advance(build, web.id, Outcome(verdict=Verdict.DONE, summary="s"), at=AT))
    assert well.task(web.id).payload["held"] == "well", "the newest report is of the files that were visited"
    missing = Finding(source="browser", message="no browser", severity=Severity.WARNING, signature=UNTRIED)
    lacking = Outcome(verdict=Verdict.DONE, summary="s", findings=(missing,))
    assert "held" not in fold(build, advance(build, web.id, lacking, at=AT)).task(web.id).payload


def web_build(disputes: Sequence[Dispute], *, times: int = 1) -> Build:
    """A build whose paths are found wrong, ``times`` over, and disputed by whoever is to mend them."""
    build = build_of(5)
    first = build.tasks[0].model_copy(update={"stage": Stage.WEB, "title": "Try it", "agent": "web"})
    build = build.model_copy(update={"tasks": (first,)})
    wrong = Finding(source="browser", message="Add: no", signature="browser path add", requirements=())
    found = Outcome(verdict=Verdict.FINDINGS, summary="s", findings=(wrong,))
    done = Outcome(verdict=Verdict.DONE, summary="s")
    for _ in range(times):
        for stage, outcome in (
            (Stage.WEB, found),
            (Stage.FIX, done.model_copy(update={"disputes": tuple(disputes)})),
            (Stage.RUN, done),
        ):
            task = [task for task in build.tasks if task.stage is stage][-1]
            build = fold(build, advance(build, task.id, outcome, at=AT, commit=None))
    return build


def test_a_disputed_path_is_judged_by_the_next_visit() -> None:
    path = Dispute(path="add", reason="no word of it", found="Add: no")
    build = web_build([path])
    last = build.tasks[-1]
    assert (last.stage, last.state) == (Stage.WEB, TaskState.READY)
    assert disputed_paths(last) == (path,)
    assert not any(task.stage is Stage.TESTS for task in build.tasks)


def test_a_path_is_judged_once_and_another_beside_it() -> None:
    first, other = (Dispute(path=name, reason="no word of it") for name in ("add", "list"))
    build = web_build([first], times=2)
    assert [disputed_paths(task) for task in build.tasks if task.stage is Stage.WEB] == [(), (first,), ()]
    fix = [task for task in build.tasks if task.stage is Stage.FIX][-1]
    assert findings_of(fix)
    build = web_build([first, other], times=2)
    assert [len(disputed_paths(task)) for task in build.tasks if task.stage is Stage.WEB] == [0, 2, 0]


def test_tests_that_are_disputed_beside_a_path_go_to_the_tester() -> None:
    build = web_build([Dispute(test="t.py::test_a", reason="r"), Dispute(path="add", reason="r")])
    judging = next(task for task in build.tasks if task.stage is Stage.TESTS)
    assert [entry["test"] for entry in judging.payload["disputes"]] == ["t.py::test_a"]  # type: ignore[union-attr,index,call-overload]
    web = [task for task in build.tasks if task.stage is Stage.WEB][-1]
    assert [entry.path for entry in disputed_paths(web)] == ["add"]
