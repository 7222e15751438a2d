"""Enter the command line: every error becomes one sentence, a hint and an exit code; no trace-back reaches a user."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from smaker.core.errors import SmakerError
from smaker.core.terminal import sanitize

GLOBAL_AFTER_VERB = {"--json"}


def enter(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    _have_standard_streams()
    logging.getLogger("smaker").addHandler(logging.NullHandler())  # never to the terminal; wiring opens the log file
    hoisted, rest = _hoist(arguments)
    as_json = "--json" in hoisted
    from smaker.cli.main import app

    try:
        result = app(args=[*hoisted, *rest], prog_name="smaker", standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except TyperException as error:
        _fail(_usage_message(error), _usage_hint(error), "E_USAGE", as_json=as_json)
        return 2
    except SmakerError as error:
        _fail(error.message, error.hint, error.code, as_json=as_json)
        return error.exit_code
    except BrokenPipeError:
        _drop_stdout()
        return 0
    except UnicodeError as error:
        _fail(f"The text is not valid UTF-8: {error}", "Check the file's encoding.", "E_USAGE", as_json=as_json)
        return 2
    except OSError as error:
        if error.errno in {errno.EBADF, errno.EPIPE}:
            _drop_stdout()
            return 1
        _fail(_os_message(error), _os_hint(error), "E_SYSTEM", as_json=as_json)
        return 1
    except Exception as error:
        logging.getLogger("smaker").exception("internal error")
        message = f"An internal error: {type(error).__name__}: {error}"
        _fail(
            message,
            "That is a fault of smaker; its log has the details: smaker doctor names it.",
            "E_INTERNAL",
            as_json=as_json,
        )
        return 1
    return result if isinstance(result, int) else 0


def _hoist(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Accept ``--json`` after the verb too; what follows "--" is left alone."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    hoisted = [word for word in words[:end] if word in GLOBAL_AFTER_VERB]
    return hoisted[:1], [word for word in words[:end] if word not in GLOBAL_AFTER_VERB] + words[end:]


def _fail(message: str, hint: str, code: str, *, as_json: bool) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(sanitize(f"smaker: {message}"), file=sys.stderr)  # noqa: T201
        if hint:
            print(sanitize("\n".join(f"  {line}" for line in hint.splitlines())), file=sys.stderr)  # noqa: T201
    if as_json:
        with contextlib.suppress(OSError, ValueError):
            print(json.dumps({"error": {"code": code, "message": message, "hint": hint}}))  # noqa: T201


def _usage_message(error: TyperException) -> str:
    describe = getattr(error, "format_message", None)
    return str(describe()) if callable(describe) else str(error)


def _usage_hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context is not None else "See: smaker --help"


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
