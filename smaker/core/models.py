"""The nouns of the house: projects, tasks, steps of the ledger, outcomes, findings, reports, artifacts, profiles."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from smaker.core.spec import Frozen, RequirementId, Spec


class ProjectState(StrEnum):
    """Where a build stands."""

    NEW = "NEW"
    PLANNING = "PLANNING"
    CODING = "CODING"
    TESTING = "TESTING"
    DEBUGGING = "DEBUGGING"
    READY = "READY"
    DEPLOYED = "DEPLOYED"
    FAILED = "FAILED"


class Desired(StrEnum):
    """What the user wants of a build; reconciled at step boundaries."""

    RUN = "run"
    PAUSE = "pause"
    CANCEL = "cancel"


class Stage(StrEnum):
    """The stages of the pipeline, in order."""

    SPEC = "spec"
    SKELETON = "skeleton"
    IMPLEMENTATION = "implementation"
    TESTS = "tests"
    RUN = "run"
    FIX = "fix"
    REVIEW = "review"
    WEB = "web"
    DEPLOY = "deploy"


class TaskState(StrEnum):
    """WAITING for other tasks, BLOCKED by a gate or question, READY to be claimed, RUNNING, or ended."""

    WAITING = "waiting"
    BLOCKED = "blocked"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the task."""
        return self in {TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED}


class Gate(StrEnum):
    """A point where the build waits for the user's approval."""

    PLAN = "plan"
    DEPLOY = "deploy"
    QUESTIONS = "questions"  # what models ask; without it they go on with what they would take


class DeployTarget(StrEnum):
    """Where a finished build is deployed."""

    NONE = "none"
    PROCESS = "process"
    COMPOSE = "compose"


class Usage(Frozen):
    """What model calls cost. Tokens are the provider's own count; money is US dollars."""

    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0
    calls: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=self.cost_usd + other.cost_usd,
            calls=self.calls + other.calls,
        )


class Budget(Frozen):
    """Upper bounds for one project, and for each of its tasks; None is no bound."""

    max_cost_usd: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=0)
    max_minutes: float | None = Field(default=None, gt=0)
    max_task_cost_usd: float | None = Field(default=None, ge=0)
    max_task_tokens: int | None = Field(default=None, ge=0)
    max_task_minutes: float | None = Field(default=None, gt=0)


class BuildLimits(Frozen):
    """Bounds on loops, commands and waits. ``command_timeout_s`` is seconds of wall time; ``max_outage_minutes`` is how
    long a task waits for models that answered before."""

    max_fix_attempts: int = Field(default=5, ge=0, le=100)
    max_steps_per_task: int = Field(default=60, ge=1, le=10_000)
    max_parallel_tasks: int = Field(default=4, ge=1, le=64)
    command_timeout_s: float = Field(default=600, gt=0, le=86_400)
    max_outage_minutes: float = Field(default=60, ge=0, le=10_080, allow_inf_nan=False)


class Problem(Frozen):
    """Why something went wrong, for a person: one sentence and the next command to type."""

    message: str
    hint: str = ""
    code: str = "E_SMAKER"


class Deployment(Frozen):
    """Where the built software answers."""

    target: DeployTarget
    url: str
    healthy: bool
    pid: int | None = None


class TestSource(Frozen):
    """One test as its source says: what it claims to prove and what it asserts (normalised, in order)."""

    id: str
    requirements: tuple[RequirementId, ...] = ()
    assertions: tuple[str, ...] = ()
    skipped: bool = False


class Proof(Frozen):
    """A test that was seen red before the work it proves was done: on the commit ``red_on``."""

    source: TestSource
    red_on: str


class Project(Frozen):
    """One build: the user's prompt and settings, and where it stands. ``revision`` grows with every change."""

    id: str
    name: str
    prompt: str
    workspace: str  # absolute path
    created_at: datetime
    mode: str = "offline"
    model: str | None = None  # answers for every role: a provider's name, or "provider/model"
    profile: str | None = None
    state: ProjectState = ProjectState.NEW
    desired: Desired = Desired.RUN
    gates: tuple[Gate, ...] = ()
    deploy: DeployTarget = DeployTarget.NONE
    review: bool = False  # a model reads the software before it is ready
    web: bool = False  # software with pages is tried in a browser before it is ready
    budget: Budget = Budget()
    limits: BuildLimits = BuildLimits()
    spec: Spec | None = None
    adopted: bool = False
    skeleton: str | None = None  # commit on which acceptance tests must be red
    proofs: tuple[Proof, ...] = ()
    error: Problem | None = None
    deployment: Deployment | None = None
    sandbox_level: int | None = None  # the level the project was last built with: never lowered silently
    revision: int = 0


