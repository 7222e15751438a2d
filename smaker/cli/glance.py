"""The list of projects, also without the command line: most of what `smaker status` would cost is loading that."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from smaker.cli.columns import table
from smaker.cli.session import Session
from smaker.core.errors import SmakerError

PLAIN = {"list", "status"}


def answered(arguments: Sequence[str]) -> bool:
    """Answer ``smaker [--home DIR] list`` or ``status``, with or without ``--json``; whether it was that, and all went
    well. Otherwise nothing was said, and the command line is to read the arguments."""
    words = list(arguments)
    home: Path | None = None
    if words[:1] == ["--home"] and len(words) > 1:
        home = Path(words[1])
        del words[:2]
    verbs = [word for word in words if word != "--json"]
    if len(verbs) != 1 or verbs[0] not in PLAIN or len(words) - len(verbs) > 1:
        return False
    try:
        show_projects(Session(home, json=len(words) > 1))
        sys.stdout.flush()
    except (SmakerError, OSError, ValueError, AttributeError):
        return False  # the command line will meet it again, and has the words for it
    return True


def show_projects(session: Session) -> None:
    """Print all projects, newest first."""
    projects = session.reader().listed()
    rows = [(project.id, project.state, project.profile or "-", project.name) for project in projects]
    empty = 'No project yet. Make one: smaker init "a REST API to track books (title, author, year)"'
    session.show(
        [asdict(project) for project in projects],
        lambda: table(("ID", "STATE", "PROFILE", "NAME"), rows) if rows else empty,
    )
