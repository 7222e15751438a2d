"""Read stack traces of Python and JavaScript: what went wrong, where in the project, and a signature of the cause.

Two failures of one cause have one signature: what differs from run to run (addresses, ids, times, temporary paths,
numbers) is taken out of it, and so are line numbers, which move with every edit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from smaker.core.ports import WORKSPACE

COLOURS = re.compile(r"(?:\x1b|#x1B)\[[0-9;?]*[ -/]*[@-~]|\[[0-9;]+m")  # pytest writes the escape as #x1B in XML
FOREIGN = {"site-packages", "node_modules", "dist-packages", ".venv"}

PYTHON_FRAME = re.compile(r'^ *File "([^"\n]+)", line (\d+)', re.MULTILINE)
PYTEST_FRAME = re.compile(r"^([^\s:]+\.py):(\d+): ?(.*)$", re.MULTILINE)
PYTEST_ERROR = re.compile(r"^E {3}(.*)$")
PYTEST_CODE = re.compile(r"^> {3,}(.+)$", re.MULTILINE)
PYTHON_ERROR = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Z]\w*)(?:: (.*))?$")
NODE_FRAME = re.compile(r"^ +at (?:.*? \()?((?:file://)?/[^\s()]+?):(\d+)(?::\d+)?\)?(?: \{)?$", re.MULTILINE)
NODE_PLACE = re.compile(r"^((?:file://)?/\S+?\.[cm]?[jt]s):(\d+)$", re.MULTILINE)
NODE_ERROR = re.compile(
    r"^ *(?:cause: |Uncaught )?((?:[A-Z]\w*)?(?:Error|Exception))(?: \[(\w+)\])?: ?(.*)$", re.MULTILINE
)
NODE_VALUE = re.compile(r"^ +(actual|expected): (.*?),?$", re.MULTILINE)
COMPARED = re.compile(r"^assert (.+?) (?:==|is) (.+)$")

STATUS_PAIR = re.compile(r"(\b[1-5]\d\d (?:==|!=|===|!==) [1-5]\d\d\b)")
VOLATILE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "ID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "TIME"),
    (re.compile(r"(?:file://)?(?:/private)?(?:/var/folders|/var/tmp|/tmp|/dev/shm)(?:/[^\s'\"():,]*)?"), "TMP"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "ADDRESS"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b"), "ID"),
    (re.compile(r"(?<![A-Za-z_])-?\d+(?:[.,]\d+)*"), "N"),
)


@dataclass(frozen=True)
class Trace:
    """What a stack trace says. ``file`` is relative to the workspace, None where the trace never enters it."""

    kind: str  # "ValueError"
    message: str
    file: str | None = None
    line: int | None = None
    code: str = ""  # the source line that failed, where the trace shows it
    expected: str | None = None
    seen: str | None = None

    @property
    def signature(self) -> str:
        """Equal for equal causes."""
        code = f" in `{self.code}`" if self.code else ""
        return normalised(f"{self.kind}: {self.message}") + code + (f" at {self.file}" if self.file else "")


def read_trace(output: str, *, root: str = WORKSPACE) -> Trace | None:
    """Return the innermost trace in ``output``, None if there is none. ``root`` is where the workspace was."""
    text = strip_colours(output)
    return _pytest(text, root) or _python(text, root) or _node(text, root)


def strip_colours(text: str) -> str:
    """Text without terminal colours, whole or with their escape character already lost."""
    return COLOURS.sub("", text)


def normalised(text: str) -> str:
    """Text without what differs from run to run; a comparison of two HTTP statuses is kept."""
    text = strip_colours(text)
    for pattern, word in VOLATILE[:-1]:
        text = pattern.sub(word, text)
    pattern, word = VOLATILE[-1]
    pieces = STATUS_PAIR.split(text)
    return " ".join(
        "".join(piece if index % 2 else pattern.sub(word, piece) for index, piece in enumerate(pieces)).split()
    )


def relative(path: str, root: str = WORKSPACE) -> str | None:
    """``path`` within the workspace, None for code that is not the project's."""
    path = path.removeprefix("file://").removeprefix(root.rstrip("/") + "/").removeprefix("./")
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "<")) or ".." in parts or ":" in parts[0] or FOREIGN.intersection(parts):
        return None
    return path


