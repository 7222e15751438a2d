"""The Tests tab: the newest run by file, what each test proves, why one fails, and how much of each file ran."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static, Tree

from smaker.core.counting import counted
from smaker.core.coverage import Covered, covered_files
from smaker.core.models import Stage, TaskState, TestReport, TestResult, TestStatus
from smaker.tui.literal import cell, content
from smaker.tui.tabs.base import ProjectTab
from smaker.tui.words import STYLE, length, share_bar

if TYPE_CHECKING:
    from textual.widgets.tree import TreeNode

    from smaker.core.models import Artifact
    from smaker.tui.view import ProjectView

SIGN = {TestStatus.PASSED: "✓", TestStatus.FAILED: "✗", TestStatus.SKIPPED: "-"}
FILTERS: tuple[tuple[str, frozenset[TestStatus]], ...] = (
    ("all", frozenset(TestStatus)),
    ("only what fails", frozenset({TestStatus.FAILED})),
    ("only what was skipped", frozenset({TestStatus.SKIPPED})),
)
WORST = (TestStatus.FAILED, TestStatus.SKIPPED, TestStatus.PASSED)
OPENED = 40  # tests of files without a failure that are shown unfolded

Row = TestResult | Covered | None


@dataclass(frozen=True)
class Proven:
    """What a run shows: its report, and by test the requirements it names with why it proves none of them, if so."""

    report: TestReport
    named: dict[str, tuple[str, ...]] = field(default_factory=dict[str, "tuple[str, ...]"])
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    texts: dict[str, str] = field(default_factory=dict[str, str])


class TestsTab(ProjectTab):
    """Results in a tree, the chosen one in full below."""

    __test__ = False  # no class of tests
    DEFAULT_CSS = """
    TestsTab #tests-head { height: auto; max-height: 2; padding: 0 1; text-style: bold; }
    TestsTab #tests-tree { scrollbar-size-horizontal: 0; height: 3fr; padding: 0 1; background: $background; }
    TestsTab #tests-detail { height: 2fr; border-top: solid $primary; padding: 0 1; }
    TestsTab #tests-detail Static { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "screen.stage('run')", "Run the tests"),
        Binding("e", "narrow", "Only failing"),
        Binding("n", "next_failure", "Next failure"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, project_id: str) -> None:
        super().__init__(project_id)
        self._proven: Proven | None = None
        self._covered: Sequence[Covered] = ()
        self._measured: str | None = None  # the artifact that was read
        self._narrowed = 0
        self._full = Static("", markup=False)  # the chosen one

    def compose(self) -> ComposeResult:
        """The figures, the tree, the chosen one."""
        yield Static("", id="tests-head", markup=False)
        tree: Tree[Row] = Tree("", id="tests-tree")
        tree.show_root = False
        tree.guide_depth = 2
        yield tree
        with VerticalScroll(id="tests-detail"):
            yield self._full

    async def load(self) -> None:
        """Read the coverage before the first look, so that all is there at once."""
        view = self.view
        if view is not None and view.snapshot is not None:
            await self._measure(view.snapshot.artifacts)

    def update_from(self, view: ProjectView) -> None:
        """Show the newest run, if it is another one."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        self._head(view)
        newest = _newest(snapshot.artifacts)
        if newest is not None and newest.sha256 != self._measured:
            self.run_worker(self._measure_again(snapshot.artifacts), exclusive=True, group="coverage")
        report = snapshot.report
        if report is None:
            self._say("No test has run yet. They run by themselves when the software is built; t runs them now.")
            return
        proven = _proven(view, report)
        if proven != self._proven:
            self._proven = proven
            self._plant()

    # --- reading ------------------------------------------------------------------------------------------------------

    async def _measure(self, artifacts: Iterable[Artifact]) -> None:
        newest = _newest(artifacts)
        if newest is None:
            return
        xml = await self.services.control.blob(newest.sha256)
        self._covered = await asyncio.to_thread(covered_files, xml)
        self._measured = newest.sha256

    async def _measure_again(self, artifacts: Iterable[Artifact]) -> None:
        await self._measure(artifacts)
        if self._proven is not None:
            self._plant()

    # --- showing ------------------------------------------------------------------------------------------------------

    @property
    def _tree(self) -> Tree[Row]:
        return self.query_one("#tests-tree", Tree)

    def _head(self, view: ProjectView) -> None:
        passed, failed, skipped = view.facts.tests if view.facts else (0, 0, 0)
        report = view.snapshot.report if view.snapshot else None
        told = [f"✓ {passed} passed", f"✗ {failed} failed" if failed else "", f"- {skipped} skipped" if skipped else ""]
        if report is None:
            told = ["not run yet"]
        elif report.coverage is not None:
            told.append(f"{report.coverage:.0f} % of lines covered")
        running = any(task.stage is Stage.RUN and task.state is TaskState.RUNNING for task in view.tasks)
        told += ["▸ running" if running else "", "" if self._narrowed == 0 else FILTERS[self._narrowed][0]]
        self.query_one("#tests-head", Static).update("  ·  ".join(filter(None, told)))

    def _plant(self) -> None:
        """Make the tree anew; the cursor stays on its test, else it goes to the first failure."""
        proven, tree = self._proven, self._tree
        if proven is None:
            return
        chosen = _key(tree.cursor_node.data if tree.cursor_node is not None else None)
        tree.clear()
        wanted = FILTERS[self._narrowed][1]
        files: dict[str, list[TestResult]] = {}
        for result in proven.report.results:
            if result.status in wanted:
                files.setdefault(result.file or result.id.partition("::")[0], []).append(result)
        few = sum(map(len, files.values())) <= OPENED
        found: dict[str, TreeNode[Row]] = {}
        for file, results in sorted(files.items(), key=lambda entry: (WORST.index(_worst(entry[1])), entry[0])):
            worst = _worst(results)
            node = tree.root.add(_file_label(file, results), expand=few or worst is not TestStatus.PASSED)
            for result in sorted(results, key=lambda result: WORST.index(result.status)):
                found[result.id] = node.add_leaf(_test_label(result, proven), data=result)
        if self._covered and self._narrowed == 0:
            lines = sum(file.lines for file in self._covered) or 1
            percent = 100 * sum(file.ran for file in self._covered) / lines
            node = tree.root.add(
                cell(f"coverage of {counted(len(self._covered), 'file')}, {percent:.0f} % of lines", "bold")
            )
            for file in self._covered:
                found[_key(file)] = node.add_leaf(_coverage_label(file), data=file)
        if not found:
            self._say(f"Nothing to show: {FILTERS[self._narrowed][0]}." if files or self._narrowed else "No test ran.")
            return
        self.call_after_refresh(tree.move_cursor, found.get(chosen) or next(iter(found.values())))

    def _say(self, text: str) -> None:
        self._full.update(content(text))

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Row]) -> None:
        """Show the one under the cursor in full."""
        event.stop()
        self._say(self._detail(event.node.data))
        self.query_one("#tests-detail").scroll_home(animate=False)

    def _detail(self, row: Row) -> str:
        proven = self._proven
        if isinstance(row, Covered):
            return f"{row.file}\n{row.ran} of {row.lines} lines ran in the tests, {row.lines - row.ran} did not."
        if row is None or proven is None:
            return ""
        told = [f"{SIGN[row.status]} {row.status.value}  {length(row.seconds)}  {row.id}"]
        if row.file and row.line:
            told.append(f"{row.file}:{row.line}")
        if row.cases:
            told.append("cases: " + ", ".join(f"{count} {status.value}" for status, count in row.cases.items()))
        reason = proven.reasons.get(row.id, "")
        for name in proven.named.get(row.id, ()):
            verdict = f"does not prove {name} ({reason})" if reason else f"proves {name}"
            told.append(f"{verdict}: {' '.join(proven.texts.get(name, '').split())}")
        if row.id not in proven.named:
            told.append("names no requirement")
        return "\n".join([*told, "", row.message] if row.message else told)

    # --- what the user does -------------------------------------------------------------------------------------------

    def action_narrow(self) -> None:
        """All tests, those that fail, those that were skipped."""
        self._narrowed = (self._narrowed + 1) % len(FILTERS)
        if self.view is not None:
            self._head(self.view)
        self._plant()

    def action_next_failure(self) -> None:
        """Go to the next test that failed."""
        tree = self._tree
        failing = [
            node
            for file in tree.root.children
            for node in file.children
            if isinstance(node.data, TestResult) and node.data.status is TestStatus.FAILED
        ]
        if not failing:
            self.notify("No test fails.", timeout=2)
            return
        tree.move_cursor(next((node for node in failing if node.line > tree.cursor_line), failing[0]))

    def action_copy(self) -> None:
        """Copy what is shown of the chosen test."""
        node = self._tree.cursor_node
        if node is not None and node.data is not None:
            self.app.copy_to_clipboard(str(content(self._detail(node.data))))
            self.notify("Copied.", timeout=2)


def _newest(artifacts: Iterable[Artifact]) -> Artifact | None:
    """The newest report of coverage."""
    found = [artifact for artifact in artifacts if artifact.kind == "coverage"]
    return found[-1] if found else None


def _proven(view: ProjectView, report: TestReport) -> Proven:
    project, snapshot = view.project, view.snapshot
    named = {proof.source.id: proof.source.requirements for proof in project.proofs if proof.source.requirements}
    rows = snapshot.proofs.rows if snapshot is not None else ()
    reasons = {test.id: test.reason for row in rows for test in row.tests if test.reason}
    return Proven(report, named, reasons, {row.requirement: row.text for row in rows})


def _worst(results: Iterable[TestResult]) -> TestStatus:
    found = {result.status for result in results}
    return next(status for status in WORST if status in found)


def _key(row: Row) -> str:
    return row.id if isinstance(row, TestResult) else f"coverage {row.file}" if row is not None else ""


def _file_label(file: str, results: Sequence[TestResult]) -> Text:
    worst = _worst(results)
    number = sum(result.status is worst for result in results)
    of = f" of {len(results)}" if number < len(results) else ""
    style = STYLE.get(SIGN[worst], "dim")
    return Text.assemble((f"{SIGN[worst]} {number}{of} {worst.value}  ", style), cell(file, "bold"), no_wrap=True)


def _test_label(result: TestResult, proven: Proven) -> Text:
    sign = SIGN[result.status]
    cases = f"{sum(result.cases.values())} cases" if result.cases else ""
    said = "" if result.status is TestStatus.PASSED else result.status.value
    told = [said, " ".join(proven.named.get(result.id, ())), cases, length(result.seconds)]
    name = cell(result.id.partition("::")[2] or result.id)
    about = "  ".join(filter(None, told))
    return Text.assemble((f"{sign} ", STYLE.get(sign, "dim")), name, "  ", (about, "dim"), no_wrap=True)


def _coverage_label(file: Covered) -> Text:
    told = f"{share_bar(file.percent / 100, 10)} {file.percent:3.0f} %  "
    return Text.assemble((told, "green" if file.percent >= 80 else ""), cell(file.file), no_wrap=True)
