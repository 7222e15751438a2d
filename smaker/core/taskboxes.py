"""What a task runs: commands to their end, processes beside them, and the software itself to see whether it answers or
how it looks in a browser. Each in a box of the sandbox, each a step of the ledger.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import JsonValue

from smaker.core.background import Background, Look, Order
from smaker.core.box import Box, Ran, Started, digests
from smaker.core.browsing import Visit, recall, visit
from smaker.core.errors import Unavailable
from smaker.core.ledger import Effect
from smaker.core.models import Step, StepKind, Task
from smaker.core.ports import Build, SandboxLevel, SandboxProfile, SandboxStatus
from smaker.core.ports.browser import BrowserJob, Dialect
from smaker.core.profile import Profile
from smaker.core.rooms import Rooms
from smaker.core.taskview import TaskView


class TaskBoxes(TaskView):
    """One task's commands and processes; `smaker.core.context.Context` adds the other effects."""

    def __init__(self, *, build: Build, task: Task, rooms: Rooms, recorded: Sequence[Step] = ()) -> None:
        super().__init__(build=build, task=task, rooms=rooms, recorded=recorded)
        self._box = Box(
            sandbox=rooms.sandbox,
            environments=rooms.environments,
            store=rooms.store,
            redact=self._mask,
            live=self.live,
        )
        self._background = Background(self._box)
        self._ledger.before = self._revive

    async def prepare(self, profile: Profile) -> None:
        """Make the profile's environment ready for commands. Idempotent and outside the files: not recorded."""
        checkout = await self._open()
        if not self._rooms.replay:
            await self._files.restore()
            await self._box.prepare(profile, checkout)

    async def run(
        self,
        argv: Sequence[str],
        *,
        title: str | None = None,
        profile: SandboxProfile = "run",
        timeout_s: float | None = None,
        collect: Sequence[str] = (),
        at: str | None = None,
        overlay: Mapping[str, bytes | None] | None = None,
    ) -> Ran:
        """Run a command in the sandbox and return how it ended; files named by ``collect`` come back if they exist.

        With ``at`` (a commit, or the task's own tree) it runs in a scratch folder with the files of that, ``overlay``
        laid over them, and the task's own files stay as they are. Else it reaches what was started, at 127.0.0.1.
        """
        checkout = await self._open()
        await self._learn()
        workspace = await self._files.workspace()
        command = tuple(argv)
        seconds = timeout_s or self.project.limits.command_timeout_s
        payload: dict[str, JsonValue] = {"argv": [*command], "profile": profile, "collect": [*collect]}
        tree = ""
        if at is not None:
            tree = at if at == self._files.tree else await workspace.tree(at)
            payload |= {"at": tree, "overlay": digests(overlay or {})}

        async def do() -> Effect:
            if at is None:
                reach = self._background.reach
                output = await self._box.run(
                    checkout, command, profile=profile, timeout_s=seconds, collect=collect, reach=reach
                )
                return Effect(output, moves_tree=True)
            scratch = await workspace.checkout(f"{self.task.id}-trial", base=checkout.base if at == tree else at)
            try:
                await scratch.restore(tree)
                await scratch.write(overlay or {})
                return Effect(
                    await self._box.run(scratch, command, profile=profile, timeout_s=seconds, collect=collect)
                )
            finally:
                await scratch.close()

        step = await self._ledger.step(StepKind.COMMAND, title or " ".join(command), payload, do)
        return await self._box.recall(step.output or {})

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        port: int | None = None,
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 30,
    ) -> Look:
        """Start a process that runs beside the steps that follow, in a box like that of a command: until `stop`, or the
        end of the task. Wait until it listens on ``port``, if it is to; if it does not, it is ended.

        While any runs, files are read as the last step left them. Raises UsageError for a name or port that is taken,
        or one too many.
        """
        checkout = await self._open()
        order = Order(argv=tuple(argv), port=port, variables={**(variables or {})}, timeout_s=timeout_s)
        self._background.check(name, order)
        title = f"start {name}: {' '.join(argv)}" + (f" (port {port})" if port is not None else "")
        payload: dict[str, JsonValue] = {"what": "start", "name": name, **order.model_dump(mode="json")}
        return await self._look(title, payload, name, lambda: self._background.start(checkout, name, order), order)

    async def output_of(self, name: str) -> Look:
        """See whether a started process runs, and what it printed since the last look. Raises NotFound."""
        self._background.require(name)
        payload: dict[str, JsonValue] = {"what": "look", "name": name}
        return await self._look(f"look at {name}", payload, name, lambda: self._background.look(name))

    async def stop(self, name: str) -> Look:
        """End a started process with all that it started; return the rest of what it printed. Raises NotFound."""
        self._background.require(name)
        payload: dict[str, JsonValue] = {"what": "stop", "name": name}
        return await self._look(f"stop {name}", payload, name, lambda: self._background.stop(name))

    @property
    def running(self) -> tuple[str, ...]:
        """The names of the processes that were started and have not been seen to end."""
        return self._background.running

    async def try_start(
        self,
        argv: Sequence[str],
        *,
        port: int,
        path: str,
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 30,
    ) -> Started:
        """Start the software, ask it for ``path`` once it listens on ``port``, stop it, and return what it said."""
        checkout = await self._open()
        await self._learn()
        began = self._rooms.clock.monotonic()

        async def do() -> Effect:
            output = await self._box.try_start(
                checkout, tuple(argv), variables=variables or {}, port=port, path=path, timeout_s=timeout_s
            )
            output["seconds"] = round(self._rooms.clock.monotonic() - began, 3)
            return Effect(output, moves_tree=True)

        payload: dict[str, JsonValue] = {"argv": [*argv], "port": port, "path": path}
        step = await self._ledger.step(StepKind.CHECK, f"start it and ask for {path}", payload, do)
        return Started.model_validate(step.output)

    async def browser(self) -> SandboxStatus:
        """Whether there is a browser, as it was when this was first asked."""
        await self._open()

        async def look() -> Effect:
            browser = self._rooms.browser
            missing = SandboxStatus(name="browser", level=SandboxLevel.OFF, detail="it is switched off")
            return Effect((await browser.probe() if browser else missing).model_dump(mode="json"))

        title = "see whether there is a browser"
        step = await self._ledger.step(StepKind.CHECK, title, {"what": "browser"}, look)
        return SandboxStatus.model_validate(step.output)

    async def browse(
        self,
        job: BrowserJob,
        *,
        name: str,
        argv: Sequence[str],
        variables: Mapping[str, str],
        dialect: Dialect,
        timeout_s: float = 60,
    ) -> Visit:
        """Start the software afresh, on a copy of the task's files, and do a job, called ``name``, with it in a
        browser. What it shows comes back as tests of a dialect too. Raises Unavailable where there is no browser."""
        checkout = await self._open()
        await self._learn()
        tree, workspace = await self.tree(), await self._files.workspace()

        async def do() -> Effect:
            if (browser := self._rooms.browser) is None:
                raise Unavailable("There is no browser.", hint="See what is missing with: smaker doctor")
            scratch = await workspace.checkout(f"{self.task.id}-visit", base=checkout.base)
            try:
                await scratch.restore(tree)
                made = visit(
                    self._box,
                    browser,
                    self._rooms.store,
                    scratch,
                    job,
                    argv=argv,
                    variables=variables,
                    timeout_s=timeout_s,
                    name=name,
                    dialect=dialect,
                )
                return Effect(await made)
            finally:
                await scratch.close()

        asked = job.model_dump(mode="json")
        payload: dict[str, JsonValue] = {"argv": [*argv], "job": asked, "at": tree, "name": name}
        step = await self._ledger.step(StepKind.BROWSER, name, payload, do)
        return await recall(self._box, self._rooms.store, step.output or {})

    async def end_processes(self) -> None:
        """End what was started and is alive: when the agent is done, or stops for now. Not recorded."""
        await self._background.close()

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _look(
        self,
        title: str,
        payload: dict[str, JsonValue],
        name: str,
        do: Callable[[], Awaitable[Look]],
        order: Order | None = None,
    ) -> Look:
        """Have a look at a process as a step, and take in what it says."""
        await self._learn()

        async def seen() -> Effect:
            look = await do()
            kept: dict[str, JsonValue] = look.model_dump(mode="json", exclude_defaults=True)
            return Effect({**kept, "output": await self._box.kept(look.output)}, moves_tree=True)

        output = (await self._ledger.step(StepKind.PROCESS, title, payload, seen)).output or {}
        look = Look.model_validate({**output, "output": await self._box.told(output.get("output", ""))})
        self._background.note(name, order, look)
        self._ledger.shared = bool(self._background.running)
        return look

    async def _revive(self) -> None:
        if self._background.running:
            await self._background.revive(await self._open())

    async def _seen(self) -> str | None:
        if self._ledger.shared:  # between two steps files may change, of which the record knows nothing
            return self._files.tree
        return await super()._seen()
