"""Paths, by their text alone."""

from __future__ import annotations

import pytest

from smaker.core.errors import PathError, WorkspaceError
from smaker.testing import Canaries, assert_safe_failure
from smaker.workspace import names

OUTSIDE = [
    "../x",
    "/etc/x",
    "a/../../x",
    "a/../x",
    "..",
    "",
    "a\0b",
    "/proc/self/root/etc/passwd",
    "..\\..\\x",
    "C:\\x",
    "C:/x",
    "a:b",
    "\\\\server\\share",
]
PROTECTED = [
    ".git/config",
    ".git",
    "a/.git/hooks/post-commit",
    ".GIT/config",
    ".Git/HEAD",
    ".git /config",
    ".git./config",
    ".git. . /config",
    ".git::$INDEX_ALLOCATION/config",
    "git~1/config",
    "GIT~1/config",
    ".git\u200c/config",
    "\ufeff.git/config",
    ".gi\u0301t/config",
    ".\uff47it/config",
    ".smaker/spec.yaml",
    ".SMAKER/spec.yaml",
    "./.smaker/spec.yaml",
    ".smaker",
    "smaker.yaml",
    "Smaker.YAML",
    "smaker.yaml ",
]
KIND = ["a/", ".", "a/.", "CON", "con.txt", "dir/aux.c", "name:stream", "a\nb", "a\x1bb"]
LIMIT = ["n" * 256, "a/" * 200 + "b", "d" * 250 + "/" + "/".join(["e" * 200] * 20)]


@pytest.mark.attack("F1", "F2", "F3", "F8", "F9", "F10", "F11", "F12", "F13")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        *((path, "E_PATH_OUTSIDE") for path in OUTSIDE),
        *((path, "E_PATH_PROTECTED") for path in PROTECTED),
        *((path, "E_KIND") for path in KIND),
        *((path, "E_LIMIT") for path in LIMIT),
    ],
)
def test_an_agents_path_is_refused_by_its_text(canaries: Canaries, path: str, code: str) -> None:
    with pytest.raises(PathError) as raised:
        names.agent_components(path, write=True)
    assert_safe_failure(raised.value, code=code, canaries=canaries)


@pytest.mark.parametrize("path", ["src/app.py", "./src//app.py", ".gitignore", ".github/x.yml", "a/smaker.yaml", "é"])
def test_ordinary_paths_pass(path: str) -> None:
    assert "/".join(names.agent_components(path, write=True)) == path.replace("./", "").replace("//", "/")


def test_smakers_own_files_can_be_read() -> None:
    assert names.agent_components(".smaker/spec.yaml", write=False) == (".smaker", "spec.yaml")


@pytest.mark.parametrize("name", ["digit", "a.git", "gitx", ".gitx", ".gitignore", "git", "git~2", "\u00e9git"])
def test_names_like_gits_own_are_not_taken_for_it(name: str) -> None:
    assert not names.is_git(name)


@pytest.mark.attack("G64")
@pytest.mark.parametrize("name", ["--output=x", "-d", "a..b", "@{", "a\nb", "a b", "", "x.lock", "a/b", ".x", "x."])
def test_a_task_that_cannot_be_a_ref_is_refused(canaries: Canaries, name: str) -> None:
    with pytest.raises(WorkspaceError) as raised:
        names.task_name(name)
    assert_safe_failure(raised.value, code="E_REF_NAME", canaries=canaries)


@pytest.mark.attack("G64")
@pytest.mark.parametrize("text", ["--output=x", "HEAD", "main", "abc", "@{-1}", "a" * 41, "G" * 40, "a" * 39 + "\n"])
def test_only_full_ids_name_commits(canaries: Canaries, text: str) -> None:
    with pytest.raises(WorkspaceError) as raised:
        names.object_id(text)
    assert_safe_failure(raised.value, code="E_REF_NAME", canaries=canaries)
