"""How software with pages is started to be looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smaker.core.ports.browser import Action, BrowserJob, BrowserLimits
from smaker.core.profile import Profile
from smaker.core.spec import ProductKind, Spec

STATIC_PORT = 8080
PLAY_S = 60.0


@dataclass(frozen=True)
class Launching:
    """The command that serves the pages on ``port``."""

    argv: tuple[str, ...]
    port: int
    variables: Mapping[str, str]
    path: str = "/"  # the start page

    def play(self, actions: Sequence[Action]) -> BrowserJob:
        """The job of a visitor who does that, from the start page on."""
        limits = BrowserLimits(seconds=PLAY_S)
        return BrowserJob(kind="play", port=self.port, path=self.path, actions=tuple(actions), limits=limits)


def launching(spec: Spec, profile: Profile, files: Sequence[str]) -> Launching | None:
    """How to start it; None where it has no pages, or nobody said how they are served. Pages without a server of their
    own are served as files."""
    if not spec.gui:
        return None
    if profile.start and profile.port:
        return Launching(profile.start_command(spec.package), profile.port, profile.start_variables(spec.package))
    if spec.kind is not ProductKind.SITE:
        return None
    pages = sorted(
        (path for path in files if path.rpartition("/")[2] == "index.html"), key=lambda path: path.count("/")
    )
    if not pages:
        return None
    folder = pages[0].rpartition("/")[0]
    command = ("python3", "-m", "http.server", str(STATIC_PORT), "--bind", "127.0.0.1", "--directory", folder or ".")
    return Launching(command, STATIC_PORT, {})
