"""Unix sockets of a box on the host's side, in folders that only this user can enter and no box can write."""

from __future__ import annotations

import shutil
import socket
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

_LONGEST = 100  # sun_path holds 108 bytes


def private_folder(closing: AsyncExitStack) -> Path:
    """Make a folder (mode 0700) with a path short enough for a socket; removed when ``closing`` is closed."""
    base = tempfile.gettempdir()
    folder = Path(tempfile.mkdtemp(prefix="smaker-", dir=base if len(base) < _LONGEST - 30 else "/tmp"))  # noqa: S108
    closing.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def listener(folder: Path, name: str) -> tuple[Path, socket.socket]:
    """Make a listening Unix socket in ``folder``; return its path and the socket. Raises OSError."""
    path = folder / name
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.bind(str(path))
        server.listen(128)
    except OSError:
        server.close()
        raise
    return path, server
