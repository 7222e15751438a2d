"""The record, for verbs that only look: nothing is started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from smaker.core.errors import SmakerError

if TYPE_CHECKING:
    from smaker.core.control import Snapshot
    from smaker.core.events import Delta, Event
    from smaker.core.listing import Listed
    from smaker.core.models import Artifact, Project, Step
    from smaker.core.ports import Build
    from smaker.store.reader import Reader as StoreReader
    from smaker.tui.opening import Coming

T = TypeVar("T")


class Reader:
    """The record, read with nothing but SQLite: what ``list``, ``status`` and ``logs`` need, quickly."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @cached_property
    def _store(self) -> StoreReader:
        from smaker.store.reader import Reader as StoreReader

        return StoreReader(self._home)

    def listed(self) -> list[Listed]:
        """All projects as a list shows them, newest first."""
        from smaker.store.glance import Glance

        with Glance(self._home) as glance:
            return glance.listed()

    def projects(self) -> list[Project]:
        """All projects, newest first."""
        return self._store.projects()

    def build(self, project: str) -> Build:
        """The whole build. Raises NotFound."""
        return self._store.build(project)

    def steps(self, project: str) -> list[Step]:
        """The ledger."""
        return self._store.steps(project)

    def events(self, project: str, *, after: int = 0) -> list[Event]:
        """Events with a number above ``after`` (-n: from the newest n on)."""
        return self._store.events(project, after=after)

    def artifacts(self, project: str) -> list[Artifact]:
        """What the build kept."""
        return self._store.artifacts(project)

    def blob(self, sha256: str) -> bytes:
        """The bytes of an artifact."""
        return self._store.blob(sha256)

    def holder(self, project: str) -> str | None:
        """Who drives the project now."""
        from smaker.workspace.lock import FileLock

        return FileLock(self._home).holder(project)

    def snapshot(self, project: str) -> Snapshot:
        """All there is to show."""
        from smaker.core.control import Snapshot
        from smaker.core.models import Usage
        from smaker.workspace.head import head_of

        build, steps = self.build(project), self.steps(project)
        return Snapshot(
            project=build.project,
            tasks=build.tasks,
            steps=tuple(steps),
            artifacts=tuple(self.artifacts(project)),
            report=build.report,
            usage=sum((step.usage for step in steps), Usage()),
            head=head_of(Path(build.project.workspace)),
            holder=self.holder(project),
        )

    def close(self) -> None:
        """Release the record; who asks again opens it again."""
        self._store.close()


class FirstLook:
    """Implements `smaker.core.control.Watched`: by the files of the record until the engine is there, then by the
    engine. What the files cannot tell waits for it."""

    def __init__(self, home: Path, coming: Coming) -> None:
        self._reader = None if found_damaged(home) else Reader(home)
        self._coming = coming

    async def projects(self) -> list[Project]:
        """All projects, newest first."""
        return await self._read(Reader.projects) or await (await self._coming.wait()).projects()

    async def snapshot(self, project: str) -> Snapshot:
        """Everything to show. Raises NotFound."""
        found = await self._read(lambda reader: reader.snapshot(project))
        return found or await (await self._coming.wait()).snapshot(project)

    async def events(self, project: str, *, after: int = 0, follow: bool = False) -> AsyncIterator[Event | Delta]:
        """Events above ``after`` (-n: from the newest n on); with ``follow`` then live ones, once the engine is
        there."""
        while page := await self._read(partial(Reader.events, project=project, after=after)):
            for event in page:
                yield event
            after = page[-1].seq
        if follow or page is None:
            async for message in (await self._coming.wait()).events(project, after=after, follow=follow):
                yield message

    async def _read(self, look: Callable[[Reader], T]) -> T | None:
        """What the files say; None where the engine is to be asked."""
        if self._reader is None:
            return None
        if self._coming.here:
            self._reader.close()
            self._reader = None
            return None
        try:
            return await asyncio.to_thread(look, self._reader)
        except (SmakerError, OSError):
            return None


def found_damaged(home: Path) -> bool:
    """Whether an earlier run met damage in the record, or it is gone; whoever opens it whole sets that right."""
    record, mark = home / "smaker.db", home / "smaker.db-mark"
    gone = mark.exists() and (not record.exists() or record.stat().st_size == 0)
    return gone or (home / "smaker.db-suspect").exists()


def open_reader(home: Path) -> Reader:
    """Open the record for reading. A home without one reads as empty."""
    return Reader(home)
