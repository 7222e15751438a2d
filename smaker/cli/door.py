"""Enter the command line: every error becomes one sentence, a hint and an exit code; no trace-back reaches a user."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from smaker.cli.failing import fail, prepare, told

GLOBAL_AFTER_VERB = {"--json"}


def enter(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    prepare()
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
        fail(_usage_message(error), _usage_hint(error), "E_USAGE", as_json=as_json)
        return 2
    except Exception as error:
        return told(error, as_json=as_json)
    return result if isinstance(result, int) else 0


def _hoist(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Accept ``--json`` after the verb too; what follows "--" is left alone."""
    words = list(arguments)
    end = words.index("--") if "--" in words else len(words)
    hoisted = [word for word in words[:end] if word in GLOBAL_AFTER_VERB]
    return hoisted[:1], [word for word in words[:end] if word not in GLOBAL_AFTER_VERB] + words[end:]


def _usage_message(error: TyperException) -> str:
    describe = getattr(error, "format_message", None)
    return str(describe()) if callable(describe) else str(error)


def _usage_hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context is not None else "See: smaker --help"
