"""A plan that its user edits: what can be taken, what is done again for it, and that it can be undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from smaker.core.commands import AddStep, EditPlan, Restart
from smaker.core.errors import UsageError
from smaker.core.fold import fold
from smaker.core.models import (
    Desired,
    Gate,
    Outcome,
    Problem,
    Project,
    ProjectState,
    Proof,
    Stage,
    TaskState,
    TestSource,
    Verdict,
)
from smaker.core.pipeline import advance, begin, rewind, steer, waiting_for
from smaker.core.ports import Build
from smaker.core.revision import EDITED, EDITED_FROM, check_edit, kept_tasks
from smaker.core.secrets import Redactor
from smaker.core.spec import Entity, Module, Operation, OperationKind, ProductKind, Requirement, Scenario, Spec
from smaker.core.typed import masked_command

AT = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = Spec(
    name="Books",
    slug="books",
    summary="Books.",
    kind=ProductKind.API,
    profile="python",
    requirements=(Requirement(id="R1", text="one"), Requirement(id="R2", text="two")),
    entities=(Entity(name="book", plural="books"), Entity(name="loan", plural="loans")),
    modules=(
        Module(name="book", title="Books", requirements=("R1",), entity="book"),
        Module(name="loan", title="Loans", requirements=("R2",), depends_on=("book",), entity="loan"),
        Module(name="app", title="App", depends_on=("book", "loan")),
    ),
)
PROOFS = (Proof(source=TestSource(id="tests/a.py::test_a", requirements=("R1", "R2")), red_on="c-t2"),)


def edited(*requirements: Requirement, **values: object) -> Spec:
    return SPEC.model_copy(update={**({"requirements": requirements} if requirements else {}), **values})


SAID = edited(Requirement(id="R1", text="one"), Requirement(id="R2", text="two, and more"))


def do(build: Build, task: str, **values: object) -> Build:
    outcome = Outcome.model_validate({"verdict": Verdict.DONE, "summary": "s", **values})
    return fold(build, advance(build, task, outcome, at=AT, commit=f"c-{task}"))


def finish(build: Build, spec: Spec = SPEC) -> Build:
    while ready := [task for task in build.tasks if task.state is TaskState.READY]:
        given: dict[str, Any] = {}
        if ready[0].stage is Stage.SPEC:
            given["spec"] = ready[0].payload.get("spec", spec.model_dump(mode="json"))
        if ready[0].stage is Stage.TESTS:
            given["proofs"] = PROOFS
        build = do(build, ready[0].id, **given)
    return build


def built(**values: object) -> Build:
    project = Project.model_validate(
        {"id": "p", "name": "P", "prompt": "x", "workspace": "/w", "created_at": AT, "mode": "local", **values}
    )
    return finish(fold(Build(project=project), begin(project, AT)))


def edit(build: Build, spec: Spec, *wording: str) -> Build:
    return fold(build, steer(build, EditPlan(spec=spec, wording=wording), at=AT))


def new_titles(before: Build, after: Build) -> list[str]:
    return [task.title for task in after.tasks[len(before.tasks) :] if task.state is not TaskState.CANCELLED]


def test_only_what_an_edit_changes_is_done_again() -> None:
    build = built()
    after = finish(edit(build, SAID))
    assert after.project.spec == SAID
    assert new_titles(build, after) == ["Take the edited plan", "Loans", "App", "Acceptance tests", "Run the tests"]
    tests = next(task for task in reversed(after.tasks) if task.stage is Stage.TESTS)
    assert (tests.requirements, tests.payload["renewed"]) == (("R2",), ["R2"])


def test_other_words_for_the_same_are_only_written_down_and_the_tests_run() -> None:
    build = built()
    assert new_titles(build, finish(edit(build, SAID, "R2"))) == ["Take the edited plan", "Run the tests"]


def test_an_edit_is_undone_as_one_with_the_plan_and_the_proofs_of_before() -> None:
    build = built()
    after = finish(edit(build, SAID))
    after = after.model_copy(update={"project": after.project.model_copy(update={"proofs": ()})})
    undone = {task.id for task in after.tasks[len(build.tasks) :]}
    kept = kept_tasks(after.tasks, undone)
    assert kept == {task.id for task in build.tasks}
    again = fold(after, rewind(after, kept, after.project.spec, at=AT))
    assert (again.project.spec, again.project.proofs) == (SPEC, PROOFS)
    assert all(task.state.ended for task in again.tasks)


def test_a_task_that_goes_takes_with_it_what_builds_on_it() -> None:
    tasks = built().tasks
    gone = {task.title for task in tasks if task.id not in kept_tasks(tasks, [tasks[2].id])}
    assert gone == {"Books", "Loans", "App", "Run the tests"}


def test_going_back_twice_plans_the_rest_once() -> None:
    build = built()
    for _ in range(2):
        build = fold(build, rewind(build, frozenset({"t1", "t2"}), SPEC, at=AT))
    still = [task.title for task in build.tasks if not task.state.ended]
    assert still == ["Books", "Loans", "App", "Acceptance tests", "Run the tests"]


def test_an_edit_opens_the_gate_of_the_plan_it_replaces() -> None:
    build = built(gates=[Gate.PLAN])
    assert waiting_for(build) is not None
    after = finish(edit(build, SAID))
    assert waiting_for(after) is None and after.project.spec == SAID
    assert [task.stage for task in after.tasks if task.state is TaskState.DONE][:3] == [
        Stage.SPEC,
        Stage.SPEC,
        Stage.SKELETON,
    ]


def test_an_edit_at_the_gate_of_a_further_step_still_has_that_step_done() -> None:
    build = built()
    build = build.model_copy(update={"project": build.project.model_copy(update={"gates": (Gate.PLAN,)})})
    grown = edited(*SPEC.requirements, Requirement(id="R3", text="three"))
    grown = grown.model_copy(
        update={"modules": (*SPEC.modules[:2], SPEC.modules[2].model_copy(update={"requirements": ("R3",)}))}
    )
    asked = finish(fold(build, steer(build, AddStep(text="three"), at=AT)), grown)
    assert waiting_for(asked) is not None
    said = grown.model_copy(update={"requirements": (*SPEC.requirements, Requirement(id="R3", text="three, edited"))})
    after = finish(edit(asked, said))
    assert "App" in new_titles(asked, after)
    taken = next(task for task in after.tasks if EDITED in task.payload)
    assert Spec.model_validate(taken.payload[EDITED_FROM]) == grown, "the plan that its user had before them"
    tests = next(task for task in reversed(after.tasks) if task.stage is Stage.TESTS)
    assert tests.requirements == ("R3",)


NO = Problem(message="R1 says something else")


def refuse(build: Build) -> Build:
    """The plan that waits is refused."""
    (plan,) = (task for task in build.tasks if task.state is TaskState.READY)
    assert plan.stage is Stage.SPEC
    return do(build, plan.id, verdict=Verdict.REFUSED, error=NO)


def test_a_refused_edit_leaves_the_build_as_well_as_it_was() -> None:
    build = built()
    for asked in (edit(build, SAID), fold(build, steer(build, Restart(stage=Stage.SPEC), at=AT))):
        after = refuse(asked)
        assert (after.project.state, after.project.error) == (ProjectState.READY, NO)
        assert (after.project.spec, after.project.proofs) == (SPEC, PROOFS)
    # asked for again where it had been refused, and mended
    again = fold(after, steer(after, Restart(stage=Stage.SPEC), at=AT))
    assert finish(again).project.error is None


def test_a_refused_edit_of_a_failed_build_leaves_it_failed() -> None:
    build = built()
    build = fold(build, steer(build, Restart(stage=Stage.RUN), at=AT))
    build = do(build, build.tasks[-1].id, verdict=Verdict.FAILED, error=Problem(message="no"))
    for asked in (edit(build, SAID), fold(build, steer(build, Restart(stage=Stage.SPEC), at=AT))):
        assert refuse(asked).project.state is ProjectState.FAILED


def test_a_refused_edit_of_a_plan_that_nothing_is_built_of_is_no_build() -> None:
    after = refuse(edit(do(built_to_the_gate(), "t1", spec=SPEC), SAID))
    assert (after.project.state, after.project.error) == (ProjectState.FAILED, NO)
    assert finish(edit(after, SAID)).project.state is ProjectState.READY


def built_to_the_gate() -> Build:
    project = Project(id="p", name="P", prompt="x", workspace="/w", created_at=AT, mode="local", gates=(Gate.PLAN,))
    return fold(Build(project=project), begin(project, AT))


def test_an_edit_while_a_build_goes_on_comes_after_what_is_planned() -> None:
    build = built()
    build = fold(build, steer(build, AddStep(text="more"), at=AT))
    with pytest.raises(UsageError, match="being made"):
        edit(build, SAID)
    assert build.project.desired is Desired.RUN


ALONE = Requirement(id="R9", text="nine")
ABOUT = Requirement(id="R1", text="one", operation=Operation(kind=OperationKind.LIST, entity="page"))


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        (SPEC, "Nothing is changed"),
        (edited(slug="loans"), "slug of a plan stays"),
        (edited(profile="node"), "profile of a plan stays"),
        (edited(kind=ProductKind.CLI), "kind of a plan stays"),
        (SPEC.model_copy(update={"requirements": ()}), "no requirements"),
        (edited(SPEC.requirements[0], SPEC.requirements[0], SPEC.requirements[1]), "R1 is there twice"),
        (edited(ABOUT, SPEC.requirements[1]), "'page', which is no entity"),
        (edited(SPEC.requirements[0]), "names R2, which is no requirement"),
        (edited(*SPEC.requirements, ALONE), "no module serves R9"),
        (edited(modules=SPEC.modules[::-1]), "does not come before it"),
        (edited(modules=(Module(name="x", title="X", entity="page"),)), "'page', which is no entity"),
        (edited(scenarios=(Scenario(name="s", requirements=("R7",)),)), "scenario 's' names R7"),
    ],
)
def test_a_plan_that_contradicts_itself_is_not_taken(plan: Spec, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_edit(built().project, plan)


def test_without_a_model_words_alone_are_not_taken_as_built() -> None:
    serving = SPEC.modules[2].model_copy(update={"requirements": ("R9",)})
    plan = edited(*SPEC.requirements, ALONE, modules=(*SPEC.modules[:2], serving))
    check_edit(built().project, plan)
    with pytest.raises(UsageError, match="R9 has no operation"):
        check_edit(built(mode="offline").project, plan)


def test_a_credential_in_an_edited_plan_is_masked() -> None:
    key = "sk-" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY"
    plan = edited(SPEC.requirements[0], Requirement(id="R2", text=f"Send {key} along."))
    masked, told = masked_command(EditPlan(spec=plan, text=f"# {key}"), Redactor().redact)
    assert isinstance(masked, EditPlan)
    assert key not in masked.model_dump_json() and "credential" in told
    clean = EditPlan(spec=SAID)
    assert masked_command(clean, Redactor().redact) == (clean, "")
