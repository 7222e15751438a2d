"""The pipeline as pure functions: what happens next, decided from what is known. No I/O, no clock of its own.

``spec → skeleton → implementation (a task per module, a DAG) ∥ tests → run ⇄ fix → review → web → deploy``. The
acceptance tests are written beside the implementation, from the spec and the skeleton alone; ``run`` waits for both.
``review`` and ``web`` (software with pages, in a browser) are there where the project wants them.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from smaker.core import queue
from smaker.core.again import restart
from smaker.core.commands import (
    AddStep,
    Approve,
    Cancel,
    DropStep,
    EditPlan,
    MoveStep,
    Pause,
    Reject,
    Reply,
    Restart,
    Resume,
    RunStage,
    Steering,
)
from smaker.core.draft import REPLACED, Draft
from smaker.core.errors import UsageError
from smaker.core.mending import doubt, hold, judge, mend, remember
from smaker.core.models import (
    Answer,
    Deployment,
    DeployTarget,
    Desired,
    Outcome,
    Problem,
    Project,
    ProjectState,
    Stage,
    Task,
    TaskState,
    TestReport,
    Verdict,
)
from smaker.core.planned import TITLES, plan, prove_anew
from smaker.core.ports import Build, Change
from smaker.core.revision import EDITED, EDITED_FROM, before, check_edit
from smaker.core.spec import Spec


def begin(project: Project, at: datetime, *, instruction: str | None = None) -> Change:
    """Return the first tasks of a new project: plan, and before that prove what an adopted one has already."""
    draft = Draft(Build(project=project), at)
    draft.event("project.created", f"{project.name}: created", data={"mode": project.mode, "prompt": project.prompt})
    proved = prove_anew(draft)
    given: dict[str, JsonValue] = {"instruction": instruction, "profile": project.profile}
    draft.add(Stage.SPEC, "Plan", after=proved, payload={key: value for key, value in given.items() if value})
    return draft.change()


def advance(build: Build, task_id: str, outcome: Outcome, *, at: datetime, commit: str | None = None) -> Change:
    """Return what follows from a task's outcome: states, new tasks, events. ``commit`` is main after the task."""
    draft = Draft(build, at)
    task = build.task(task_id)
    match outcome.verdict:
        case Verdict.DONE:
            draft.end(task, TaskState.DONE, outcome.summary, commit=commit)
            _after_done(draft, task, outcome, commit)
        case Verdict.FINDINGS:
            draft.end(task, TaskState.DONE, outcome.summary, commit=commit)
            draft.report = outcome.report
            draft.findings(task, outcome.findings)
            mend(draft, task, outcome)
        case Verdict.WAITING:
            question = outcome.question or "Go on?"
            draft.put(task, state=TaskState.BLOCKED, question=question, worker=None, lease_until=None)
            draft.event("question", question, task=task.id, data={"kind": "question"})
        case Verdict.FAILED | Verdict.REFUSED:
            draft.report = outcome.report
            draft.findings(task, outcome.findings)
            problem = outcome.error or Problem(message=outcome.summary)
            draft.end(task, TaskState.FAILED, outcome.summary, commit=commit, error=problem)
            if outcome.verdict is Verdict.REFUSED and build.project.spec is not None and queue.of_well(task):
                draft.do_without(task, problem)
            else:
                draft.give_up(problem)
    return draft.change()


def steer(build: Build, command: Steering, *, at: datetime) -> Change:
    """Return what a user's command changes. Raises UsageError if it makes no sense now, with what would."""
    draft = Draft(build, at)
    match command:
        case Pause():
            draft.want(Desired.PAUSE)
        case Resume(budget=budget):
            draft.budget = budget
            _resume(draft)
        case Cancel():
            _cancel(draft)
        case Restart(stage=stage):
            restart(draft, stage)
        case Approve() | Reply():
            _answer(draft, command)
        case Reject(text=text):
            _reject(draft, text)
        case AddStep(text=text, now=now):
            _add_step(draft, text, now=now)
        case MoveStep(step=step, by=by):
            queue.move(draft, step, by)
        case DropStep(step=step):
            queue.drop(draft, step)
        case EditPlan():
            _edit_plan(draft, command)
        case RunStage(stage=stage, target=target):
            _run_stage(draft, stage, target)
    return draft.change()


