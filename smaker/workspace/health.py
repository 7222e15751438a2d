"""Is this folder a repository we can work in? If not: what it is, and the command that mends it."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import re
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from smaker.core.errors import WorkspaceError
from smaker.workspace.head import read_small

log = logging.getLogger(__name__)

OUR_LOCK = "smaker\n"  # what an index.lock of ours contains
STALE_S = 2.0  # a lock of an unknown git that no living one can hold is left over after this many seconds

_CONFIG = 1 << 20
_BRANCH = re.compile(r"refs/heads/(?!.*(?:\.\.|@\{|//|\.lock(?:/|$)|/\.|\.$))[^\x00-\x20\x7f~^:?*\[\\]+")
_KINDS = {
    "HEAD": stat.S_ISREG,
    "config": stat.S_ISREG,
    "index": stat.S_ISREG,
    "packed-refs": stat.S_ISREG,
    "objects": stat.S_ISDIR,
    "refs": stat.S_ISDIR,
    "logs": stat.S_ISDIR,
    "info": stat.S_ISDIR,
    "smaker": stat.S_ISDIR,
}
_UNFINISHED = {
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}


@dataclass(frozen=True)
class Place:
    """A repository: the folder, its ``.git``, and the branch that is checked out there ("refs/heads/main")."""

    path: Path
    directory: Path
    branch: str


def inspect(path: Path) -> Place:
    """Return what the repository at ``path`` (no link) is. Raises WorkspaceError that says how to mend it."""
    directory = readable(path)
    branch = _branch(path, directory)
    for name, action in _UNFINISHED.items():
        if (directory / name).exists():
            raise WorkspaceError(
                f"A {action} is unfinished in {path}.",
                hint=f"Finish it with: git -C {path} {action} --continue (or give it up with --abort)",
            )
    return Place(path, directory, branch)


def readable(path: Path) -> Path:
    """Return the ``.git`` of the repository at ``path`` (no link), in whatever state its user is with it.

    Raises WorkspaceError that says how to mend it; E_NO_REPOSITORY where there is none that has a folder of files.
    """
    directory = _directory(path)
    _check_owner(path, directory)
    for name, right in _KINDS.items():
        with contextlib.suppress(FileNotFoundError):
            if not right((directory / name).lstat().st_mode):
                raise WorkspaceError(
                    f"{directory / name} is not what git keeps there.",
                    hint=f"Clone it to a clean place: git clone {path} {path}-clean",
                    code="E_DAMAGED",
                )
    _check_format(path, directory)
    return directory


def _directory(path: Path) -> Path:
    if not path.is_dir():
        raise _none_here(f"There is no folder {path}.", "Name another, or make it: smaker init --dir")
    directory = path / ".git"
    try:
        mode = directory.lstat().st_mode
    except FileNotFoundError:
        if (path / "HEAD").is_file() and (path / "objects").is_dir():
            raise _none_here(
                f"{path} is a bare repository, without files.", f"Clone it first: git clone {path} {path}-work"
            ) from None
        above = next((folder for folder in path.parents if (folder / ".git").exists()), None)
        if above is not None:
            raise _none_here(f"{path} is a folder within the repository {above}.", f"Name that one: {above}") from None
        raise _none_here(f"{path} is no git repository.", f"Make it one: git -C {path} init -b main") from None
    if not stat.S_ISDIR(mode):
        raise _none_here(
            f"{directory} points to a repository elsewhere (a worktree or submodule).",
            f"Name the main repository, or clone it: git clone {path} {path}-clone",
        )
    return directory


def _none_here(message: str, hint: str) -> WorkspaceError:
    return WorkspaceError(message, hint=hint, code="E_NO_REPOSITORY")


def _check_owner(path: Path, directory: Path) -> None:
    allowed = {os.geteuid()}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdigit():
        allowed.add(int(os.environ["SUDO_UID"]))
    owner = directory.lstat().st_uid
    if owner in allowed:
        return
    name = str(owner)
    with contextlib.suppress(KeyError):
        name = pwd.getpwuid(owner).pw_name
    raise WorkspaceError(
        f"The repository {path} belongs to another user ({name}).",
        hint=f"Run smaker as that user, or take it over: sudo chown -R $(id -un) {path}",
        code="E_OWNER",
    )


def _check_format(path: Path, directory: Path) -> None:
    """Say no to what we would misread. The file is foreign: it is searched for three words, nothing else."""
    config = read_small(directory / "config", _CONFIG) or ""
    if re.search(r"(?im)^\s*objectformat\s*=\s*\"?sha256", config):
        raise WorkspaceError(
            f"{path} names its objects by SHA-256, which smaker cannot do yet.",
            hint="Use a repository made by a plain: git init",
        )
    if re.search(r"(?im)^\s*refstorage\s*=\s*\"?reftable", config):
        raise WorkspaceError(
            f"{path} keeps its refs in a reftable, which smaker cannot read yet.",
            hint=f"Change it with: git -C {path} refs migrate --ref-format=files",
        )
    if re.search(r"(?im)^\s*bare\s*=\s*\"?true", config):
        raise WorkspaceError(
            f"{path} says that it is a bare repository.", hint=f"Change it with: git -C {path} config core.bare false"
        )


def _branch(path: Path, directory: Path) -> str:
    head = read_small(directory / "HEAD", _CONFIG)
    if head is None or not head.strip():
        raise WorkspaceError(
            f"{directory}/HEAD is missing: git no longer knows its branch.",
            hint=f"Write it anew: echo 'ref: refs/heads/main' > {directory}/HEAD",
            code="E_DAMAGED",
        )
    head = head.removesuffix("\n")
    if not head.startswith("ref: "):
        raise WorkspaceError(
            f"{path} is at a single commit ({head[:12]}), on no branch.",
            hint=f"Go to a branch: git -C {path} switch main (or make one: git -C {path} switch -c NAME)",
        )
    branch = head.removeprefix("ref: ").strip()
    if not _BRANCH.fullmatch(branch):
        raise WorkspaceError(
            f"{path} is on {branch!r}, which cannot be a branch.",
            hint=f"Go to another: git -C {path} switch -c main",
            code="E_REF_NAME",
        )
    return branch


def locks(place: Place) -> list[Path]:
    """Return git's lock files that are there and stop a commit on the branch."""
    candidates = ("index", "HEAD", place.branch, "packed-refs")
    return [lock for name in candidates if (lock := place.directory / f"{name}.lock").exists()]


