"""What paths, tasks and refs may be called: the first check, done on text alone before any file is touched."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass

from smaker.core.errors import PathError, WorkspaceError

MAX_NAME = 255  # bytes, of one component: what Linux file systems hold
MAX_PATH = 4096  # bytes
MAX_DEPTH = 128  # folders within folders

_TASK = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?![./]|lock\b)){0,99}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE)
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Limits:
    """Bounds on the files of a workspace. Sizes are in bytes; ``file`` binds files that history does not hold yet."""

    file: int = 8 << 20
    total: int = 2 << 30
    files: int = 100_000


def components(path: str) -> tuple[str, ...]:
    """Return the components of a relative POSIX path.

    Raises PathError: E_PATH_OUTSIDE where it is absolute or climbs, E_LIMIT where it is too long, E_KIND for a folder,
    E_PATH_PROTECTED for anything that some file system takes for ``.git``.
    """
    if not path or "\0" in path or path.startswith("/"):
        raise PathError(f"{path!r} is not a path inside the workspace.", hint="Use a relative path such as src/app.py")
    if path.endswith(("/", "/.")) or path == ".":
        raise PathError(f"{path!r} names a folder, not a file.", hint="Name a file in it.", code="E_KIND")
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    if ".." in parts:
        raise PathError(f"{path!r} leaves the workspace.", hint="Use a path without '..'")
    if len(os.fsencode(path)) > MAX_PATH or len(parts) > MAX_DEPTH:
        raise PathError(f"{path[:60]!r}… is too long a path.", hint="Use shorter names.", code="E_LIMIT")
    for part in parts:
        if len(os.fsencode(part)) > MAX_NAME:
            raise PathError(f"{part[:60]!r}… is too long a name.", hint="Use at most 255 bytes.", code="E_LIMIT")
        if is_git(part):
            raise PathError(
                f"{path!r} is git's own folder.",
                hint="History is written by commits alone.",
                code="E_PATH_PROTECTED",
            )
    return parts


def agent_components(path: str, *, write: bool) -> tuple[str, ...]:
    """Return the components of a path an agent asks for: besides `components`, names other systems read otherwise are
    refused, and files of smaker itself are for reading only. Raises PathError."""
    if "\\" in path or _DRIVE.match(path):
        raise PathError(f"{path!r} is a path of another system.", hint="Separate folders by '/', without a drive.")
    parts = components(path)
    for part in parts:
        if ":" in part or _DEVICE.fullmatch(part) or any(unicodedata.category(c) == "Cc" for c in part):
            raise PathError(
                f"{path!r} cannot be a file on every system.",
                hint="Use a name without ':' and control characters, and no device's name.",
                code="E_KIND",
            )
    if write and is_ours("/".join(parts)):
        raise PathError(f"{path!r} is written by smaker alone.", hint="Leave it as it is.", code="E_PATH_PROTECTED")
    return parts


def is_git(name: str) -> bool:
    """Whether any common file system, ignoring case, invisible characters, accents, trailing dots or what follows a
    colon, takes the name for ``.git``."""
    if name.isascii() and "\\" not in name and name[:4].lower() != ".git" and name[:5].lower() != "git~1":
        return False
    return any(_folded(part) in {".git", "git~1"} for part in name.split("\\"))


def is_ours(path: str) -> bool:
    """Whether a path is smaker's own: ``.smaker/`` and ``smaker.yaml`` at the top, in any spelling."""
    first, _, rest = path.partition("/")
    return _folded(first) == (".smaker" if rest else "smaker.yaml") or (not rest and _folded(first) == ".smaker")


def is_modules_link(name: str) -> bool:
    """Whether git refuses a symbolic link of this name: it would read it as its list of submodules."""
    folded = _folded(name)
    return folded == ".gitmodules" or folded.startswith(("gitmod~", "gi7eba~"))


def task_name(task: str) -> str:
    """Return the name if it can be a folder and a ref. Raises WorkspaceError E_REF_NAME."""
    if not _TASK.fullmatch(task) or task.endswith((".", ".lock")):
        raise WorkspaceError(
            f"{task!r} cannot be the name of a task.", hint="Use letters, digits, '-' and '_'.", code="E_REF_NAME"
        )
    return task


def object_id(text: str) -> str:
    """Return a full object id. Raises WorkspaceError E_REF_NAME for anything else."""
    if not _COMMIT.fullmatch(text):
        raise WorkspaceError(
            f"{text[:80]!r} is not a commit or tree of this project.",
            hint="List them: smaker history",
            code="E_REF_NAME",
        )
    return text


def _folded(name: str) -> str:
    if not name.isascii():
        plain = unicodedata.normalize("NFKD", name)
        name = "".join(c for c in plain if unicodedata.category(c) not in {"Mn", "Cf", "Cc"})
    return name.partition(":")[0].casefold().rstrip(" .")
