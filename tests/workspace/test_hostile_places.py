"""Repositories, trees and environments made to mislead: refused, or of no effect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import PathError, SmakerError, WorkspaceError
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace import GitWorkspaces


def config(path: Path, text: str) -> None:
    with (path / ".git" / "config").open("a") as file:
        file.write(text)


def fsmonitor(path: Path, evil: Path) -> None:
    config(path, f"[core]\n\tfsmonitor = {evil}\n")


async def test_another_work_tree_is_not_written_to(project: Path, use_all: Any, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    config(project, f"[core]\n\tworktree = {victim}\n")
    await use_all(project)
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("place", ["objects", "refs", "index", "HEAD", "logs", "smaker", "packed-refs", "info"])
async def test_a_git_folder_made_of_links_is_refused(
    project: Path, room: GitWorkspaces, tmp_path: Path, canaries: Canaries, git: Any, place: str
) -> None:
    git("pack-refs", "--all")
    target = project / ".git" / place
    if target.exists():
        target.rename(tmp_path / "elsewhere")
    else:
        (tmp_path / "elsewhere").mkdir()
    target.symlink_to(tmp_path / "elsewhere")
    before = fingerprint(tmp_path)
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(project)
    assert_safe_failure(raised.value, code="E_DAMAGED", unchanged=before, canaries=canaries, places=[tmp_path])


@pytest.mark.parametrize("place", ["index", "HEAD", "config", "packed-refs", "info/exclude", "refs/heads/main"])
async def test_a_pipe_in_the_git_folder_makes_nothing_hang(
    project: Path, room: GitWorkspaces, canaries: Canaries, place: str
) -> None:
    (project / ".git" / place).unlink(missing_ok=True)
    os.mkfifo(project / ".git" / place)
    before = fingerprint(project, allowed=[project / ".git" / "smaker"])
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(project)
    assert_safe_failure(raised.value, unchanged=before, canaries=canaries, places=[project.parent])


@pytest.mark.attack("G59")
async def test_a_worktrees_file_in_place_of_the_git_folder_is_refused(
    project: Path, room: GitWorkspaces, tmp_path: Path, evil: Path, marker: Path, git: Any, canaries: Canaries
) -> None:
    fsmonitor(project, evil)
    other = tmp_path / "other"
    other.mkdir()
    (other / ".git").write_text(f"gitdir: {project / '.git'}\n")
    before = fingerprint(tmp_path)
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(other)
    assert_safe_failure(
        raised.value, says="points to a repository elsewhere", unchanged=before, canaries=canaries, places=[tmp_path]
    )
    assert not marker.exists()
    git("status", at=other)
    assert marker.exists()


@pytest.mark.attack("G61", "G62")
async def test_nested_repositories_are_refused_before_git_sees_them(
    project: Path, room: GitWorkspaces, evil: Path, marker: Path, git: Any, canaries: Canaries
) -> None:
    nested = project / "vendor"
    nested.mkdir()
    git("init", "-q", at=nested)
    (nested / "code.c").write_text("int x;")
    fsmonitor(nested, evil)
    before = fingerprint(project, allowed=[project / ".git" / "smaker"])
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(project)
    assert_safe_failure(
        raised.value,
        code="E_NESTED_REPO",
        says="vendor/.git",
        unchanged=before,
        canaries=canaries,
        places=[project.parent],
    )
    assert (nested / "code.c").read_text() == "int x;"
    assert not marker.exists()
    (project / ".gitignore").write_text("vendor/\n")
    await room.adopt(project)
    assert not marker.exists()


@pytest.mark.attack("G63")
async def test_submodules_are_kept_and_never_updated(
    project: Path, use_all: Any, evil: Path, marker: Path, git: Any, commit: Any, canaries: Canaries
) -> None:
    head = git("rev-parse", "HEAD").strip()
    modules = f'[submodule "x"]\n\tpath = libs/x\n\turl = ext::{evil}\n\tupdate = !{evil}\n'
    (project / ".gitmodules").write_text(modules)
    git("add", ".gitmodules")
    git("update-index", "--add", "--cacheinfo", f"160000,{head},libs/x")
    git("commit", "-q", "-m", "submodule")
    workspace = await use_all(project)
    assert git("ls-tree", "HEAD", "libs/x").startswith("160000")
    checkout = await workspace.checkout("t5")
    assert await checkout.snapshot() == await workspace.tree(await workspace.head() or "")
    assert list((checkout.path / "libs/x").iterdir()) == []
    assert not marker.exists()
    assert_safe_failure(None, canaries=canaries, places=[project.parent])


@pytest.mark.attack("G71")
@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "git~1", ".gi\u200ct", "a/b", "."])
async def test_a_tree_that_would_write_elsewhere_is_refused(
    project: Path, room: GitWorkspaces, canaries: Canaries, git: Any, name: str
) -> None:
    blob = git("hash-object", "-w", "--stdin", stdin=b"evil").strip()
    entry = b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob)
    inner = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry).strip()
    entry = b"40000 sub\0" + bytes.fromhex(inner)
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry).strip()
    git("update-ref", "refs/heads/main", git("commit-tree", "-m", "evil", tree).strip())
    before = fingerprint(project, allowed=[project / ".git"])
    with pytest.raises(PathError) as raised:
        workspace = await room.adopt(project)
        await workspace.checkout("t1")
    assert_safe_failure(
        raised.value, code="E_PATH_PROTECTED", unchanged=before, canaries=canaries, places=[project.parent]
    )
    with pytest.raises(SmakerError) as refused:
        await room.clone(project, project.parent / "copy")
    assert_safe_failure(refused.value, unchanged=before, canaries=canaries, places=[project.parent])
    assert not (project.parent / "copy").exists()


@pytest.mark.attack("G68", "G69")
async def test_the_users_environment_and_configuration_take_no_part(
    project: Path,
    use_all: Any,
    room: GitWorkspaces,
    tmp_path: Path,
    evil: Path,
    marker: Path,
    git: Any,
    commit: Any,
    isolated: Path,
    canaries: Canaries,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        (template / "hooks" / name).symlink_to(evil)
    (isolated / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {template / 'hooks'}\n\tfsmonitor = {evil}\n\tautocrlf = true\n"
        f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {evil}\n[init]\n\ttemplateDir = {template}\n"
        f"\tdefaultBranch = trunk\n[credential]\n\thelper = !{evil}\n[user]\n\tname = The User\n"
    )
    trace = tmp_path / "trace"
    hostile = {
        "GIT_DIR": str(tmp_path / "nowhere"),
        "GIT_WORK_TREE": str(tmp_path / "nowhere"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_OBJECT_DIRECTORY": str(tmp_path / "nowhere"),
        "GIT_COMMON_DIR": str(tmp_path / "nowhere"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(evil),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={evil}'",
        "GIT_EXTERNAL_DIFF": str(evil),
        "GIT_SSH_COMMAND": str(evil),
        "GIT_ASKPASS": str(evil),
        "GIT_EDITOR": str(evil),
        "GIT_PAGER": str(evil),
        "GIT_EXEC_PATH": str(template / "hooks"),
        "GIT_TEMPLATE_DIR": str(template),
        "GIT_TRACE": str(trace),
        "GIT_TRACE2_EVENT": str(trace),
        "GIT_AUTHOR_NAME": "Somebody",
        "GIT_COMMITTER_DATE": "2001-01-01T00:00:00",
        "GIT_NAMESPACE": "evil",
        "GIT_LITERAL_PATHSPECS": "0",
    }
    with monkeypatch.context() as shell:
        for name, value in hostile.items():
            shell.setenv(name, value)
        await use_all(project)
        made = await room.create(tmp_path / "made")
        checkout = await made.checkout("t1")
        await commit(checkout, {"a": b"line\r\n"}, "t1.1")
        await made.integrate("t1")
    assert not marker.exists()
    assert not trace.exists()
    assert_safe_failure(None, canaries=canaries, places=[tmp_path])
    assert not (made.path / ".git" / "hooks").exists()
    (isolated / ".gitconfig").unlink()
    assert git("log", "-1", "--format=%an|%cn|%cd", "--date=format:%Y", at=made.path) == (
        "smaker coder|smaker coder|2026\n"
    )
    assert git("status", "--porcelain", "-b", at=made.path) == "## main\n"
    assert git("cat-file", "blob", "HEAD:a", at=made.path) == "line\r\n"


@pytest.mark.attack("G70")
async def test_a_repository_of_another_user_is_refused(project: Path, room: GitWorkspaces, canaries: Canaries) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(project / ".git", 12345, 12345)
    before = fingerprint(project)
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(project)
    assert_safe_failure(
        raised.value, code="E_OWNER", says="belongs to another user", unchanged=before, canaries=canaries
    )
    assert "chown" in raised.value.hint
