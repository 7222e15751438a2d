"""The confinement of one command, as bubblewrap's arguments. Pure: what is there was found before.

Traps this avoids: as root the files of /proc/sys stay writable unless they are bound read-only; the root is made
read-only last, or mount points could not be made; /dev and /dev/shm are file systems in memory and are bounded too; a
link in the workspace is never followed on the host.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smaker.core.errors import PathError
from smaker.core.ports import WORKSPACE, Command
from smaker.sandbox import host
from smaker.sandbox.limits import MEGABYTE, Limits

_SHARED_MEMORY_MB = 256
_HOME_MB = 64


@dataclass(frozen=True)
class Abilities:
    """What this machine's bubblewrap can do."""

    program: Path
    disable_userns: bool


def workspace_folder(command: Command) -> Path:
    """Return the real path of the command's workspace. Raises PathError if it or ``cwd`` is no folder, or outside."""
    workspace = command.workspace.resolve()
    if not workspace.is_dir():
        raise PathError(f"The workspace {workspace} is not a folder.", hint="See where it went with: smaker status")
    cwd = PurePosixPath(command.cwd)
    if cwd.is_absolute() or ".." in cwd.parts or not (workspace / cwd).resolve().is_relative_to(workspace):
        raise PathError(f"The folder {command.cwd!r} is outside the workspace.", hint="Name a folder inside it.")
    if not (workspace / cwd).is_dir():
        raise PathError(f"The workspace has no folder {command.cwd!r}.", hint="Make it, or name another.")
    return workspace


def masks(workspace: Path) -> list[str]:
    """Return the options that hide ``.git`` and protect ``.smaker``. Symbolic links are left to dangle inside."""
    options: list[str] = []
    git = host.mode(workspace / ".git")
    if stat.S_ISDIR(git):
        options += ["--size", "4096", "--tmpfs", f"{WORKSPACE}/.git", "--remount-ro", f"{WORKSPACE}/.git"]
    elif stat.S_ISREG(git):
        options += ["--ro-bind", "/dev/null", f"{WORKSPACE}/.git"]
    own = workspace / ".smaker"
    if stat.S_ISDIR(host.mode(own)):
        options += ["--ro-bind", str(own), f"{WORKSPACE}/.smaker"]
    return options


def arguments(
    command: Command,
    workspace: Path,
    *,
    abilities: Abilities,
    limits: Limits,
    toolchains: host.Toolchains,
    files: Iterable[tuple[int, str]] = (),
    readable: Iterable[tuple[Path, str]] = (),
    sockets: Iterable[tuple[Path, str]] = (),
) -> list[str]:
    """Return bubblewrap's arguments up to the program.

    ``files``: (descriptor, path inside) of files to copy in; ``readable``: (host path, path inside) to show read-only;
    ``sockets``: the same, left out where they are gone.
    """
    options = [
        str(abilities.program),
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
        *(() if command.network else ("--unshare-net",)),
        *("--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "box"),
        *("--uid", "65534", "--gid", "65534"),
        *(("--disable-userns",) if abilities.disable_userns else ()),
        *host.system_view(),
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", str(_SHARED_MEMORY_MB * MEGABYTE), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),  # noqa: S108
        *("--size", str(limits.tmp_mb * MEGABYTE), "--tmpfs", "/tmp"),  # noqa: S108
        *("--size", str(_HOME_MB * MEGABYTE), "--tmpfs", "/home", "--dir", "/home/maker"),
    ]
    for descriptor, inside in files:
        options += ["--file", str(descriptor), inside]
    for folder in toolchains.folders:
        options += ["--ro-bind", str(folder), str(folder)]
    options += ["--bind", str(workspace), WORKSPACE, *masks(workspace)]
    for source, inside in readable:
        options += ["--ro-bind", str(source), inside]
    for source, inside in sockets:
        options += ["--ro-bind-try", str(source), inside]
    for mount in command.mounts:
        options += ["--bind" if mount.writable else "--ro-bind", str(mount.host), mount.inside]
    options += [*host.kernel_files(), "--remount-ro", "/", "--chdir", str(PurePosixPath(WORKSPACE, command.cwd))]
    return options
