"""The git program, run so that nothing of the user's or of a foreign repository's configuration takes part.

Git is never pointed at a repository's own ``.git``. It runs on a private git directory whose configuration we wrote
and which borrows the repository's objects, refs and reflogs: what it does not read cannot fire. The environment is
made from nothing (``env -i``), arguments are fixed by us, no shell is involved, and network transports are refused
except for a clone.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from smaker.core.errors import WorkspaceError
from smaker.workspace.edge import disk_full

TIMEOUT_S = 120.0

_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.commitGraph": "false",  # a foreign one may say what the commits do not
    "core.excludesFile": "/dev/null",
    "core.quotePath": "false",
    "core.fsync": "committed,reference",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "init.defaultBranch": "main",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "submodule.recurse": "false",
}


def environment(**more: str) -> dict[str, str]:
    """The whole environment of a git process of ours, with ``more`` on top."""
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_EDITOR": "/bin/false",
        "GIT_PAGER": "cat",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
    }
    for number, (key, value) in enumerate(_CONFIG.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables | more


class Git:
    """Runs git on one private git directory (or on none)."""

    def __init__(self, directory: Path | None, *, shown: Path) -> None:
        self.directory = directory
        self._shown = shown  # the user's folder, for messages

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Return what a command prints. Raises WorkspaceError if it fails."""
        return self.call(*arguments, stdin=stdin, variables=variables, timeout_s=timeout_s)[1]

    def call(
        self,
        *arguments: str,
        stdin: bytes = b"",
        ok: Sequence[int] = (0,),
        variables: Mapping[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> tuple[int, bytes]:
        """Return the exit code and what a command prints. Raises WorkspaceError if the code is not in ``ok``."""
        with self._started(arguments, subprocess.PIPE, variables) as process, _deadline(process, timeout_s) as late:
            output, errors = process.communicate(stdin)
        self._check(arguments, process.returncode, errors, ok, late=late.is_set())
        return process.returncode, output

    @contextlib.contextmanager
    def reading(self, *arguments: str, stdin: bytes, timeout_s: float = TIMEOUT_S) -> Generator[IO[bytes]]:
        """Run a command and read what it prints as it comes. Raises WorkspaceError if it fails."""
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            with self._started(arguments, given, None) as process, _deadline(process, timeout_s) as late:
                assert process.stdout is not None
                yield process.stdout
                _, errors = process.communicate()
            self._check(arguments, process.returncode, errors, (0,), late=late.is_set())

    @contextlib.contextmanager
    def _started(
        self, arguments: Sequence[str], stdin: int | IO[bytes], variables: Mapping[str, str] | None
    ) -> Generator[subprocess.Popen[bytes]]:
        given = dict(variables or {})
        if self.directory is not None:
            given.setdefault("GIT_DIR", str(self.directory))
        settings = [f"{key}={value}" for key, value in environment(**given).items()]
        command = ["env", "-i", *settings, "git", *arguments]
        held = _library().Git("/").execute(command, as_process=True, istream=stdin, start_new_session=True)
        yield held.proc  # GitPython ends the process when ``held`` goes

    def _check(
        self, arguments: Sequence[str], code: int, errors: bytes | None, ok: Sequence[int], *, late: bool
    ) -> None:
        said = (errors or b"").decode("utf-8", "replace").strip()
        if late:
            raise WorkspaceError(
                f"git {arguments[0]} did not end within its time in {self._shown}.",
                hint=f"Look for a hanging file there: git -C {self._shown} fsck",
            )
        if code in ok:
            return
        if "No space left on device" in said or "Disk quota exceeded" in said:
            raise disk_full(self._shown)
        between = "\n" if "\n" in said else " "
        raise WorkspaceError(
            f"git {arguments[0]} failed in {self._shown}:{between}{said or f'exit code {code}'}",
            hint=f"See what git says: git -C {self._shown} fsck",
        )


@cache
def _library() -> Any:
    """GitPython's command module; loading it costs 0.1 s and fails where there is no git."""
    try:
        return importlib.import_module("git.cmd")
    except ImportError as problem:
        raise WorkspaceError(
            "The program git was not found.", hint="Install it, for example with: apt install git", code="E_NO_GIT"
        ) from problem


@contextlib.contextmanager
def _deadline(process: subprocess.Popen[bytes], seconds: float) -> Generator[threading.Event]:
    """End the process group after ``seconds``, or if the block is left early; the event tells that it was late."""
    late = threading.Event()

    def end() -> None:
        late.set()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
