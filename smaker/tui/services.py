"""What the app is given: small protocols over the nouns of core. It takes nothing else, and knows no engine.

`smaker.wiring.terminal` makes them for an engine in this process. Every method may raise SmakerError, whose message and
hint are for the user.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from smaker.config import Loaded
    from smaker.core.checked import Checked
    from smaker.core.control import Control, NewProject
    from smaker.core.errors import SmakerError
    from smaker.core.models import Deployment, Project, WorkerInfo
    from smaker.core.ports import Container
    from smaker.core.profile import Profile


class Builder(Protocol):
    """Runs the tasks of projects beside the app, in its process or elsewhere."""

    def start(self, project: str, failed: Callable[[SmakerError], None]) -> None:
        """Drive a project until it is settled, when its turn comes; one that is driven already is left alone.

        ``failed`` is told what ended it otherwise: in use elsewhere, no sandbox, a full disk.
        """
        ...

    def running(self) -> frozenset[str]:
        """The projects driven or waiting for their turn here; another process's are `Snapshot.holder`'s."""
        ...

    async def pause_all(self) -> None:
        """Pause every build of here at its next step and wait until they stand still, a few seconds at most."""
        ...

    async def detach(self) -> None:
        """Hand every build of here to a process of its own, which goes on without a terminal. Raises Unavailable."""
        ...


class Draft(Protocol):
    """Makes requests."""

    def __call__(self, prompt: str, mode: str | None = None, model: str | None = None) -> NewProject:
        """A project of this prompt with what the configuration says; ``mode`` and ``model`` instead of its own. Raises
        UsageError if the prompt cannot be one, ConfigError if no model can plan it. Blocks."""
        ...


class SettingsDesk(Protocol):
    """The user's configuration."""

    @property
    def file(self) -> Path:
        """The user's file, which need not exist."""
        ...

    def loaded(self) -> Loaded:
        """Every setting and where it came from, read again. Blocks for some milliseconds."""
        ...

    def set(self, key: str, text: str) -> Loaded:
        """Set a dotted key in the user's file to ``text`` (YAML or a word), keeping its comments; the settings as they
        are then. A provider the file does not have is set whole. Builds that start from now on use them. Blocks."""
        ...

    def try_value(self, key: str, text: str) -> None:
        """Raise the ConfigError that `set` would, and write nothing. Blocks."""
        ...

    def has_key(self, variable: str) -> bool:
        """Whether an environment variable, which may hold a provider's key, is set where models are asked."""
        ...

    def undo(self) -> str | None:
        """Take the last `set` of this app back; its key, None if there is none left. Raises ConfigError if the file was
        changed since by someone else. Blocks."""
        ...

    async def check(self, provider: str) -> Mapping[str, str]:
        """Ask a provider's model small questions: ability -> "" where it is able, else why not."""
        ...


class Deployments(Protocol):
    """What is deployed."""

    async def current(self, project: str) -> Deployment | None:
        """What runs now, and whether it is healthy; None if nothing does."""
        ...

    async def containers(self, project: str) -> Sequence[Container]:
        """The containers of a deployment by Compose. Raises Unavailable if the engine does not answer."""
        ...

    async def stop(self, project: str) -> bool:
        """Stop a project's software; whether any ran."""
        ...

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool) -> None:
        """Give ``heard`` what it printed; with ``follow`` until it ends or this is cancelled. Raises NotFound."""
        ...


@dataclass(frozen=True)
class Services:
    """All of it. ``notices`` are what the user should be told at the start."""

    control: Control
    builder: Builder
    settings: SettingsDesk
    deployments: Deployments
    draft: Draft
    adopt: Callable[[str, NewProject, Path | None], Awaitable[Project]]
    """Take an existing repository: a folder as it is, or a clone of an address (into the folder)."""
    forget: Callable[[str, bool], Awaitable[None]]
    """Stop what a project has deployed and delete it, with its files if the second is true."""
    profiles: Callable[[], Sequence[Profile]]
    """The stack profiles there are. Blocks."""
    workers: Callable[[], Awaitable[Sequence[WorkerInfo]]]
    """The processes that do tasks."""
    checkup: Callable[[], Awaitable[Sequence[Checked]]]
    """What this machine has of what builds need: sandbox, browser, docker, models."""
    replay: Callable[[str], Awaitable[str]]
    """Rebuild a project from its record with no model and no network; what came of it, in words. Raises Diverged."""
    sample: str
    """A prompt that can be built here without a model."""
    notices: tuple[str, ...] = ()
