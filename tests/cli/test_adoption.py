"""Taking over a repository: one that smaker made carries on, a foreign one is named for what it is and left alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.timeout(240), pytest.mark.sandbox, pytest.mark.node]


def commit(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    if not (folder / ".git").exists():
        subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "mine"], check=True)


def test_what_another_home_built_is_tested_and_carried_on(built: tuple[Any, str], program: Any, tmp_path: Path) -> None:
    other, project = built
    folder = tmp_path / "site"
    shutil.copytree(other.home / "projects" / project, folder, symlinks=True)
    status = program.json("adopt", str(folder), "add an FAQ section")
    assert status["state"] == "READY", status["error"]
    assert status["id"] != project
    assert all(requirement["proved_by"] for requirement in status["requirements"])
    assert program.json("trace", status["id"])["holds"]
    known = {entry["text"] for entry in other.json("status", project)["requirements"]}
    assert known < {entry["text"] for entry in status["requirements"]}
    merged = subprocess.run(
        ["git", "-C", str(folder), "log", "--format=%H"], capture_output=True, text=True, check=True
    )
    assert set(other.git(project, "log", "--format=%H").split()) < set(merged.stdout.split())


def test_a_spec_file_that_cannot_be_read_is_told(built: tuple[Any, str], program: Any, tmp_path: Path) -> None:
    other, project = built
    folder = tmp_path / "site"
    shutil.copytree(other.home / "projects" / project, folder, symlinks=True)
    commit(folder, {".smaker/spec.yaml": "requirements: 7\n"})
    error = program.json("adopt", str(folder), "carry on", code=2)["error"]
    assert "spec.yaml" in error["message"]
    assert program.json("list") == []


@pytest.mark.parametrize(
    ("files", "looks"),
    [
        ({"pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi"]\n'}, "REST API"),
        ({"main.go": "package main\n"}, "No profile recognises its stack"),
    ],
)
def test_foreign_code_needs_a_model(files: dict[str, str], looks: str, program: Any, tmp_path: Path) -> None:
    commit(tmp_path / "theirs", files)
    error = program.json("adopt", str(tmp_path / "theirs"), "add a search", code=4)["error"]
    assert error["code"] == "E_REFUSED"
    assert looks in error["message"]
    assert "model" in error["hint"]
    assert program.json("list") == []


def test_what_is_no_repository_is_told(program: Any, tmp_path: Path) -> None:
    missing = program.json("adopt", str(tmp_path / "nowhere"), "go on", code=2)["error"]
    assert "no folder" in missing["message"]
    empty = tmp_path / "empty"
    subprocess.run(["git", "init", "-q", str(empty)], check=True)
    assert "no commit" in program.json("adopt", str(empty), "go on", code=2)["error"]["message"]
    commit(empty, {"README.md": "mine\n"})
    elsewhere = program.json("adopt", str(empty), "go on", "--dir", str(tmp_path / "there"), code=2)["error"]
    assert "--dir" in elsewhere["message"]
    silent = program.json("adopt", "https://127.0.0.1:1/none.git", "go on", code=4)["error"]
    assert "127.0.0.1" in silent["message"]
    assert program.json("list") == []
