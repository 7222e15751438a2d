"""An agent's only door to the world: every effect goes through here and is a step of the ledger.

The intent is written before an effect and its result after it. When a task is run again (the process was killed, the
build was paused), the agent runs from its start and is handed the recorded results until they end; only then do
effects happen again, on files put back as the last recorded step left them. So agent code must do the same things in
the same order when it is given the same results; a step whose input differs from its record raises Diverged.

A replay hands out recorded results too, but makes edits and commits anew, in a fresh repository, and compares the git
tree after every step.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from smaker.core.bus import Bus
from smaker.core.errors import BuildFailed, Diverged, NotFound, SmakerError
from smaker.core.events import Delta, EventKind, NewEvent
from smaker.core.faults import crashpoint
from smaker.core.models import (
    Artifact,
    Desired,
    Profile,
    Project,
    Step,
    StepKind,
    Task,
    Usage,
)
from smaker.core.ports import (
    Author,
    Build,
    Checkout,
    Clock,
    Command,
    CommandResult,
    Environments,
    Mount,
    Sandbox,
    SandboxProfile,
    Store,
    Workspace,
)
from smaker.core.spec import Frozen, Spec

INLINE_OUTPUT = 8192  # characters of command output kept in the step itself; longer ones become a blob


class Stopped(Exception):
    """The user wants the build paused or cancelled; raised at a step boundary, caught by the worker."""


class Waiting(Exception):
    """The agent asked the user; raised where the answer is missing, caught by the worker."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


@dataclass(frozen=True)
class Rooms:
    """What a context works through."""

    store: Store
    workspace: Callable[[], Awaitable[Workspace]]  # opened, or made, when first needed
    sandbox: Sandbox
    environments: Environments
    clock: Clock
    bus: Bus
    redact: Callable[[str], str] = str
    replay: bool = False


class Ran(Frozen):
    """How a command ended: `smaker.core.ports.CommandResult`, and the files that were asked for."""

    exit_code: int
    output: str
    seconds: float
    limit: str | None = None
    files: dict[str, bytes] = {}


@dataclass
class _Result:
    output: dict[str, JsonValue]
    changed: Mapping[str, bytes | None] | None = None  # known changes; None means: compare trees
    moves_tree: bool = False
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    commit: str | None = None


