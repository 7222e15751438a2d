"""What is remembered of a project's deployments beside the labels of its containers, and the lock for one at a time.

``<home>/deployments/<project>.compose.json`` is replaced atomically. The labels are the truth about what runs; the file
says which of it was found healthy, and under which ports the project answers from one deployment to the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError

from smaker.core.errors import InUse, Unavailable
from smaker.core.spec import Frozen

LABEL_HOME = "smaker.home"
LABEL_PROJECT = "smaker.project"
LABEL_DEPLOYMENT = "smaker.deployment"
LABEL_RELEASE = "smaker.release"
LABEL_ROLE = "smaker.role"

POLL_S = 0.2


class Live(Frozen):
    """The deployment that was last found healthy. ``port`` is the one its address names."""

    key: str
    number: int
    url: str


class Trying(Frozen):
    """The deployment that is being made; ``smoked``: its smoke tests were begun, so its data are no longer fresh."""

    key: str
    number: int
    smoked: bool = False


class Record(Frozen):
    """What is remembered of one project. ``ports`` are this machine's by "service:port/protocol"."""

    last: int = 0
    ports: dict[str, int] = {}
    live: Live | None = None
    trying: Trying | None = None


class Records:
    """The records of all projects of one home."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "deployments"
        self.mark = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()[:12]

    def labels(self, project: str, number: int, key: str, role: str) -> dict[str, str]:
        """The labels of everything that belongs to a deployment."""
        return {
            LABEL_HOME: self.mark,
            LABEL_PROJECT: project,
            LABEL_RELEASE: str(number),
            LABEL_DEPLOYMENT: key,
            LABEL_ROLE: role,
        }

    def ours(self, project: str | None = None, **more: object) -> dict[str, list[str]]:
        """The filter for what is ours and nobody else's: of a project, or of the whole home."""
        given: Mapping[str, object] = {LABEL_HOME: self.mark, LABEL_PROJECT: project} | {
            f"smaker.{name}": value for name, value in more.items()
        }
        return {"label": [f"{name}={value}" for name, value in given.items() if value is not None]}

    def read(self, project: str) -> Record:
        """What is remembered; an empty record if nothing is, or nobody can read it."""
        try:
            return Record.model_validate_json(self._file(project).read_bytes())
        except (OSError, ValidationError):
            return Record()

    def write(self, project: str, record: Record) -> None:
        """Replace what is remembered. Raises Unavailable if the disk does not take it."""
        path = self._file(project)
        fresh = path.with_suffix(".new")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with fresh.open("w", encoding="utf-8") as out:
                out.write(record.model_dump_json())
                out.flush()
                os.fsync(out.fileno())
            fresh.replace(path)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error}", hint="See: smaker doctor") from error

    def known(self) -> list[str]:
        """The projects something is remembered of."""
        return sorted(path.name.removesuffix(".compose.json") for path in self.folder.glob("*.compose.json"))

    def forget(self, project: str) -> None:
        """Remove the record and all folders of a project."""
        for folder in self.folder.glob(f"{project}-*"):
            if folder.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
        self._file(project).unlink(missing_ok=True)

    def place(self, project: str, number: int) -> Path:
        """The folder of one deployment: its files, its Compose file, its result."""
        return self.folder / f"{project}-{number}"

    @asynccontextmanager
    async def alone(self, project: str, *, wait_s: float) -> AsyncGenerator[int]:
        """Hold the project's lock, and give its file to commands that are to hold it too: those of a smaker that was
        killed are then waited for. Raises InUse."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self.folder / f"{project}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = asyncio.get_running_loop().time() + wait_s
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                if asyncio.get_running_loop().time() > deadline:
                    raise InUse("Another process deploys this project.", hint="Wait for it, or see: smaker status")
                await asyncio.sleep(POLL_S)
            yield handle
        finally:
            os.close(handle)

    def _file(self, project: str) -> Path:
        return self.folder / f"{project}.compose.json"
