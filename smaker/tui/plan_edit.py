"""Editing the plan: its text, what the edit means, shown before it is taken, and taking it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from smaker.config.spec_file import SPEC_FILE, dump_spec
from smaker.core.commands import EditPlan
from smaker.core.revision import changed_modules, changed_requirements
from smaker.tui.screens.dialogs import Choice, OneOf
from smaker.tui.screens.plan_editor import PlanEditor
from smaker.tui.screens.review import Review

if TYPE_CHECKING:
    from collections.abc import Collection

    from smaker.core.models import Project
    from smaker.core.spec import Spec
    from smaker.tui.screens.live import LiveScreen
    from smaker.tui.view import ProjectView

BY_MODEL = "built, and proved anew by a test that fails today"
BY_WORDS = "no rule builds that from words: ask for it as a step"


async def edit_plan(screen: LiveScreen, view: ProjectView, requirement: str = "") -> bool:
    """Let the user edit the plan, or one requirement of it; whether an edit was taken. Only in a worker."""
    if view.project.spec is None:
        screen.notify("There is no plan yet.", severity="warning", markup=False)
        return False
    plan = await screen.app.push_screen_wait(PlanEditor(view.project, view.project.spec, requirement))
    return plan is not None and await take_plan(screen, view, plan)


async def take_plan(screen: LiveScreen, view: ProjectView, plan: Spec, text: str | None = None) -> bool:
    """Show what an edited plan changes, ask, take it and go on; whether it was taken. ``text`` is the plan's file as
    its user wrote it. Only in a worker."""
    old = view.project.spec
    assert old is not None
    wording = await _wording(screen, view.project, old, plan)
    if wording is None:
        return False
    review = Review(
        "Take the edited plan", _meaning(view, old, plan, wording), _diff(old, plan), verb="Take it and go on"
    )
    if not await screen.app.push_screen_wait(review):
        return False
    edit = EditPlan(spec=plan, wording=tuple(wording), text=text)
    done = "The plan is taken; u in the Spec tab undoes it."
    if not await screen.attempt(screen.services.control.steer(view.id, edit), done, project=view.id):
        return False
    screen.smaker.drive(view.id)
    return True


async def _wording(screen: LiveScreen, project: Project, old: Spec, plan: Spec) -> Collection[str] | None:
    """The changed requirements that only read otherwise; None if the user leaves it."""
    known = {entry.id: entry for entry in old.requirements}
    changed = changed_requirements(old, plan)
    rules = project.mode == "offline"
    if rules:  # they build by operations, whatever the words are
        changed = tuple(name for name in changed if plan.requirement(name).operation == known[name].operation)
    if not changed:
        return ()
    chosen = await screen.app.push_screen_wait(
        OneOf(
            f"{', '.join(changed)} read{'s' * (len(changed) == 1)} otherwise now. What does that mean?",
            [
                Choice("else", "It promises something else", BY_WORDS if rules else BY_MODEL),
                Choice("same", "The same in other words", "what is built and what proves it stays"),
            ],
            title="Changed requirements",
        )
    )
    if chosen == "else" and rules:
        screen.notify("Rules build nothing from other words. Ask for it as a step: +", severity="warning", markup=False)
        return None
    return None if chosen is None else changed if chosen == "same" else ()


def _diff(old: Spec, plan: Spec) -> str:
    before, after = (dump_spec(one).decode().splitlines(keepends=True) for one in (old, plan))
    return "".join(difflib.unified_diff(before, after, f"a/{SPEC_FILE}", f"b/{SPEC_FILE}"))


def _meaning(view: ProjectView, old: Spec, plan: Spec, wording: Collection[str]) -> str:
    """What follows when an edited plan is taken."""
    ids = [entry.id for entry in old.requirements]
    fresh = [entry.id for entry in plan.requirements if entry.id not in ids]
    gone = [name for name in ids if name not in {entry.id for entry in plan.requirements}]
    renewed = [name for name in changed_requirements(old, plan) if name not in wording]
    if view.project.skeleton is None:
        again = [module.title for module in plan.modules]
    else:
        again = [module.title for module in changed_modules(old, plan, wording=wording)]
    lines = [f"New: {', '.join(fresh)}"] if fresh else []
    lines += [f"No longer promised: {', '.join(gone)}"] if gone else []
    lines += [f"Proved anew: {', '.join(renewed)}"] if renewed else []
    lines += [f"Only worded otherwise: {', '.join(wording)}"] if wording else []
    lines += [f"Done again: {', '.join(again)}, the tests"] if again else ["Nothing is built again; the tests run."]
    lines += ["It comes after what is being built now."] if view.moving else []
    return "\n".join(lines)
