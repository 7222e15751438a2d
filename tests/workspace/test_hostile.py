"""Repositories and environments made to run foreign code: nothing of theirs runs, and history stays intact."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import PathError, SmakerError, WorkspaceError
from smaker.workspace import GitWorkspaces
from smaker.workspace.repository import GitWorkspace

HOOKS = [
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-auto-gc",
    "post-checkout",
    "post-merge",
    "post-index-change",
    "reference-transaction",
    "post-rewrite",
    "pre-rebase",
    "post-applypatch",
    "fsmonitor-watchman",
    "update",
    "pre-receive",
    "post-receive",
    "pre-push",
]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def evil(tmp_path: Path, marker: Path) -> Path:
    """A program that leaves the marker and behaves as a filter would."""
    program = tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def project(tmp_path: Path, git: Any) -> Path:
    """A repository of somebody else's."""
    path = tmp_path / "project"
    path.mkdir()
    git("init", "-q", "-b", "main")
    (path / "a.txt").write_text("a\n")
    (path / "b.bin").write_bytes(b"\0b")
    git("add", ".")
    git("commit", "-q", "-m", "theirs")
    return path


def config(path: Path, text: str) -> None:
    with (path / ".git" / "config").open("a") as file:
        file.write(text)


def attributes(path: Path, text: str) -> None:
    (path / ".gitattributes").write_text(text)
    (path / ".git" / "info").mkdir(exist_ok=True)
    (path / ".git" / "info" / "attributes").write_text(text)


def hooks(path: Path, evil: Path) -> None:
    for name in HOOKS:
        (path / ".git" / "hooks" / name).unlink(missing_ok=True)
        (path / ".git" / "hooks").mkdir(exist_ok=True)
        (path / ".git" / "hooks" / name).symlink_to(evil)


def hooks_path(path: Path, evil: Path) -> None:
    (path.parent / "hooks").mkdir()
    for name in HOOKS:
        (path.parent / "hooks" / name).symlink_to(evil)
    config(path, f"[core]\n\thooksPath = {path.parent / 'hooks'}\n")


def fsmonitor(path: Path, evil: Path) -> None:
    config(path, f"[core]\n\tfsmonitor = {evil}\n")


def filters(path: Path, evil: Path) -> None:
    config(path, f'[filter "evil"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired\n')
    attributes(path, "* filter=evil\n")


def signing(path: Path, evil: Path) -> None:
    config(path, f"[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = {evil}\n[log]\n\tshowSignature = true\n")


def external_diff(path: Path, evil: Path) -> None:
    config(path, f"[diff]\n\texternal = {evil}\n")


def text_conversion(path: Path, evil: Path) -> None:
    config(path, f'[diff "evil"]\n\ttextconv = {evil}\n\tcommand = {evil}\n')
    attributes(path, "* diff=evil\n")


def included(path: Path, evil: Path) -> None:
    (path / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, f"[include]\n\tpath = {path / '.git' / 'more'}\n")


def included_if(path: Path, evil: Path) -> None:
    (path / ".git" / "more").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, f'[includeIf "gitdir:{path}/"]\n\tpath = {path / ".git" / "more"}\n')


def worktree_configuration(path: Path, evil: Path) -> None:
    (path / ".git" / "config.worktree").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    config(path, "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n")


def alias(path: Path, evil: Path) -> None:
    names = ("cat-file", "rev-list", "update-index", "ls-files", "diff-tree", "update-ref", "mine")
    config(path, "[alias]\n" + "".join(f"\t{name} = !{evil}\n" for name in names))


def merge_driver(path: Path, evil: Path) -> None:
    config(path, f'[merge "evil"]\n\tdriver = {evil}\n[merge]\n\tdefault = evil\n')
    attributes(path, "* merge=evil\n")


def lazy_fetch(path: Path, evil: Path) -> None:
    short = path.parent / "short.sh"  # a transport that ends at once
    short.write_text(evil.read_text().replace("cat\n", ""))
    config(
        path,
        "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = evil\n"
        f'[remote "evil"]\n\turl = ext::sh {short}\n\tpromisor = true\n[protocol]\n\tallow = always\n',
    )


