"""The one writer of a process: whatever callers ask for while a commit is under way goes into the next one together.

A commit costs a disk flush; a thousand callers share it. Nobody waits for company: what is asked of an idle writer is
committed at once. A caller is answered only when its work is durable.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from smaker.core.errors import SmakerError, StorageError
from smaker.core.ports import Clock
from smaker.store.faults import hopeless
from smaker.store.lane import Database
from smaker.store.transaction import Transaction

T = TypeVar("T")

BATCH = 2000  # operations in one transaction at most


class _Torn(Exception):
    """An operation failed after it had written something: its company must be done without it."""


class _Operation:
    """Something to write, and who waits for it."""

    __slots__ = ("_error", "_future", "_result", "_work", "project")

    def __init__(self, work: Callable[[Transaction], Any], project: str | None, future: asyncio.Future[Any]) -> None:
        self.project = project
        self._work = work
        self._future = future
        self._result: Any = None
        self._error: SmakerError | None = None

    @property
    def abandoned(self) -> bool:
        return self._future.done()

    def run(self, transaction: Transaction, *, alone: bool) -> None:
        """Do the work; a refusal (Conflict, Fenced, NotFound) is an answer, unless it comes too late."""
        before = transaction.touched
        self._error = None
        try:
            self._result = self._work(transaction)
        except SmakerError as error:
            if alone:
                raise
            if transaction.touched != before:
                raise _Torn from error
            self._error = error

    def settle(self) -> None:
        """Tell the caller."""
        if self._future.done():
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result(self._result)

    def fail(self, error: BaseException) -> None:
        """Tell the caller that nothing was written."""
        if not self._future.done():
            self._future.set_exception(error)


class Writer:
    """Takes operations and commits them in order."""

    def __init__(self, database: Database, clock: Clock, explain: Callable[[Exception], Exception]) -> None:
        self._database = database
        self._clock = clock
        self._explain = explain
        self._waiting: deque[_Operation] = deque()
        self._wake = asyncio.Event()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name="store writer")

    def do(self, work: Callable[[Transaction], T], project: str | None = None) -> asyncio.Future[T]:
        """Run ``work`` in a transaction; its result is there when that is durable.

        ``project`` names the project it is about, so that counters are loaded together. What ``work`` refuses it must
        refuse before it writes; other failures undo everything it wrote.
        """
        if self._closed:
            raise StorageError("The store is closed.", hint="This is a defect of smaker: please report it.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Operation(work, project, future))
        if not self._wake.is_set():
            self._wake.set()
        return future

    async def close(self) -> None:
        """Write what is waiting and stop."""
        self._closed = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while self._waiting or not self._closed:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            count = min(len(self._waiting), BATCH)
            taken = [self._waiting.popleft() for _ in range(count)]
            batch = [operation for operation in taken if not operation.abandoned]
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: Sequence[_Operation]) -> None:
        try:
            await self._database.write(lambda connection: self._together(connection, batch))
        except Exception as error:  # whatever it is, it is the callers' answer
            if len(batch) > 1 and not hopeless(error):
                for operation in batch:
                    await self._commit([operation])
                return
            for operation in batch:
                operation.fail(self._explain(error))
        else:
            for operation in batch:
                operation.settle()

    def _together(self, connection: Connection, batch: Sequence[_Operation]) -> None:
        transaction = Transaction(connection, self._clock)
        transaction.lock(operation.project for operation in batch if operation.project is not None)
        for operation in batch:
            operation.run(transaction, alone=len(batch) == 1)
        transaction.finish()