def heal_locks(place: Place, private: Path, *, ours: bool) -> None:
    """Remove left-over locks that no living git holds: our own at once, others after `STALE_S`.

    The caller holds the repository's lock, so a lock of ours belongs to a process that is gone. ``ours``: that process
    had begun to move main, so that all locks are its own.
    """
    for lock in locks(place):
        made_here = ours or read_small(lock, _CONFIG) == OUR_LOCK
        if (made_here or _age(lock) >= STALE_S) and next(living_gits(place, private), None) is None:
            log.warning("%s: removed %s, which a process that is gone left behind", place.path, lock.name)
            lock.unlink(missing_ok=True)


def wait_for_locks(place: Place, private: Path) -> None:
    """Wait a moment for git's locks to go; heal left-over ones. Raises WorkspaceError naming who holds one."""
    deadline = time.monotonic() + STALE_S + 1
    while found := locks(place):
        heal_locks(place, private, ours=False)
        if time.monotonic() > deadline:
            holder = next(living_gits(place, private), None)
            who = f"git (pid {holder}) is" if holder is not None else "Another git seems to be"
            raise WorkspaceError(
                f"{who} at work in {place.path}: {found[0].name} is there.",
                hint=f"Let it finish; if none runs: rm {found[0]}",
            )
        time.sleep(0.02)


def living_gits(place: Place, private: Path) -> Iterator[int]:
    """Yield the pids of git processes that work in the repository."""
    homes = {str(private), str(place.directory)}
    for process in psutil.process_iter(["name"]):
        name = process.info["name"] or ""
        if name != "git" and not name.startswith("git-"):
            continue
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if Path(process.cwd()).is_relative_to(place.path) or process.environ().get("GIT_DIR") in homes:
                yield process.pid


def _age(lock: Path) -> float:
    try:
        return time.time() - lock.stat().st_mtime
    except FileNotFoundError:
        return 0.0
