"""Build again from a record alone: what each step changed is changed again, and the tree after it must be the same.

`smaker.core.replay` has the agents do their work again with recorded results, which proves that they are deterministic.
Here no agent takes part, so a record stays good whatever prompts and templates later versions have.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from smaker.core.errors import Diverged
from smaker.core.models import Project, Step, StepKind, Task, TaskState, Usage
from smaker.core.ports import Author, Checkout, Workspace, Workspaces
from smaker.core.recording import Recording
from smaker.core.replay import Replayed
from smaker.core.trailers import trailers


async def build_again(
    recording: Recording, blobs: Mapping[str, bytes], *, workspaces: Workspaces, folder: Path
) -> Replayed:
    """Build in a fresh repository at ``folder``. Raises Diverged where a step does not come to its tree."""
    workspace = await workspaces.create(folder)
    place = {event.task: number for number, event in enumerate(recording.finished)}
    done = [task for task in recording.tasks if task.state is TaskState.DONE]
    done.sort(key=lambda task: place.get(task.id, -1))
    steps = 0
    for task in done:
        ledger = [step for step in recording.steps if step.task == task.id and step.finished_at is not None]
        steps += len(ledger)
        await _task(workspace, recording.project, task, ledger, blobs)
    head = await workspace.head()
    if head is None:
        raise Diverged("there is nothing to compare: the record has no commit")
    return Replayed(tree=await workspace.tree(head), recorded=recording.tree, tasks=len(done), steps=steps)


async def _task(
    workspace: Workspace, project: Project, task: Task, ledger: list[Step], blobs: Mapping[str, bytes]
) -> None:
    if not any(step.kind is StepKind.COMMIT for step in ledger):
        return
    checkout = await workspace.checkout(task.id, base=await _base(workspace, ledger))
    try:
        spent, model = Usage(), ""
        for step in ledger:
            spent, model = spent + step.usage, step.model or model
            await _step(checkout, step, blobs)
            if step.kind is StepKind.COMMIT:
                author = Author(name=f"smaker {task.agent}", email=f"{task.agent}@smaker.invalid")
                said = trailers(project, task, step.index, spent=spent, model=model, serves=task.requirements)
                await checkout.commit(step.title, author=author, trailers=said)
                spent = Usage()
        await workspace.integrate(task.id)
    finally:
        await checkout.close()


async def _base(workspace: Workspace, ledger: list[Step]) -> str | None:
    """The commit with the tree that the task began with: tasks beside each other begin with the same one."""
    tree = next((step.output["tree"] for step in ledger if step.output and "tree" in step.output), None)
    return next((commit.sha for commit in await workspace.history() if commit.tree == tree), None)


async def _step(checkout: Checkout, step: Step, blobs: Mapping[str, bytes]) -> None:
    if step.changes:
        files: dict[str, tuple[str, bytes] | None] = {}
        for path, entry in step.changes.items():
            mode, _, blob = (entry or "").partition(":")
            if entry and blob not in blobs:
                raise Diverged(f"step {step.id} ({step.title}): what it wrote to {path} is not in the record")
            files[path] = (mode, blobs[blob]) if entry else None
        await checkout.apply(files)
        tree = await checkout.snapshot()
        if tree != step.tree:
            raise Diverged(f"step {step.id} ({step.title}): the tree is {tree}, the record says {step.tree}")
