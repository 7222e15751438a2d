"""A project's git repository, the folders tasks work in, and the lock that lets one process drive it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from smaker.core.models import (
    Project,
)
from smaker.core.ports.history import HistorySearch
from smaker.core.spec import Frozen


class CommitInfo(Frozen):
    """A commit on main, newest first in lists. ``trailers`` hold only the last value of each key."""

    sha: str
    tree: str
    parent: str | None
    author: str
    at: datetime
    subject: str
    trailers: dict[str, str]


class Author(Frozen):
    """Who made a commit: an agent."""

    name: str
    email: str


class Checkout(Protocol):
    """A task's own working folder: a plain directory whose commits go to a private ref until they are integrated.

    Paths are relative POSIX paths. Reads and writes cannot leave the folder, follow no symbolic link out of it, and
    never touch ``.git`` or protected files: PathError (E_PATH_OUTSIDE, E_PATH_PROTECTED, E_KIND, E_LIMIT).
    """

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    @property
    def base(self) -> str | None:
        """The commit the work started from; None in a repository without commits."""
        ...

    async def write(self, files: Mapping[str, bytes | None], *, own: bool = False) -> None:
        """Write files atomically one by one (parents are made); None deletes. All paths are checked before the first
        write. ``own``: the engine's own files (``.smaker/``, ``smaker.yaml``) may be among them."""
        ...

    async def apply(self, changes: Mapping[str, tuple[str, bytes] | None]) -> None:
        """Make changes again as ``changes`` returns them, with modes, links and the engine's own files."""
        ...

    async def read(self, path: str, *, tree: str | None = None) -> bytes:
        """Return a file's bytes, from disk or from the git tree ``tree``. Raises PathError, NotFound."""
        ...

    async def discard(self, paths: Sequence[str]) -> None:
        """Remove ignored files (old reports) if they are there, so that only what is made next is read back."""
        ...

    async def list(self, *, tree: str | None = None, since: str | None = None) -> list[str]:
        """Return the paths of all files that are not ignored, sorted; with ``since``, of those that are not what they
        were in that tree."""
        ...

    async def snapshot(self) -> str:
        """Write all files that are not ignored as a git tree and return its id."""
        ...

    async def restore(self, tree: str) -> None:
        """Make the folder equal to a tree; ignored files stay."""
        ...

    async def changes(self, old: str, new: str) -> dict[str, tuple[str, bytes] | None]:
        """Return what differs between two trees: path -> (mode, bytes), or None where it was deleted."""
        ...

    async def lost(self, old: str, new: str) -> tuple[list[str], int]:
        """Return the paths of the tree ``old`` whose content is nowhere in ``new`` (a file that moved is not lost), and
        how many files ``old`` has; nothing and 0 where none is missing."""
        ...

    async def commit(
        self, message: str, *, author: Author, trailers: Sequence[tuple[str, str]], tree: str | None = None
    ) -> str:
        """Commit all files, or the ``tree`` of a snapshot, on the task's ref and return the id; a commit with the same
        ``Smaker-Step`` trailer already there is returned instead. Raises SecretFound."""
        ...

    async def close(self) -> None:
        """Remove the folder and the private ref."""
        ...


class Workspace(Protocol):
    """A project's git repository: the user's folder, with ``main``. Blocking work is done off the event loop."""

    @property
    def path(self) -> Path:
        """The user's folder."""
        ...

    async def head(self) -> str | None:
        """The commit of main, None in a new repository."""
        ...

    async def tree(self, commit: str) -> str:
        """The tree id of a commit."""
        ...

    async def checkout(self, task: str, *, base: str | None = None) -> Checkout:
        """Open the task's folder: as it was left, if it is there; else a fresh one at ``base`` (default: main)."""
        ...

    async def integrate(self, task: str) -> str:
        """Replay the task's commits on main (each at most once, by its Smaker-Step trailer), update the user's folder
        without touching the user's own uncommitted edits, and return main's commit. Raises MergeConflict, StaleEdit."""
        ...

    async def snapshot(self) -> str:
        """The tree of the user's folder as it is, uncommitted and untracked files included."""
        ...

    async def read(self, path: str, *, tree: str) -> bytes:
        """A file's bytes in a tree or commit. Raises NotFound."""
        ...

    async def files(self, *, tree: str) -> list[str]:
        """The paths of all files in a tree or commit, sorted."""
        ...

    async def sweep(self, keep: Sequence[str]) -> None:
        """Remove the folders and private refs of all tasks but ``keep``: what processes that died left behind."""
        ...

    async def rescue(self) -> str | None:
        """If the user's folder differs from main, save it under ``refs/smaker/rescue/…`` and return the ref."""
        ...

    async def history(self, *, limit: int | None = None) -> list[CommitInfo]:
        """Commits of main, newest first."""
        ...

    async def diff(self, old: str | None, new: str) -> str:
        """A unified diff between two commits or trees (old None: against nothing)."""
        ...

    async def rewind(self, commit: str, *, force: bool = False) -> None:
        """Put main and the folder back at ``commit``. Raises StaleEdit if the user has edits, unless ``force``, which
        saves them as a rescue ref first."""
        ...

    async def export(self, destination: Path) -> None:
        """Write main's files as a zip archive (regular files and links, no .git)."""
        ...

    async def bundle(self) -> bytes:
        """Main with its whole history, as a git bundle: a file that ``git clone`` reads. Raises WorkspaceError where
        there is no commit."""
        ...


class Workspaces(Protocol):
    """Opens repositories."""

    async def create(self, path: Path) -> Workspace:
        """Make a repository in a folder that is missing or empty. Raises WorkspaceError, PathError."""
        ...

    async def adopt(self, path: Path) -> Workspace:
        """Take an existing repository as it is, with whatever its owner left in it."""
        ...

    async def clone(self, source: str | Path, path: Path) -> Workspace:
        """Make a repository at ``path`` (missing or empty) with the history of another: a folder or an address."""
        ...

    async def unbundle(self, bundle: Path, path: Path) -> Workspace:
        """Make a repository at ``path`` (missing or empty) from a git bundle. Raises WorkspaceError."""
        ...

    async def discard(self, path: Path, *, files: bool) -> None:
        """Remove what is kept about a repository outside of it, and with ``files`` the folder itself. Missing is
        fine."""
        ...

    async def open(self, path: Path) -> Workspace:
        """Open a repository smaker made or adopted; heals its own left-over locks. Raises WorkspaceError."""
        ...

    async def ensure(self, project: Project) -> Workspace:
        """Open a project's repository, or make it if it is not there yet."""
        ...

    async def search_history(self, path: Path, *, heard: Callable[[int, int], None] | None = None) -> HistorySearch:
        """Search all that any ref of the repository in a folder (a project's or not) reaches for credentials, and
        change nothing. ``heard`` is told, in another thread, how many of how many objects are done. Raises
        WorkspaceError, E_NO_REPOSITORY where there is none."""
        ...


class ProjectLock(Protocol):
    """One process at a time drives a project."""

    def acquire(self, project: str) -> None:
        """Take the lock. Raises InUse naming the holder's pid and host."""
        ...

    def release(self, project: str) -> None:
        """Give it back."""
        ...

    def holder(self, project: str) -> str | None:
        """Who holds it now, for people: "pid 123 on host"."""
        ...
