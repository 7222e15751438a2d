"""Unix sockets of a box on the host's side, in folders that only this user can enter and no box can write."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

_LONGEST = 100  # sun_path holds 108 bytes
_PREFIX = "smaker-at-"


def private_folder(closing: AsyncExitStack) -> Path:
    """Make a folder (mode 0700) with a path short enough for a socket; removed when ``closing`` is closed, or when the
    next one is made after this process was killed."""
    base = tempfile.gettempdir()
    base = base if len(base) < _LONGEST - 30 else "/tmp"  # noqa: S108
    _sweep(base)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
        held = _lock(folder, wait=True)
        if held is not None and folder.is_dir():
            break
        if held is not None:  # another process swept it away before it was locked
            os.close(held)
    closing.callback(os.close, held)
    closing.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _sweep(base: str) -> None:
    """Remove the folders of this user that no living process holds."""
    with os.scandir(base) as entries:
        names = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    for name in names:
        if (held := _lock(Path(name), wait=False)) is not None:
            shutil.rmtree(name, ignore_errors=True)
            os.close(held)


def _lock(folder: Path, *, wait: bool) -> int | None:
    """Hold a folder of this user's until the descriptor is closed, or the process ends; None if it is held or gone."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(held).st_uid == os.geteuid():
            fcntl.flock(held, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held
    except OSError:
        pass
    os.close(held)
    return None


def listener(folder: Path, name: str, kind: socket.SocketKind = socket.SOCK_STREAM) -> tuple[Path, socket.socket]:
    """Make a listening Unix socket in ``folder``; return its path and the socket. Raises OSError."""
    path = folder / name
    server = socket.socket(socket.AF_UNIX, kind)
    try:
        server.bind(str(path))
        server.listen(128)
    except OSError:
        server.close()
        raise
    return path, server
