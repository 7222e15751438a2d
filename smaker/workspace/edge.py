"""The edge between the event loop and blocking work: a thread per call, and the disk's errors in words."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

from smaker.core.errors import WorkspaceError

Given = ParamSpec("Given")
Result = TypeVar("Result")


async def off_loop(where: Path, function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Run blocking work of the folder ``where`` in a thread. Raises WorkspaceError for what the disk refuses."""

    def work() -> Result:
        try:
            return function(*args, **kwargs)
        except OSError as problem:
            raise in_words(problem, where) from problem

    return await asyncio.to_thread(work)


def in_words(problem: OSError, where: Path) -> WorkspaceError:
    """The error to show for one of the operating system's."""
    if problem.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(where)
    subject = f"{where} ({problem.filename!r})" if problem.filename else str(where)
    if problem.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return WorkspaceError(
            f"{subject} cannot be read or written: {problem.strerror}.",
            hint=f"Give yourself the right to: ls -la {where}",
            code="E_PERMISSION",
        )
    return WorkspaceError(f"{subject}: {problem.strerror or problem}.", hint=f"Look at it: ls -la {where}")


def disk_full(where: Path) -> WorkspaceError:
    """The error for a full disk."""
    return WorkspaceError(
        f"The disk is full: {where} could not be written.",
        hint="Free some space, then go on with: smaker resume",
        code="E_DISK_FULL",
    )