class Context:
    """One task's door. Made by the worker for each attempt."""

    def __init__(self, *, build: Build, task: Task, rooms: Rooms, recorded: Sequence[Step] = ()) -> None:
        self.build = build
        self.task = task
        self.artifacts: list[Artifact] = []
        self.committed: str | None = None  # the last commit on the task's branch
        self._rooms = rooms
        self._recorded = [step for step in recorded if step.finished_at is not None]
        self._index = 0
        self._tree: str | None = None
        self._committed_tree: str | None = None
        self._checkout: Checkout | None = None
        self._workspace: Workspace | None = None
        self._mounts: tuple[Mount, ...] = ()
        self._answered = 0
        self._restored = rooms.replay

    # --- what the agent knows ---------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project."""
        return self.build.project

    @property
    def spec(self) -> Spec:
        """The plan. Raises SmakerError if there is none yet."""
        if self.build.project.spec is None:
            raise SmakerError("The build has no plan yet.", hint="Plan it with: smaker restart --from spec")
        return self.build.project.spec

    @property
    def replaying(self) -> bool:
        """Whether the next effect has a recorded result."""
        return self._index < len(self._recorded)

    async def tree(self) -> str:
        """The git tree of the task's files after the last step."""
        await self._open()
        assert self._tree is not None
        return self._tree

    async def read(self, path: str) -> bytes:
        """Return a file as the last step left it. Raises NotFound, PathError."""
        checkout = await self._open()
        return await checkout.read(path, tree=self._tree if self.replaying else None)

    async def read_or(self, path: str, default: bytes = b"") -> bytes:
        """Return a file, or ``default`` if there is none."""
        try:
            return await self.read(path)
        except NotFound:
            return default

    async def files(self) -> list[str]:
        """Return the paths of all files that git would not ignore, sorted."""
        checkout = await self._open()
        return await checkout.list(tree=self._tree if self.replaying else None)

    def say(self, text: str) -> None:
        """Show a line of live output. Not recorded."""
        delta = Delta(project=self.task.project, task=self.task.id, stream="output", text=self._rooms.redact(text))
        self._rooms.bus.publish((delta,))

    # --- effects ------------------------------------------------------------------------------------------------------

    async def write(self, files: Mapping[str, bytes | None], *, title: str) -> None:
        """Write files (None deletes). Raises PathError before anything is written."""
        checkout = await self._open()
        payload: dict[str, JsonValue] = {
            path: None if content is None else hashlib.sha256(content).hexdigest() for path, content in files.items()
        }

        async def do() -> _Result:
            await checkout.write(files)
            return _Result({"files": len(files)}, changed=files, moves_tree=True)

        await self._step(StepKind.EDIT, title, {"files": payload}, do)

    async def prepare(self, profile: Profile) -> None:
        """Make the profile's environment ready for `run`. Idempotent and outside the files, so it is not recorded."""
        if self._rooms.replay:
            return
        checkout = await self._open()
        await self._restore()
        self._mounts = await self._rooms.environments.prepare(profile, checkout.path, self.say)

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

        With ``at`` (a commit) it runs in a scratch folder at that commit with the files of ``overlay`` laid over it,
        and the task's own files stay as they are.
        """
        checkout = await self._open()
        workspace = await self._repository()
        command = tuple(argv)
        payload: dict[str, JsonValue] = {"argv": list(command), "profile": profile, "collect": list(collect)}
        if at is not None:
            payload["at"] = await workspace.tree(at)
            payload["overlay"] = {
                path: None if content is None else hashlib.sha256(content).hexdigest()
                for path, content in (overlay or {}).items()
            }

        async def do() -> _Result:
            if at is None:
                return _Result(await self._execute(checkout, command, profile, timeout_s, collect), moves_tree=True)
            scratch = await workspace.checkout(f"{self.task.id}-trial", base=at)
            try:
                await scratch.restore(await workspace.tree(at))
                await scratch.write(overlay or {})
                return _Result(await self._execute(scratch, command, profile, timeout_s, collect))
            finally:
                await scratch.close()

        step = await self._step(StepKind.COMMAND, title or " ".join(command), payload, do)
        return await self._ran(step)

    async def commit(self, subject: str, *, body: str = "", requirements: Sequence[str] = ()) -> None:
        """Commit what changed since the last commit of the task, with the trailers of interfaces.md; nothing if
        nothing changed. Raises SecretFound."""
        checkout = await self._open()
        if self._tree == self._committed_tree:
            return
        agent = self.task.agent

        async def do() -> _Result:
            crashpoint("commit.before")
            sha = await checkout.commit(
                f"{subject}\n\n{body}" if body else subject,
                author=Author(name=f"smaker {agent}", email=f"{agent}@smaker.invalid"),
                trailers=self._trailers(requirements),
            )
            crashpoint("commit.after")
            return _Result({"subject": subject}, commit=sha)

        payload: dict[str, JsonValue] = {"subject": subject, "body": body, "requirements": list(requirements)}
        step = await self._step(StepKind.COMMIT, subject, payload, do)
        self.committed = step.commit
        self._committed_tree = self._tree

    async def ask(self, question: str, *, default: str | None = None) -> str:
        """Return the user's answer; ``default`` at once if there is one, else the task waits (Waiting is raised)."""

        async def do() -> _Result:
            given = [answer for answer in self.build.answers if answer.task == self.task.id]
            if self._answered < len(given):
                return _Result({"text": given[self._answered].text})
            if default is not None:
                return _Result({"text": default})
            raise Waiting(question)

        step = await self._step(StepKind.QUESTION, question, {"question": question}, do)
        self._answered += 1
        return str((step.output or {}).get("text", ""))

    async def effect(
        self,
        kind: StepKind,
        title: str,
        payload: Mapping[str, JsonValue],
        do: Callable[[], Awaitable[dict[str, JsonValue]]],
    ) -> dict[str, JsonValue]:
        """Have any other effect that does not change files (a deployment, a look-up) and return its recorded output."""

        async def wrapped() -> _Result:
            return _Result(await do())

        return (await self._step(kind, title, dict(payload), wrapped)).output or {}

    async def take_user_files(self) -> None:
        """Make the task's files equal to the user's folder as it is, uncommitted edits included."""
        checkout = await self._open()
        workspace = await self._repository()

        async def do() -> _Result:
            tree = await workspace.snapshot()
            await checkout.restore(tree)
            return _Result({"tree": tree}, moves_tree=True)

        await self._step(StepKind.CHECK, "the files as they are", {"what": "user files"}, do)
        self._committed_tree = self._tree

    async def keep(self, kind: str, name: str, media_type: str, data: bytes) -> None:
        """Keep bytes as an artifact of the project."""
        sha = hashlib.sha256(data).hexdigest() if self._rooms.replay else await self._rooms.store.put_blob(data)
        number = len(self.artifacts) + 1
        self.artifacts.append(
            Artifact(
                id=f"{self.task.id}-a{number}",
                project=self.task.project,
                task=self.task.id,
                kind=kind,
                name=name,
                media_type=media_type,
                size=len(data),
                sha256=sha,
                created_at=self._rooms.clock.now(),
            )
        )

    async def close(self) -> None:
        """Remove the task's folder, when its outcome is recorded."""
        if self._checkout is not None:
            await self._checkout.close()
            self._checkout = None

    # --- the ledger ---------------------------------------------------------------------------------------------------

    async def _step(
        self, kind: StepKind, title: str, payload: dict[str, JsonValue], do: Callable[[], Awaitable[_Result]]
    ) -> Step:
        canonical = json.dumps([kind, payload], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        sha = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
        if self.replaying:
            return await self._recall(kind, title, sha, do)
        if self._rooms.replay:
            raise Diverged(f"{self.task.id}: {title!r} is not in the record", hint="The record is of another version.")
        return await self._record(kind, title, sha, do)

    async def _recall(self, kind: StepKind, title: str, sha: str, do: Callable[[], Awaitable[_Result]]) -> Step:
        step = self._recorded[self._index]
        if step.input_sha != sha:
            raise Diverged(
                f"step {step.id} was {step.title!r} ({step.kind}), now it is {title!r} ({kind})",
                hint="The plan or this program changed since: do the stage again with: smaker restart",
            )
        if self._rooms.replay:
            tree = await self._redo(step, do)
            if step.tree is not None and tree != step.tree:
                raise Diverged(f"step {step.id} ({step.title}): the tree is {tree}, the record says {step.tree}")
        self._index += 1
        self._tree = step.tree or self._tree
        return step

    async def _redo(self, step: Step, do: Callable[[], Awaitable[_Result]]) -> str | None:
        if step.kind in {StepKind.EDIT, StepKind.COMMIT}:
            await do()
        elif step.changes:
            checkout = await self._open()
            files: dict[str, bytes | None] = {}
            for path, entry in step.changes.items():
                files[path] = None if entry is None else await self._rooms.store.get_blob(entry.partition(":")[2])
            await checkout.write(files)
        return await self._checkout.snapshot() if self._checkout is not None and step.tree is not None else None

    async def _record(self, kind: StepKind, title: str, sha: str, do: Callable[[], Awaitable[_Result]]) -> Step:
        await self._boundary()
        await self._restore()
        self._index += 1
        step = Step(
            id=f"{self.task.id}.{self._index}",
            project=self.task.project,
            task=self.task.id,
            index=self._index,
            kind=kind,
            title=title[:500],
            attempt=self.task.attempt,
            input_sha=sha,
            started_at=self._rooms.clock.now(),
        )
        await self._rooms.store.begin_step(step)
        crashpoint("step.begun")
        result = await do()
        crashpoint("step.done")
        changes = await self._changes(result) if result.moves_tree else None
        finished = step.model_copy(
            update={
                "output": result.output,
                "tree": self._tree,
                "changes": changes,
                "usage": result.usage,
                "model": result.model,
                "commit": result.commit,
                "finished_at": self._rooms.clock.now(),
            }
        )
        events = await self._rooms.store.finish_step(finished, (self._event(finished),))
        crashpoint("step.recorded")
        self._rooms.bus.publish(events)
        return finished

    async def _boundary(self) -> None:
        if await self._rooms.store.desired(self.task.project) is not Desired.RUN:
            raise Stopped
        if self._index >= self.project.limits.max_steps_per_task:
            raise BuildFailed(
                f"{self.task.title}: more than {self.project.limits.max_steps_per_task} steps",
                hint="Raise it with: smaker config set limits.max_steps_per_task N",
            )

    async def _changes(self, result: _Result) -> dict[str, str | None] | None:
        """Snapshot the files, and store what changed so that a rebuild needs neither the command nor the model."""
        if self._checkout is None:
            return None
        before, after = self._tree, await self._checkout.snapshot()
        self._tree = after
        if before == after:
            return None
        if result.changed is not None:
            contents = {path: None if data is None else ("100644", data) for path, data in result.changed.items()}
        elif before is not None:
            contents = await self._checkout.changes(before, after)
        else:
            return None
        stored: dict[str, str | None] = {}
        for path, entry in contents.items():
            stored[path] = None if entry is None else f"{entry[0]}:{await self._rooms.store.put_blob(entry[1])}"
        return stored

    def _event(self, step: Step) -> NewEvent:
        kinds: dict[StepKind, EventKind] = {
            StepKind.MODEL: "step.model",
            StepKind.COMMAND: "step.command",
            StepKind.EDIT: "step.edit",
            StepKind.COMMIT: "step.commit",
            StepKind.BROWSER: "step.browser",
            StepKind.DEPLOY: "step.deploy",
            StepKind.QUESTION: "step.question",
            StepKind.CHECK: "step.check",
        }
        message = step.title
        data: dict[str, JsonValue] = {"step": step.id}
        files: list[JsonValue] = [*(step.changes or {})]
        output = step.output or {}
        if step.kind is StepKind.COMMAND:
            message = f"$ {step.title} → exit {output.get('exit_code')}"
            data |= {"exit_code": output.get("exit_code"), "seconds": output.get("seconds")}
        if step.commit is not None:
            data["commit"] = step.commit
        if files:
            data["files"] = files[:50]
        return NewEvent(kind=kinds[step.kind], message=message, task=self.task.id, data=data)

    # --- files and commands -------------------------------------------------------------------------------------------

    async def _repository(self) -> Workspace:
        if self._workspace is None:
            self._workspace = await self._rooms.workspace()
        return self._workspace

    async def _open(self) -> Checkout:
        """Open the task's folder; the first step of the ledger records what it started from."""
        if self._checkout is not None:
            return self._checkout
        workspace = await self._repository()
        opened: list[Checkout] = []

        async def do() -> _Result:
            checkout = await workspace.checkout(self.task.id)
            opened.append(checkout)
            self._checkout = checkout
            return _Result({"commit": checkout.base, "tree": await self._tree_of(checkout.base)}, moves_tree=False)

        step = await self._step(StepKind.CHECK, "start from main", {"what": "base"}, do)
        output = step.output or {}
        if not opened:
            base = output.get("commit")
            if self._rooms.replay:
                base = await self._same_tree(workspace, str(output.get("tree")))
            self._checkout = await workspace.checkout(self.task.id, base=str(base) if base else None)
        self._tree = self._committed_tree = str(output.get("tree"))
        assert self._checkout is not None
        if self._rooms.replay or not self.replaying:
            await self._checkout.restore(self._tree)
        return self._checkout

    async def _tree_of(self, commit: str | None) -> str:
        workspace = await self._repository()
        return EMPTY_TREE if commit is None else await workspace.tree(commit)

    @staticmethod
    async def _same_tree(workspace: Workspace, tree: str) -> str | None:
        if tree == EMPTY_TREE:
            return None
        for commit in await workspace.history():
            if commit.tree == tree:
                return commit.sha
        raise Diverged(f"no commit has the tree {tree} that the record starts from")

    async def _restore(self) -> None:
        """Before the first new effect after recorded ones: put the files back as the last recorded step left them."""
        if not self._restored and self._checkout is not None and self._tree is not None:
            await self._checkout.restore(self._tree)
        self._restored = True

    async def _execute(
        self,
        checkout: Checkout,
        argv: tuple[str, ...],
        profile: SandboxProfile,
        timeout_s: float | None,
        collect: Sequence[str],
    ) -> dict[str, JsonValue]:
        for path in collect:
            await _forget(checkout.path, path)
        result: CommandResult = await self._rooms.sandbox.run(
            Command(
                argv=argv,
                workspace=checkout.path,
                profile=profile,
                mounts=self._mounts,
                path=("/env/bin",) if self._mounts else (),
                timeout_s=timeout_s or self.project.limits.command_timeout_s,
            ),
            self.say,
        )
        files: dict[str, JsonValue] = {}
        for path in collect:
            try:
                files[path] = await self._rooms.store.put_blob(await checkout.read(path))
            except NotFound:
                continue
        text = self._rooms.redact(result.output)
        output: JsonValue = text
        if len(text) > INLINE_OUTPUT:
            output = {"blob": await self._rooms.store.put_blob(text.encode("utf-8", "replace"))}
        return {
            "exit_code": result.exit_code,
            "output": output,
            "seconds": round(result.seconds, 3),
            "limit": result.limit,
            "files": files,
        }

    async def _ran(self, step: Step) -> Ran:
        output: dict[str, Any] = step.output or {}
        text = output.get("output", "")
        if isinstance(text, dict):
            text = (await self._rooms.store.get_blob(str(text["blob"]))).decode("utf-8", "replace")
        files = {path: await self._rooms.store.get_blob(sha) for path, sha in output.get("files", {}).items()}
        return Ran(
            exit_code=output["exit_code"],
            output=text,
            seconds=output["seconds"],
            limit=output.get("limit"),
            files=files,
        )

    def _trailers(self, requirements: Sequence[str]) -> list[tuple[str, str]]:
        return [
            ("Smaker-Project", self.task.project),
            ("Smaker-Task", self.task.id),
            ("Smaker-Step", f"{self.task.id}.{self._index}"),
            ("Smaker-Stage", self.task.stage.value),
            ("Smaker-Agent", self.task.agent),
            ("Smaker-Model", self.task.model or self.project.mode),
            ("Smaker-Tokens", "0/0"),
            ("Smaker-Cost-USD", "0"),
            *([("Smaker-Requirement", ", ".join(requirements))] if requirements else []),
        ]


EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's name for a tree without files."""


async def _forget(folder: Path, path: str) -> None:
    """Remove an old report, so that only what this run wrote is read back. A report that cannot go is not ours."""
    target = folder / path
    if target.is_file() and not target.is_symlink():
        target.unlink(missing_ok=True)
