"""The ports: what core needs of the rooms, as protocols. A room implements one; agents get them in their context."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from smaker.core.events import Event, NewEvent
from smaker.core.models import (
    Answer,
    Artifact,
    Budget,
    Deployment,
    Desired,
    Outcome,
    Problem,
    Project,
    ProjectState,
    Proof,
    Step,
    Task,
    TestReport,
    WorkerInfo,
)
from smaker.core.profile import Profile
from smaker.core.spec import Frozen, Spec

if TYPE_CHECKING:
    from smaker.core.context import Context


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go backwards, for deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


# --- store ------------------------------------------------------------------------------------------------------------


class Change(Frozen):
    """What one transaction does to a build. None leaves a value as it is; ``tasks`` are inserted or replaced by id.

    Ownership columns of a task (attempt, worker, lease) are the store's: a replaced task keeps them unless it ends.
    """

    state: ProjectState | None = None
    desired: Desired | None = None
    profile: str | None = None
    name: str | None = None
    spec: Spec | None = None
    skeleton: str | None = None
    proofs: tuple[Proof, ...] | None = None  # replaces all
    budget: Budget | None = None
    error: Problem | None = None
    clear_error: bool = False
    deployment: Deployment | None = None
    clear_deployment: bool = False
    sandbox_level: int | None = None
    tasks: tuple[Task, ...] = ()
    report: TestReport | None = None
    answers: tuple[Answer, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    events: tuple[NewEvent, ...] = ()


class Build(Frozen):
    """A project and all that belongs to deciding what happens next."""

    project: Project
    tasks: tuple[Task, ...] = ()
    answers: tuple[Answer, ...] = ()
    report: TestReport | None = None  # the newest

    def task(self, identifier: str) -> Task:
        """Return the task with that id; raises KeyError."""
        for candidate in self.tasks:
            if candidate.id == identifier:
                return candidate
        raise KeyError(identifier)


class Store(Protocol):
    """Where builds, events, the ledger and blobs are kept. Every method may raise StorageError."""

    async def create(self, project: Project, change: Change) -> list[Event]:
        """Insert a project with its first tasks and events, in one transaction. Raises Conflict if the id exists."""
        ...

    async def projects(self) -> list[Project]:
        """Return all projects, newest first."""
        ...

    async def build(self, project: str) -> Build:
        """Return the whole build. Raises NotFound."""
        ...

    async def desired(self, project: str) -> Desired:
        """Return what the user wants of the project now: one cheap read, done at every step. Raises NotFound."""
        ...

    async def apply(
        self, project: str, change: Change, *, revision: int | None = None, fence: tuple[str, int] | None = None
    ) -> list[Event]:
        """Apply a change in one transaction and return its numbered events.

        ``revision``: raises Conflict unless the project is still at it. ``fence`` (task id, attempt): raises Fenced
        unless that attempt is the current one and the task is RUNNING. Raises NotFound.
        """
        ...

    async def delete(self, project: str) -> None:
        """Remove a project and all that belongs to it."""
        ...

    async def claim(
        self, worker: str, *, capabilities: Sequence[str], lease_s: float, project: str | None = None
    ) -> Task | None:
        """Take the oldest task that is READY, or RUNNING with its lease run out, of a project whose desired state is
        RUN, whose needs are a subset of ``capabilities``. The attempt grows by one, the state is RUNNING."""
        ...

    async def heartbeat(self, project: str, task: str, attempt: int, *, lease_s: float) -> Desired:
        """Extend the lease and return what the user wants of the project. Raises Fenced."""
        ...

    async def release(self, project: str, task: str, attempt: int) -> None:
        """Give a claimed task back (READY), keeping its ledger. A stale attempt is ignored."""
        ...

    async def begin_step(self, step: Step) -> None:
        """Append an intent. Raises Fenced if ``step.attempt`` is not the task's current attempt."""
        ...

    async def finish_step(self, step: Step, events: Sequence[NewEvent] = ()) -> list[Event]:
        """Append a result with its events in one transaction; a second result for a step is ignored. Raises Fenced."""
        ...

    async def steps(self, project: str, task: str | None = None) -> list[Step]:
        """Return the ledger in order of (task's number, index); an unfinished intent has ``finished_at`` None."""
        ...

    async def copy_steps(self, source: str, target: str, tasks: Sequence[str]) -> None:
        """Copy the ledger of some tasks of one project to another."""
        ...

    async def events(self, project: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return events with seq > ``after`` in order."""
        ...

    async def emit(self, project: str, events: Sequence[NewEvent]) -> list[Event]:
        """Append events outside a change."""
        ...

    async def put_blob(self, data: bytes) -> str:
        """Store bytes and return their sha-256 in hex; equal bytes are stored once."""
        ...

    async def get_blob(self, sha256: str) -> bytes:
        """Return stored bytes. Raises NotFound, or StorageError if they no longer match their hash."""
        ...

    async def artifacts(self, project: str) -> list[Artifact]:
        """Return a project's artifacts, oldest first."""
        ...

    async def save_worker(self, worker: WorkerInfo) -> None:
        """Insert or refresh a worker."""
        ...

    async def workers(self) -> list[WorkerInfo]:
        """Return the known workers."""
        ...

    async def close(self) -> None:
        """Write what is waiting and release the database."""
        ...


# --- workspace --------------------------------------------------------------------------------------------------------


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

    async def list(self, *, tree: str | None = None) -> list[str]:
        """Return the paths of all files that are not ignored, sorted."""
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


# --- sandbox ----------------------------------------------------------------------------------------------------------


class SandboxLevel(IntEnum):
    """How much a sandbox holds (safety levels): OFF and LIMITS hold little and are never chosen silently."""

    OFF = 0
    WEAK = 1
    PARTIAL = 2
    STRONG = 3


SandboxProfile = Literal["run", "install", "web"]


class Mount(Frozen):
    """A host path seen inside the box at ``inside``."""

    host: Path
    inside: str
    writable: bool = False


class Command(Frozen):
    """A command for the box. ``argv`` is never parsed by a shell; the workspace is /work inside, writable."""

    argv: tuple[str, ...]
    workspace: Path
    cwd: str = "."
    profile: SandboxProfile = "run"
    network: bool = False  # full network, only where the user asked for it
    env: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    path: tuple[str, ...] = ()  # folders put before PATH inside
    stdin: bytes | None = None
    timeout_s: float = 120.0
    max_output: int = 1 << 20  # bytes kept, half head and half tail
    port: int | None = None  # profile "web": the port the program listens on inside


class CommandResult(Frozen):
    """How a command ended. ``limit`` names the bound that stopped it; ``output`` is stdout and stderr as they came."""

    exit_code: int
    output: str
    seconds: float
    limit: Literal["timeout", "output", "memory", "processes", "disk", "cancelled"] | None = None
    dropped_bytes: int = 0


class Process(Protocol):
    """A background process tree in the box."""

    @property
    def pid(self) -> int:
        """The pid of the box on the host."""
        ...

    @property
    def socket(self) -> Path | None:
        """Profile "web": a Unix socket on the host that reaches the port inside."""
        ...

    def tail(self, lines: int = 50) -> str:
        """The last lines of its output."""
        ...

    async def wait_for_text(self, text: str, *, timeout_s: float) -> None:
        """Wait until the output contains ``text``. Raises Unavailable with the tail if it ends or time runs out."""
        ...

    async def wait_for_port(self, *, timeout_s: float) -> None:
        """Profile "web": wait until the port inside accepts a connection. Raises Unavailable with the tail."""
        ...

    async def wait(self) -> CommandResult:
        """Wait for its end."""
        ...

    async def stop(self) -> None:
        """End the whole tree; nothing survives."""
        ...


class SandboxStatus(Frozen):
    """What a probe found."""

    name: str
    level: SandboxLevel
    detail: str
    remedy: str = ""


class Sandbox(Protocol):
    """Runs commands of generated projects confined."""

    async def probe(self) -> SandboxStatus:
        """Try it by running something; cached."""
        ...

    async def run(self, command: Command, on_output: Callable[[str], None] | None = None) -> CommandResult:
        """Run to the end. ``on_output`` sees decoded pieces as they come. Raises SandboxUnavailable."""
        ...

    async def start(self, command: Command) -> Process:
        """Start in the background. Raises SandboxUnavailable."""
        ...


class Environments(Protocol):
    """Dependencies of generated projects, installed once per distinct set, outside every workspace."""

    async def prepare(
        self, profile: Profile, workspace: Path, on_output: Callable[[str], None] | None = None
    ) -> tuple[Mount, ...]:
        """Install what the workspace's manifest declares (in the box, profile "install") unless it is there already,
        and return the read-only mounts that provide it at /env. Raises Unavailable."""
        ...


# --- agents -----------------------------------------------------------------------------------------------------------


class Agent(Protocol):
    """Does one kind of task. Deterministic given the recorded results of its context's effects."""

    async def run(self, context: Context) -> Outcome:
        """Do the task."""
        ...


class Deployer(Protocol):
    """Puts finished software where it answers, and takes it away again."""

    async def deploy(self, project: Project, profile: Profile) -> Deployment:
        """Start it, wait until it is healthy, and return where it answers. Raises BuildFailed with its output if it
        never is; nothing is left running then."""
        ...

    async def stop(self, project: str) -> bool:
        """Stop it; whether anything ran."""
        ...

    def current(self, project: str) -> Deployment | None:
        """What runs now, if anything."""
        ...
