"""Requirements are read from a manifest, and only requirements."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from smaker.core.errors import Unavailable
from smaker.sandbox.manifest import requirements


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder / "pyproject.toml"


def test_dependencies_and_named_extras_sorted_once_each(tmp_path: Path) -> None:
    manifest = write(
        tmp_path,
        "[project]\ndependencies = ['b>=1', 'a[x]; python_version > \"3\"', ' c ', 'd @ https://h.example/d.whl']\n"
        "[project.optional-dependencies]\ndev = ['b>=1', 'pytest']\ndocs = ['sphinx']\n",
    )
    assert requirements(manifest, ("dev", "missing")) == (
        'a[x]; python_version > "3"',
        "b>=1",
        "c",
        "d @ https://h.example/d.whl",
        "pytest",
    )


@pytest.mark.parametrize("text", ["", "[tool.x]\ny = 1\n", "[project]\nname = 'x'\n"])
def test_none_are_none(tmp_path: Path, text: str) -> None:
    assert requirements(write(tmp_path, text), ("dev",)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "[project]\ndependencies = ['--index-url https://evil.test']\n",
        "[project]\ndependencies = ['-e .']\n",
        "[project]\ndependencies = ['-rfile']\n",
        '[project]\ndependencies = ["a\\n--pre"]\n',
        "[project]\ndependencies = ['../evil']\n",
        "[project]\ndependencies = ['']\n",
        "[project]\ndependencies = [1]\n",
        "[project]\ndependencies = 'a'\n",
        "[project.optional-dependencies]\ndev = 'pytest'\n",
        "project = 3\n",
        "[project\n",
        "x = " + "[" * 5000,
    ],
)
def test_what_is_no_requirement_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Unavailable, match="cannot be read") as refusal:
        requirements(write(tmp_path, text), ("dev",))
    assert "dependencies" in refusal.value.hint


def test_odd_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file"):
        requirements(tmp_path / "pyproject.toml", ())
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(Unavailable, match="symbolic links"):
        requirements(tmp_path / "link", ())
    os.mkfifo(tmp_path / "fifo")
    assert requirements(tmp_path / "fifo", ()) == ()
    with pytest.raises(Unavailable, match="directory"):
        requirements(tmp_path, ())
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    with pytest.raises(Unavailable, match="decode"):
        requirements(tmp_path / "binary", ())
    write(tmp_path, "#" * (1 << 20) + "\n")
    with pytest.raises(Unavailable, match="megabyte"):
        requirements(tmp_path / "pyproject.toml", ())
