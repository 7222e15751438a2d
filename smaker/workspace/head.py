"""Refs read without a process: enough to say where a repository's branch is."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from smaker.core.errors import WorkspaceError

_ID = re.compile(r"[0-9a-f]{40}")
_MAX_REF = 4096  # bytes
_MAX_PACKED = 64 << 20  # bytes


def head_of(path: Path) -> str | None:
    """Return the commit that is checked out in a folder; None where there is none, or no sound repository."""
    try:
        return read_ref(path / ".git", "HEAD")
    except (OSError, WorkspaceError):
        return None


def read_ref(directory: Path, name: str) -> str | None:
    """Return the commit a ref of the repository (its ``.git``) names, None if there is no such ref.

    Raises WorkspaceError if it is damaged.
    """
    for _ in range(5):
        text = read_small(directory / name, _MAX_REF)
        if text is None:
            return packed_refs(directory).get(name)
        text = text.strip()
        if not text.startswith("ref: "):
            if not _ID.fullmatch(text):
                break
            return text
        name = text.removeprefix("ref: ").strip()
        if ".." in name or not name.startswith("refs/"):
            break
    raise WorkspaceError(
        f"The ref {name} of {directory} is damaged.",
        hint=f"Find its last good value: tail {directory / 'logs' / name}",
        code="E_DAMAGED",
    )


def packed_refs(directory: Path) -> dict[str, str]:
    """Return the refs that git keeps in one file, and what they name."""
    text = read_small(directory / "packed-refs", _MAX_PACKED) or ""
    lines = (line.split(" ", 1) for line in text.split("\n") if line[:1] not in {"", "#", "^"})
    return {line[1]: line[0] for line in lines if len(line) == 2 and _ID.fullmatch(line[0])}


def read_small(path: Path, limit: int) -> str | None:
    """Return the text of a small regular file, None if there is none; never waits for a pipe, follows no link.

    Raises WorkspaceError for anything else at that place, and for a larger file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as problem:
        raise _not_a_file(path) from problem
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > limit:
            raise _not_a_file(path)
        return file.read(limit).decode("utf-8", "surrogateescape")


def _not_a_file(path: Path) -> WorkspaceError:
    return WorkspaceError(f"{path} is not what git keeps there.", hint=f"Look at it: ls -la {path}", code="E_DAMAGED")
