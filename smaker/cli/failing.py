"""How a run of the program ends that went wrong: one sentence, a hint, an exit code. Loads no command line."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import sys

from smaker.core.errors import SmakerError
from smaker.core.terminal import sanitize


def prepare() -> None:
    """Have standard streams, and a log that goes nowhere until wiring opens its file."""
    _have_standard_streams()
    logging.getLogger("smaker").addHandler(logging.NullHandler())  # never to the terminal


def told(error: Exception, *, as_json: bool = False) -> int:
    """Say what went wrong; return the exit code."""
    match error:
        case SmakerError():
            fail(error.message, error.hint, error.code, as_json=as_json)
            return error.exit_code
        case BrokenPipeError():
            _drop_stdout()
            return 0
        case UnicodeError():
            fail(f"The text is not valid UTF-8: {error}", "Check the file's encoding.", "E_USAGE", as_json=as_json)
            return 2
        case OSError(errno=errno.EBADF | errno.EPIPE):
            _drop_stdout()
            return 1
        case OSError():
            fail(_os_message(error), _os_hint(error), "E_SYSTEM", as_json=as_json)
            return 1
        case _:
            hint = "\n".join(getattr(error, "__notes__", ())) or "That is a fault of smaker."
            fail(f"An internal error: {type(error).__name__}: {error}", hint, "E_INTERNAL", as_json=as_json)
            return 1


def fail(message: str, hint: str, code: str, *, as_json: bool) -> None:
    """Print a message and its hint to standard error, and with ``as_json`` an object to standard output."""
    with contextlib.suppress(OSError, ValueError):
        print(sanitize(f"smaker: {message}"), file=sys.stderr)  # noqa: T201
        if hint:
            print(sanitize("\n".join(f"  {line}" for line in hint.splitlines())), file=sys.stderr)  # noqa: T201
    if as_json:
        with contextlib.suppress(OSError, ValueError):
            print(json.dumps({"error": {"code": code, "message": message, "hint": hint}}))  # noqa: T201


def _os_message(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or error}"


def _os_hint(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then go on with: smaker resume ID"
    if error.errno in {errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOENT, errno.ENOTDIR}:
        return "Choose a folder that can be written with: smaker --home DIR …"
    return "See: smaker doctor"


def _have_standard_streams() -> None:
    """A closed standard stream would let the next opened file (the database) take its number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # pyright: ignore[reportAttributeAccessIssue]


def _drop_stdout() -> None:
    """Nobody reads any more: let the interpreter's own last flush go nowhere."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
