"""The Spec tab: what is proved, and the plan edited, taken, and the edit undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import OptionList, Static, TextArea, Tree

from smaker.config.spec_file import dump_spec
from smaker.core.proof import Trace, TracePath, TraceRow, TraceTest
from smaker.core.spec import DataField, Entity, FieldType, Launch, ProductKind, Requirement, Scenario, Spec
from smaker.tui.plan_text import groups
from smaker.tui.screens.confirm import Confirm
from smaker.tui.screens.dialogs import OneOf
from smaker.tui.screens.plan_editor import PlanEditor
from smaker.tui.screens.project import ProjectScreen
from smaker.tui.screens.review import Review

FILE = ".smaker/spec.yaml"


def test_a_plan_is_told_in_full() -> None:
    spec = Spec(
        name="Books",
        slug="books",
        summary="Lends books.",
        kind=ProductKind.API,
        profile="python",
        requirements=(
            Requirement(id="R1", text="one", acceptance=("so",)),
            Requirement(id="R2", text="two", must=False),
            Requirement(id="R3", text="three"),
        ),
        entities=(Entity(name="book", plural="books", fields=(DataField(name="pages", type=FieldType.INTEGER),)),),
        interfaces=("GET /books",),
        scenarios=(Scenario(name="Lend", requirements=("R1",), steps=("open", "click")),),
        launch=Launch(argv=("python", "-m", "books")),
        questions=("Who lends? Taken: anyone.",),
        unsupported=("Fines",),
        test_strategy="Over HTTP.",
    )
    table = Trace(
        rows=(
            TraceRow(requirement="R1", text="", must=True, tests=(TraceTest(id="a::t", status="passed"),)),
            TraceRow(
                requirement="R2", text="", must=False, tests=(TraceTest(id="a::u", status="failed", reason="failed"),)
            ),
            TraceRow(
                requirement="R3",
                text="",
                must=True,
                tests=(),
                paths=(TracePath(name="Lend"), TracePath(name="Give back", reason="it was not taken yet")),
            ),
        )
    )
    found = {group.title: group for group in groups(spec, table, ("What is due? Taken: a week.",))}
    assert found["Requirements"].figure == "1/3 proved"
    assert [entry.sign for entry in found["Requirements"].entries] == ["✓", "✗", "·"]
    first, second, third = (entry.about for entry in found["Requirements"].entries)
    assert "must  ✓ proved" in first and "- so" in first and "✓ a::t" in first
    assert "should  ✗ fails" in second and "✗ a::u: failed" in second
    assert "No test names it yet." in third
    assert "In a browser: Lend, taken" in third and "In a browser: Give back: it was not taken yet" in third
    assert [entry.label for entry in found["Open questions"].entries] == [
        "Who lends? Taken: anyone.",
        "What is due? Taken: a week.",
    ]
    assert "2. click" in found["Scenarios"].entries[0].about
    assert "pages  integer  required" in found["Records"].entries[0].about
    assert [entry.label for entry in found["About"].entries] == ["Summary", "Stack", "Tests", "Started with"]
    assert {"Not built", "Interfaces"} <= found.keys()


def about(tab: Any) -> str:
    return str(tab.query_one("#spec-text", Static).render())


def told(app: Any) -> str:
    return str(app.screen.query_one("#told Static", Static).render())


async def edited(desk: Any, pilot: Any, change: Any) -> None:
    """Edit the text that is shown, and ask for a review."""
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, PlanEditor))
    area = pilot.app.screen.query_one(TextArea)
    area.text = change(area.text)
    await pilot.press("ctrl+s")


async def meant(desk: Any, pilot: Any, answer: str) -> None:
    """Say what the changed requirements mean now."""
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, OneOf))
    await pilot.press(*["down"] * ["else", "same"].index(answer), "enter")


async def taken(desk: Any, pilot: Any, project: str) -> None:
    """Say yes to the review, and wait until the build is ready again."""
    await desk.until(pilot, lambda: isinstance(pilot.app.screen, Review))
    head = pilot.app.feed.views[project].snapshot.head
    await pilot.press("y")
    ready = lambda: (view := pilot.app.feed.views[project]).status == "READY" and view.snapshot.head != head  # noqa: E731
    await desk.until(pilot, ready, 100)


@pytest.mark.sandbox
@pytest.mark.node
async def test_what_proves_a_requirement(built: Any, go: Any, screen_is: Any) -> None:
    async with built.shown() as pilot:
        tab = await go(pilot, "spec")
        await built.until(pilot, lambda: "R1  must  ✓ proved" in about(tab) and "Commits: " in about(tab))
        assert "tests/acceptance/" in about(tab)
        screen_is(pilot, tab, "spec", r"(?<=Commits: )[0-9a-f, ]+")
        tree = tab.query_one(Tree)
        titles = [str(node.label) for node in tree.root.children]
        assert titles[0] == "Requirements 4/4 proved" and "Modules 1" in titles
        await pilot.press("end")
        assert about(tab)


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(240)
async def test_other_words_are_taken_as_one_step_and_undone(own: Any, go: Any, screen_is: Any) -> None:
    desk, project = own
    before = await desk.snapshot(project)
    async with desk.shown((80, 24)) as pilot:
        app = pilot.app
        tab = await go(pilot, "spec", project)
        await desk.until(pilot, lambda: "R1" in about(tab))
        await pilot.press("u")
        await desk.until(pilot, lambda: any("no edit" in note.message for note in app._notifications))
        await pilot.press("e")
        await edited(desk, pilot, lambda text: text.replace("must: true", "must: maybe"))
        assert "must" in str(app.screen.query_one("#wrong", Static).render())
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("n", "escape")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        await pilot.press("e")
        await edited(desk, pilot, lambda text: text)
        assert "Nothing is changed" in str(app.screen.query_one("#wrong", Static).render())
        await edited(desk, pilot, lambda text: text.replace("text: ", "text: Kindly, ", 1))
        await meant(desk, pilot, "else")
        await desk.until(pilot, lambda: any("Ask for it as a step" in note.message for note in app._notifications))
        assert isinstance(app.screen, ProjectScreen), "no rule builds what other words promise"
        await pilot.press("e")
        await edited(desk, pilot, lambda text: text.replace("text: ", "text: Kindly, ", 1))
        await meant(desk, pilot, "same")
        await desk.until(pilot, lambda: isinstance(app.screen, Review))
        await desk.until(
            pilot,
            lambda: "Kindly" in "".join(row.text + str(row.new) for row in app.screen.query_one("#review-diff")._rows),
        )
        assert "Only worded otherwise: R1" in told(app) and "Nothing is built again" in told(app)
        screen_is(pilot, app.screen, "spec-edit")
        await pilot.press("escape")
        assert (await desk.snapshot(project)).project.spec == before.project.spec
        await pilot.press("e")
        await edited(desk, pilot, lambda text: text.replace("text: ", "text: Kindly, ", 1))
        await meant(desk, pilot, "same")
        await taken(desk, pilot, project)
        after = await desk.snapshot(project)
        assert after.project.spec.requirements[0].text.startswith("Kindly, ")
        assert [task.title for task in after.tasks[len(before.tasks) :]] == ["Take the edited plan", "Run the tests"]
        assert after.proofs.holds
        await pilot.press("u")
        await taken(desk, pilot, project)
        undone = await desk.snapshot(project)
        assert undone.project.spec == before.project.spec and undone.project.proofs == before.project.proofs
        assert (undone.report, len(undone.tasks)) == (before.report, len(after.tasks)), "what was proved then, is still"
        assert (await desk.services.control.trace(project)).holds


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(240)
async def test_a_plan_without_a_section_is_built_without_it(own: Any, go: Any) -> None:
    desk, project = own
    async with desk.shown() as pilot:
        app = pilot.app
        await go(pilot, "spec", project)
        await pilot.press("E")
        await edited(desk, pilot, lambda text: text.replace("requirements:", "requirements: [\n", 1))
        assert "not YAML" in str(app.screen.query_one("#wrong", Static).render())
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(app.screen, Confirm))
        await pilot.press("y")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        plan = (await desk.snapshot(project)).project.spec
        gone = next(entry for entry in plan.requirements if entry.operation and entry.operation.topic == "contact")
        await pilot.press("E")
        await edited(desk, pilot, lambda text: dump_spec(plan.model_copy(update={"slug": "other"})).decode())
        assert "slug of a plan stays" in str(app.screen.query_one("#wrong", Static).render())
        await edited(desk, pilot, lambda text: dump_spec(without(plan, gone.id)).decode())
        await desk.until(pilot, lambda: isinstance(app.screen, Review))
        assert f"No longer promised: {gone.id}" in told(app) and "Done again: The site" in told(app)
        await taken(desk, pilot, project)
        after = await desk.snapshot(project)
        assert after.proofs.holds and gone.id not in [row.requirement for row in after.proofs.rows]


def without(plan: Spec, name: str) -> Spec:
    """The plan without a requirement."""
    modules = tuple(
        module.model_copy(update={"requirements": tuple(entry for entry in module.requirements if entry != name)})
        for module in plan.modules
    )
    scenarios = tuple(scenario for scenario in plan.scenarios if name not in scenario.requirements)
    kept = tuple(entry for entry in plan.requirements if entry.id != name)
    return plan.model_copy(
        update={
            "requirements": kept,
            "modules": modules,
            "scenarios": scenarios,
            "topics": tuple(topic for topic in plan.topics if topic != "contact"),
        }
    )


@pytest.mark.sandbox
@pytest.mark.node
@pytest.mark.timeout(240)
async def test_the_file_that_its_user_edited_is_taken_as_it_stands(own: Any, go: Any) -> None:
    desk, project = own
    file = Path((await desk.snapshot(project)).project.workspace) / FILE
    file.write_text("# Mine.\n" + file.read_text().replace("text: ", "text: Please, ", 1))
    written = file.read_text()
    async with desk.shown() as pilot:
        app = pilot.app
        tab = await go(pilot, "spec", project)
        said = tab.query_one("#spec-told", Static)
        await desk.until(pilot, lambda: "m takes it" in str(said.render()))
        file.write_text("requirements: [")
        await pilot.press("m")
        await desk.until(pilot, lambda: any("not YAML" in note.message for note in app._notifications))
        file.write_text(written)
        await pilot.press("m")
        await meant(desk, pilot, "same")
        await taken(desk, pilot, project)
        assert file.read_text() == written
        assert (await desk.snapshot(project)).project.spec.requirements[0].text.startswith("Please, ")
        await pilot.press("m")
        await desk.until(pilot, lambda: any("says what the plan says" in note.message for note in app._notifications))


async def test_a_model_is_told_what_a_changed_requirement_means(desk: Any, go: Any, tmp_path: Path) -> None:
    from smaker.core.ports import Change
    from smaker.core.rebuilding import build_again
    from smaker.core.recording import read

    recording, blobs = read(Path(__file__).parents[1] / "recordings" / "katas.smaker")
    await build_again(recording, blobs, workspaces=desk.local.workspaces, folder=tmp_path / "katas")
    made = recording.project.model_copy(update={"workspace": str(tmp_path / "katas")})
    await desk.local.store.create(made, Change(tasks=recording.tasks))
    async with desk.shown() as pilot:
        app = pilot.app
        tab = await go(pilot, "spec", made.id)
        await desk.until(pilot, lambda: "R1" in about(tab))
        for answer in ("escape", "enter"):
            await pilot.press("e")
            await edited(desk, pilot, lambda text: text.replace("text: ", "text: Loudly, ", 1))
            await desk.until(pilot, lambda: isinstance(app.screen, OneOf))
            assert app.screen.query_one(OptionList).option_count == 2
            await pilot.press(answer)
            await desk.until(pilot, lambda: not isinstance(app.screen, OneOf | PlanEditor))
        await desk.until(pilot, lambda: isinstance(app.screen, Review))
        assert "Proved anew: R1" in told(app)
        await pilot.press("escape")
        await desk.until(pilot, lambda: isinstance(app.screen, ProjectScreen))
        assert len((await desk.snapshot(made.id)).tasks) == len(recording.tasks)
