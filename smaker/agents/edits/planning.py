"""From an answer to the files that are to be written: every file wholly as the answer means it, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from smaker.agents.edits.blocks import Answer, Edits, Fault, WholeFile
from smaker.agents.edits.fences import may_hold_fences
from smaker.agents.edits.ladder import Rejected, apply_edits
from smaker.agents.edits.places import Rung
from smaker.agents.edits.syntax import check_syntax

LEFT_OUT = r"(?:(?:the[ \t]+)?(?:rest|remainder)[ \t]+of|remaining|existing|unchanged|previous|other|same[ \t]+as)\b"
THINGS = (
    r"\b(?:code|file|class|function|method|content|module|implementation|import|route|test|line|logic|unchanged|same"
    r"|before|above|here|remain|stay)"
)
LEADER = r"(?:#|//|/\*|<!--|\{/\*|--|;|\*)"
DOTS = r"(?:\.\.\.|…)"
ELISION = re.compile(
    rf"^[ \t]*(?:{LEADER}[ \t]*[\[(<]?{DOTS}|[\[(<]?{DOTS}[ \t])[ \t]*(?:\w+[ \t]+){{0,3}}{LEFT_OUT}.*{THINGS}"
    rf"|^[ \t]*{LEADER}[ \t]*(?:the[ \t]+)?(?:rest|remainder)[ \t]+of[ \t].*\b(?:unchanged|same|before|here)\b"
    rf"|^[ \t]*(?:{LEADER}[ \t]*)?{DOTS}[ \t]*(?:rest[ \t]+)?unchanged\b",
    re.IGNORECASE | re.MULTILINE,
)
"""A line that stands for code left out; not ``...rest``, which spreads an object."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What an answer comes to. A path is in one of ``files``, ``deletions`` and ``unchanged``, or has a fault."""

    files: Mapping[str, str]
    """Path to whole content, for files that are new or differ from what they were."""
    deletions: tuple[str, ...]
    unchanged: tuple[str, ...]
    """Files that the answer leaves exactly as they were."""
    rungs: Mapping[str, tuple[Rung, ...]]
    """For each edited file how its pairs were found."""
    faults: tuple[Fault, ...]
    """What was not done, those of the answer first."""
    warnings: tuple[Fault, ...]
    """What was done all the same: a file that could not be parsed before and cannot be now."""


def plan_changes(answer: Answer, read: Callable[[str], str | None]) -> Changes:
    """Return the changes an answer means. ``read`` gives a file's text as it is, None where there is no such file."""
    plan = _Plan(answer, read)
    for block in answer.blocks:
        if isinstance(block, WholeFile):
            plan.whole(block)
        elif isinstance(block, Edits):
            plan.edits(block)
        elif read(block.path) is None:
            plan.refuse(block.path, block.line, "there is no such file to delete.")
        else:
            plan.deletions.append(block.path)
    plan.refuse_files_as_folders()
    return Changes(
        files=MappingProxyType(plan.files),
        deletions=tuple(plan.deletions),
        unchanged=tuple(plan.unchanged),
        rungs=MappingProxyType(plan.rungs),
        faults=tuple(plan.faults),
        warnings=tuple(plan.warnings),
    )


class _Plan:
    """Changes in the making."""

    def __init__(self, answer: Answer, read: Callable[[str], str | None]) -> None:
        self._read = read
        self._lines = {block.path: block.line for block in answer.blocks}
        self.files: dict[str, str] = {}
        self.deletions: list[str] = []
        self.unchanged: list[str] = []
        self.rungs: dict[str, tuple[Rung, ...]] = {}
        self.faults = list(answer.faults)
        self.warnings: list[Fault] = []

    def refuse(self, path: str, line: int, reason: str) -> None:
        self.faults.append(Fault(path, line, f"{path}: {reason}"))

    def whole(self, block: WholeFile) -> None:
        before = self._read(block.path)
        content = block.content
        if (
            before is not None
            and "\r\n" in before
            and "\r" not in content
            and before.count("\r\n") == before.count("\n")
        ):
            content = content.replace("\n", "\r\n")
        self._put(block.path, block.line, before, content)

    def edits(self, block: Edits) -> None:
        before = self._read(block.path)
        if before is None and any(pair.search.strip() for pair in block.pairs):
            self.refuse(
                block.path, block.line, "there is no such file to edit. Give its whole content in a <file> block."
            )
            return
        if before is not None and "\0" in before:
            self.refuse(block.path, block.line, "it is not a text file and cannot be edited.")
            return
        done = apply_edits(before or "", block.pairs, path=block.path)
        if isinstance(done, Rejected):
            self.faults += done.faults
        elif self._put(block.path, block.line, before, done.content):
            self.rungs[block.path] = done.rungs

    def _put(self, path: str, line: int, before: str | None, content: str) -> bool:
        if content == before:
            self.unchanged.append(path)
            return True
        if not may_hold_fences(path) and (elision := _elided(before or "", content)):
            self.refuse(
                path,
                line,
                f'"{elision[:100]}" stands for code that is left out, and would be all that is left of it. Nothing '
                "was written. Give the whole content, or change single places with an <edit> block.",
            )
            return False
        try:
            content.encode()
        except UnicodeEncodeError:
            self.refuse(path, line, "its content is not text that can be stored as UTF-8. Nothing of it was written.")
            return False
        problem = check_syntax(path, content)
        if problem is not None and before is not None and check_syntax(path, before) is not None:
            self.warnings.append(Fault(path, line, f"{path}: written, but it does not parse, as before: {problem}"))
        elif problem is not None:
            self.refuse(path, line, f"not written, because it would not parse: {problem}")
            return False
        self.files[path] = content
        return True

    def refuse_files_as_folders(self) -> None:
        for path in list(self.files):
            folder = next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in self.files), None)
            if folder is not None:
                del self.files[path]
                self.rungs.pop(path, None)
                self.refuse(
                    path, self._lines[path], f"not written, because {folder} is written as a file, not a folder."
                )


def _elided(before: str, content: str) -> str:
    """A line of the content that stands for lines left out, "" if there is none that was not there before."""
    return next((match[0].strip() for match in ELISION.finditer(content) if match[0] not in before), "")
