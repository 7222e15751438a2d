"""Makes, adopts, clones and opens repositories.

What smaker keeps about a repository outside of it is in two folders named after the repository's place: ``git/`` has
the private git directory (our configuration, our object store, links to the repository's refs), ``checkouts/`` the
tasks' folders. Inside the repository there are ``refs/smaker/…`` and ``.git/smaker/`` (a lock, and files on their way).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from smaker.core.errors import PathError, Unavailable, WorkspaceError
from smaker.core.models import Project
from smaker.core.ports import Clock, HistorySearch
from smaker.workspace.edge import off_loop
from smaker.workspace.health import Place, inspect, readable
from smaker.workspace.history_search import search
from smaker.workspace.jail import remove_tree
from smaker.workspace.names import Limits
from smaker.workspace.private import borrow, write
from smaker.workspace.program import Git
from smaker.workspace.repository import GitWorkspace, other_branch

CLONE_S = 900.0

_HALF = ".smaker-new"  # a repository that is being made, in the folder it is made for
_ADDRESS = re.compile(r"(https|ssh)://[^-\s][^\s]*|[A-Za-z0-9._-]+@[A-Za-z0-9][A-Za-z0-9.-]*:[^-:\s][^\s]*")


class GitWorkspaces:
    """Implements `smaker.core.ports.Workspaces`. ``state`` is smaker's own folder; ``scan`` names the kind of the first
    credential in some bytes."""

    def __init__(
        self, state: Path, *, clock: Clock, scan: Callable[[bytes], str | None], limits: Limits | None = None
    ) -> None:
        self._state = state
        self._clock = clock
        self._scan = scan
        self._limits = limits or Limits()
        self._opened: dict[Path, GitWorkspace] = {}
        self._lock = threading.Lock()

    async def create(self, path: Path) -> GitWorkspace:
        """Make a repository in a folder that is missing or empty. Raises WorkspaceError."""
        return await off_loop(path, self._create, path)

    async def adopt(self, path: Path) -> GitWorkspace:
        """Take an existing repository as it is; what its owner has not committed is saved under a rescue ref too."""
        return await off_loop(path, self._adopt, path)

    async def clone(self, source: str | Path, path: Path) -> GitWorkspace:
        """Make a repository at ``path`` (missing or empty) with the history of another: a folder's main branch, or
        an https or ssh address. No submodules, hooks, templates or filters."""
        return await off_loop(path, self._clone, source, path)

    async def unbundle(self, bundle: Path, path: Path) -> GitWorkspace:
        """Make a repository at ``path`` (missing or empty) from a git bundle. Raises WorkspaceError."""
        return await off_loop(path, self._from, str(bundle.resolve()), path.resolve(), more=[], local=True)

    async def open(self, path: Path) -> GitWorkspace:
        """Open a repository smaker made or adopted, and finish what a process that died left undone there."""
        return await off_loop(path, self._open, path)

    async def ensure(self, project: Project) -> GitWorkspace:
        """Open a project's repository, or make it if it is not there yet."""
        path = Path(project.workspace)
        there = await off_loop(path, lambda: os.path.lexists(path / ".git"))
        return await (self.open(path) if there else self.create(path))

    async def discard(self, path: Path, *, files: bool) -> None:
        """Remove what is kept about a repository outside of it, and with ``files`` the folder itself."""
        await off_loop(path, self._discard, path, files=files)

    async def search_history(self, path: Path, *, heard: Callable[[int, int], None] | None = None) -> HistorySearch:
        """Search all that any ref of the repository in a folder (a project's or not) reaches for credentials, and
        change nothing. ``heard`` is told, in another thread, how many of how many objects are done. Raises
        WorkspaceError, E_NO_REPOSITORY where there is none."""
        stopped = threading.Event()

        def hear(done: int, total: int) -> None:
            if stopped.is_set():
                raise WorkspaceError(f"The search of {path} was stopped.", hint="Begin again: smaker secrets scan")
            if heard is not None:
                heard(done, total)

        try:
            return await off_loop(path, self._search_history, path, hear)
        finally:
            stopped.set()

    def _create(self, path: Path) -> GitWorkspace:
        path = path.resolve()
        with _new_folder(path) as half:
            Git(None, shown=path).run("init", "--quiet", "--template=", "--initial-branch=main", str(half))
            (half / ".git").rename(path / ".git")
        return self._open(path)

    def _adopt(self, path: Path) -> GitWorkspace:
        place = inspect(path.resolve())
        if not self._private(place.path).exists():
            left = place.directory / "smaker"  # of another installation, or of somebody who wants us to find it
            if left.exists():
                remove_tree(left)
        private = self._prepare(place)
        write(private / "HEAD", f"ref: {place.branch}\n")
        with self._lock:
            self._opened.pop(place.path, None)
        workspace = self._open(place.path)
        workspace.save()
        return workspace

    def _clone(self, source: str | Path, path: Path) -> GitWorkspace:
        path = path.resolve()
        local = Path(source).expanduser() if source else None
        if isinstance(source, str) and local is not None and not local.is_dir():
            local = None
        if local is None:
            return self._from(_address(str(source)), path, more=[], local=False)
        origin = inspect(local.resolve())
        address = str(self._prepare(origin))
        more = ["--no-local"]
        if self._open(origin.path).has_commits():
            more += ["--single-branch", "--no-tags", f"--branch={origin.branch[11:]}"]
        return self._from(address, path, more=more, local=True)

    def _from(self, address: str, path: Path, *, more: Sequence[str], local: bool) -> GitWorkspace:
        with _new_folder(path) as half:
            try:
                Git(None, shown=path).run(
                    "clone", "--quiet", "--no-checkout", "--template=", "--no-recurse-submodules", *more, "--", address,
                    str(half), variables=_clone_environment(local=local), timeout_s=CLONE_S,
                )  # fmt: skip
            except WorkspaceError as problem:
                if local or problem.code != WorkspaceError.code:
                    raise
                raise Unavailable(
                    f"{address} could not be cloned: {problem.message}",
                    hint="See whether git can reach it, and whether it may be read: git ls-remote ADDRESS",
                ) from problem
            if local:
                Git(half / ".git", shown=path).run("remote", "remove", "origin")
            (half / ".git").rename(path / ".git")
            workspace = self._open(path)
            workspace.fill()
        return workspace

    def _open(self, path: Path) -> GitWorkspace:
        place = inspect(path.resolve())
        with self._lock:
            workspace = self._opened.get(place.path)
            private = self._prepare(place)
            if workspace is None:
                branch = (private / "HEAD").read_text("utf-8").removeprefix("ref: ").strip()
                if branch != place.branch:
                    raise other_branch(place, branch)
                workspace = GitWorkspace(
                    place,
                    private,
                    self._checkouts(place.path),
                    clock=self._clock,
                    scan=self._scan,
                    limits=self._limits,
                )
                self._opened[place.path] = workspace
        if workspace.branch != place.branch:
            raise other_branch(place, workspace.branch)
        workspace.heal()
        workspace.check()
        return workspace

    def _discard(self, path: Path, *, files: bool) -> None:
        path = path.resolve()
        with self._lock:
            self._opened.pop(path, None)
        for folder in (self._checkouts(path), self._private(path), *([path] if files else [])):
            if folder.exists():
                remove_tree(folder)

    def _search_history(self, path: Path, heard: Callable[[int, int], None]) -> HistorySearch:
        path = path.resolve()
        directory = readable(path)
        head = self._private(path) / "HEAD"
        branch = head.read_text("utf-8").removeprefix("ref: ").strip() if head.is_file() else None
        return search(path, directory, branch=branch, heard=heard)

    # --- what is kept outside -----------------------------------------------------------------------------------------

    def _private(self, path: Path) -> Path:
        return self._state / "git" / _key(path)

    def known(self) -> list[Path]:
        """The folders of all repositories that were ever opened here and are still there."""
        links = sorted((self._state / "git").glob("*/repository"))
        return [link.readlink().parent for link in links if link.is_dir()]

    def _checkouts(self, path: Path) -> Path:
        return self._state / "checkouts" / _key(path)

    def _prepare(self, place: Place) -> Path:
        """Have the private git directory of a repository, and return it."""
        private = self._private(place.path)
        self._checkouts(place.path).mkdir(mode=0o700, parents=True, exist_ok=True)
        (place.directory / "smaker").mkdir(mode=0o700, exist_ok=True)
        (place.directory / "logs").mkdir(exist_ok=True)
        borrow(private, place.directory, branch=place.branch)
        return private


