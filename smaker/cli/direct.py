"""The terminal app, opened without the command line where nothing else was asked for: loading that takes as long as the
first paint."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from smaker.cli.failing import prepare, told
from smaker.cli.session import Session


def opened(arguments: Sequence[str]) -> int | None:
    """Run the app for ``smaker [--home DIR] [tui]`` on a terminal, and return the exit code; None where the command
    line is to read the arguments."""
    words = list(arguments)
    home: Path | None = None
    if words[:1] == ["--home"] and len(words) > 1:
        home = Path(words[1])
        del words[:2]
    if words not in ([], ["tui"]):
        return None
    prepare()
    if lacking():
        return None
    try:
        return open_app(Session(home, server=os.environ.get("SMAKER_SERVER")))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return told(error)


def open_app(session: Session) -> int:
    """Run the app until its user leaves; return the exit code."""
    from smaker.wiring.terminal import run_terminal

    session.only_here()
    named = session.config_option.absolute() if session.config_option else None
    return run_terminal(session.home, session.file, session.settings, config=named)


def lacking() -> str:
    """What the app needs and does not have here."""
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):  # it is drawn on the last
        return "it needs a terminal for its input, output and errors"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return "the terminal cannot move its cursor (TERM)"
    return ""