def rewind(
    build: Build, kept: frozenset[str], spec: Spec | None, *, at: datetime, report: TestReport | None = None
) -> Change:
    """Return the change after main went back to a commit at which only the tasks ``kept`` had ended.

    What was planned after it is cancelled and planned again under new ids (the ledger is never rewritten), except
    further steps the user added later, and edits of the plan, which are undone. ``spec`` is the plan as of that commit,
    where no undone task kept what held before it, ``report`` the one of a run of exactly those files, if there was one.
    The build is paused.
    """
    draft = Draft(build, at)
    lost = [task for task in build.tasks if task.id not in kept and task.payload.get(REPLACED) not in kept]
    for task in lost:
        if not task.state.ended or task.state is TaskState.DONE:
            ended = task.finished_at or at
            draft.put(task, state=TaskState.CANCELLED, finished_at=ended, worker=None, lease_until=None)
    replanned = {task.id for task in lost if task.stage is Stage.SPEC}
    again: list[Task] = []
    for task in lost:
        dropped = task.id in replanned or any(name in replanned for name in task.depends_on)
        if dropped and not (task.stage is Stage.SPEC and not kept):
            replanned.add(task.id)
        elif task.stage is not Stage.FIX and not any(build.task(name).stage is Stage.FIX for name in task.depends_on):
            again.append(task)
    newest = {_again(task): task.id for task in again}  # one that was planned again before counts once
    renamed: dict[str, str] = {}
    for task in again:
        if newest[_again(task)] == task.id:
            follows = [renamed.get(name, name) for name in task.depends_on if name in kept or name in renamed]
            added = draft.add(
                task.stage, task.title, after=tuple(follows), requirements=task.requirements, payload=task.payload
            )
            renamed[task.id] = added.id
    undone = next((then for task in lost if task.state is TaskState.DONE and (then := before(task))), None)
    draft.spec = undone.spec if undone is not None else spec
    if undone is not None:
        draft.prove(undone.proofs)
    draft.report, draft.clear_report = report, report is None
    draft.clear_error = True
    draft.want(Desired.PAUSE if renamed else Desired.RUN)
    return draft.change()


def _again(task: Task) -> tuple[Stage, str, str]:
    """What two tasks share of which one is the other, planned again."""
    return task.stage, task.title, str(task.payload.get("module", ""))


def note_deployment(deployment: Deployment | None) -> Change:
    """Return the change that records where the software answers now, or that it is stopped."""
    if deployment is None:
        return Change(clear_deployment=True, state=ProjectState.READY)
    return Change(deployment=deployment, state=ProjectState.DEPLOYED)


def settled(build: Build) -> bool:
    """Whether nothing more happens without the user: all tasks ended or wait for an answer, or it is paused."""
    if build.project.desired is not Desired.RUN:
        return not any(task.state is TaskState.RUNNING for task in build.tasks)
    return not any(task.state in {TaskState.READY, TaskState.RUNNING} for task in build.tasks)


def waiting_for(build: Build) -> Task | None:
    """The task that waits at a gate or for an answer, if any."""
    return next((task for task in build.tasks if task.state is TaskState.BLOCKED), None)


# --- after a task -----------------------------------------------------------------------------------------------------


def _after_done(draft: Draft, task: Task, outcome: Outcome, commit: str | None) -> None:
    draft.findings(task, outcome.findings)
    match task.stage:
        case Stage.SPEC if outcome.spec is not None:
            plan(draft, task, outcome.spec, commit)
        case Stage.SKELETON:
            draft.skeleton = commit
        case Stage.TESTS:
            draft.prove(outcome.proofs)
        case Stage.RUN | Stage.WEB:
            draft.report = outcome.report
            hold(draft, task, outcome)
        case Stage.FIX:
            judge(draft, task, outcome)
            remember(draft, task, commit)
        case Stage.REVIEW if outcome.findings:
            doubt(draft, task, outcome)
        case Stage.DEPLOY:
            draft.deployment = outcome.deployment
            if commit is not None:  # files that the target needs were added: what is proved are the files before
                draft.add(Stage.RUN, TITLES[Stage.RUN], after=(task.id,))
        case _:
            pass


# --- commands ---------------------------------------------------------------------------------------------------------


def _blocked(draft: Draft) -> Task:
    blocked = waiting_for(draft.build)
    if blocked is None:
        raise UsageError("The build is not waiting for an answer.", hint="See what it does: smaker status")
    return blocked


def _answer(draft: Draft, answer: Approve | Reply) -> None:
    blocked = _blocked(draft)
    text = answer.text if isinstance(answer, Reply) else "approved"
    draft.answers.append(Answer(task=blocked.id, text=text, question=blocked.question, at=draft.at))
    for task in _beside(draft, blocked) if isinstance(answer, Approve) else [blocked]:
        draft.put(task, state=TaskState.WAITING, question=None)
    told = text if isinstance(answer, Reply) else f"{blocked.title}: approved"
    draft.event("answer", told, task=blocked.id)
    draft.want(Desired.RUN)


