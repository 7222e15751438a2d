"""Further steps while a build goes on: a queue in order, and steps that come now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smaker.core.commands import AddStep, Approve, DropStep, MoveStep, Restart, RunStage
from smaker.core.errors import NotFound, UsageError
from smaker.core.fold import fold
from smaker.core.models import (
    Finding,
    Gate,
    Outcome,
    Problem,
    Project,
    ProjectState,
    Proof,
    Stage,
    Task,
    TaskState,
    TestSource,
    Verdict,
)
from smaker.core.pipeline import advance, begin, steer
from smaker.core.ports import Build
from smaker.core.queue import queued
from smaker.core.spec import Module, ProductKind, Requirement, Spec

AT = datetime(2026, 1, 1, tzinfo=UTC)
MODULES = (
    Module(name="book", title="Books", requirements=("R1",), entity="book"),
    Module(name="loan", title="Loans", requirements=("R2",), depends_on=("book",), entity="loan"),
)
PROOFS = (Proof(source=TestSource(id="t", requirements=("R1", "R2"), assertions=("a",)), red_on="c-t2"),)


def spec(*more: str) -> Spec:
    """A plan; ``more`` are requirements of a third module."""
    third = (Module(name="more", title="More", requirements=more, entity="more"),) if more else ()
    return Spec(
        name="Books",
        slug="books",
        summary="Books.",
        kind=ProductKind.API,
        profile="fastapi-service",
        requirements=tuple(Requirement(id=name, text=name) for name in ("R1", "R2", *more)),
        modules=(*MODULES, *third),
    )


def new(**values: object) -> Build:
    project = Project.model_validate(
        {"id": "p", "name": "P", "prompt": "x", "workspace": "/w", "created_at": AT, **values}
    )
    return fold(Build(project=project), begin(project, AT))


def run(build: Build, task: Task) -> Build:
    """The task is being done."""
    tasks = tuple(
        entry.model_copy(update={"state": TaskState.RUNNING}) if entry.id == task.id else entry for entry in build.tasks
    )
    return build.model_copy(update={"tasks": tasks})


def do(build: Build, task: Task, verdict: Verdict = Verdict.DONE, **values: object) -> Build:
    outcome = Outcome.model_validate({"verdict": verdict, "summary": "s", **values})
    running = run(build, task)
    return fold(running, advance(running, task.id, outcome, at=AT, commit=f"c-{task.id}"))


def tell(build: Build, *commands: object) -> Build:
    for command in commands:
        build = fold(build, steer(build, command, at=AT))  # type: ignore[arg-type]
    return build


def ready(build: Build) -> list[str]:
    return [task.title for task in build.tasks if task.state is TaskState.READY]


def first(build: Build, title: str) -> Task:
    return next(task for task in build.tasks if task.title == title and not task.state.ended)


def finish(build: Build, plans: list[Spec]) -> tuple[Build, list[str]]:
    """Do what is ready until nothing is; return the titles in order."""
    done: list[str] = []
    while task := next((task for task in build.tasks if task.state is TaskState.READY), None):
        done.append(task.title)
        brought: dict[Stage, dict[str, object]] = {Stage.TESTS: {"proofs": PROOFS}}
        build = do(build, task, **({"spec": plans.pop(0)} if task.stage is Stage.SPEC else brought.get(task.stage, {})))
    return build, done


def waiting(build: Build) -> list[str]:
    return [str(task.payload["instruction"]) for task in queued(build.tasks)]


def test_steps_wait_until_all_before_them_is_done_whatever_their_plans_bring() -> None:
    build = tell(new(), AddStep(text="one"), AddStep(text="two"))
    build, done = finish(build, [spec(), spec("R3"), spec("R3", "R4")])
    assert done.count("Skeleton") == 1
    one, two = (number for number, title in enumerate(done) if title == "Plan a further step")
    assert done[one - 1] == "Run the tests" == done[two - 1]
    assert "Acceptance tests" in done[one:two]
    assert build.project.state is ProjectState.READY


def test_a_step_waits_for_rounds_of_fixing() -> None:
    build = do(tell(new(), AddStep(text="one")), first(new(), "Plan"), spec=spec())
    for title in ("Skeleton", "Books", "Loans", "Acceptance tests"):
        build = do(build, first(build, title))
    finding = Finding(source="test", message="it fails", requirements=("R1",))
    build = do(build, first(build, "Run the tests"), Verdict.FINDINGS, findings=(finding,))
    assert ready(build) == ["Fix 1 finding"]
    build, done = finish(build, [spec("R3")])
    assert done[:3] == ["Fix 1 finding", "Run the tests", "Plan a further step"]


NO = Problem(message="not understood", code="E_REFUSED")


def refused(build: Build) -> Build:
    return do(build, first(build, "Plan a further step"), Verdict.REFUSED, error=NO)


def test_a_refused_step_leaves_what_stands() -> None:
    build, _ = finish(new(), [spec()])
    build = tell(build, AddStep(text="one"), AddStep(text="two"))
    build = refused(build)
    assert waiting(build) == []
    assert ready(build) == ["Plan a further step"], "the next one has its turn"
    build = refused(build)
    assert build.project.state is ProjectState.READY
    assert build.project.error == NO, "why is not forgotten"
    build, done = finish(tell(build, AddStep(text="three")), [spec("R3")])
    assert done[0] == "Plan a further step"
    assert build.project.state is ProjectState.READY
    assert build.project.error is None


def test_a_step_that_comes_now_and_is_refused_holds_nothing_up() -> None:
    build = do(tell(new(), AddStep(text="later")), first(new(), "Plan"), spec=spec())
    build = do(build, first(build, "Skeleton"))
    build = refused(tell(build, AddStep(text="now", now=True)))
    assert build.project.state is not ProjectState.FAILED
    build, done = finish(build, [spec("R3")])
    assert {"Books", "Loans", "Run the tests"} <= set(done)
    assert done[-1] == "Run the tests"
    assert build.project.state is ProjectState.READY


def test_a_refused_step_does_not_make_a_failed_build_well() -> None:
    build, _ = finish(new(), [spec()])
    build = tell(build, RunStage(stage=Stage.RUN))
    build = do(build, first(build, "Run the tests"), Verdict.FAILED, error=Problem(message="broken"))
    build = refused(tell(build, AddStep(text="one")))
    assert build.project.state is ProjectState.FAILED


def test_the_queue_is_moved_and_taken_back() -> None:
    build = tell(new(), *(AddStep(text=text) for text in ("one", "two", "three")))
    last = queued(build.tasks)[-1].id
    build = tell(build, MoveStep(step=last, by=-1))
    assert waiting(build) == ["one", "three", "two"]
    build = tell(build, MoveStep(step=queued(build.tasks)[0].id, by=1))
    assert waiting(build) == ["three", "one", "two"]
    with pytest.raises(UsageError, match="end of the queue"):
        tell(build, MoveStep(step=last, by=1))
    build = tell(build, DropStep(step=queued(build.tasks)[1].id))
    assert waiting(build) == ["three", "two"]
    build, done = finish(build, [spec(), spec("R3"), spec("R3", "R4")])
    assert done.count("Plan a further step") == 2
    assert build.project.state is ProjectState.READY
    with pytest.raises(NotFound):
        tell(build, DropStep(step=last))


def test_a_step_of_now_is_planned_after_what_runs_and_before_the_rest() -> None:
    build = do(new(), first(new(), "Plan"), spec=spec())
    build = do(build, first(build, "Skeleton"))
    build = do(build, first(build, "Acceptance tests"))
    build = run(build, first(build, "Books"))
    build = tell(build, AddStep(text="later"), AddStep(text="now", now=True))
    assert ready(build) == []
    build = do(build, first(build, "Books"))
    (plan,) = (task for task in build.tasks if task.state is TaskState.READY)
    assert plan.payload["instruction"] == "now"
    build, done = finish(build, [spec("R3"), spec("R3", "R4")])
    assert done[:5] == ["Plan a further step", "Loans", "More", "Acceptance tests", "Run the tests"]
    assert done[5] == "Plan a further step", "what was queued comes last"
    assert done.count("Loans") == 1, "its task was still to come: there is no second one"
    assert build.project.state is ProjectState.READY


def test_a_step_of_now_takes_over_what_it_changes() -> None:
    build = do(new(), first(new(), "Plan"), spec=spec())
    for title in ("Skeleton", "Acceptance tests"):
        build = do(build, first(build, title))
    build = tell(run(build, first(build, "Books")), AddStep(text="now", now=True))
    build = do(build, first(build, "Books"))
    changed = spec("R3").model_copy(
        update={"modules": (MODULES[0], MODULES[1].model_copy(update={"requirements": ("R2", "R3")}))}
    )
    build, done = finish(build, [changed])
    assert done == ["Plan a further step", "Loans", "Acceptance tests", "Run the tests"]
    loans = next(task for task in build.tasks if task.title == "Loans")
    assert loans.requirements == ("R2", "R3")


def test_while_it_waits_for_its_user_nothing_comes_now() -> None:
    build = do(new(gates=(Gate.PLAN,)), first(new(), "Plan"), spec=spec())
    with pytest.raises(UsageError, match="waits for your answer"):
        tell(build, AddStep(text="now", now=True))
    assert waiting(tell(build, AddStep(text="later"))) == ["later"]


def test_one_approval_opens_all_of_a_plan() -> None:
    build = new(gates=(Gate.PLAN,))
    build = tell(do(build, first(build, "Plan"), spec=spec()), Approve())
    build, _ = finish(build, [])
    build = tell(build, AddStep(text="more"))
    build = do(build, first(build, "Plan a further step"), spec=spec("R3"))
    assert ready(build) == []
    build = tell(build, Approve())
    assert set(ready(build)) >= {"More", "Acceptance tests"}
    build, _ = finish(build, [])
    assert build.project.state is ProjectState.READY


def test_a_restart_empties_the_queue() -> None:
    build = tell(do(new(), first(new(), "Plan"), spec=spec()), AddStep(text="later"), Restart(stage=Stage.SPEC))
    assert waiting(build) == []
