"""The Worker: claim a task, run its agent, integrate its commits, report the outcome, let the pipeline advance."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from smaker.core.budget import Warned, time_bounds
from smaker.core.bus import Bus
from smaker.core.context import Context
from smaker.core.errors import Conflict, Fenced, ModelAway, Refused, SmakerError, Unavailable, WaitingForUser
from smaker.core.events import EventKind, NewEvent
from smaker.core.faults import crashpoint
from smaker.core.ledger import Stopped
from smaker.core.models import (
    REPORT,
    Artifact,
    Desired,
    Outcome,
    Problem,
    Project,
    Task,
    TaskState,
    Verdict,
    WorkerInfo,
)
from smaker.core.outage import Outage
from smaker.core.pipeline import advance, settled
from smaker.core.ports import (
    Agent,
    Build,
    Change,
    Clock,
    Environments,
    Models,
    ProjectLock,
    Sandbox,
    SandboxLevel,
    Store,
    Workspace,
    Workspaces,
)
from smaker.core.ports.browser import Browser
from smaker.core.rooms import Rooms, Waiting
from smaker.core.secrets import Redactor

log = logging.getLogger(__name__)

LEASE_S = 30.0
POLL_S = 0.25  # how soon a worker with nothing to do sees that there is something
WATCH_S = 1.0  # the same while tasks run: the end of one is seen at once


@dataclass(frozen=True)
class Crew:
    """What a worker works with."""

    store: Store
    workspaces: Workspaces
    agent: Callable[[str, str], Agent]  # of a name and a mode
    sandbox: Sandbox
    environments: Environments
    clock: Clock
    bus: Bus
    lock: ProjectLock
    redactor: Redactor = field(default_factory=Redactor)
    models: Models | None = None
    browser: Browser | None = None


class Worker:
    """Does tasks. `drive` takes one project to where nothing more happens without its user."""

    def __init__(self, info: WorkerInfo, crew: Crew, *, lease_s: float = LEASE_S) -> None:
        self.info = info
        self._crew = crew
        self._lease_s = lease_s
        self._open: dict[str, Workspace] = {}
        self._warned: defaultdict[str, Warned] = defaultdict(Warned)

    async def drive(self, project: str) -> Build:
        """Run a project's tasks until it is settled, paused or cancelled, and return the build as it then is.

        Only one process at a time drives a project: raises InUse. Cancelling this coroutine gives running tasks back.
        """
        self._crew.lock.acquire(project)
        try:
            await self._take_over(project)
            return await self._drive(project)
        finally:
            self._open.pop(project, None)
            self._warned.pop(project, None)
            self._crew.lock.release(project)

    async def _take_over(self, project: str) -> None:
        """Give back what a process that died held: the lock proves that it is gone, its leases need not run out."""
        build = await self._crew.store.build(project)
        for task in build.tasks:
            if task.state is TaskState.RUNNING:
                await self._crew.store.release(project, task.id, task.attempt)
        await self._guard_level(build)
        await self._tidy(build)

    async def _tidy(self, build: Build) -> None:
        """Remove what dead processes left of tasks that ended, and save the user's own edits before work goes on."""
        if not any(task.attempt for task in build.tasks) and not build.project.adopted:
            return
        workspace = await self._workspace(build.project)
        await workspace.sweep([task.id for task in build.tasks if not task.state.ended])
        saved = await workspace.rescue()
        if saved is not None:
            event = NewEvent(
                kind="workspace.rescued",
                message="Your uncommitted edits stay where they are, and become part of the build once you commit "
                f"them; a copy is saved as {saved}",
                data={"ref": saved},
            )
            await self._apply(build.project.id, Change(events=(event,)))

    async def _guard_level(self, build: Build) -> None:
        """A lower sandbox level than last time never starts silently."""
        status = await self._crew.sandbox.probe()
        before = build.project.sandbox_level
        if before is not None and status.level < before:
            raise Unavailable(
                f"This project was built in a stronger sandbox (level {before}) than there is now "
                f"({status.name}, level {int(status.level)}).",
                hint=status.remedy or "Mend it with: smaker doctor",
                code="E_SANDBOX_LEVEL",
            )
        events: tuple[NewEvent, ...] = ()
        if status.level <= SandboxLevel.WEAK:
            events = (NewEvent(kind="sandbox.off", message=f"Commands run without a real sandbox: {status.detail}"),)
        if before != int(status.level) or events:
            await self._apply(build.project.id, Change(sandbox_level=int(status.level), events=events))

    async def _drive(self, project: str) -> Build:
        running: set[asyncio.Task[None]] = set()
        try:
            while True:
                build = await self._crew.store.build(project)
                if not running and settled(build):
                    return build
                await self._watch_time(build)
                while len(running) < build.project.limits.max_parallel_tasks:
                    task = await self._crew.store.claim(
                        self.info.id, capabilities=self.info.capabilities, lease_s=self._lease_s, project=project
                    )
                    if task is None:
                        break
                    running.add(asyncio.create_task(self._attend(task), name=f"{project}/{task.id}"))
                if not running and settled(await self._crew.store.build(project)):
                    continue
                if not running:
                    await self._crew.clock.sleep(POLL_S)
                    continue
                done, running = await asyncio.wait(running, timeout=WATCH_S, return_when=asyncio.FIRST_COMPLETED)
                for finished in done:
                    finished.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _watch_time(self, build: Build) -> None:
        """Warn of minutes that are nearly used up, and pause a build for which they are; more lets it go on."""
        project, store = build.project, self._crew.store
        if (project.budget.max_minutes, project.budget.max_task_minutes) == (None, None):
            return
        if project.desired is not Desired.RUN:
            return
        bounds = time_bounds(project.budget, build.tasks, await store.steps(project.id), self._crew.clock.now())
        open_tasks = {None, *(task.id for task in build.tasks if not task.state.ended)}
        bounds = [bound for bound in bounds if bound.task in open_tasks]
        await self._warned[project.id].warn(store, project.id, bounds)
        for bound in bounds:
            if bound.share >= 1:
                problem = bound.problem(project.id)
                event = NewEvent(
                    kind="budget.exceeded", message=f"Paused: {problem.message}", task=bound.task, data=bound.data()
                )
                await self._apply(project.id, Change(desired=Desired.PAUSE, error=problem, events=(event,)))
                return

    async def _attend(self, task: Task) -> None:
        """Do one claimed task to its end, keeping its lease."""
        work = asyncio.create_task(self._work(task))
        beat = asyncio.create_task(self._beat(task, work))
        try:
            ended = await work
            beat.cancel()  # an ended task has no lease to keep
            if ended is not None:
                await ended.close()
        except Fenced:
            log.info("attempt %s of %s/%s is no longer the current one", task.attempt, task.project, task.id)
        except asyncio.CancelledError:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await work
            await asyncio.shield(self._crew.store.release(task.project, task.id, task.attempt))
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            # else the heartbeat stopped the work: the user cancelled the build, or another attempt goes on with it
        finally:
            beat.cancel()

    async def _beat(self, task: Task, work: asyncio.Task[Context | None]) -> None:
        while True:
            await self._crew.clock.sleep(self._lease_s / 3)
            try:
                desired = await self._crew.store.heartbeat(task.project, task.id, task.attempt, lease_s=self._lease_s)
            except Fenced:
                work.cancel()
                return
            if desired is Desired.CANCEL:
                work.cancel()

    async def _work(self, task: Task) -> Context | None:
        """Do a task and record how it ended; return its context if it is over, None if it is to go on later."""
        crew = self._crew
        build = await crew.store.build(task.project)
        if task.attempt == 1:
            await self._emit(task, NewEvent(kind="task.started", message=task.title, task=task.id))
        outage = Outage(
            task,
            crew.store,
            crew.clock,
            tell=lambda change: self._apply(task.project, change),
            longest_s=60 * build.project.limits.max_outage_minutes,
        )
        try:
            context, outcome, commit = await self._outlasting(outage, build, task)
        except Stopped:
            await crew.store.release(task.project, task.id, task.attempt)
            return None
        except (Unavailable, WaitingForUser) as error:
            await self._stand_by(task, error)
            return None
        crashpoint("task.integrated")
        if outcome.report is not None:
            await context.keep(REPORT, "report.json", "application/json", outcome.report.model_dump_json().encode())
        await self._finish(task, outcome, commit, tuple(context.artifacts))
        crashpoint("task.finished")
        return None if outcome.verdict is Verdict.WAITING else context

    async def _outlasting(self, outage: Outage, build: Build, task: Task) -> tuple[Context, Outcome, str | None]:
        """Run the agent; where the models went away, again when they may be back: what is recorded is kept."""
        while True:
            context = await self._context(build, task)
            try:
                outcome, commit = await self._outcome(task, context)
            except ModelAway as error:
                if not await outage.outlast(error):
                    raise
            else:
                await outage.end()
                return context, outcome, commit

    async def _context(self, build: Build, task: Task) -> Context:
        crew = self._crew
        return Context(
            build=build,
            task=build.task(task.id),
            rooms=Rooms(
                store=crew.store,
                workspace=lambda: self._workspace(build.project),
                sandbox=crew.sandbox,
                environments=crew.environments,
                clock=crew.clock,
                bus=crew.bus,
                redactor=crew.redactor,
                warned=self._warned[build.project.id],
                models=crew.models,
                browser=crew.browser,
            ),
            recorded=await crew.store.steps(task.project, task.id),
        )

    async def _outcome(self, task: Task, context: Context) -> tuple[Outcome, str | None]:
        """Run the agent and integrate its commits; every failure but "come back later" becomes an outcome."""
        commit = None
        try:
            outcome = await self._crew.agent(task.agent, context.project.mode).run(context)
            if context.committed is not None:
                workspace = await self._workspace(context.project)
                await self._crew.store.heartbeat(
                    task.project, task.id, task.attempt, lease_s=self._lease_s
                )  # the fence
                crashpoint("task.integrate")
                commit = await workspace.integrate(task.id)
        except Waiting as waiting:
            return Outcome(verdict=Verdict.WAITING, summary=waiting.question, question=waiting.question), None
        except Refused as error:
            problem = Problem(message=error.message, hint=error.hint, code=error.code)
            return Outcome(verdict=Verdict.REFUSED, summary=error.message, error=problem), None
        except (Fenced, Unavailable, WaitingForUser):
            raise
        except SmakerError as error:
            problem = Problem(message=error.message, hint=error.hint, code=error.code)
            return Outcome(verdict=Verdict.FAILED, summary=error.message, error=problem), None
        except (OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, AssertionError) as error:
            log.exception("agent %s failed on %s/%s", task.agent, task.project, task.id)
            message = f"{task.title}: an internal error: {type(error).__name__}: {error}"
            problem = Problem(message=message, hint="See the log: smaker doctor names it.", code="E_INTERNAL")
            return Outcome(verdict=Verdict.FAILED, summary=message, error=problem), None
        finally:
            await context.end_processes()
        return outcome, commit

    async def _stand_by(self, task: Task, error: Unavailable | WaitingForUser) -> None:
        """Something outside could not be reached, or the budget is spent: the task waits, with all it has done, for the
        user to resume."""
        await self._crew.store.release(task.project, task.id, task.attempt)
        problem = Problem(message=error.message, hint=error.hint, code=error.code)
        kind: EventKind = "budget.exceeded" if error.code == "E_BUDGET" else "project.desired"
        event = NewEvent(kind=kind, message=f"Paused: {error.message}", task=task.id)
        await self._apply(task.project, Change(desired=Desired.PAUSE, error=problem, events=(event,)))

    async def _finish(self, task: Task, outcome: Outcome, commit: str | None, artifacts: tuple[Artifact, ...]) -> None:
        store = self._crew.store
        while True:
            build = await store.build(task.project)
            change = advance(build, task.id, outcome, at=self._crew.clock.now(), commit=commit)
            change = change.model_copy(update={"artifacts": artifacts})
            try:
                events = await store.apply(
                    task.project, change, revision=build.project.revision, fence=(task.id, task.attempt)
                )
            except Conflict:
                continue
            self._crew.bus.publish(events)
            return

    async def _workspace(self, project: Project) -> Workspace:
        """The project's repository, made if it is new; one object for all its tasks, so that they take turns."""
        if project.id not in self._open:
            self._open[project.id] = await self._crew.workspaces.ensure(project)
        return self._open[project.id]

    async def _apply(self, project: str, change: Change) -> None:
        self._crew.bus.publish(await self._crew.store.apply(project, change))

    async def _emit(self, task: Task, *events: NewEvent) -> None:
        self._crew.bus.publish(await self._crew.store.emit(task.project, events))
