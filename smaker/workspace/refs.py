"""Refs of a repository: read here, the user's branch moved by git, smaker's own (``refs/smaker/…``) moved here.

Nobody but smaker writes ``refs/smaker/…``, and a task's ref moves at every step, so it is written without starting a
process, by git's own protocol: a lock file made exclusively, the old value compared, a rename.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from smaker.core.errors import WorkspaceError
from smaker.workspace.head import packed_refs, read_ref
from smaker.workspace.program import Git

TASKS = "refs/smaker/tasks/"
RESCUE = "refs/smaker/rescue/"
REWOUND = "refs/smaker/rewound/"

_LEFT_OVER_S = 1.0
NOBODY = "0" * 40


class Refs:
    """The refs of the repository whose ``.git`` is ``directory``."""

    def __init__(self, directory: Path, git: Git, *, shown: Path) -> None:
        self._directory = directory
        self._git = git
        self._shown = shown

    def read(self, name: str) -> str | None:
        """Return the commit a ref names, None if there is no such ref. Raises WorkspaceError if it is damaged."""
        return read_ref(self._directory, name)

    def names(self, prefix: str) -> dict[str, str]:
        """Return the refs directly under a prefix that ends in a slash, with what they name."""
        found = {name: sha for name, sha in packed_refs(self._directory).items() if name.startswith(prefix)}
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            for entry in (self._directory / prefix).iterdir():
                sha = self.read(prefix + entry.name) if entry.is_file() and entry.suffix != ".lock" else None
                if sha is not None:
                    found[prefix + entry.name] = sha
        return found

    def write(self, name: str, new: str, old: str | None) -> None:
        """Move a ref of smaker's own from ``old`` (None: it must not exist) to ``new``. Raises WorkspaceError."""
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(path.name + ".lock")
        moved = False
        try:
            with os.fdopen(self._locked(lock), "w", encoding="ascii") as file:
                unmoved = self.read(name) == old
                file.write(new + "\n")
            if unmoved:
                lock.replace(path)
                moved = True
        finally:
            if not moved:
                lock.unlink(missing_ok=True)
        if not moved:
            raise WorkspaceError(f"{name} of {self._shown} was moved by somebody else.", hint="Go on: smaker resume")

    @staticmethod
    def _locked(lock: Path) -> int:
        """Make a lock file. It is held for an instant, so one that stays is of a process that is gone."""
        deadline = time.monotonic() + _LEFT_OVER_S
        while True:
            try:
                return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            except FileExistsError:
                if time.monotonic() > deadline:
                    lock.unlink(missing_ok=True)
            time.sleep(0.01)

    def delete(self, name: str) -> None:
        """Remove a ref; a missing one is fine."""
        if self.read(name) is not None:
            self._git.run("update-ref", "--no-deref", "-d", name)

    def move_branch(self, name: str, new: str, old: str | None, *, committer: tuple[str, str], why: str) -> None:
        """Move a branch, with an entry in its reflog. Raises WorkspaceError if it is not at ``old``."""
        who = {"GIT_COMMITTER_NAME": committer[0], "GIT_COMMITTER_EMAIL": committer[1]}
        self._git.run("update-ref", "-m", why, "--create-reflog", name, new, old or NOBODY, variables=who)