def _place(frames: Iterator[tuple[str, str]], root: str) -> tuple[str | None, int | None]:
    """The last frame that is in the workspace."""
    file, line = None, None
    for path, number in frames:
        inside = relative(path, root)
        if inside is not None:
            file, line = inside, int(number)
    return file, line


def _pytest(text: str, root: str) -> Trace | None:
    """pytest marks the error with "E" and ends each frame with "path:line: ErrorType"."""
    blocks: list[list[str]] = []
    previous = -2
    for number, row in enumerate(text.splitlines()):
        match = PYTEST_ERROR.match(row)
        if match:
            if number != previous + 1:
                blocks.append([])
            blocks[-1].append(match[1].strip())
            previous = number
    if not blocks:
        return None
    rows = [row for row in blocks[-1] if row] or [""]
    ends = list(PYTEST_FRAME.finditer(text))
    file, line = _place(((end[1], end[2]) for end in ends), root)
    inner = list(PYTHON_FRAME.finditer("\n".join(rows)))  # a syntax error names the broken file itself
    if inner:
        file, line = _place(((frame[1], frame[2]) for frame in inner), root)
    codes = PYTEST_CODE.findall(text)
    last = ends[-1][3].strip() if ends else ""
    error = next((match for match in map(PYTHON_ERROR.match, reversed(rows) if inner else rows) if match), None)
    message = rows[0]
    if error:
        kind, message = error[1].rpartition(".")[2], error[2] or ""
    else:
        kind = last if PYTHON_ERROR.match(last) else "AssertionError"
    compared = COMPARED.match(message.removeprefix("AssertionError: "))
    return Trace(
        kind=kind,
        message=message,
        file=file,
        line=line,
        code=codes[-1].strip() if codes and kind == "AssertionError" else "",
        seen=compared[1] if compared else None,
        expected=compared[2] if compared else None,
    )


def _python(text: str, root: str) -> Trace | None:
    """The last traceback of a chain, or the message of a syntax error."""
    start = text.rfind("Traceback (most recent call last)")
    frames = list(PYTHON_FRAME.finditer(text, max(start, 0)))
    if start < 0 and not frames:
        return None
    error = None
    for row in text[max(start, 0) :].splitlines()[1:]:
        error = PYTHON_ERROR.match(row)
        if error:
            break
    if error is None:
        return None
    file, line = _place(((frame[1], frame[2]) for frame in frames), root)
    return Trace(kind=error[1].rpartition(".")[2], message=error[2] or "", file=file, line=line)


def _node(text: str, root: str) -> Trace | None:
    """Node prints the innermost frame first; its test runner wraps the error as the cause of its own."""
    errors = [match for match in NODE_ERROR.finditer(text) if match[2] != "ERR_TEST_FAILURE"]
    if not errors:
        return None
    error = errors[-1]
    frames = list(NODE_FRAME.finditer(text, error.start()))
    file, line = _place(((frame[1], frame[2]) for frame in reversed(frames)), root)
    if file is None:
        file, line = _place(((place[1], place[2]) for place in NODE_PLACE.finditer(text)), root)
    message = error[3]
    if message.endswith(":"):  # "Expected values to be strictly equal:" is followed by the values
        message = f"{message} {_difference(text[error.end() : frames[0].start() if frames else None])}".strip()
    values = {match[1]: match[2] for match in NODE_VALUE.finditer(text)}
    return Trace(
        kind=error[1],
        message=message,
        file=file,
        line=line,
        expected=values.get("expected"),
        seen=values.get("actual"),
    )


def _difference(text: str) -> str:
    """The values below the heading of a failed comparison: the changed lines of a diff, or the first line."""
    rows = [row.strip() for row in text.splitlines()[:40]]
    rows = [row for row in rows if row and row != "+ actual - expected"]
    changed = [row for row in rows if row.startswith(("+", "-"))]
    return " ".join(" ".join(changed or rows[:1]).split())[:160]
