"""Exact search: every line that matches a pattern, in bounded time and space."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from smaker.agents.codemap.index import CodeIndex, SourceFile
from smaker.agents.codemap.search import clip
from smaker.core.errors import UsageError

_LONGEST_PATTERN = 500
_SECONDS = 2.0
_PER_FILE = 20
_WIDTH = 400  # characters of a line that are handed on
_MATCHER = Path(__file__).with_name("matcher.py")


@dataclass(frozen=True, slots=True)
class Match:
    """A line (from 1) that matches."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Grep:
    """Matches by path and line, sources before tests; ``more`` if there were more than asked for."""

    matches: tuple[Match, ...]
    more: bool


def grep(
    index: CodeIndex,
    pattern: str,
    *,
    regex: bool = True,
    ignore_case: bool = False,
    glob: str = "*",
    limit: int = 60,
    seconds: float = _SECONDS,
) -> Grep:
    """Find lines: at most ``limit``, and 20 of a file. ``glob`` (``*`` crosses folders) says in which files.

    A regular expression (Python's) runs in a process of its own for at most ``seconds``; what it had found by then is
    not returned, so that equal files give equal answers.
    Raises UsageError for a pattern that is empty, too long, not valid or too slow; nothing happened then.
    """
    if not pattern or len(pattern) > _LONGEST_PATTERN:
        raise UsageError(
            f"The pattern has {len(pattern)} characters.", hint=f"Use from 1 to {_LONGEST_PATTERN} characters."
        )
    expression = pattern if regex else re.escape(pattern)
    try:
        re.compile(expression)
    except (re.error, OverflowError, RecursionError) as problem:
        raise UsageError(
            f"{pattern!r} is no regular expression: {problem}.", hint="Mend it, or search for it as plain text."
        ) from problem
    with index.lock:
        files = sorted(
            (file for file in index.files.values() if file.text and fnmatchcase(file.path, glob)),
            key=lambda file: (file.kind.test, file.path),
        )
    found, more = _run(expression, ignore_case, files, limit, seconds)
    return Grep(tuple(Match(files[number].path, line, clip(text)) for number, line, text in found), more)


def render_grep(found: Grep) -> str:
    """Show matches to a model: a path, then its lines with their numbers."""
    if not found.matches:
        return "Nothing found.\n"
    shown: list[str] = []
    path = ""
    for match in found.matches:
        if match.path != path:
            path = match.path
            shown.append(clip(path))
        shown.append(f"{match.line:>6} {match.text}")
    if found.more:
        shown.append("… more matches; narrow the pattern or the files.")
    return "\n".join([*shown, ""])


def _run(
    expression: str, ignore_case: bool, files: list[SourceFile], limit: int, seconds: float
) -> tuple[list[tuple[int, int, str]], bool]:
    order = {
        "pattern": expression,
        "ignore_case": ignore_case,
        "files": len(files),
        "limit": limit,
        "per_file": _PER_FILE,
        "width": _WIDTH,
    }
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-S", str(_MATCHER)],
            input=b"".join(_feed(order, files)),
            capture_output=True,
            check=True,
            timeout=seconds,
            env={},
        )
    except subprocess.TimeoutExpired as problem:
        raise UsageError(
            f"Looking for {expression!r} takes more than {seconds:g} seconds.",
            hint="Leave out a repeat inside a repeat, or name the files.",
        ) from problem
    except subprocess.CalledProcessError as problem:
        last = problem.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UsageError(f"{expression!r} cannot be looked for: {last}.", hint="Write a simpler pattern.") from problem
    found, more = json.loads(ran.stdout)
    return [(number, line, text) for number, line, text in found], more


def _feed(order: Mapping[str, object], files: Iterable[SourceFile]) -> Iterable[bytes]:
    yield json.dumps(order).encode() + b"\n"
    for file in files:
        text = file.text.encode()
        yield b"%d\n" % len(text)
        yield text