TRICKS: list[tuple[Callable[[Path, Path], None], list[list[str]]]] = [
    (hooks, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (hooks_path, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (fsmonitor, [["status"]]),
    (filters, [["add", "--renormalize", "."]]),
    (signing, [["commit", "-q", "--allow-empty", "-m", "x"]]),
    (external_diff, [["diff", "--no-index", "a.txt", "b.bin"]]),
    (text_conversion, [["diff", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "HEAD"]]),
    (included, [["status"]]),
    (included_if, [["status"]]),
    (worktree_configuration, [["status"]]),
    (alias, [["mine"]]),
    (
        merge_driver,
        [
            ["checkout", "-q", "-b", "other"],
            ["rm", "-q", "b.bin"],
            ["commit", "-q", "-m", "o", "--allow-empty"],
            ["merge-tree", "--write-tree", "main~0", "other"],
        ],
    ),
    (lazy_fetch, [["cat-file", "-p", "1" * 40]]),
]


async def use_all(room: GitWorkspaces, path: Path, tmp_path: Path, commit: Any) -> GitWorkspace:
    """Do with a repository all that can be done."""
    workspace = await room.adopt(path)
    first = await workspace.head() or ""
    one, two = await workspace.checkout("t1"), await workspace.checkout("t2")
    await commit(one, {"a.txt": b"a\nmore\n", "new/file.txt": b"n"}, "t1.1")
    await commit(two, {"a.txt": b"before\na\n", "b.bin": b"\0c"}, "t2.1")
    await workspace.integrate("t1")
    try:
        await workspace.integrate("t2")
    except SmakerError as problem:
        assert problem.code == "E_MERGE_CONFLICT"
    (path / "edit.txt").write_text("mine")
    await workspace.rescue()
    second = await workspace.head() or ""
    await workspace.diff(first, second)
    await workspace.diff(second, await workspace.snapshot())
    await workspace.history()
    await workspace.export(tmp_path / "out.zip")
    await workspace.rewind(first, force=True)
    copy = await room.clone(path, tmp_path / "copy")
    assert await copy.head() == first
    await one.restore(await two.snapshot())
    await one.close()
    await two.close()
    with pytest.raises(SmakerError):
        await workspace.read("x", tree="1" * 40)  # a missing object fetches nothing
    return await room.open(path)


@pytest.mark.parametrize(("trick", "provoked_by"), TRICKS, ids=[trick.__name__ for trick, _ in TRICKS])
async def test_a_trick_fires_for_git_but_not_for_us(
    project: Path,
    evil: Path,
    marker: Path,
    git: Any,
    room: GitWorkspaces,
    tmp_path: Path,
    commit: Any,
    trick: Callable[[Path, Path], None],
    provoked_by: list[list[str]],
) -> None:
    config_before = (project / ".git" / "config").read_bytes()
    trick(project, evil)
    await use_all(room, project, tmp_path, commit)
    assert not marker.exists()
    for arguments in provoked_by:
        git(*arguments, ok=False)
    if trick is not merge_driver:  # whether a driver is asked depends on git's version: not asking is fine
        assert marker.exists(), "the trick is none"
    (project / ".git" / "config").write_bytes(config_before)
    (project / ".gitattributes").unlink(missing_ok=True)
    git("fsck", "--strict", "--no-dangling")


async def test_another_work_tree_is_not_written_to(
    project: Path, room: GitWorkspaces, tmp_path: Path, commit: Any
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    config(project, f"[core]\n\tworktree = {victim}\n")
    await use_all(room, project, tmp_path, commit)
    assert list(victim.iterdir()) == []


@pytest.mark.parametrize("place", ["objects", "refs", "index", "HEAD", "logs", "smaker", "packed-refs", "info"])
async def test_a_git_folder_made_of_links_is_refused(
    project: Path, room: GitWorkspaces, tmp_path: Path, outside: Any, git: Any, place: str
) -> None:
    git("pack-refs", "--all")
    target = project / ".git" / place
    if target.exists():
        target.rename(tmp_path / "elsewhere")
    else:
        (tmp_path / "elsewhere").mkdir()
    target.symlink_to(tmp_path / "elsewhere")
    before = outside(project)
    with pytest.raises(WorkspaceError) as raised:
        await room.adopt(project)
    assert raised.value.code == "E_DAMAGED"
    assert raised.value.hint
    assert outside(project) == before


@pytest.mark.parametrize("place", ["index", "HEAD", "config", "packed-refs", "info/exclude", "refs/heads/main"])
async def test_a_pipe_in_the_git_folder_makes_nothing_hang(project: Path, room: GitWorkspaces, place: str) -> None:
    (project / ".git" / place).unlink(missing_ok=True)
    os.mkfifo(project / ".git" / place)
    with pytest.raises(WorkspaceError):
        await room.adopt(project)


async def test_a_worktrees_file_in_place_of_the_git_folder_is_refused(
    project: Path, room: GitWorkspaces, tmp_path: Path, evil: Path, marker: Path, git: Any
) -> None:
    fsmonitor(project, evil)
    other = tmp_path / "other"
    other.mkdir()
    (other / ".git").write_text(f"gitdir: {project / '.git'}\n")
    with pytest.raises(WorkspaceError, match="points to a repository elsewhere"):
        await room.adopt(other)
    assert not marker.exists()
    git("status", at=other)
    assert marker.exists()


async def test_nested_repositories_are_refused_before_git_sees_them(
    project: Path, room: GitWorkspaces, evil: Path, marker: Path, git: Any
) -> None:
    nested = project / "vendor"
    nested.mkdir()
    git("init", "-q", at=nested)
    (nested / "code.c").write_text("int x;")
    fsmonitor(nested, evil)
    with pytest.raises(WorkspaceError, match=r"vendor/\.git") as raised:
        await room.adopt(project)
    assert raised.value.code == "E_NESTED_REPO"
    assert (nested / "code.c").read_text() == "int x;"
    assert not marker.exists()
    (project / ".gitignore").write_text("vendor/\n")
    await room.adopt(project)
    assert not marker.exists()


async def test_submodules_are_kept_and_never_updated(
    project: Path, room: GitWorkspaces, tmp_path: Path, evil: Path, marker: Path, git: Any, commit: Any
) -> None:
    head = git("rev-parse", "HEAD").strip()
    modules = f'[submodule "x"]\n\tpath = libs/x\n\turl = ext::{evil}\n\tupdate = !{evil}\n'
    (project / ".gitmodules").write_text(modules)
    git("add", ".gitmodules")
    git("update-index", "--add", "--cacheinfo", f"160000,{head},libs/x")
    git("commit", "-q", "-m", "submodule")
    workspace = await use_all(room, project, tmp_path, commit)
    assert git("ls-tree", "HEAD", "libs/x").startswith("160000")
    checkout = await workspace.checkout("t5")
    assert await checkout.snapshot() == await workspace.tree(await workspace.head() or "")
    assert list((checkout.path / "libs/x").iterdir()) == []
    assert not marker.exists()


@pytest.mark.parametrize("name", ["..", ".git", ".GIT", "git~1", ".gi\u200ct", "a/b", "."])
async def test_a_tree_that_would_write_elsewhere_is_refused(
    project: Path, room: GitWorkspaces, outside: Any, git: Any, name: str
) -> None:
    blob = git("hash-object", "-w", "--stdin", stdin=b"evil").strip()
    entry = b"100644 " + name.encode() + b"\0" + bytes.fromhex(blob)
    inner = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry).strip()
    entry = b"40000 sub\0" + bytes.fromhex(inner)
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", stdin=entry).strip()
    git("update-ref", "refs/heads/main", git("commit-tree", "-m", "evil", tree).strip())
    workspace = None
    with pytest.raises(PathError) as raised:
        workspace = await room.adopt(project)
        await workspace.checkout("t1")
    assert raised.value.code == "E_PATH_PROTECTED"
    with pytest.raises(SmakerError):
        await room.clone(project, project.parent / "copy")
    assert not (project.parent / "copy").exists()


async def test_the_users_environment_and_configuration_take_no_part(
    project: Path,
    room: GitWorkspaces,
    tmp_path: Path,
    evil: Path,
    marker: Path,
    git: Any,
    commit: Any,
    isolated: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = tmp_path / "template"
    (template / "hooks").mkdir(parents=True)
    for name in HOOKS:
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
        await use_all(room, project, tmp_path, commit)
        made = await room.create(tmp_path / "made")
        checkout = await made.checkout("t1")
        await commit(checkout, {"a": b"line\r\n"}, "t1.1")
        await made.integrate("t1")
    assert not marker.exists()
    assert not trace.exists()
    assert not (made.path / ".git" / "hooks").exists()
    (isolated / ".gitconfig").unlink()
    assert git("log", "-1", "--format=%an|%cn|%cd", "--date=format:%Y", at=made.path) == (
        "smaker coder|smaker coder|2026\n"
    )
    assert git("status", "--porcelain", "-b", at=made.path) == "## main\n"
    assert git("cat-file", "blob", "HEAD:a", at=made.path) == "line\r\n"


async def test_a_repository_of_another_user_is_refused(project: Path, room: GitWorkspaces) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(project / ".git", 12345, 12345)
    with pytest.raises(WorkspaceError, match="belongs to another user") as raised:
        await room.adopt(project)
    assert raised.value.code == "E_OWNER"
    assert "chown" in raised.value.hint


async def test_our_git_is_never_pointed_at_their_git_folder(
    project: Path, room: GitWorkspaces, tmp_path: Path, commit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds for configurations nobody thought of yet: theirs is not read."""
    seen: list[list[str]] = []
    real = subprocess.Popen.__init__

    def spy(self: Any, command: Any, *args: Any, **kwargs: Any) -> None:
        seen.append(list(command))
        real(self, command, *args, **kwargs)

    monkeypatch.setattr(subprocess.Popen, "__init__", spy)
    await use_all(room, project, tmp_path, commit)
    ours = [command for command in seen if "git" in command]
    assert len(ours) > 10
    for command in ours:
        assert command[:2] == ["env", "-i"]
        places = [part for part in command if part.startswith("GIT_DIR=")]
        fresh = {"init", "clone"} & set(command) or "remote" in command
        assert fresh or places[0].startswith(f"GIT_DIR={tmp_path / 'state' / 'git'}")
        assert "core.hooksPath" in " ".join(command)
