"""What a context works through, and how a task says that it waits for its user."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from smaker.core.budget import Warned
from smaker.core.bus import Bus
from smaker.core.ports import Clock, Environments, Models, Sandbox, Store, Workspace
from smaker.core.ports.browser import Browser
from smaker.core.secrets import Redactor


class Waiting(Exception):
    """The agent asked the user; raised where the answer is missing, caught by the worker."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


@dataclass(frozen=True)
class Rooms:
    """What a context works through."""

    store: Store
    workspace: Callable[[], Awaitable[Workspace]]  # opened, or made, when first needed
    sandbox: Sandbox
    environments: Environments
    clock: Clock
    bus: Bus
    redactor: Redactor = field(default_factory=Redactor)
    models: Models | None = None
    browser: Browser | None = None
    replay: bool = False
    warned: Warned = field(default_factory=Warned)  # of the project's bounds
