"""The files of one task: its checkout, the tree the last step left, and what changed since."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping

from smaker.core.errors import Diverged
from smaker.core.ports import Checkout, Store, Workspace

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""Git's name for a tree without files."""

SMALL = 8192  # bytes; what is larger need not be in the store by the same commit as what is asked for after it


class TaskFiles:
    """Opened when a task first touches files. ``tree`` is the git tree after the last step, recorded or done."""

    def __init__(self, workspace: Callable[[], Awaitable[Workspace]], store: Store) -> None:
        self._factory = workspace
        self._store = store
        self._workspace: Workspace | None = None
        self._dirty = False
        self.checkout: Checkout | None = None
        self.tree: str | None = None
        self.found: str | None = None  # the tree that the task began with
        self.committed_tree: str | None = None

    async def workspace(self) -> Workspace:
        """The project's repository, made when first needed."""
        if self._workspace is None:
            self._workspace = await self._factory()
        return self._workspace

    async def begin(self, task: str) -> dict[str, str | None]:
        """Open a fresh checkout at main; return what it starts from."""
        workspace = await self.workspace()
        self.checkout = await workspace.checkout(task)
        base = self.checkout.base
        return {"commit": base, "tree": EMPTY_TREE if base is None else await workspace.tree(base)}

    async def reopen(self, task: str, *, commit: str | None) -> None:
        """Open the checkout that an earlier attempt began at ``commit``."""
        workspace = await self.workspace()
        self.checkout = await workspace.checkout(task, base=commit)
        self._dirty = True

    async def commit_with(self, tree: str) -> str | None:
        """The commit of main that has ``tree``; None for the empty tree. Raises Diverged if there is none."""
        if tree == EMPTY_TREE:
            return None
        for commit in await (await self.workspace()).history():
            if commit.tree == tree:
                return commit.sha
        raise Diverged(f"no commit has the tree {tree} that the record starts from")

    def recall(self, tree: str) -> None:
        """A recorded step left the files as ``tree``; the folder may be elsewhere."""
        self._dirty = self._dirty or tree != self.tree
        self.tree = tree

    async def restore(self) -> None:
        """Before a new effect, or where the folder itself is read: put it as the last recorded step left it."""
        if self._dirty and self.checkout is not None and self.tree is not None:
            await self.checkout.restore(self.tree)
        self._dirty = False

    async def settle(self) -> tuple[dict[str, str | None] | None, list[bytes]]:
        """Snapshot the files after an effect; return what changed, so that a rebuild needs neither the command nor the
        model: path -> "<mode>:<blob>" or None where deleted. Large blobs are stored; small ones are returned too, to be
        stored with the step."""
        if self.checkout is None:
            return None, []
        before, self.tree = self.tree, await self.checkout.snapshot()
        if before == self.tree or before is None:
            return None, []
        changed = await self.checkout.changes(before, self.tree)
        contents = [entry[1] for entry in changed.values() if entry]
        await asyncio.gather(*(self._store.put_blob(data) for data in contents if len(data) > SMALL))
        named = {
            path: f"{entry[0]}:{hashlib.sha256(entry[1]).hexdigest()}" if entry else None
            for path, entry in changed.items()
        }
        return named, [data for data in contents if len(data) <= SMALL]

    async def losing(self) -> str:
        """The question for the user of a task that would delete more than half of the files it found; "" for others."""
        assert self.checkout is not None
        assert self.found is not None
        assert self.tree is not None
        if self.found == EMPTY_TREE:
            return ""
        lost, had = await self.checkout.lost(self.found, self.tree)
        if 2 * len(lost) <= had:
            return ""
        named = ", ".join(map(repr, lost[:5])) + (f" and {len(lost) - 5} more" if len(lost) > 5 else "")
        return f"This would delete {len(lost)} of {had} files ({named}). Is that meant? yes or no"

    async def reapply(self, changes: Mapping[str, str | None]) -> None:
        """Make recorded changes again from their blobs."""
        assert self.checkout is not None
        files: dict[str, tuple[str, bytes] | None] = {}
        for path, entry in changes.items():
            mode, _, blob = (entry or "").partition(":")
            files[path] = (mode, await self._store.get_blob(blob)) if entry else None
        await self.checkout.apply(files)

    async def close(self) -> None:
        """Remove the checkout."""
        if self.checkout is not None:
            await self.checkout.close()
            self.checkout = None


def means_yes(answer: str) -> bool:
    """Whether an answer to a question is a yes."""
    return answer.strip().strip(".!").lower() in {"y", "yes", "ok", "sure", "approved"}
