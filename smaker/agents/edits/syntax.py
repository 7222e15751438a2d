"""Whether a file's content is what its name says, found out before it is written. Nothing is run or constructed."""

from __future__ import annotations

import json
import re
import tomllib
import warnings
from collections.abc import Callable
from pathlib import PurePosixPath

import yaml

from smaker.agents.edits.lines import BOM
from smaker.agents.edits.nearest import numbered
from smaker.agents.evidence.node_syntax import parse_javascript

DEEP = "nested too deeply to be read"
COMMENTED_JSON = re.compile(
    r"(?:[tj]sconfig[\w.-]*|\.?devcontainer|\.eslintrc|\.babelrc|\.swcrc)\.json$|(?:^|/)\.vscode/"
)
"""JSON by name that its readers allow comments in."""

TEMPLATE = re.compile(r"\{[{%]")
LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C where PyYAML was built with it: the other takes seconds for what is large or deep."""

AT_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")


class _Broken(Exception):
    """What is wrong, and in which line, from 1; 0 for the whole."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


def check_syntax(path: str, content: str) -> str | None:
    """Return why a file does not parse, with the line and what stands there; None if it does or cannot be checked.

    Python by the grammar of the running interpreter (3.11 or newer), JSON, TOML, YAML and JavaScript are checked.
    """
    check = _check_for(path)
    if check is None:
        return None
    content = content.removeprefix(BOM)
    try:
        check(content)
    except _Broken as broken:
        if not broken.line:
            return broken.problem
        lines = content.split("\n")
        at = min(broken.line, len(lines))
        return f"line {at}: {broken.problem}\n{numbered(lines, max(0, at - 3), at)}"
    return None


def _check_for(path: str) -> Callable[[str], None] | None:
    match PurePosixPath(path.lower()).suffix:
        case ".py" | ".pyi":
            return _python
        case ".json" if not COMMENTED_JSON.search(path.lower()):
            return _json
        case ".toml":
            return _toml
        case ".yaml" | ".yml":
            return _yaml
        case ".js" | ".mjs" | ".cjs" | ".jsx":
            return _javascript
        case _:
            return None


def _python(content: str) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code that is read, not of ours
            compile(content, "<answer>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _Broken(error.lineno or 1, error.msg) from error
    except (RecursionError, MemoryError) as error:
        raise _Broken(0, DEEP) from error
    except ValueError as error:  # a NUL, half a surrogate pair
        raise _Broken(0, str(error)) from error


def _json(content: str) -> None:
    try:
        json.loads(content, parse_int=str)  # numbers may be longer than Python converts
    except json.JSONDecodeError as error:
        raise _Broken(error.lineno, error.msg) from error
    except RecursionError as error:
        raise _Broken(0, DEEP) from error


def _toml(content: str) -> None:
    try:
        tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        place = AT_LINE.search(str(error))
        raise _Broken(
            int(place[1]) if place and place[1] else content.count("\n") + 1, AT_LINE.sub("", str(error))
        ) from error
    except ValueError as error:
        raise _Broken(0, str(error)) from error
    except RecursionError as error:
        raise _Broken(0, DEEP) from error


def _yaml(content: str) -> None:
    if TEMPLATE.search(content):
        return  # YAML once it is rendered
    try:
        for _ in yaml.parse(content, Loader=LOADER):  # events alone: tags and aliases are not resolved
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _Broken(mark.line + 1 if mark else 0, error.problem or "not YAML") from error
    except yaml.reader.ReaderError as error:
        raise _Broken(0, error.reason) from error
    except RecursionError as error:
        raise _Broken(0, DEEP) from error


def _javascript(content: str) -> None:
    try:
        parse_javascript("", content)
    except ValueError as error:
        _, line, problem = str(error).split(":", 2)
        raise _Broken(int(line), problem.strip()) from error