class Task(Frozen):
    """One unit of work for one agent. Ids are "t1", "t2", … within the project."""

    id: str
    project: str
    stage: Stage
    title: str
    agent: str
    depends_on: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # capabilities a worker must have
    requirements: tuple[RequirementId, ...] = ()
    payload: dict[str, JsonValue] = {}
    state: TaskState = TaskState.WAITING
    question: str | None = None  # what it asks its user, while it is BLOCKED; a gate asks nothing
    attempt: int = 0  # fencing token: grows with every claim
    worker: str | None = None
    lease_until: datetime | None = None
    commit: str | None = None  # last commit on main
    model: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    summary: str = ""  # what its agent said at the end
    error: Problem | None = None

    @property
    def seconds(self) -> float | None:
        """Wall seconds from first start to end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())


class StepKind(StrEnum):
    """The kinds of effect an agent has."""

    MODEL = "model"
    COMMAND = "command"
    PROCESS = "process"  # one that runs beside the steps: its start, what it says, its end
    EDIT = "edit"
    COMMIT = "commit"
    BROWSER = "browser"
    DEPLOY = "deploy"
    QUESTION = "question"
    CHECK = "check"  # something looked up that a rerun must see unchanged


class Step(Frozen):
    """One entry of the ledger: the intent, and (``finished_at`` set) the result of one effect.

    ``id`` is "<task>.<index>". ``input_sha`` is the sha-256 of what the effect was given; ``output`` what it returned
    (large parts as blob hashes); ``tree`` the git tree of the task's files after it; ``changes`` the files it changed
    as path -> "<mode>:<blob sha-256>" or None for a deletion, so that a rebuild needs neither command nor model.
    """

    id: str
    project: str
    task: str
    index: int
    kind: StepKind
    title: str
    attempt: int
    input_sha: str
    started_at: datetime
    output: dict[str, JsonValue] | None = None
    tree: str | None = None
    changes: dict[str, str | None] | None = None
    usage: Usage = Usage()
    model: str | None = None
    commit: str | None = None
    finished_at: datetime | None = None

    @property
    def assumption(self) -> str | None:
        """The question that was not asked and what was taken for its answer; None for all other steps."""
        output = self.output or {}
        return f"{self.title} Taken: {output.get('text')}" if output.get("assumed") else None


class Severity(StrEnum):
    """How much a finding matters: an error keeps the build from READY."""

    ERROR = "error"
    WARNING = "warning"


class Finding(Frozen):
    """Something that is wrong, in one shape whether tests, lint, a browser or a deployment found it."""

    source: Literal["test", "lint", "gate", "proof", "run", "review", "browser", "deploy"]
    message: str
    severity: Severity = Severity.ERROR
    file: str | None = None
    line: int | None = None
    test: str | None = None
    requirements: tuple[RequirementId, ...] = ()
    expected: str | None = None
    seen: str | None = None
    signature: str = ""  # equal for equal causes
    evidence: str = ""  # head and tail of the output that shows it


class TestStatus(StrEnum):
    """How one test ended. Skipped is not passed."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class TestResult(Frozen):
    """One test of one run. ``id`` is "<path>::<name>" whatever the runner. ``cases``: of a test with parameters, how
    many of its cases ended how; its own status is the worst."""

    id: str
    status: TestStatus
    seconds: float = 0.0
    message: str = ""
    file: str | None = None
    line: int | None = None
    cases: dict[TestStatus, int] = {}


class TestReport(Frozen):
    """One run of the project's tests on the git tree ``tree``; ``coverage`` in percent of lines, if measured."""

    tree: str
    results: tuple[TestResult, ...] = ()
    coverage: float | None = None
    exit_code: int = 0

    def count(self, status: TestStatus) -> int:
        """How many tests ended with ``status``, as the runner counts: every case is one."""
        return sum(result.cases.get(status, 0) if result.cases else result.status is status for result in self.results)

    @property
    def ran(self) -> int:
        """How many tests there were, counted the same way."""
        return sum(sum(result.cases.values()) or 1 for result in self.results)

    @property
    def green(self) -> bool:
        """Whether tests ran, none failed, and the runner agrees by its exit code."""
        return bool(self.results) and self.exit_code == 0 and self.count(TestStatus.FAILED) == 0


REPORT = "report"
"""The kind of the artifact that each task leaves of its `TestReport`: a build that goes back finds it again."""


class Artifact(Frozen):
    """Something a build made that is worth keeping; its bytes are the blob ``sha256``."""

    id: str
    project: str
    task: str
    kind: str  # `REPORT`, "test-report", "coverage", "screenshot", "log", "archive", "health"
    name: str
    media_type: str
    size: int
    sha256: str
    created_at: datetime


class WorkerInfo(Frozen):
    """A process that does tasks."""

    id: str
    host: str
    pid: int
    capabilities: tuple[str, ...]
    task: str | None = None
    seen_at: datetime | None = None


class Verdict(StrEnum):
    """How a task ended, seen by the pipeline."""

    DONE = "done"
    FINDINGS = "findings"  # it ran, and something is wrong that a fix may mend
    FAILED = "failed"  # it cannot succeed
    REFUSED = "refused"  # the prompt is outside what this builder can do
    WAITING = "waiting"  # it asked the user


class Dispute(Frozen):
    """What whoever mends the software believes to be wrong, and why: a test, which the tester judges, or a path through
    the pages (its name in a file's letters), which a visitor takes again; ``found`` is what had failed on it."""

    test: str = ""
    path: str = ""
    reason: str
    found: str = ""


class Outcome(Frozen):
    """What an agent reports of its task."""

    verdict: Verdict
    summary: str
    spec: Spec | None = None
    findings: tuple[Finding, ...] = ()
    report: TestReport | None = None
    proofs: tuple[Proof, ...] = ()  # acceptance tests written by this task and seen red
    deployment: Deployment | None = None
    disputes: tuple[Dispute, ...] = ()
    question: str | None = None
    error: Problem | None = None


class Answer(Frozen):
    """What the user said to a question or gate of a task."""

    task: str
    text: str
    approved: bool = True
    question: str | None = None  # what was asked; a gate asks nothing
    at: datetime
