"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from smaker.agents.model.planner import GENERAL
from smaker.profiles import Catalog
from smaker.wiring import AGENTS

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "smaker"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "migrations/versions" not in path.as_posix())

LARGER = {}
"""Files over 400 lines, each with the reason."""


def contract() -> list[set[str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = next(entry for entry in settings["tool"]["importlinter"]["contracts"] if entry["type"] == "layers")
    return [set(re.findall(r"smaker\.(\w+)", layer)) for layer in layers["layers"]]


def rooms() -> set[str]:
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()}
    return folders | {path.stem for path in PACKAGE.glob("*.py") if not path.name.startswith("__")}


def test_the_picture_is_the_contract_and_the_contract_is_the_house() -> None:
    picture = re.search(r"```text\n(.*?)```", (ROOT / "docs/architecture.md").read_text(), re.DOTALL)
    assert picture is not None
    drawn = [set(re.findall(r"\w+", line)) for line in picture.group(1).splitlines() if re.search(r"\w", line)]
    held = [layer & rooms() for layer in contract()]
    assert drawn == held
    assert set().union(*held) == rooms()


@pytest.mark.parametrize("name", sorted(rooms()))
def test_every_room_is_described(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs/architecture.md").read_text()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_files_are_small_and_say_what_they_are_for(path: Path) -> None:
    source = path.read_text()
    name = path.relative_to(PACKAGE).as_posix()
    lines = source.count("\n")
    assert lines <= 400 or name in LARGER, f"{name} has {lines} lines"
    assert name not in LARGER or lines > 400, f"{name} needs no exception any more"
    assert ast.get_docstring(ast.parse(source)), f"{name} has no docstring"


def loaded_by(code: str) -> set[str]:
    script = f"import sys; sys.argv = ['smaker']\n{code}\nprint(*sorted(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {module.partition(".")[0] for module in ran.stdout.splitlines()[-1].split()}


HEAVY = {"litellm", "textual", "fastapi", "sqlmodel", "sqlalchemy", "docker", "git", "alembic", "jinja2", "structlog"}


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        ("sys.argv.append('--version')\nfrom smaker.__main__ import main\nmain()", set()),
        ("import smaker.core.engine, smaker.core.worker, smaker.core.replay", set()),
        ("import smaker.cli.main", set()),
        ("import smaker.store.reader", set()),
        ("import smaker.config", set()),
        ("import smaker.wiring", set()),
    ],
    ids=["version", "core", "cli", "reader", "config", "wiring"],
)
def test_imports_stay_light(code: str, allowed: set[str]) -> None:
    assert loaded_by(code) & HEAVY <= allowed


def test_version_loads_neither_typer_nor_pydantic() -> None:
    loaded = loaded_by("sys.argv.append('--version')\nfrom smaker.__main__ import main\nmain()")
    assert not loaded & {"typer", "click", "pydantic", "rich", "asyncio"}


@pytest.mark.parametrize("name", AGENTS.names())
def test_every_agent_of_the_table_loads(name: str) -> None:
    assert callable(AGENTS.load(name).run)


@pytest.mark.parametrize("name", Catalog().names())
def test_every_profile_loads_and_is_in_the_readme(name: str) -> None:
    profile = Catalog().load(name).profile
    assert profile.operations or name in GENERAL
    assert profile.test
    assert f"`{name}`" in (ROOT / "README.md").read_text()


def test_the_command_line_is_documented_as_it_is() -> None:
    from smaker.cli.reference import reference

    assert (ROOT / "docs/cli.md").read_text() == reference(), "write it again with: make docs"
