"""A build by a scripted model: a real server, sandbox, git and ledger; only the words are scripted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from smaker.config import Settings
from smaker.core.control import NewProject
from smaker.core.models import Budget, BuildLimits, Project
from smaker.core.ports import Build
from smaker.testing import ScriptedModelServer
from smaker.wiring import Local, open_local

PROMPT = """A Python module `roman.py` with two functions:
- `to_roman(number)` turns 1 to 3999 into a Roman numeral; others raise ValueError.
- `from_roman(text)` is its inverse; what is no numeral raises ValueError.
"""
PLAN: dict[str, Any] = {
    "name": "Roman numerals",
    "slug": "roman",
    "summary": "Converts numbers to Roman numerals and back.",
    "kind": "library",
    "profile": "python",
    "requirements": [
        {"text": "to_roman turns 1 to 3999 into a numeral, others raise ValueError.", "lines": "2"},
        {"text": "from_roman is its inverse; no numeral raises ValueError.", "lines": "3"},
    ],
    "not_requirements": "1",
    "interfaces": ["roman.to_roman(number: int) -> str", "roman.from_roman(text: str) -> int"],
    "modules": [{"name": "whole", "title": "The module"}],
    "test_strategy": "import roman",
}
GOOD = """VALUES = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
]


def to_roman(number):
    if not 0 < number < 4000:
        raise ValueError(f"{number} is not between 1 and 3999")
    parts = []
    for value, letters in VALUES:
        count, number = divmod(number, value)
        parts.append(letters * count)
    return "".join(parts)


def from_roman(text):
    total, rest = 0, text
    for value, letters in VALUES:
        while rest.startswith(letters):
            total, rest = total + value, rest[len(letters):]
    if rest or not text or to_roman(total) != text:
        raise ValueError(f"{text!r} is no numeral")
    return total
"""
TESTS = """import pytest

from roman import from_roman, to_roman


@pytest.mark.requirement("R1")
def test_to_roman():
    assert [to_roman(number) for number in (1, 4, 1994, 3999)] == ["I", "IV", "MCMXCIV", "MMMCMXCIX"]


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("number", [0, -1, 4000])
def test_out_of_range(number):
    with pytest.raises(ValueError):
        to_roman(number)


@pytest.mark.requirement("R2")
def test_from_roman():
    assert from_roman("MCMXCIV") == 1994
    with pytest.raises(ValueError):
        from_roman("IIII")
"""


def file(path: str, text: str) -> str:
    """A file as a model writes it."""
    return f'<file path="{path}">\n{text}</file>\n'


@dataclass
class Script:
    """Answers by role; each list is used up one by one, its last entry again and again."""

    planner: list[Any] = field(default_factory=lambda: [json.dumps(PLAN)])
    coder: list[Any] = field(default_factory=lambda: [file("roman.py", GOOD)])
    tester: list[Any] = field(default_factory=lambda: [file("tests/acceptance/test_roman.py", TESTS)])
    fixer: list[Any] = field(default_factory=lambda: ["I cannot."])
    reviewer: list[Any] = field(default_factory=lambda: ['{"doubts": []}'])
    visitor: list[Any] = field(default_factory=lambda: ['{"actions": [], "done": true}'])
    asked: list[str] = field(default_factory=list)

    def __call__(self, asked: Any) -> Any:
        for role, mark in (
            ("planner", "You plan software"),
            ("coder", "You write software from a plan"),
            ("tester", "You write acceptance tests"),
            ("fixer", "You mend software"),
            ("reviewer", "You review software"),
            ("visitor", "You visit software"),
        ):
            if mark in asked.text:
                answers = getattr(self, role)
                number = self.asked.count(role)
                self.asked.append(role)
                return answers[min(number, len(answers) - 1)]
        raise AssertionError("nobody says that: " + asked.text[:200])


@dataclass
class Shop:
    """A home whose only model is the scripted one."""

    local: Local
    server: ScriptedModelServer
    script: Script

    async def build(self, prompt: str = PROMPT, **values: Any) -> Build:
        """Build a project to where nothing more happens."""
        return await self.drive(await self.create(prompt, **values))

    async def create(self, prompt: str = PROMPT, **values: Any) -> Project:
        """Record a project."""
        given = {"limits": BuildLimits(max_fix_attempts=3), "budget": Budget(), **values}
        return await self.local.control.create(NewProject(prompt=prompt, mode="local", **given))

    async def drive(self, project: Project) -> Build:
        """Drive it."""
        return await self.local.worker.drive(project.id)


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of installed packages for all tests."""
    return Path(os.environ.get("SMAKER_CACHE") or tmp_path_factory.mktemp("cache"))


@pytest.fixture
def shop(tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Open a shop with a script; several may be opened over the same home, one after the other."""
    if shutil.which("bwrap") is None:
        if os.environ.get("CI"):
            pytest.fail("CI lacks bubblewrap")
        pytest.skip("needs bubblewrap")
    monkeypatch.setenv("SMAKER_CACHE", str(environments))

    @asynccontextmanager
    async def opened(
        script: Script | None = None, *, home: str = "home", provider: dict[str, Any] | None = None, **server: Any
    ) -> AsyncGenerator[Shop]:
        script = script or Script()
        async with ScriptedModelServer(script, **server) as running:
            local = {"model": "scripted", "base_url": running.url, **(provider or {})}
            settings = Settings.model_validate({"llm": {"mode": "local", "providers": {"local": local}}})
            async with open_local(tmp_path / home, settings) as local:
                yield Shop(local, running, script)

    return opened


@pytest.fixture
def script() -> type[Script]:
    """The script's class."""
    return Script


@pytest.fixture
def good() -> str:
    """A module that does what the prompt says."""
    return GOOD


@pytest.fixture
def tests() -> str:
    """Acceptance tests of it."""
    return TESTS


@pytest.fixture
def plan() -> dict[str, Any]:
    """A plan of it."""
    return PLAN


@pytest.fixture
def prompt() -> str:
    """What the user typed."""
    return PROMPT


@pytest.fixture(name="file")
def file_writer() -> Callable[[str, str], str]:
    """Writes a file as a model does."""
    return file
