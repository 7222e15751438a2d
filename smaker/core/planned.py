"""What a plan becomes: the tasks of its modules, their tests, the run, and what follows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import cast

from smaker.core.counting import counted
from smaker.core.draft import Draft
from smaker.core.models import DeployTarget, Gate, Stage, Task, TaskState
from smaker.core.queue import take_over
from smaker.core.revision import EDITED, changed_modules, changed_requirements, keep_before
from smaker.core.spec import Module, Spec

TITLES = {Stage.RUN: "Run the tests", Stage.REVIEW: "Review", Stage.WEB: "Try it in a browser"}


def plan(draft: Draft, task: Task, spec: Spec, commit: str | None) -> None:
    """Take a task's plan: all of it is to be done, or what differs from the plan there was."""
    project = draft.build.project
    draft.spec = spec
    draft.put(task, payload=keep_before(task.payload, project))
    draft.event(
        "spec.ready",
        f"{spec.name}: {counted(len(spec.requirements), 'requirement')}, {counted(len(spec.modules), 'module')}",
        task=task.id,
        data={"requirements": [requirement.id for requirement in spec.requirements]},
    )
    edited = EDITED in task.payload
    if project.spec is None or project.skeleton is None:
        skeleton = draft.add(Stage.SKELETON, "Skeleton", after=(task.id,))
        first = implement(draft, spec, spec.modules, after=skeleton.id)
    else:
        draft.skeleton = commit
        wording = cast("list[str]", task.payload.get("wording", []))
        modules = changed_modules(project.spec, spec, wording=wording)
        renewed = [name for name in changed_requirements(project.spec, spec) if name not in wording] if edited else []
        if edited and not modules:
            first = draft.add(Stage.RUN, TITLES[Stage.RUN], after=(task.id,))
        else:
            coming = take_over(draft, task)
            first = implement(draft, spec, modules, after=task.id, renewed=renewed, coming=coming)
    if Gate.PLAN in project.gates and not edited:
        for entry in draft.tasks.values():
            if entry.state is TaskState.WAITING and task.id in entry.depends_on:
                draft.block(entry)
        draft.event("question", "Approve the plan?", task=first.id, data={"kind": "gate", "gate": Gate.PLAN.value})


def prove_anew(draft: Draft) -> tuple[str, ...]:
    """Before a plan grows: add tests and a run where the record has no proof of what is built (the project was adopted,
    or its record rebuilt); once the plan has grown, a test of the old part could no longer be seen red."""
    project = draft.build.project
    if project.spec is None or project.skeleton is None or project.proofs:
        return ()
    tests = draft.add(Stage.TESTS, "Acceptance tests of what is there")
    return (draft.add(Stage.RUN, "Run the tests", after=(tests.id,)).id,)


def implement(
    draft: Draft,
    spec: Spec,
    modules: tuple[Module, ...],
    *,
    after: str,
    renewed: Sequence[str] = (),
    coming: Mapping[str, Task] = MappingProxyType({}),
) -> Task:
    """Add tasks for modules, beside them the tests, then the run and the deployment; return the first. The tests of
    ``renewed`` requirements are written anew. Modules whose task is still ``coming`` need no other."""
    by_module = {name: task.id for name, task in coming.items()}
    for module in modules:
        if module.name in coming:
            draft.put(coming[module.name], requirements=module.requirements)
            continue
        task = draft.add(
            Stage.IMPLEMENTATION,
            module.title,
            after=(after, *(by_module[name] for name in module.depends_on if name in by_module)),
            requirements=module.requirements,
            payload={"module": module.name},
        )
        by_module[module.name] = task.id
    known = (
        {requirement.id for requirement in draft.build.project.spec.requirements} if draft.build.project.spec else set()
    )
    fresh = tuple(requirement.id for requirement in spec.requirements if requirement.id not in known)
    tests = draft.add(
        Stage.TESTS,
        "Acceptance tests",
        after=(after,),
        requirements=(*fresh, *renewed),
        payload={"renewed": [*renewed]} if renewed else {},
    )
    run = draft.add(Stage.RUN, TITLES[Stage.RUN], after=(*by_module.values(), tests.id))
    look_and_deploy(draft, spec, (run.id,))
    return next((draft.tasks[identifier] for identifier in by_module.values()), tests)


def look_and_deploy(draft: Draft, spec: Spec, after: tuple[str, ...], *, wanted: Stage = Stage.RUN) -> None:
    """Add what follows a run, as far as the project has it; ``wanted`` is there in any case."""
    project = draft.build.project
    if wanted is Stage.REVIEW or (project.review and wanted is Stage.RUN):
        after = (draft.add(Stage.REVIEW, TITLES[Stage.REVIEW], after=after).id,)
    if wanted is Stage.WEB or (project.web and spec.gui and wanted is not Stage.DEPLOY):
        after = (draft.add(Stage.WEB, TITLES[Stage.WEB], after=after).id,)
    if project.deploy is not DeployTarget.NONE or wanted is Stage.DEPLOY:
        draft.add(Stage.DEPLOY, f"Deploy ({project.deploy})", after=after)
