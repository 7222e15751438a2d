"""The Tests tab: results, what they prove, failing traces, coverage, and running them now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.widgets import Static, Tree

from smaker.core.models import Artifact, Proof, Stage, TestReport, TestResult, TestSource, TestStatus
from smaker.core.ports import Change
from smaker.core.spec import Requirement, Spec
from smaker.tui.tabs.tests import TestsTab

REPORT = TestReport(
    tree="t",
    coverage=61.0,
    exit_code=1,
    results=(
        TestResult(id="tests/test_a.py::test_well", status=TestStatus.PASSED, seconds=0.2, file="tests/test_a.py"),
        TestResult(
            id="tests/test_a.py::test_[/x]",
            status=TestStatus.FAILED,
            seconds=1.5,
            file="tests/test_a.py",
            line=7,
            message="Traceback:\n  assert [@click=app.quit]1 == 2\x1b[2J",
            cases={TestStatus.FAILED: 1, TestStatus.PASSED: 2},
        ),
        TestResult(id="tests/test_b.py::test_later", status=TestStatus.SKIPPED, file="tests/test_b.py"),
    ),
)
COVERAGE = b"""<coverage line-rate="0.6"><packages><package><classes><class filename="app/api.py"><lines>
<line number="1" hits="1"/><line number="2" hits="0"/></lines></class></classes></package></packages></coverage>"""


def labels(tree: Tree[Any]) -> list[str]:
    return [str(node.label) for file in tree.root.children for node in (file, *file.children)]


def detail(tab: TestsTab) -> str:
    return str(tab.query_one("#tests-detail Static", Static).render())


async def with_report(desk: Any) -> str:
    """A project whose tests ran, one of them in vain."""
    project = await desk.project()
    spec = Spec.model_validate(
        {"name": "Books", "slug": "books", "profile": "fastapi-sqlite", "summary": "", "kind": "api"}
        | {"requirements": [Requirement(id="R1", text="Books are kept").model_dump()]}
    )
    source = TestSource(id="tests/test_a.py::test_[/x]", requirements=("R1",), assertions=("x",))
    sha = await desk.local.store.put_blob(COVERAGE)
    kept = Artifact(
        id="a1",
        project=project,
        task="t1",
        kind="coverage",
        name="coverage.xml",
        media_type="application/xml",
        size=len(COVERAGE),
        sha256=sha,
        created_at=desk.local.clock.now(),
    )
    change = Change(spec=spec, proofs=(Proof(source=source, red_on="c"),), report=REPORT, artifacts=(kept,))
    await desk.local.store.apply(project, change)
    return project


async def open_tests(desk: Any, pilot: Any, go: Callable[..., Awaitable[Any]], project: str | None = None) -> TestsTab:
    tab = await go(pilot, "tests", project)
    await desk.until(pilot, lambda: tab.query_one("#tests-tree", Tree).root.children)
    return tab


async def test_a_failing_run(desk: Any, go: Any, screen_is: Callable[..., None]) -> None:
    await with_report(desk)
    async with desk.shown() as pilot:
        tab = await open_tests(desk, pilot, go)
        tree = tab.query_one("#tests-tree", Tree)
        assert [label.split("  ")[0] for label in labels(tree)] == [
            "✗ 1 of 2 failed",
            "✗ test_[/x]",
            "✓ test_well",
            "- 1 skipped",
            "- test_later",
            "coverage of 1 file, 50 % of lines",
            "█████░░░░░",
        ]
        assert "R1" in labels(tree)[1] and "3 cases" in labels(tree)[1]
        await desk.until(pilot, lambda: "assert [@click=app.quit]1 == 2" in detail(tab))
        assert "does not prove R1 (failed): Books are kept" in detail(tab)
        assert "\x1b" not in detail(tab)
        head = str(tab.query_one("#tests-head", Static).render())
        assert head == "✓ 3 passed  ·  ✗ 1 failed  ·  - 1 skipped  ·  61 % of lines covered"
        screen_is(pilot, tab, "tests")
        await pilot.press("c")
        assert "assert [@click=app.quit]1 == 2" in pilot.app.clipboard
        await pilot.press("end", "n")
        await desk.until(pilot, lambda: tree.cursor_node and "test_[/x]" in str(tree.cursor_node.label))
        await pilot.press("e")
        await desk.until(pilot, lambda: len(labels(tree)) == 2)
        assert "only what fails" in str(tab.query_one("#tests-head", Static).render())
        await pilot.press("e")
        await desk.until(pilot, lambda: "test_later" in labels(tree)[-1])
        await pilot.press("e", "end")
        await desk.until(pilot, lambda: "coverage" in labels(tree)[-2])


async def test_before_any_run_there_is_nothing_to_go_to(desk: Any, go: Any) -> None:
    await desk.project()
    async with desk.shown() as pilot:
        tab = await go(pilot, "tests")
        await desk.until(pilot, lambda: "No test has run yet" in detail(tab))
        await pilot.press("n", "c", "e")
        await pilot.press("t")
        await desk.until(pilot, lambda: any("has not ended" in note.message for note in pilot.app._notifications))


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(120)
async def test_the_tests_are_run_now(own: tuple[Any, str], go: Any) -> None:
    desk, project = own
    async with desk.shown((80, 24)) as pilot:
        tab = await open_tests(desk, pilot, go, project)
        await desk.until(pilot, lambda: "proves R" in detail(tab))
        await pilot.press("t")

        def ran() -> bool:
            view = pilot.app.feed.views[project]
            runs = [task for task in view.tasks if task.stage is Stage.RUN]
            return len(runs) == 2 and all(task.state.value == "done" for task in runs)

        await desk.until(pilot, ran, 90)
        assert (await desk.snapshot(project)).project.state.value == "READY"
