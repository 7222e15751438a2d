"""Rebuild a project from its ledger in a fresh repository: no model, no command, no network; compare the trees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from smaker.core.bus import Bus
from smaker.core.context import Context
from smaker.core.errors import Diverged
from smaker.core.events import Event
from smaker.core.fold import fold_project
from smaker.core.models import Project, Step, Task, TaskState
from smaker.core.pipeline import advance
from smaker.core.ports import (
    Agent,
    Clock,
    Command,
    CommandResult,
    Mount,
    Process,
    SandboxLevel,
    SandboxStatus,
    Store,
    Workspace,
    Workspaces,
)
from smaker.core.profile import Profile
from smaker.core.rooms import Rooms
from smaker.core.secrets import Redactor
from smaker.core.spec import Frozen


class Replayed(Frozen):
    """What a replay found: ``tree`` it came to, ``recorded`` tree of main, how many tasks and steps it redid."""

    tree: str
    recorded: str
    tasks: int
    steps: int

    @property
    def equal(self) -> bool:
        """Whether the rebuild is the same, file by file."""
        return self.tree == self.recorded


class NoSandbox:
    """Stands where sandbox and environments would: a replay that tries to run something has left its record."""

    async def probe(self) -> SandboxStatus:
        """Nothing runs here."""
        return SandboxStatus(name="replay", level=SandboxLevel.STRONG, detail="nothing is run")

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Raise Diverged."""
        del on_output
        raise Diverged(f"the replay wanted to run {' '.join(command.argv)}")

    async def prepare(
        self, profile: Profile, workspace: Path, on_output: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Nothing is installed either."""
        del profile, workspace, on_output
        return ()

    async def start(self, command: Command, on_output: Callable[[str], None] | None = None) -> Process:
        """Raise Diverged."""
        del on_output
        raise Diverged(f"the replay wanted to start {' '.join(command.argv)}")


async def replay_project(
    identifier: str,
    *,
    store: Store,
    workspaces: Workspaces,
    scratch: Workspaces,
    folder: Path,
    agent: Callable[[str, str], Agent],
    clock: Clock,
    redactor: Redactor | None = None,
) -> Replayed:
    """Do every task that was done again, in the order in which they were, with recorded results, in ``folder``.

    ``scratch`` makes the fresh repository: an empty one, or for an adopted project one at the commit it began with.
    Raises Diverged.
    """
    build = await store.build(identifier)
    done = _order(build.tasks, await _all_events(store, identifier))
    fresh = await _beginning(build.project, scratch, folder, await store.steps(identifier))
    project = build.project.model_copy(update={"spec": None, "proofs": (), "skeleton": None})
    steps = 0

    async def here() -> Workspace:
        return fresh

    nothing = NoSandbox()
    rooms = Rooms(
        store=store,
        workspace=here,
        sandbox=nothing,
        environments=nothing,
        clock=clock,
        bus=Bus(),
        redactor=redactor or Redactor(),
        replay=True,
    )
    for task in done:
        ledger = await store.steps(identifier, task.id)
        steps += len(ledger)
        now = build.model_copy(update={"project": project})
        context = Context(build=now, task=task, rooms=rooms, recorded=ledger)
        outcome = await agent(task.agent, project.mode).run(context)
        commit = await fresh.integrate(task.id) if context.committed is not None else None
        await context.close()
        project = fold_project(project, advance(now, task.id, outcome, at=clock.now(), commit=commit))
        if commit is not None:
            again = task.model_copy(update={"commit": commit})
            build = build.model_copy(
                update={"tasks": tuple(again if entry.id == task.id else entry for entry in build.tasks)}
            )
    original = await workspaces.open(Path(build.project.workspace))
    head, main = await fresh.head(), await original.head()
    if head is None or main is None:
        raise Diverged("there is nothing to compare: the build has no commit yet")
    return Replayed(tree=await fresh.tree(head), recorded=await original.tree(main), tasks=len(done), steps=steps)


async def _beginning(project: Project, scratch: Workspaces, folder: Path, steps: Sequence[Step]) -> Workspace:
    base = next((step.output["commit"] for step in steps if step.output and "commit" in step.output), None)
    if base is None:
        return await scratch.create(folder)
    fresh = await scratch.clone(Path(project.workspace), folder)
    await fresh.rewind(str(base))
    return fresh


async def _all_events(store: Store, project: str) -> list[Event]:
    found: list[Event] = []
    while page := await store.events(project, after=found[-1].seq if found else 0):
        found += page
    return found


def _order(tasks: Sequence[Task], events: Sequence[Event]) -> list[Task]:
    """The tasks that are done, in the order in which they were: parallel ones were integrated in that order too."""
    place = {event.task: event.seq for event in events if event.kind == "task.finished"}
    done = [task for task in tasks if task.state is TaskState.DONE]
    return sorted(done, key=lambda task: place.get(task.id, 0))
