"""A real browser that tries a running app: what it is asked to do, and what it saw.

A run is a function of the app and its job. The app's port inside is the only way out that the browser has; what pages
say is data. ``{unique}`` in a value or a name stands for eight letters that no other run has used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal, Protocol, get_args

from pydantic import Field

from smaker.core.models import Finding
from smaker.core.ports.sandbox import SandboxStatus
from smaker.core.spec import Frozen

UNIQUE = "{unique}"

LocalPath = Annotated[str, Field(pattern=r"^/([^/\s\\][^\s\\]*)?$", max_length=2000)]


class Target(Frozen):
    """Something on a page: the ``nth`` with this role and accessible name, or what a CSS selector finds first."""

    role: str = ""
    name: str = ""
    css: str = ""
    nth: int = 0

    def __str__(self) -> str:
        return f"{self.role} “{self.name}”" if self.role and self.name else self.css or self.role


Deed = Literal[
    "goto",
    "back",
    "reload",
    "click",
    "dblclick",
    "hover",
    "focus",
    "blur",
    "fill",
    "select",
    "check",
    "uncheck",
    "press",
]
Expectation = Literal["text", "gone", "visible", "hidden", "count", "value", "checked", "unchecked", "url"]
Probe = Literal["double", "bare"]
"""What the explorer alone does."""

EXPECTATIONS: frozenset[str] = frozenset(get_args(Expectation))


class Action(Frozen):
    """One thing a visitor does, or expects.

    ``goto`` a path, ``back``, ``reload``; of a target ``click``, ``dblclick``, ``hover``, ``focus``, ``blur`` (leave
    it), ``fill`` with a value, ``select`` an option by its value or label, ``check``, ``uncheck``; ``press`` a key (on
    a target or the page).

    What is expected may take a few seconds to come. ``text``: the value is a part of what is to be read on the page, or
    in the target, white space taken as one blank; ``gone``: it is not; ``visible``, ``hidden``: something, or nothing,
    that the target names is displayed; ``count``: so many of it are; ``value``: the field holds exactly that;
    ``checked``, ``unchecked``; ``url``: the address, where "*" is any part of it, and what follows "#" counts if the
    value has one ("#/active" alone is that on any page). A target with ``nth`` 0 is the first for what is done, and for
    ``text``, ``gone``, ``visible``, ``hidden`` and ``count`` all that it names.

    ``double`` clicks twice while the line is slow; ``bare`` removes what the browser checks of the form that holds the
    target, as a program that posts by itself would.
    """

    kind: Deed | Expectation | Probe
    target: Target | None = None
    value: Annotated[str, Field(max_length=100_000)] = ""

    def __str__(self) -> str:
        short = self.value if len(self.value) <= 60 else f"{self.value[:57]}…"
        return " ".join(part for part in (self.kind, str(self.target or ""), repr(short) if short else "") if part)


class BrowserLimits(Frozen):
    """Bounds of one run. ``slow_s``: an answer that takes longer is a fault."""

    seconds: float = Field(default=60, gt=0, le=3600, allow_inf_nan=False)
    actions: int = Field(default=400, ge=1, le=100_000)
    pages: int = Field(default=40, ge=1, le=10_000)  # of different shape
    slow_s: float = Field(default=2.0, gt=0, le=60, allow_inf_nan=False)


class BrowserJob(Frozen):
    """What to do with the app on ``port`` of the browser's loopback: look around, or ``play`` these actions."""

    kind: Literal["explore", "play"]
    port: int = Field(ge=1, le=65_535)
    path: LocalPath = "/"  # the start page
    actions: tuple[Action, ...] = ()  # "play"
    account: tuple[str, str] | None = None  # "explore": user and password where nobody can sign up
    limits: BrowserLimits = BrowserLimits()
    width: int = Field(default=1280, ge=200, le=4000)
    height: int = Field(default=800, ge=200, le=4000)
    seed: str = "smaker"  # from which {unique} is made: another run on the same app needs another one
    trace: bool = False  # "play": keep trace.zip


Check = Literal[
    "server-error",
    "console-error",
    "page-error",
    "failed-request",
    "slow-answer",
    "broken-link",
    "wrong-redirect",
    "missing-page",
    "markup",
    "dead-control",
    "unlabelled",
    "lost-back",
    "double-submit",
    "accessibility",
    "other-host",
    "unresponsive",
    "crash",
]
"""What can be wrong: see docs/decisions/browser.md."""


class Discovery(Frozen):
    """A finding, and the shortest way there that shows it."""

    finding: Finding
    check: Check
    actions: tuple[Action, ...]
    url: str  # path and query where it was seen
    subject: str = ""  # what the check is about: a rule, a path, a message
    target: Target | None = None
    screenshot: str = ""  # a file of the run
    confirmed: bool = True  # whether the same actions showed it again
    at: float = 0.0  # seconds since 1970, for the server's log


class Played(Frozen):
    """One action as it went. ``seen`` says what was there instead where ``ok`` is false; ``idle`` why it shows
    nothing: what it expects to be gone was there at no other step either; ``snapshot`` is the accessibility tree."""

    action: Action
    ok: bool
    url: str
    seen: str = ""
    idle: str = ""
    screenshot: str = ""
    snapshot: str = ""
    at: float = 0.0


Ended = Literal["done", "failed", "seconds", "actions", "crash"]


class BrowserResult(Frozen):
    """What was seen. ``ended``: all was done, or a bound was met, or the browser would not go on."""

    ended: Ended
    discoveries: tuple[Discovery, ...] = ()  # "explore"
    steps: tuple[Played, ...] = ()  # "play"
    pages: tuple[str, ...] = ()  # paths of the pages that were seen, one of each shape
    console: tuple[str, ...] = ()  # errors
    page_errors: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()  # requests that failed, or were answered with an error
    actions: int = 0
    seconds: float = 0.0
    snapshot: str = ""  # of the last page
    files: tuple[str, ...] = ()  # in the run's folder: screenshots, trace.zip


Dialect = Literal["pytest", "node"]
"""Of tests: Playwright for Python, or for JavaScript."""


class Browser(Protocol):
    """Tries apps in a real browser, confined like everything else that runs foreign code."""

    async def probe(self) -> SandboxStatus:
        """Start it once and show a page; cached. The level is that of the sandbox, OFF where it does not start."""
        ...

    async def run(
        self,
        job: BrowserJob,
        folder: Path,
        *,
        socket: Path | None = None,
        on_output: Callable[[str], None] | None = None,
    ) -> BrowserResult:
        """Do the job; ``folder`` (empty) gets the files. ``socket`` leads to the app (`Process.socket`); without one
        the port is the machine's. Raises Unavailable if there is no browser, SandboxUnavailable, PathError."""
        ...

    def as_test(self, discovery: Discovery, dialect: Dialect) -> str:
        """The source of a test that is red while a discovery shows."""
        ...

    def as_scenario(self, name: str, actions: Sequence[Action], dialect: Dialect) -> str:
        """The source of a test that plays actions and holds what they expect."""
        ...
