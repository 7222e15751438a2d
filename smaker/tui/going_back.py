"""Going back to a commit: what that undoes, shown before it is done, and doing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from smaker.core.errors import SmakerError, StaleEdit
from smaker.core.models import Desired, Stage, TaskState
from smaker.core.pipeline import rewind
from smaker.core.ports import Build
from smaker.core.revision import kept_tasks
from smaker.tui.screens.review import Review

if TYPE_CHECKING:
    from smaker.core.control import Snapshot
    from smaker.core.ports import CommitInfo
    from smaker.tui.tabs.base import ProjectTab

LISTED = 8  # of each kind


def step_of(commit: CommitInfo) -> str:
    """What a commit is called: its step, or its id if the user made it."""
    return commit.trailers.get("Smaker-Step") or commit.sha[:7]


@dataclass(frozen=True)
class Preview:
    """What going back to a commit means: the commits that go, the tasks that are planned ``again``, the further steps
    and edits of the plan that are ``undone``, the number of requirements of the plan as of then, and whether the build
    is paused afterwards."""

    gone: tuple[CommitInfo, ...]
    again: tuple[str, ...]
    undone: tuple[str, ...]
    requirements: int
    paused: bool

    @classmethod
    def of(cls, snapshot: Snapshot, commits: Sequence[CommitInfo], sha: str) -> Preview:
        """Worked out as the engine does it; ``commits`` is the whole history, newest first."""
        place = next(index for index, commit in enumerate(commits) if commit.sha == sha)
        gone = tuple(commits[:place])
        project = snapshot.project
        kept = kept_tasks(snapshot.tasks, [commit.trailers.get("Smaker-Task", "") for commit in gone])
        build = Build(project=project, tasks=snapshot.tasks, report=snapshot.report)
        change = rewind(build, kept, project.spec, at=datetime.now(UTC))
        undone = [
            str(task.payload.get("instruction") or task.title)
            for task in snapshot.tasks
            if task.id not in kept and task.stage is Stage.SPEC and task.state is TaskState.DONE and kept
        ]
        plan = change.spec or project.spec
        return cls(
            gone=gone,
            again=tuple(task.title for task in change.tasks if not task.state.ended),
            undone=tuple(undone),
            requirements=len(plan.requirements) if plan is not None else 0,
            paused=change.desired is Desired.PAUSE,
        )

    def told(self) -> str:
        """It in lines."""
        lines = [f"{len(self.gone)} commit{'s' * (len(self.gone) != 1)} go from main (git keeps them under rewound/):"]
        lines += _listed([f"{step_of(commit)}  {commit.subject}" for commit in self.gone])
        if self.undone:
            lines += ["Undone, with the requirements they brought:", *_listed(self.undone)]
        if self.again:
            lines += ["To be done again:", *_listed(self.again)]
        lines.append(f"The plan then has {self.requirements} requirements.")
        if self.paused:
            lines.append("The build is paused: r goes on.")
        return "\n".join(lines)


def _listed(entries: Sequence[str]) -> list[str]:
    shown = [f"  {entry}" for entry in entries[:LISTED]]
    return [*shown, f"  and {len(entries) - LISTED} more"] if len(entries) > LISTED else shown


async def go_back(tab: ProjectTab, commits: Sequence[CommitInfo], sha: str) -> bool:
    """Show what going back undoes, ask, do it; whether it was done. Only in a worker."""
    control, project, view = tab.services.control, tab.project_id, tab.view
    if view is None or view.snapshot is None or sha == commits[0].sha:
        tab.notify("The project is there already.", markup=False, timeout=3)
        return False
    target = next(commit for commit in commits if commit.sha == sha)
    preview = Preview.of(view.snapshot, commits, sha)
    asked = Review(
        f"Rewind to {step_of(target)}: {target.subject}",
        preview.told(),
        lambda: control.diff(project, f"{commits[0].sha}..{sha}"),
        verb="Rewind",
    )
    if not await tab.app.push_screen_wait(asked):
        return False
    try:
        await control.rewind(project, sha, force=False)
    except StaleEdit:
        told = (
            "You have edits in the project's folder that are not committed.\n"
            "They can be saved under refs/smaker/rescue/ (git show brings each back) and taken out of the folder;\n"
            "or go back, commit them, and rewind then."
        )
        saved = Review("Your own edits", told, lambda: control.diff(project, None), verb="Save them aside and rewind")
        if not await tab.app.push_screen_wait(saved):
            return False
        try:
            await control.rewind(project, sha, force=True)
        except SmakerError as error:
            tab.smaker.complain(error)
            return False
    except SmakerError as error:
        tab.smaker.complain(error)
        return False
    finally:
        tab.smaker.feed.refresh(project)
    tab.notify(f"Rewound to {step_of(target)}.", markup=False)
    return True
