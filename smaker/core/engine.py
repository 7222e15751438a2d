"""The Engine: the front desk. Records what users want, answers what there is, streams what happens.

It never runs a task: a Worker does. Both share the store, so a command from one terminal reaches a build in another.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from smaker.core.bus import Bus
from smaker.core.commands import AddStep, Steering
from smaker.core.control import MAX_SHOWN, Contents, NewProject, Snapshot
from smaker.core.errors import Conflict, NotFound, SmakerError, UsageError
from smaker.core.events import Delta, Event, NewEvent
from smaker.core.listing import pick
from smaker.core.mending import held_by
from smaker.core.models import REPORT, Artifact, Desired, Project, Proof, Stage, Step, StepKind, TestReport, Usage
from smaker.core.pipeline import begin, rewind, settled, steer
from smaker.core.ports import Build, Change, Clock, CommitInfo, ProjectLock, Store, Workspace, Workspaces
from smaker.core.proof import Trace, trace
from smaker.core.revision import kept_tasks
from smaker.core.spec import Spec
from smaker.core.typed import masked, masked_command, notice, title_of

POLL_S = 0.2
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"

Reading = Callable[[str], Awaitable[bytes | None]]
Inspect = Callable[[Sequence[Proof], Reading], Awaitable[dict[str, str]]]
"""Says for each proved test that no longer asserts what it did, why. Given the proofs and a reader of files."""
Paths = Callable[[Reading], Awaitable[Mapping[str, Collection[str]]]]
"""Returns the paths through the pages that are kept, and the requirements that each shows. Given a reader of files."""


@dataclass(frozen=True)
class Desk:
    """What an engine works with. ``home`` is where projects go by default."""

    home: Path
    store: Store
    workspaces: Workspaces
    clock: Clock
    bus: Bus
    lock: ProjectLock
    inspect: Inspect
    redact: Callable[[str], str] = str
    paths: Paths | None = None


class Engine:
    """Implements `smaker.core.control.Control` in this process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    # --- making and finding -------------------------------------------------------------------------------------------

    async def create(self, request: NewProject) -> Project:
        """Record a project; credentials in its prompt are masked. Raises UsageError if its folder cannot be used."""
        prompt, told = masked(request.prompt, self._desk.redact)
        identifier = "".join(secrets.choice(ALPHABET) for _ in range(8))
        folder = (request.workspace or self._desk.home / "projects" / identifier).expanduser().absolute()
        if not request.adopt:
            _check_free(folder)
        project = Project(
            id=identifier,
            name=self._desk.redact(request.name or title_of(prompt)),
            prompt=prompt,
            workspace=str(folder),
            created_at=self._desk.clock.now(),
            mode=request.mode,
            model=request.model,
            profile=request.profile,
            gates=request.gates,
            deploy=request.deploy,
            review=request.review,
            web=request.web,
            budget=request.budget,
            limits=request.limits,
            adopted=request.adopt,
            spec=request.spec,
            skeleton=request.skeleton,
        )
        first = begin(project, self._desk.clock.now(), instruction=prompt if request.spec else None)
        first = first.model_copy(update={"events": (*first.events, *notice(told))})
        self._publish(await self._desk.store.create(project, first))
        return project

    async def projects(self) -> list[Project]:
        """All projects, newest first."""
        return await self._desk.store.projects()

    async def resolve(self, prefix: str) -> str:
        """The id that begins with ``prefix``. Raises NotFound, UsageError if there are several."""
        known = [project.id for project in await self._desk.store.projects()]
        return pick(known, prefix)

    async def snapshot(self, project: str) -> Snapshot:
        """Everything to show of a project. Raises NotFound."""
        store = self._desk.store
        build = await store.build(project)
        steps = await store.steps(project)
        return Snapshot(
            project=build.project,
            tasks=build.tasks,
            steps=tuple(steps),
            artifacts=tuple(await store.artifacts(project)),
            report=build.report,
            usage=sum((step.usage for step in steps), Usage()),
            head=await self._head(build.project),
            holder=self._desk.lock.holder(project),
        )

    async def events(self, project: str, *, after: int = 0, follow: bool = False) -> AsyncIterator[Event | Delta]:
        """Events above ``after`` (-n: from the newest n on), in order and without gaps; with ``follow`` live ones until
        the build is settled."""
        store = self._desk.store
        seen = after
        with self._desk.bus.subscribe(project) as live:
            while True:
                settled_before = follow and await self._settled(project)
                while page := await store.events(project, after=seen):
                    for event in page:
                        yield event
                    seen = page[-1].seq
                if not follow or settled_before:
                    return
                while (message := await live.next(POLL_S)) is not None:
                    if isinstance(message, Delta):
                        yield message
                    elif message.seq == seen + 1:
                        seen = message.seq
                        yield message
                    elif message.seq > seen:
                        break

    # --- steering -----------------------------------------------------------------------------------------------------

    async def steer(self, project: str, command: Steering) -> Project:
        """Change what is wanted of a build; credentials in its words are masked. Raises UsageError if it makes no sense
        now."""
        wanted, told = masked_command(command, self._desk.redact)

        def decide(build: Build) -> Change:
            change = steer(build, wanted, at=self._desk.clock.now())
            return change.model_copy(update={"events": (*change.events, *notice(told))})

        return await self._decide(project, decide)

    async def delete(self, project: str, *, files: bool) -> None:
        """Forget a project; ``files`` removes its folder too, unless it was adopted. Raises InUse."""
        build = await self._desk.store.build(project)
        self._desk.lock.acquire(project)
        try:
            await self._desk.workspaces.discard(
                Path(build.project.workspace), files=files and not build.project.adopted
            )
            await self._desk.store.delete(project)
        finally:
            self._desk.lock.release(project)

    # --- proof and history --------------------------------------------------------------------------------------------

    async def trace(self, project: str) -> Trace:
        """Which test proves which requirement, for the files as they are now. Raises UsageError without a plan."""
        build = await self._desk.store.build(project)
        spec = build.project.spec
        if spec is None:
            raise UsageError("There is no plan yet.", hint="See what the build does: smaker status")
        workspace = await self._workspace(build.project)
        tree = await workspace.snapshot()

        async def read(path: str) -> bytes | None:
            try:
                return await workspace.read(path, tree=tree)
            except NotFound:
                return None

        commits: dict[str, tuple[str, ...]] = {}
        for commit in await workspace.history():
            for identifier in commit.trailers.get("Smaker-Requirement", "").split(", "):
                if identifier:
                    commits[identifier] = (*commits.get(identifier, ()), commit.sha)
        return trace(
            spec,
            build.project.proofs,
            build.report,
            tree=tree,
            broken=await self._desk.inspect(build.project.proofs, read),
            commits=commits,
            paths=await self._desk.paths(read) if self._desk.paths is not None else {},
            walked=held_by(build.tasks, Stage.WEB),
        )

    async def history(self, project: str) -> list[CommitInfo]:
        """The commits of main, newest first."""
        build = await self._desk.store.build(project)
        return await (await self._workspace(build.project)).history()

    async def diff(self, project: str, step: str | None) -> str:
        """What a step changed as a unified diff; "A..B" what came between two, None the user's folder against main."""
        build = await self._desk.store.build(project)
        workspace = await self._workspace(build.project)
        if step is None:
            return await workspace.diff(await workspace.head(), await workspace.snapshot())
        first, between, last = step.partition("..")
        if between:
            ends = [(await self._commit(workspace, end)).sha for end in (first, last)]
            return await workspace.diff(*ends)
        commit = await self._commit(workspace, step)
        return await workspace.diff(commit.parent, commit.sha)

    async def rewind(self, project: str, step: str, *, force: bool) -> Project:
        """Put the project back to just after a step. Raises InUse, StaleEdit (user's edits, unless ``force``)."""
        build = await self._desk.store.build(project)
        workspace = await self._workspace(build.project)
        commit = await self._commit(workspace, step)
        self._desk.lock.acquire(project)
        try:
            kept, spec = await self._kept(build, workspace, commit)
            report = await self._report_of(await self._artifacts(project, kept), await workspace.tree(commit.sha))
            await workspace.rewind(commit.sha, force=force)
            return await self._back_to(project, kept, spec, report)
        finally:
            self._desk.lock.release(project)

    async def fork(self, project: str, step: str, *, instruction: str | None, model: str | None = None) -> Project:
        """A new project that continues from a step of this one, with its history, spec and ledger up to there."""
        build = await self._desk.store.build(project)
        if model is not None and build.project.mode == "offline":
            raise UsageError(
                "This project was planned by rules, for blueprints: no model can go on with it.",
                hint="Begin anew with a model: smaker init --mode hybrid PROMPT",
            )
        source = await self._workspace(build.project)
        commit = await self._commit(source, step)
        kept, spec = await self._kept(build, source, commit)
        identifier = "".join(secrets.choice(ALPHABET) for _ in range(8))
        folder = self._desk.home / "projects" / identifier
        workspace = await self._desk.workspaces.clone(source.path, folder)
        await workspace.rewind(commit.sha)
        forked = build.project.model_copy(
            update={
                "id": identifier,
                "name": f"{build.project.name} (fork)",
                "workspace": str(folder),
                "created_at": self._desk.clock.now(),
                "deployment": None,
                "model": model or build.project.model,
                "adopted": False,
                "revision": 0,
            }
        )
        tasks = tuple(task.model_copy(update={"project": identifier}) for task in build.tasks)
        first = NewEvent(kind="project.created", message=f"{forked.name}: from {project} at {step}")
        artifacts = [
            artifact.model_copy(update={"project": identifier}) for artifact in await self._artifacts(project, kept)
        ]
        change = Change(tasks=tasks, artifacts=tuple(artifacts), events=(first,))
        self._publish(await self._desk.store.create(forked, change))
        steps = [step for step in await self._desk.store.steps(project) if step.task in kept]
        await self._desk.store.add_steps(identifier, steps)
        report = await self._report_of(artifacts, await source.tree(commit.sha))
        changed = await self._back_to(identifier, kept, spec, report)
        return await self.steer(identifier, AddStep(text=instruction)) if instruction else changed

    async def blob(self, sha256: str) -> bytes:
        """The bytes of an artifact or a recorded output. Raises NotFound."""
        return await self._desk.store.get_blob(sha256)

    async def export(self, project: str, destination: Path) -> None:
        """Write the software as a zip archive."""
        build = await self._desk.store.build(project)
        await (await self._workspace(build.project)).export(destination)

    async def contents(self, project: str, path: str = "") -> Contents:
        """What the user's folder has at ``path`` now. Raises NotFound, PathError."""
        build = await self._desk.store.build(project)
        workspace = await self._workspace(build.project)
        tree = await workspace.snapshot()
        if not path:
            return Contents(files=tuple(await workspace.files(tree=tree)))
        data = await workspace.read(path, tree=tree)
        return Contents(path=path, size=len(data), data=data if len(data) <= MAX_SHOWN else b"")

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _decide(self, project: str, decide: Callable[[Build], Change]) -> Project:
        """Read, decide, write; again if something else wrote in between."""
        while True:
            build = await self._desk.store.build(project)
            change = decide(build)
            try:
                self._publish(await self._desk.store.apply(project, change, revision=build.project.revision))
            except Conflict:
                continue
            return (await self._desk.store.build(project)).project

    async def _settled(self, project: str) -> bool:
        build = await self._desk.store.build(project)
        idle = self._desk.lock.holder(project) is None
        return settled(build) or (idle and build.project.desired is not Desired.RUN)

    async def _workspace(self, project: Project) -> Workspace:
        return await self._desk.workspaces.open(Path(project.workspace))

    async def _head(self, project: Project) -> str | None:
        if not (Path(project.workspace) / ".git").exists():
            return None
        try:
            return await (await self._workspace(project)).head()
        except SmakerError:
            return None  # a broken repository must not hide the record; the verbs that need it say what is wrong

    @staticmethod
    async def _commit(workspace: Workspace, step: str) -> CommitInfo:
        """The commit of a step id ("t3.2"), the last of a task ("t3"), or a commit id of at least four characters."""
        for commit in await workspace.history():
            recorded = commit.trailers.get("Smaker-Step", "")
            if step in {recorded, recorded.partition(".")[0]} or (len(step) >= 4 and commit.sha.startswith(step)):
                return commit
        raise NotFound(f"There is no commit of step {step!r}.", hint="See the steps: smaker history")

    async def _kept(self, build: Build, workspace: Workspace, commit: CommitInfo) -> tuple[frozenset[str], Spec | None]:
        """The tasks that had ended when ``commit`` was made, and the plan as of then."""
        newer: list[str] = []
        for entry in await workspace.history():
            if entry.sha == commit.sha:
                break
            newer.append(entry.trailers.get("Smaker-Task", ""))
        kept = kept_tasks(build.tasks, newer)
        steps = await self._desk.store.steps(build.project.id)
        return kept, _last_spec(steps, kept) or build.project.spec

    async def _back_to(
        self, project: str, kept: frozenset[str], spec: Spec | None, report: TestReport | None
    ) -> Project:
        """Put the record back to what these tasks, that plan and that report make of it."""
        return await self._decide(
            project, lambda now: rewind(now, kept, spec, at=self._desk.clock.now(), report=report)
        )

    async def _artifacts(self, project: str, tasks: frozenset[str]) -> list[Artifact]:
        """What these tasks kept, oldest first."""
        return [artifact for artifact in await self._desk.store.artifacts(project) if artifact.task in tasks]

    async def _report_of(self, artifacts: Sequence[Artifact], tree: str) -> TestReport | None:
        """The newest run of exactly these files, as far as it was kept."""
        for artifact in reversed(artifacts):
            if artifact.kind == REPORT:
                with suppress(NotFound):
                    report = TestReport.model_validate_json(await self._desk.store.get_blob(artifact.sha256))
                    if report.tree == tree:
                        return report
        return None

    def _publish(self, events: Sequence[Event]) -> None:
        self._desk.bus.publish(events)


def _last_spec(steps: Sequence[Step], tasks: frozenset[str]) -> Spec | None:
    """The newest plan that the tasks recorded."""
    for step in reversed(steps):
        if step.task in tasks and step.kind is StepKind.CHECK and step.output and "spec" in step.output:
            return Spec.model_validate(step.output["spec"])
    return None


def _check_free(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"{folder} is not a folder.", hint="Name a folder that is empty or does not exist: --dir DIR")
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(
                f"{folder} is not empty.",
                hint="Name another with --dir, or take what is there with: smaker adopt DIR",
            )
    except PermissionError as error:
        raise UsageError(f"{folder} cannot be read.", hint="Name another with --dir.") from error
