"""An agent's only door to the world: every effect goes through here and is a step of the ledger.

The intent is written before an effect and its result after it; for an edit or a commit, which can be done again, both
after it. When a task is run again (the process was killed, the build was paused), the agent runs from its start and is
handed the recorded results until they end; only then do effects happen again, on files put back as the last recorded
step left them. So agent code must do the same things in the same order when it is given the same results; a step whose
input differs from its record raises Diverged.

A replay hands out recorded results too, but makes edits and commits anew, in a fresh repository, and compares the git
tree after every step.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import JsonValue

from smaker.core.asking import Asking
from smaker.core.box import digests
from smaker.core.embedding import Rank, ranked
from smaker.core.errors import SmakerError
from smaker.core.faults import crashpoint
from smaker.core.ledger import Effect
from smaker.core.models import Artifact, Gate, Step, StepKind, Task
from smaker.core.ports import (
    Author,
    Build,
    Reply,
    Request,
    Role,
    Traits,
)
from smaker.core.rooms import Rooms, Waiting
from smaker.core.taskboxes import TaskBoxes
from smaker.core.taskfiles import means_yes
from smaker.core.trailers import trailers


class Context(TaskBoxes):
    """One task's door. Made by the worker for each attempt."""

    def __init__(self, *, build: Build, task: Task, rooms: Rooms, recorded: Sequence[Step] = ()) -> None:
        super().__init__(build=build, task=task, rooms=rooms, recorded=recorded)
        self.artifacts: list[Artifact] = []
        self.committed: str | None = None  # the last commit on the task's branch
        self._answered = 0  # questions, by the user
        self._may_delete = False
        self._asking = Asking(
            project=task.project,
            task=task.id,
            budget=build.project.budget,
            models=rooms.models,
            store=rooms.store,
            redact=self._mask,
            live=lambda: self.live("model"),
            ledger=self._ledger,
            warned=rooms.warned,
            override=build.project.model,
        )

    async def write(self, files: Mapping[str, bytes | None], *, title: str, own: bool = False) -> None:
        """Write files (None deletes). ``own``: smaker's own files, which no agent's words may change, are among them.

        Raises PathError before anything is written.
        """
        checkout = await self._open()

        async def do() -> Effect:
            await checkout.write(files, own=own)
            return Effect({"files": len(files)}, moves_tree=True)

        await self._ledger.step(StepKind.EDIT, title, {"files": digests(files)}, do)

    async def commit(self, subject: str, *, body: str = "", requirements: Sequence[str] = ()) -> None:
        """Commit what changed since the task's last commit, with our trailers; nothing if nothing changed. A task that
        deletes more than half of the files it found asks its user first.

        Raises SecretFound, SmakerError (E_DELETES) where the user says no.
        """
        checkout = await self._open()
        if self._files.tree == self._files.committed_tree:
            return
        if not self._may_delete and (question := await self._files.losing()):
            if not means_yes(await self.ask(question)):
                raise SmakerError(
                    f"{self.task.title}: refused, for it deletes more than half of the files.",
                    hint="Nothing of it is in your folder. Have it done again with: smaker restart ID",
                    code="E_DELETES",
                )
            self._may_delete = True
        author = Author(name=f"smaker {self.task.agent}", email=f"{self.task.agent}@smaker.invalid")

        async def do() -> Effect:
            crashpoint("commit.before")
            said = trailers(
                self.project,
                self.task,
                self._ledger.index,
                spent=self._asking.spent,
                model=self._asking.model,
                serves=requirements,
            )
            message = f"{subject}\n\n{body}" if body else subject
            sha = await checkout.commit(message, author=author, trailers=said, tree=self._files.tree)
            crashpoint("commit.after")
            return Effect({"subject": subject}, commit=sha)

        payload: dict[str, JsonValue] = {"subject": subject, "body": body, "requirements": [*requirements]}
        step = await self._ledger.step(StepKind.COMMIT, subject, payload, do)
        self.committed = step.commit
        self._files.committed_tree = self._files.tree
        self._asking.settle()

    async def ask_model(self, role: Role, request: Request, *, title: str, turn: int = 0) -> Reply:
        """Ask the model that serves ``role`` (with ``turn`` n, the n-th after it where there are several). What looks
        like a credential is masked before it is sent or stored.

        Raises WaitingForUser where the budget is spent, ConfigError, ModelAway, ModelError.
        """
        await self._learn()
        return (await self._asking.ask(role, request, title=title, turn=turn))[0]

    async def propose(self, role: Role, request: Request, *, title: str) -> tuple[Reply, ...]:
        """Ask all models of a role between whose answers tests are to choose. Raises as `ask_model`."""
        await self._learn()
        return await self._asking.ask(role, request, title=title, several=True)

    async def similar(self, text: str, rank: Rank) -> tuple[str, ...]:
        """The paths that ``rank`` finds near a text by the vectors it is given; none where there are no vectors."""
        await self._learn()
        return await ranked(self._asking, text, rank)

    async def model_traits(self, role: Role) -> Traits:
        """What the model that serves ``role`` could do when this was first asked. Raises ConfigError."""

        async def look() -> dict[str, JsonValue]:
            return self._asking.traits(role).model_dump(mode="json")

        await self._open()
        return Traits.model_validate(
            await self.effect(StepKind.CHECK, "see what the model can do", {"role": role}, look)
        )

    async def ask(self, question: str, *, default: str | None = None) -> str:
        """Return the user's answer; the task waits for it (Waiting is raised). Where models' questions are no gate of
        the project, ``default`` is taken at once, and stands in the record as an assumption."""
        waits = default is None or Gate.QUESTIONS in self.project.gates

        async def do() -> Effect:
            given = [entry for entry in self.build.answers if entry.task == self.task.id and entry.question is not None]
            if waits and self._answered < len(given):
                return Effect({"text": given[self._answered].text})
            if waits:
                raise Waiting(question)
            return Effect({"text": default, "assumed": True})

        step = await self._ledger.step(StepKind.QUESTION, question, {"question": question}, do)
        output = step.output or {}
        self._answered += not output.get("assumed")
        return str(output.get("text", ""))

    async def effect(
        self,
        kind: StepKind,
        title: str,
        payload: Mapping[str, JsonValue],
        do: Callable[[], Awaitable[dict[str, JsonValue]]],
    ) -> dict[str, JsonValue]:
        """Have any other effect that changes no file (a deployment, a look-up) and return its recorded output."""

        async def wrapped() -> Effect:
            return Effect(await do())

        return (await self._ledger.step(kind, title, dict(payload), wrapped)).output or {}

    async def take_user_files(self) -> None:
        """Make the task's files equal to the user's folder as it is, uncommitted edits included."""
        checkout = await self._open()
        workspace = await self._files.workspace()

        async def do() -> Effect:
            tree = await workspace.snapshot()
            await checkout.restore(tree)
            return Effect({"tree": tree}, moves_tree=True)

        await self._ledger.step(StepKind.CHECK, "the files as they are", {"what": "user files"}, do)
        self._files.found = self._files.committed_tree = self._files.tree

    async def keep(self, kind: str, name: str, media_type: str, data: bytes) -> None:
        """Keep bytes as an artifact of the project. The id is the same when the task is run again."""
        sha = await self._rooms.store.put_blob(data)
        self.artifacts.append(
            Artifact(
                id=f"{self.task.id}-a{len(self.artifacts) + 1}",
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
        await self.end_processes()
        await self._files.close()