def _key(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]


@contextlib.contextmanager
def _new_folder(path: Path) -> Generator[Path]:
    """Have a missing or empty folder, with a place in it to prepare a repository; nothing is left if that fails."""
    made = not path.exists()
    if not made and not path.is_dir():
        raise PathError(f"{path} is a file, not a folder.", hint="Name another with --dir", code="E_KIND")
    if not made and any(entry.name != _HALF for entry in path.iterdir()):
        raise WorkspaceError(
            f"The folder {path} is not empty.",
            hint="Name another with --dir; or, if it is a git repository, use: smaker adopt",
            code="E_NOT_EMPTY",
        )
    path.mkdir(parents=True, exist_ok=True)
    half = path / _HALF
    if half.exists():
        remove_tree(half)
    try:
        yield half
    except BaseException:
        for left in (half, path / ".git"):
            if left.exists():
                remove_tree(left)
        if made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise
    remove_tree(half)


def _address(source: str) -> str:
    if not _ADDRESS.fullmatch(source):
        raise WorkspaceError(
            f"{source!r} is neither a folder nor an https or ssh address.",
            hint="Use https://host/path or git@host:path",
            code="E_ADDRESS",
        )
    return source


def _clone_environment(*, local: bool) -> dict[str, str]:
    """What a clone needs besides: the user's ssh keys and proxies, and leave to use the network."""
    if local:
        return {"GIT_ALLOW_PROTOCOL": "file"}
    passed = ("HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "NO_PROXY")
    return {
        "GIT_ALLOW_PROTOCOL": "https:ssh",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        **{name: os.environ[name] for name in passed if name in os.environ},
    }
