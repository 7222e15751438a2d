"""A plan that changes: whether an edited one can be taken, what has to be done again for it, what going back undoes.

Pure functions: the pipeline decides by them, and a screen shows by them what will happen before it does.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from pydantic import JsonValue

from smaker.core.errors import Refused, UsageError
from smaker.core.models import Project, Proof, Task, TaskState
from smaker.core.spec import Frozen, Module, Spec

EDITED = "spec"
"""Where the payload of a planning task has the plan that its user wrote."""

EDITED_FROM = "edited_from"
"""Where it has the plan that its user had before them: when the task is done again, the project's is a later one."""


class Before(Frozen):
    """What held before a plan grew or was edited. It is kept with the task that planned, so that it can be undone."""

    spec: Spec
    proofs: tuple[Proof, ...] = ()


def keep_before(payload: Mapping[str, JsonValue], project: Project) -> dict[str, JsonValue]:
    """The payload of a planning task, with what a project has before its new plan is taken."""
    if project.spec is None:
        return {**payload}
    before = Before(spec=project.spec, proofs=project.proofs)
    return {**payload, "before": before.model_dump(mode="json", exclude_defaults=True)}


def before(task: Task) -> Before | None:
    """What held before a planning task, if anything did."""
    kept = task.payload.get("before")
    return Before.model_validate(kept) if kept is not None else None


def changed_requirements(old: Spec, new: Spec) -> tuple[str, ...]:
    """The ids of the requirements of ``new`` that read otherwise in ``old``."""
    known = {requirement.id: requirement for requirement in old.requirements}
    return tuple(entry.id for entry in new.requirements if entry.id in known and known[entry.id] != entry)


def changed_modules(old: Spec, new: Spec, *, wording: Collection[str] = ()) -> tuple[Module, ...]:
    """The modules whose code may differ: themselves, their entity or a requirement changed, records that point at
    their entity came or went, there are accounts now, or they wire the others.

    Requirements of ``wording`` say the same in other words; where nothing else changed there is nothing to do.
    """
    known = {requirement.id: requirement for requirement in old.requirements}
    as_before = tuple(known.get(entry.id, entry) if entry.id in wording else entry for entry in new.requirements)
    if new.model_copy(update={"requirements": as_before}) == old:
        return ()
    differ = [
        entity for entity in (*old.entities, *new.entities) if (entity in old.entities) != (entity in new.entities)
    ]
    entities = {entity.name for entity in differ}
    entities |= {field.references for entity in differ for field in entity.fields if field.references}
    requirements = {entry.id for entry in as_before if known.get(entry.id) != entry}
    return tuple(
        module
        for module in new.modules
        if module not in old.modules
        or module.entity is None
        or module.entity in entities
        or new.users != old.users
        or requirements.intersection(module.requirements)
    )


def kept_tasks(tasks: Sequence[Task], undone: Iterable[str]) -> frozenset[str]:
    """The tasks that stay done when the commits of the tasks ``undone`` go: not those, and none that builds on them."""
    dropped = set(undone)
    grown = True
    while grown:
        more = {task.id for task in tasks if dropped.intersection(task.depends_on)} - dropped
        dropped |= more
        grown = bool(more)
    return frozenset(task.id for task in tasks if task.id not in dropped and task.state is TaskState.DONE)


def contradiction(requirement: str, said: str, built: str) -> Refused:
    """The refusal of an edited plan that has something else built for a requirement than its words say."""
    was, now = (json.dumps(text, ensure_ascii=False) for text in (said, built))
    return Refused(
        f"This plan cannot be taken: {requirement} says {was}, and what it is built and tested by says {now} now",
        hint=f"Change the words of {requirement} too, or take back the change of its operation or record.",
    )


def check_edit(project: Project, plan: Spec) -> None:
    """Raise UsageError where an edited plan cannot be taken, with what would make it one that can."""
    old = project.spec
    if old is None:
        raise UsageError("There is no plan yet.", hint="Edit it once it is there.")
    if plan == old:
        raise UsageError("Nothing is changed.", hint="Edit the plan first.")
    for name in ("slug", "kind", "profile"):
        if getattr(plan, name) != getattr(old, name):
            raise UsageError(
                f"The {name} of a plan stays: it is {getattr(old, name)}.", hint="Make a new project for another."
            )
    problem = _contradiction(plan) or (_unbuildable(old, plan) if project.mode == "offline" else "")
    if problem:
        raise UsageError(f"This plan cannot be taken: {problem}", hint="Mend it and take it again.")


def _contradiction(plan: Spec) -> str:
    ids = [requirement.id for requirement in plan.requirements]
    if not ids:
        return "it has no requirements."
    if twice := [name for name in dict.fromkeys(ids) if ids.count(name) > 1]:
        return f"{twice[0]} is there twice."
    entities = {entity.name for entity in plan.entities}
    for requirement in plan.requirements:
        about = requirement.operation.entity if requirement.operation else None
        if about is not None and about not in entities:
            return f"{requirement.id} is about {about!r}, which is no entity of it."
    earlier: set[str] = set()
    for module in plan.modules:
        if module.name in earlier or not earlier.issuperset(module.depends_on):
            return f"module {module.name!r} is there twice, or depends on one that does not come before it."
        if module.entity is not None and module.entity not in entities:
            return f"module {module.name!r} is about {module.entity!r}, which is no entity of it."
        earlier.add(module.name)
    named = [(f"module {entry.name!r}", entry.requirements) for entry in plan.modules]
    named += [(f"scenario {entry.name!r}", entry.requirements) for entry in plan.scenarios]
    for what, requirements in named:
        if unknown := [name for name in requirements if name not in ids]:
            return f"{what} names {unknown[0]}, which is no requirement of it."
    served = {name for module in plan.modules for name in module.requirements}
    if served and (alone := [name for name in ids if name not in served]):
        return f"no module serves {alone[0]}: name it in the requirements of one."
    return ""


def _unbuildable(old: Spec, plan: Spec) -> str:
    """The offline builder works from operations: words alone it can only show."""
    known = {requirement.id for requirement in old.requirements}
    fresh = [entry.id for entry in plan.requirements if entry.id not in known and entry.operation is None]
    if fresh:
        return (
            f"{fresh[0]} has no operation, and the offline builder builds nothing from words alone: add it as a step."
        )
    return ""
