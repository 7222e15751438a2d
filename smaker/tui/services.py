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
    from smaker.core.models import Project, WorkerInfo
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
        are then. Builds that start from now on use them. Blocks."""
        ...

    async def check(self, provider: str) -> Mapping[str, str]:
        """Ask a provider's model small questions: ability -> "" where it is able, else why not."""
        ...


class Deployments(Protocol):
    """What is deployed."""

    async def stop(self, project: str) -> bool:
        """Stop a project's software; whether any ran."""
        ...

    async def output(self, project: str, heard: Callable[[str], None], *, follow: bool) -> None:
        """Give ``heard`` what it printed; with ``follow`` until it ends or this is cancelled. Raises NotFound."""
        ...


@dataclass(frozen=True)
class Services:
    """All of it. ``place`` names where builds are kept, ``notices`` what the user should be told at the start."""

    control: Control
    builder: Builder
    settings: SettingsDesk
    deployments: Deployments
    draft: Callable[[str], NewProject]
    """A project of this prompt with what the configuration says. Raises ConfigError if no model can plan it."""
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
    place: str
    notices: tuple[str, ...] = ()
