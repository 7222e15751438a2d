"""After a damaged record: write down again what the git histories of the projects still know.

Spec, commits and which task made them are in each repository; the ledger's recorded results are not, so a project that
is rebuilt keeps its history but has to prove its tests anew, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from smaker.core.draft import AGENTS
from smaker.core.errors import NotFound, SmakerError
from smaker.core.events import NewEvent
from smaker.core.models import Problem, Project, ProjectState, Stage, Task, TaskState
from smaker.core.ports import Change, CommitInfo, Store, Workspace, Workspaces
from smaker.core.spec import Spec

SPEC_FILE = ".smaker/spec.yaml"
TASK_ID = re.compile(r"t[1-9][0-9]{0,8}")


async def rebuild(
    folders: Sequence[Path],
    *,
    salvaged: Mapping[str, Project],
    store: Store,
    workspaces: Workspaces,
    parse: Callable[[bytes], Spec | None],
) -> list[str]:
    """Insert a project for every repository among ``folders`` that smaker made and ``store`` does not know.

    ``salvaged`` are the projects that could still be read, by id: their prompts and names are kept. Returns the ids. A
    repository that cannot be read is left out.
    """
    known = {project.id for project in await store.projects()}
    found: list[str] = []
    for folder in folders:
        try:
            workspace = await workspaces.open(folder)
            history = await workspace.history()
            ours = [commit for commit in history if "Smaker-Project" in commit.trailers]
            if not ours or ours[0].trailers["Smaker-Project"] in known:
                continue
            spec = await _spec(workspace, ours[0].tree, parse)
        except (SmakerError, ValueError):
            continue
        project = _project(folder, ours, spec, salvaged.get(ours[0].trailers["Smaker-Project"]))
        note = NewEvent(kind="project.created", message=f"{project.name}: rebuilt from its git history")
        await store.create(project, Change(tasks=_tasks(project.id, ours), events=(note,)))
        known.add(project.id)
        found.append(project.id)
    return found


async def _spec(workspace: Workspace, tree: str, parse: Callable[[bytes], Spec | None]) -> Spec | None:
    try:
        return parse(await workspace.read(SPEC_FILE, tree=tree))
    except NotFound:
        return None


def _project(folder: Path, commits: Sequence[CommitInfo], spec: Spec | None, known: Project | None) -> Project:
    skeleton = next((commit.sha for commit in commits if commit.trailers.get("Smaker-Stage") == "skeleton"), None)
    identifier = commits[0].trailers["Smaker-Project"]
    return Project(
        id=identifier,
        name=known.name if known else spec.name if spec else folder.name,
        prompt=known.prompt if known else spec.summary if spec else "(lost with the record)",
        workspace=str(folder),
        created_at=commits[-1].at,
        profile=spec.profile if spec else None,
        state=ProjectState.FAILED,
        spec=spec,
        skeleton=skeleton,
        error=Problem(
            message="The record was damaged and was rebuilt from git; the tests have to be proved anew.",
            hint=f"Do that with: smaker restart {identifier} --from tests",
            code="E_REBUILT",
        ),
    )


def _tasks(project: str, commits: Sequence[CommitInfo]) -> tuple[Task, ...]:
    """One task, done, for each that made a commit."""
    tasks: dict[str, Task] = {}
    for commit in reversed(commits):
        name, stage = commit.trailers.get("Smaker-Task", ""), commit.trailers.get("Smaker-Stage", "")
        if not TASK_ID.fullmatch(name) or stage not in {entry.value for entry in Stage}:
            continue
        began = tasks[name].started_at if name in tasks else commit.at
        tasks[name] = Task(
            id=name,
            project=project,
            stage=Stage(stage),
            title=commit.subject,
            agent=AGENTS[Stage(stage)],
            state=TaskState.DONE,
            commit=commit.sha,
            started_at=began,
            finished_at=commit.at,
        )
    return tuple(tasks.values())
