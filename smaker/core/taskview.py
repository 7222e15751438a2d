"""What a task sees: its project, the plan, and its files as the last step left them, without a credential in them.

Nothing here has an effect that is recorded, but for the first look at the files: that step says what they start from.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Literal

from smaker.core.confidential import Live, Mask, is_confidential, text_without_values
from smaker.core.errors import NotFound, PathError, SmakerError
from smaker.core.events import Delta
from smaker.core.ledger import Effect, Ledger
from smaker.core.models import Project, Step, StepKind, Task
from smaker.core.ports import Build, Checkout
from smaker.core.rooms import Rooms
from smaker.core.spec import Spec
from smaker.core.taskfiles import EMPTY_TREE, TaskFiles


class TaskView:
    """One task's files and what is known of its build; `smaker.core.context.Context` adds the effects."""

    def __init__(self, *, build: Build, task: Task, rooms: Rooms, recorded: Sequence[Step] = ()) -> None:
        self.build = build
        self.task = task
        self._rooms = rooms
        self._mask = Mask(rooms.redactor)
        self._learned = EMPTY_TREE  # the tree whose confidential files the mask knows
        self._files = TaskFiles(rooms.workspace, rooms.store)
        self._ledger = Ledger(
            task=task,
            files=self._files,
            store=rooms.store,
            clock=rooms.clock,
            bus=rooms.bus,
            max_steps=build.project.limits.max_steps_per_task,
            recorded=recorded,
            replay=rooms.replay,
        )

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

    async def tree(self) -> str:
        """The git tree of the task's files after the last step."""
        await self._open()
        assert self._files.tree is not None
        return self._files.tree

    async def read(self, path: str) -> bytes:
        """Return a file as the last step left it. Raises NotFound, PathError."""
        return await (await self._open()).read(path, tree=await self._seen())

    async def read_or(self, path: str, default: bytes = b"") -> bytes:
        """Return a file, or ``default`` if there is none."""
        try:
            return await self.read(path)
        except NotFound:
            return default

    async def files(self) -> list[str]:
        """Return the paths of all files that git would not ignore, sorted."""
        return await (await self._open()).list(tree=await self._seen())

    async def text(self, path: str) -> str:
        """Return a file as a model may read it: one whose name says that it holds credentials without their values.

        Raises NotFound, PathError.
        """
        data = await self.read(path)
        return text_without_values(path, data) if is_confidential(path) else data.decode("utf-8", "replace")

    async def changes(self, old: str, new: str | None = None) -> dict[str, tuple[str, bytes] | None]:
        """Return what differs between two trees: path -> (mode, bytes) in ``new`` (by default the files as they are),
        None where it was deleted."""
        return await (await self._open()).changes(old, new or await self.tree())

    def live(self, stream: Literal["output", "model"] = "output") -> Live:
        """Return what shows the output of one command, or the answer of one model, as it comes. Not recorded."""

        def show(text: str) -> None:
            delta = Delta(project=self.task.project, task=self.task.id, stream=stream, text=text)
            self._rooms.bus.publish((delta,))

        return self._mask.live(show)

    async def masked(self, text: str) -> str:
        """Text without what is, or looks like, a credential."""
        await self._learn()
        return self._mask(text)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _seen(self) -> str | None:
        """The tree to read from: while results are recalled, the folder may be further than the step at hand. None is
        the folder itself, put back first: a killed process may have changed it by a step that is not recorded."""
        if self._ledger.recalling:
            return self._files.tree
        await self._files.restore()
        return None

    async def _learn(self) -> None:
        """Have what the project's confidential files hold masked in all that is sent, recorded or shown from now on."""
        checkout = await self._open()
        tree = await self.tree()
        if tree != self._learned:
            for path in filter(is_confidential, await checkout.list(tree=tree, since=self._learned)):
                with contextlib.suppress(NotFound, PathError):  # a link, or too large to be one
                    self._mask.learn(path, await checkout.read(path, tree=tree))
            self._learned = tree  # and what files held before stays masked

    async def _open(self) -> Checkout:
        """Open the task's files; the first step that needs them records what they start from."""
        if self._files.checkout is not None:
            return self._files.checkout

        async def do() -> Effect:
            return Effect({**await self._files.begin(self.task.id)})

        output = (await self._ledger.step(StepKind.CHECK, "start from main", {"what": "base"}, do)).output or {}
        tree = str(output["tree"])
        if self._files.checkout is None:
            base = await self._files.commit_with(tree) if self._rooms.replay else output["commit"]
            await self._files.reopen(self.task.id, commit=str(base) if base else None)
        self._files.found = self._files.tree = self._files.committed_tree = tree
        assert self._files.checkout is not None
        if self._rooms.replay or not self._ledger.recalling:
            await self._files.restore()
        return self._files.checkout