def _beside(draft: Draft, blocked: Task) -> list[Task]:
    """The tasks that wait at the same gate: of a plan there may be several, of all else there is one."""
    if blocked.question is not None or blocked.stage is Stage.DEPLOY:
        return [blocked]
    at_gate = [task for task in draft.build.tasks if task.state is TaskState.BLOCKED and task.question is None]
    return [task for task in at_gate if task.stage is not Stage.DEPLOY]


def _resume(draft: Draft) -> None:
    project = draft.build.project
    if project.state is ProjectState.FAILED and all(task.state.ended for task in draft.build.tasks):
        raise UsageError(
            f"The build has failed: {project.error.message if project.error else 'see its log'}",
            hint="Do the failed stage again with: smaker restart",
        )
    draft.clear_error = project.error is not None
    draft.want(Desired.RUN)


def _cancel(draft: Draft) -> None:
    if all(task.state.ended for task in draft.build.tasks):
        raise UsageError("There is nothing to cancel: the build has ended.", hint="Remove it with: smaker delete")
    draft.want(Desired.CANCEL)
    draft.give_up(Problem(message="Cancelled.", hint="Build again with: smaker restart", code="E_CANCELLED"))


def _reject(draft: Draft, text: str) -> None:
    blocked = _blocked(draft)
    draft.answers.append(Answer(task=blocked.id, text=text, approved=False, at=draft.at))
    draft.event("answer", f"{blocked.title}: rejected: {text}", task=blocked.id)
    if blocked.stage is Stage.DEPLOY:
        draft.end(blocked, TaskState.CANCELLED, "not deployed: rejected")
        return
    draft.cancel_open(replaced=True)
    draft.add(Stage.SPEC, "Plan again", payload={"feedback": text})
    draft.want(Desired.RUN)


def _add_step(draft: Draft, text: str, *, now: bool) -> None:
    if draft.build.project.state is ProjectState.FAILED and draft.build.project.spec is None:
        raise UsageError("The build has no plan to add to.", hint='Start anew with: smaker init "…"')
    open_tasks = tuple(task.id for task in draft.build.tasks if not task.state.ended)
    draft.clear_error = draft.build.project.error is not None
    draft.want(Desired.RUN)
    if now and open_tasks and draft.build.project.spec is not None:
        queue.add_now(draft, text)
        return
    payload: dict[str, JsonValue] = {"instruction": text}
    if draft.build.project.state is ProjectState.FAILED:
        payload[queue.MENDS] = True
    draft.add(Stage.SPEC, queue.TITLE, after=open_tasks or prove_anew(draft), payload=payload)


def _edit_plan(draft: Draft, edit: EditPlan) -> None:
    project, waiting = draft.build.project, waiting_for(draft.build)
    payload: dict[str, JsonValue] = {
        EDITED: edit.spec.model_dump(mode="json", exclude_defaults=True),
        "wording": [*edit.wording],
        "text": edit.text,
    }
    if waiting is not None and waiting.question is None and waiting.stage is not Stage.DEPLOY:
        planned = next(task for task in reversed(draft.build.tasks) if task.stage is Stage.SPEC)
        draft.cancel_open(replaced=True)
        then = before(planned)
        draft.spec = then.spec if then is not None else None  # what the refused plan added is not built yet
    elif any(
        task.stage is Stage.SPEC and not task.state.ended and not queue.is_queued(task) for task in draft.build.tasks
    ):
        raise UsageError("The plan is being made.", hint="Edit it when it is there.")
    elif project.state is not ProjectState.FAILED and project.skeleton is not None:
        payload[queue.WELL] = True
    check_edit(project, edit.spec)
    if project.spec is not None:
        payload[EDITED_FROM] = project.spec.model_dump(mode="json", exclude_defaults=True)
    open_tasks = tuple(task.id for task in draft.tasks.values() if not task.state.ended and not queue.is_queued(task))
    draft.clear_error = project.error is not None
    draft.add(Stage.SPEC, "Take the edited plan", after=open_tasks, payload=payload)
    draft.want(Desired.RUN)


def _run_stage(draft: Draft, stage: Stage, target: DeployTarget) -> None:
    waiting = [task for task in draft.build.tasks if not task.state.ended]
    if any(task.state is TaskState.RUNNING or not task.payload.get("by_hand") for task in waiting):
        raise UsageError("The build has not ended.", hint="Wait for it, or pause it with: smaker pause")
    if draft.build.project.spec is None:
        raise UsageError("There is nothing built yet.", hint="See: smaker status")
    draft.cancel_open(replaced=True)  # what was asked for by hand and could not be done is not insisted on
    draft.clear_error = draft.build.project.error is not None
    draft.want(Desired.RUN)
    title = TITLES.get(stage, f"Deploy ({target})")
    draft.add(stage, title, payload={"target": target.value, "by_hand": True})
