"""The pipeline as a table of tests: no I/O, every decision from what is known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smaker.core.again import beginnings
from smaker.core.commands import AddStep, Approve, Cancel, Pause, Reject, Reply, Restart, Resume, RunStage
from smaker.core.errors import UsageError
from smaker.core.fold import fold
from smaker.core.models import (
    BuildLimits,
    Deployment,
    DeployTarget,
    Desired,
    Finding,
    Gate,
    Outcome,
    Problem,
    Project,
    ProjectState,
    Proof,
    Severity,
    Stage,
    TaskState,
    TestReport,
    TestSource,
    Verdict,
)
from smaker.core.pipeline import advance, begin, rewind, settled, steer, waiting_for
from smaker.core.ports import Build
from smaker.core.spec import Module, ProductKind, Requirement, Spec

AT = datetime(2026, 1, 1, tzinfo=UTC)


def spec(*modules: Module) -> Spec:
    listed = modules or (
        Module(name="book", title="Books", requirements=("R1",), entity="book"),
        Module(name="loan", title="Loans", requirements=("R2",), depends_on=("book",), entity="loan"),
        Module(name="app", title="App", depends_on=("book", "loan")),
    )
    return Spec(
        name="Books",
        slug="books",
        summary="Books.",
        kind=ProductKind.API,
        profile="fastapi-service",
        requirements=(Requirement(id="R1", text="one"), Requirement(id="R2", text="two")),
        modules=listed,
    )


def new(**values: object) -> Build:
    project = Project.model_validate(
        {"id": "p", "name": "x", "prompt": "x", "workspace": "/w", "created_at": AT, **values}
    )
    return fold(Build(project=project), begin(project, AT))


def do(build: Build, task: str, verdict: Verdict = Verdict.DONE, **values: object) -> Build:
    running = tuple(
        entry.model_copy(update={"state": TaskState.RUNNING}) if entry.id == task else entry for entry in build.tasks
    )
    build = build.model_copy(update={"tasks": running})
    outcome = Outcome.model_validate({"verdict": verdict, "summary": "s", **values})
    commit = None if build.task(task).stage is Stage.DEPLOY else f"c-{task}"
    return fold(build, advance(build, task, outcome, at=AT, commit=commit))


def tell(build: Build, command: object) -> Build:
    return fold(build, steer(build, command, at=AT))  # type: ignore[arg-type]


def ready(build: Build) -> set[str]:
    return {task.title for task in build.tasks if task.state is TaskState.READY}


def planned(*, gui: bool = False, **values: object) -> Build:
    return do(new(**values), "t1", spec=spec().model_copy(update={"gui": gui}))


def built(*, gui: bool = False, **values: object) -> Build:
    build = planned(gui=gui, **values)
    while not any(task.stage is Stage.RUN and task.state is TaskState.READY for task in build.tasks):
        task = next(task for task in build.tasks if task.state is TaskState.READY)
        build = do(build, task.id, proofs=PROOFS if task.stage is Stage.TESTS else ())
    return build


def run_of(build: Build) -> str:
    return [task.id for task in build.tasks if task.stage is Stage.RUN][-1]


PROOFS = (Proof(source=TestSource(id="t", requirements=("R1", "R2"), assertions=("a",)), red_on="c-t2"),)
FINDING = Finding(source="test", message="it fails", requirements=("R1",))
REPORT = TestReport(tree="t")


def test_a_new_project_has_one_ready_task() -> None:
    build = new()
    assert ready(build) == {"Plan"}
    assert build.project.state is ProjectState.PLANNING
    assert not settled(build)


def test_what_an_adopted_project_has_is_proved_before_its_plan_grows() -> None:
    project = Project(
        id="p", name="P", prompt="x", workspace="/w", created_at=AT, adopted=True, spec=spec(), skeleton="c0"
    )
    build = fold(Build(project=project), begin(project, AT, instruction="add ratings"))
    assert ready(build) == {"Acceptance tests of what is there"}
    build = do(build, "t1", proofs=PROOFS)
    assert ready(build) == {"Run the tests"}
    build = do(build, "t2", report=REPORT)
    assert ready(build) == {"Plan"}
    assert build.project.skeleton == "c0"


def test_a_rebuilt_record_is_proved_before_a_further_step() -> None:
    build = built()
    build = do(build, run_of(build))
    forgotten = build.model_copy(update={"project": build.project.model_copy(update={"proofs": ()})})
    assert ready(tell(forgotten, AddStep(text="add ratings"))) == {"Acceptance tests of what is there"}


def test_a_plan_becomes_a_dag_with_tests_beside_the_implementation() -> None:
    build = planned()
    assert ready(build) == {"Skeleton"}
    assert build.project.profile == "fastapi-service"
    assert build.project.name == "Books"
    assert planned(name="Mine").project.name == "Mine"
    build = do(build, "t2")
    assert build.project.skeleton == "c-t2"
    assert ready(build) == {"Books", "Acceptance tests"}
    build = do(build, "t3")
    assert ready(build) == {"Loans", "Acceptance tests"}


def test_run_waits_for_both_the_implementation_and_the_tests() -> None:
    build = built()
    assert ready(build) == {"Run the tests"}
    assert build.project.state is ProjectState.TESTING


def test_a_green_run_makes_it_ready() -> None:
    build = built()
    build = do(build, run_of(build), report=REPORT)
    assert build.project.state is ProjectState.READY
    assert build.report == REPORT
    assert settled(build)


def test_findings_lead_to_a_fix_and_another_run() -> None:
    build = built()
    build = do(build, run_of(build), Verdict.FINDINGS, findings=[FINDING], report=REPORT)
    assert ready(build) == {"Fix 1 finding"}
    assert build.project.state is ProjectState.DEBUGGING
    fix = next(task for task in build.tasks if task.stage is Stage.FIX)
    assert fix.requirements == ("R1",)
    build = do(build, fix.id)
    assert ready(build) == {"Run the tests"}
    build = do(build, run_of(build), report=REPORT)
    assert build.project.state is ProjectState.READY


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_the_fix_loop_ends_at_its_limit_with_a_reason(limit: int) -> None:
    build = built(limits=BuildLimits(max_fix_attempts=limit))
    rounds = 0
    while build.project.state is not ProjectState.FAILED:
        build = do(build, run_of(build), Verdict.FINDINGS, findings=[FINDING])
        if build.project.state is not ProjectState.FAILED:
            rounds += 1
            build = do(build, [task.id for task in build.tasks if task.stage is Stage.FIX][-1])
    assert rounds == limit
    assert build.project.error is not None
    assert "it fails" in build.project.error.message
    assert settled(build)


def test_a_fix_of_a_deployment_is_run_and_deployed_again() -> None:
    build = built(deploy=DeployTarget.PROCESS)
    build = do(build, run_of(build))
    deploy = next(task.id for task in build.tasks if task.stage is Stage.DEPLOY)
    assert build.task(deploy).state is TaskState.READY
    build = do(build, deploy, Verdict.FINDINGS, findings=[Finding(source="deploy", message="unhealthy")])
    build = do(build, [task.id for task in build.tasks if task.stage is Stage.FIX][-1])
    build = do(build, run_of(build))
    last = [task for task in build.tasks if task.stage is Stage.DEPLOY][-1]
    assert last.state is TaskState.READY
    where = Deployment(target=DeployTarget.PROCESS, url="http://127.0.0.1:1", healthy=True)
    build = do(build, last.id, deployment=where)
    assert build.project.state is ProjectState.DEPLOYED
    assert build.project.deployment == where


def test_files_that_a_deployment_adds_are_proved_too() -> None:
    build = built(deploy=DeployTarget.COMPOSE)
    build = do(build, run_of(build), report=REPORT)
    deploy = next(task.id for task in build.tasks if task.stage is Stage.DEPLOY)
    where = Deployment(target=DeployTarget.COMPOSE, url="http://127.0.0.1:1", healthy=True)
    outcome = Outcome(verdict=Verdict.DONE, summary="s", deployment=where)
    build = fold(build, advance(build, deploy, outcome, at=AT, commit="with a Dockerfile"))
    assert ready(build) == {"Run the tests"}
    assert do(build, run_of(build), report=REPORT).project.state is ProjectState.DEPLOYED


def test_pages_are_tried_after_the_review_and_before_the_deployment() -> None:
    build = built(deploy=DeployTarget.PROCESS, review=True, web=True)
    assert not any(task.stage is Stage.WEB for task in build.tasks), "an API has no pages"
    pages = built(deploy=DeployTarget.PROCESS, review=True, web=True, gui=True)
    pages = do(pages, run_of(pages), report=REPORT)
    assert ready(pages) == {"Review"}
    pages = do(pages, next(task.id for task in pages.tasks if task.stage is Stage.REVIEW))
    assert ready(pages) == {"Try it in a browser"}
    web = next(task for task in pages.tasks if task.stage is Stage.WEB)
    wrong = do(pages, web.id, Verdict.FINDINGS, findings=[Finding(source="browser", message="dead button")])
    wrong = do(wrong, next(task.id for task in wrong.tasks if task.stage is Stage.FIX))
    wrong = do(wrong, run_of(wrong), report=REPORT)
    assert ready(wrong) == {"Try it in a browser"}, "what was mended is tried again"
    pages = do(pages, web.id)
    assert {task.stage for task in pages.tasks if task.state is TaskState.READY} == {Stage.DEPLOY}


def test_a_review_comes_before_the_deployment_and_its_doubts_are_tested() -> None:
    build = built(deploy=DeployTarget.PROCESS, review=True)
    build = do(build, run_of(build), report=REPORT)
    assert ready(build) == {"Review"}
    review = next(task for task in build.tasks if task.stage is Stage.REVIEW)
    doubt = Finding(source="review", message="the second time", severity=Severity.WARNING, requirements=("R1",))
    doubted = do(build, review.id, findings=[doubt])
    assert ready(doubted) == {"Test what the review doubts"}
    tests = next(task for task in doubted.tasks if task.payload.get("doubts"))
    doubted = do(doubted, tests.id)
    assert ready(doubted) == {"Run the tests"}
    doubted = do(doubted, run_of(doubted), report=REPORT)
    assert {task.stage for task in doubted.tasks if task.state is TaskState.READY} == {Stage.DEPLOY}
    content = do(build, review.id)
    assert {task.stage for task in content.tasks if task.state is TaskState.READY} == {Stage.DEPLOY}


def test_deploy_waits_for_the_newest_run() -> None:
    build = built(deploy=DeployTarget.PROCESS)
    build = do(build, run_of(build), Verdict.FINDINGS, findings=[FINDING])
    deploy = next(task for task in build.tasks if task.stage is Stage.DEPLOY)
    assert deploy.depends_on == (run_of(build),)


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.FAILED, "E_X"), (Verdict.REFUSED, "E_REFUSED")])
def test_a_task_that_cannot_succeed_fails_the_build_and_cancels_the_rest(verdict: Verdict, code: str) -> None:
    build = planned()
    build = do(build, "t2", verdict, error=Problem(message="no", code=code))
    assert build.project.state is ProjectState.FAILED
    assert build.project.error == Problem(message="no", code=code)
    assert all(task.state.ended for task in build.tasks)


def test_a_question_blocks_the_task_until_it_is_answered() -> None:
    build = do(new(), "t1", Verdict.WAITING, question="Which one?")
    assert waiting_for(build) is not None
    assert settled(build)
    build = tell(build, Reply(text="that one"))
    assert ready(build) == {"Plan"}
    assert build.answers[-1].text == "that one"


def test_the_plan_gate_holds_everything_until_it_is_approved() -> None:
    build = planned(gates=[Gate.PLAN])
    assert ready(build) == set()
    assert settled(build)
    build = tell(build, Approve())
    assert ready(build) == {"Skeleton"}


def test_a_rejected_plan_is_planned_again_with_the_reason() -> None:
    build = tell(planned(gates=[Gate.PLAN]), Reject(text="use other names"))
    assert ready(build) == {"Plan again"}
    task = next(task for task in build.tasks if task.state is TaskState.READY)
    assert task.payload == {"feedback": "use other names"}


def test_the_deploy_gate_holds_only_the_deployment() -> None:
    build = built(gates=[Gate.DEPLOY], deploy=DeployTarget.PROCESS)
    build = do(build, run_of(build))
    blocked = waiting_for(build)
    assert blocked is not None
    assert blocked.stage is Stage.DEPLOY
    assert ready(tell(build, Approve())) == {"Deploy (process)"}
    rejected = tell(build, Reject(text="not now"))
    assert rejected.project.state is ProjectState.READY
    assert settled(rejected)


def test_a_further_step_plans_again_and_builds_only_what_changed() -> None:
    build = built()
    build = do(build, run_of(build))
    build = tell(build, AddStep(text="add ratings"))
    assert ready(build) == {"Plan a further step"}
    old = build.project.spec
    assert old is not None
    more = old.model_copy(
        update={
            "requirements": (*old.requirements, Requirement(id="R3", text="three")),
            "modules": (
                old.modules[0].model_copy(update={"requirements": ("R1", "R3")}),
                *old.modules[1:],
            ),
        }
    )
    task = next(task.id for task in build.tasks if task.state is TaskState.READY)
    build = do(build, task, spec=more)
    assert build.project.skeleton == f"c-{task}"
    assert ready(build) == {"Books", "Acceptance tests"}
    titles = [entry.title for entry in build.tasks if not entry.state.ended]
    assert titles == ["Books", "App", "Acceptance tests", "Run the tests"]
    tests = next(entry for entry in build.tasks if entry.title == "Acceptance tests" and not entry.state.ended)
    assert tests.requirements == ("R3",)


def test_a_step_added_during_a_build_waits_for_its_end() -> None:
    build = tell(planned(), AddStep(text="more"))
    assert ready(build) == {"Skeleton"}
    assert [task.state for task in build.tasks if task.title == "Plan a further step"] == [TaskState.WAITING]


def test_pause_and_resume_are_desires() -> None:
    build = tell(planned(), Pause())
    assert build.project.desired is Desired.PAUSE
    assert settled(build)
    build = tell(build, Resume())
    assert build.project.desired is Desired.RUN
    assert not settled(build)


def test_cancel_ends_the_build() -> None:
    build = tell(planned(), Cancel())
    assert build.project.state is ProjectState.FAILED
    assert build.project.error is not None
    assert build.project.error.code == "E_CANCELLED"
    with pytest.raises(UsageError, match="nothing to cancel"):
        tell(build, Cancel())


def test_a_failed_build_is_restarted_from_the_stage_that_failed() -> None:
    build = planned()
    build = do(build, "t2")
    build = do(build, "t3", Verdict.FAILED, error=Problem(message="no"))
    with pytest.raises(UsageError, match="failed"):
        tell(build, Resume())
    build = tell(build, Restart())
    assert build.project.error is None
    assert build.project.desired is Desired.RUN
    assert ready(build) == {"Books", "Acceptance tests"}


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        (Stage.SPEC, {"Plan"}),
        (Stage.SKELETON, {"Skeleton"}),
        (Stage.TESTS, {"Acceptance tests"}),
        (Stage.RUN, {"Run the tests"}),
        (Stage.FIX, {"Run the tests"}),
        (Stage.DEPLOY, {"Deploy (process)"}),
    ],
)
def test_restart_from_any_stage(stage: Stage, expected: set[str]) -> None:
    build = built(deploy=DeployTarget.PROCESS)
    build = do(build, run_of(build), Verdict.FAILED, error=Problem(message="no"))
    assert ready(tell(build, Restart(stage=stage))) == expected


def test_restart_needs_a_plan_and_a_still_build() -> None:
    build = do(new(), "t1", Verdict.FAILED)
    with pytest.raises(UsageError, match="no plan"):
        tell(build, Restart(stage=Stage.RUN))
    running = new()
    running = running.model_copy(
        update={"tasks": tuple(task.model_copy(update={"state": TaskState.RUNNING}) for task in running.tasks)}
    )
    with pytest.raises(UsageError, match="running"):
        tell(running, Restart())


def at(build: Build, minute: int, task: str, verdict: Verdict, **values: object) -> Build:
    outcome = Outcome.model_validate({"verdict": verdict, "summary": "s", **values})
    return fold(build, advance(build, task, outcome, at=AT + timedelta(minutes=minute)))


def test_what_is_restarted_is_what_went_wrong_last() -> None:
    build = built(deploy=DeployTarget.PROCESS)
    build = at(build, 1, run_of(build), Verdict.FAILED, error=Problem(message="no"))
    build = tell(build, Restart())
    assert ready(build) == {"Run the tests"}
    build = at(build, 2, run_of(build), Verdict.DONE)
    deploy = [task.id for task in build.tasks if task.stage is Stage.DEPLOY][-1]
    build = at(build, 3, deploy, Verdict.FAILED, error=Problem(message="no"))
    assert ready(tell(build, Restart())) == {"Deploy (process)"}, "the run failed earlier, and is well"


def test_a_cancelled_build_goes_on_with_what_was_at_work() -> None:
    build = tell(planned(deploy=DeployTarget.PROCESS), AddStep(text="later"))
    build = do(build, "t2")
    books = next(task for task in build.tasks if task.title == "Books")
    running = books.model_copy(update={"started_at": AT})
    build = build.model_copy(update={"tasks": tuple(running if task.id == books.id else task for task in build.tasks)})
    build = fold(build, steer(build, Cancel(), at=AT + timedelta(minutes=2)))
    assert ready(tell(build, Restart())) == {"Books", "Acceptance tests"}


def test_planning_everything_again_leaves_out_what_was_refused() -> None:
    build = built()
    build = tell(do(build, run_of(build)), AddStep(text="dance"))
    build = do(build, build.tasks[-1].id, Verdict.REFUSED, error=Problem(message="no"))
    assert build.project.state is ProjectState.READY
    (again,) = (task for task in tell(build, Restart()).tasks if task.state is TaskState.READY)
    assert (again.title, again.payload.get("instruction")) == ("Plan", None)


def test_what_was_asked_for_by_hand_is_asked_for_again() -> None:
    build = built()
    build = at(build, 1, run_of(build), Verdict.DONE)
    build = tell(build, RunStage(stage=Stage.DEPLOY, target=DeployTarget.PROCESS))
    build = at(build, 2, build.tasks[-1].id, Verdict.FAILED, error=Problem(message="no"))
    build = tell(build, Restart())
    assert ready(build) == {"Deploy (process)"}
    assert build.tasks[-1].payload["target"] == "process"


def test_tests_that_nothing_could_mend_are_run_again_and_nothing_is_deployed_before() -> None:
    build = tell(built(deploy=DeployTarget.PROCESS), AddStep(text="later"))
    for minute in range(100):
        if build.project.state is ProjectState.FAILED:
            break
        task = next(task for task in build.tasks if task.state is TaskState.READY)
        found = {"findings": [FINDING]} if task.stage is Stage.RUN else {}
        build = at(build, minute, task.id, Verdict.FINDINGS if found else Verdict.DONE, **found)
    assert build.project.state is ProjectState.FAILED
    assert ready(tell(build, Restart())) == {"Run the tests"}


@pytest.mark.parametrize(
    ("values", "stage", "why"),
    [
        ({}, Stage.DEPLOY, "no target"),
        ({"mode": "offline"}, Stage.REVIEW, "only a model"),
        ({}, Stage.WEB, "no pages"),
    ],
)
def test_a_stage_that_could_only_fail_is_refused(values: dict[str, object], stage: Stage, why: str) -> None:
    build = built(**values)
    build = do(build, run_of(build))
    assert stage not in beginnings(build.project)
    with pytest.raises(UsageError, match=f"(?i){why}"):
        tell(build, Restart(stage=stage))
    for possible in beginnings(build.project):
        assert ready(tell(build, Restart(stage=possible)))


def test_before_there_is_a_skeleton_there_is_nothing_to_run() -> None:
    build = do(planned(), "t2", Verdict.FAILED)
    assert beginnings(build.project) == (Stage.SPEC, Stage.SKELETON)
    with pytest.raises(UsageError, match="Nothing is built"):
        tell(build, Restart(stage=Stage.RUN))


def test_a_stage_run_by_hand_reports_and_does_not_fix() -> None:
    build = built()
    build = do(build, run_of(build))
    build = tell(build, RunStage(stage=Stage.RUN))
    build = do(build, run_of(build), Verdict.FINDINGS, findings=[FINDING])
    assert build.project.state is ProjectState.FAILED
    assert not any(task.stage is Stage.FIX for task in build.tasks)


def test_proofs_are_those_of_the_newest_tests() -> None:
    build = planned()
    build = do(build, "t2")
    first = Proof(source=TestSource(id="a::x", requirements=("R1",), assertions=("assert 1",)), red_on="c1")
    again = first.model_copy(update={"red_on": "c2"})
    other = Proof(source=TestSource(id="a::y"), red_on="c1")
    tests = next(task.id for task in build.tasks if task.stage is Stage.TESTS)
    build = do(build, tests, proofs=[first, other])
    assert build.project.proofs == (first, other)
    build = tell(do(build, "t3", Verdict.FAILED), Restart(stage=Stage.TESTS))
    build = do(build, next(task.id for task in build.tasks if task.state is TaskState.READY), proofs=[again])
    assert build.project.proofs == (again,)


def test_rewind_into_the_first_build_plans_the_rest_again_and_waits() -> None:
    build = built()
    build = do(build, run_of(build))
    kept = frozenset({"t1", "t2"})
    build = fold(build, rewind(build, kept, build.project.spec, at=AT))
    assert build.project.desired is Desired.PAUSE
    assert settled(build)
    open_titles = [task.title for task in build.tasks if not task.state.ended]
    assert open_titles == ["Books", "Loans", "App", "Acceptance tests", "Run the tests"]
    build = tell(build, Resume())
    assert ready(build) == {"Books", "Acceptance tests"}


def test_rewind_before_a_further_step_undoes_it() -> None:
    build = built()
    build = do(build, run_of(build))
    before = build.project.spec
    kept = frozenset(task.id for task in build.tasks)
    build = tell(build, AddStep(text="more"))
    task = next(task.id for task in build.tasks if task.state is TaskState.READY)
    assert before is not None
    more = before.model_copy(update={"requirements": (*before.requirements, Requirement(id="R3", text="3"))})
    build = do(build, task, spec=more)
    build = fold(build, rewind(build, kept, before, at=AT))
    assert build.project.spec == before
    assert build.project.state is ProjectState.READY
    assert all(task.state.ended for task in build.tasks)


def test_task_ids_are_never_used_twice() -> None:
    build = built()
    build = do(build, run_of(build), Verdict.FAILED)
    build = tell(build, Restart(stage=Stage.SPEC))
    names = [task.id for task in build.tasks]
    assert len(names) == len(set(names))


def test_what_was_asked_for_by_hand_and_could_not_be_done_is_not_insisted_on() -> None:
    build = built()
    build = do(build, run_of(build))
    build = tell(build, RunStage(stage=Stage.DEPLOY, target=DeployTarget.COMPOSE))
    first = build.tasks[-1]
    assert (first.stage, first.state) == (Stage.DEPLOY, TaskState.READY)
    build = tell(build, RunStage(stage=Stage.DEPLOY, target=DeployTarget.PROCESS))
    assert [task.state for task in build.tasks[-2:]] == [TaskState.CANCELLED, TaskState.READY]
    build = do(build, build.tasks[-1].id)
    kept = frozenset(task.id for task in build.tasks if task.state is TaskState.DONE)
    build = fold(build, rewind(build, kept, build.project.spec, at=AT))
    assert all(task.state.ended for task in build.tasks), "nor does it come back"


def test_what_a_refused_plan_had_planned_comes_back_with_that_plan_alone() -> None:
    build = planned(gates=(Gate.PLAN,))
    old = [task.title for task in build.tasks if not task.state.ended]
    build = tell(build, Reject(text="smaller"))
    again = build.tasks[-1].id
    build = do(build, again, spec=spec(Module(name="app", title="The small one", requirements=("R1",))))
    kept = frozenset({"t1", again})
    after = fold(build, rewind(build, kept, build.project.spec, at=AT))
    assert "The small one" in {task.title for task in after.tasks if not task.state.ended}
    assert "Books" not in {task.title for task in after.tasks if not task.state.ended}
    before = fold(build, rewind(build, frozenset({"t1"}), build.project.spec, at=AT))
    assert [task.title for task in before.tasks if not task.state.ended] == old
