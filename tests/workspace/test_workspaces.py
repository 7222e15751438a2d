"""Repositories are made, adopted, cloned, opened and discarded."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import WorkspaceError
from smaker.testing import assert_safe_failure, fingerprint
from smaker.workspace import GitWorkspaces
from smaker.workspace.head import head_of
from smaker.workspace.repository import GitWorkspace


@pytest.mark.parametrize("there", ["missing", "empty", "below missing", "half made"])
async def test_a_repository_is_made(room: GitWorkspaces, tmp_path: Path, git: Any, there: str) -> None:
    path = tmp_path / "a" / "b" if there == "below missing" else tmp_path / "p"
    if there in {"empty", "half made"}:
        path.mkdir()
        inode = path.stat().st_ino
    if there == "half made":
        (path / ".smaker-new" / ".git").mkdir(parents=True)
    workspace = await room.create(path)
    assert workspace.path == path
    if there == "empty":
        assert path.stat().st_ino == inode  # a shell that stands in it still does
    assert [entry.name for entry in path.iterdir()] == [".git"]
    assert git("status", "--porcelain", "-b", at=path) == "## No commits yet on main\n"
    assert git("config", "--list", "--local", at=path).count("\n") == 4


@pytest.mark.parametrize("there", ["file", "files", "hidden file", "repository", "link to file", "below a file"])
async def test_a_taken_place_is_refused_and_left_alone(room: GitWorkspaces, tmp_path: Path, there: str) -> None:
    path = tmp_path / "p"
    if there == "file":
        path.write_text("x")
    elif there == "link to file":
        (tmp_path / "f").write_text("x")
        path.symlink_to(tmp_path / "f")
    elif there == "below a file":
        (tmp_path / "f").write_text("x")
        path = tmp_path / "f" / "p"
    else:
        path.mkdir()
        (path / {"files": "x", "hidden file": ".x", "repository": ".git"}[there]).mkdir()
    before = fingerprint(tmp_path)
    with pytest.raises(WorkspaceError) as raised:
        await room.create(path)
    assert_safe_failure(raised.value, unchanged=before)


async def test_a_read_only_place_is_refused_in_words(room: GitWorkspaces) -> None:
    for path in (Path("/proc/p"), Path("/sys/p")):
        with pytest.raises(WorkspaceError) as raised:
            await room.create(path)
        assert raised.value.hint


def test_without_git_there_is_a_clear_word(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from smaker.workspace import GitWorkspaces\nfrom smaker.testing import FrozenClock\n"
        "from smaker.core.errors import WorkspaceError\n"
        "room = GitWorkspaces(Path(sys.argv[1]) / 's', clock=FrozenClock(), scan=lambda data: None)\n"
        "try:\n    asyncio.run(room.create(Path(sys.argv[1]) / 'p'))\n"
        "except WorkspaceError as problem:\n    print(problem.code, problem.hint)\n"
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "env").symlink_to(shutil.which("env") or "")
    environment = {"PATH": str(folder), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("E_NO_GIT Install it"), done.stderr
    assert not (tmp_path / "p").exists()


async def test_an_adopted_repository_keeps_its_owners_work(
    room: GitWorkspaces, tmp_path: Path, git: Any, commit: Any
) -> None:
    path = tmp_path / "project"
    path.mkdir()
    git("init", "-q", "-b", "trunk")
    (path / "a").write_text("a")
    git("add", "a")
    git("commit", "-q", "-m", "theirs")
    (path / "a").write_text("edited")
    (path / "b").write_text("untracked")
    (path / "c").write_text("staged")
    git("add", "c")
    (tmp_path / "link").symlink_to(path)
    workspace = await room.adopt(tmp_path / "link")
    assert workspace.path == path
    assert git("status", "--porcelain") == " M a\nA  c\n?? b\n"
    [rescue] = git("for-each-ref", "--format=%(refname)", "refs/smaker/rescue").split()
    assert [git("show", f"{rescue}:{name}") for name in "abc"] == ["edited", "untracked", "staged"]
    checkout = await workspace.checkout("t1")
    await commit(checkout, {"d": b"d"}, "t1.1")
    await workspace.integrate("t1")
    assert git("log", "--format=%s", "trunk") == "work\ntheirs\n"
    assert git("status", "--porcelain") == " M a\nA  c\n?? b\n"


async def test_the_same_folder_is_opened_once(room: GitWorkspaces, built: GitWorkspace) -> None:
    assert await room.open(built.path) is built
    assert await room.open(built.path / "src" / "..") is built


async def test_ensure_makes_and_then_opens(room: GitWorkspaces, tmp_path: Path, clock: Any) -> None:
    from smaker.core.models import Project

    project = Project(id="p", name="p", prompt="p", workspace=str(tmp_path / "p"), created_at=clock.now())
    made = await room.ensure(project)
    assert await room.ensure(project) is made


async def test_discard_removes_all_that_is_kept(
    room: GitWorkspaces, built: GitWorkspace, tmp_path: Path, git: Any
) -> None:
    await built.checkout("t1")
    await room.discard(built.path, files=False)
    assert list((tmp_path / "state" / "git").iterdir()) == []
    assert list((tmp_path / "state" / "checkouts").iterdir()) == []
    assert git("log", "--format=%s") == "first\n"
    again = await room.open(built.path)
    assert await again.head() == await built.head()
    await room.discard(built.path, files=True)
    assert not built.path.exists()
    await room.discard(built.path, files=True)


async def test_a_clone_has_mains_history_and_files(room: GitWorkspaces, built: GitWorkspace, tmp_path: Path) -> None:
    (built.path / "mine").write_text("not committed")
    copy = await room.clone(built.path, tmp_path / "copy")
    assert await copy.head() == await built.head()
    assert sorted(p.name for p in copy.path.iterdir()) == [".git", "README.md", "src"]
    assert await copy.rescue() is None
    empty = await room.create(tmp_path / "empty")
    assert await (await room.clone(str(empty.path), tmp_path / "copy2")).head() is None
    with pytest.raises(WorkspaceError, match="not empty"):
        await room.clone(built.path, tmp_path / "copy")


@pytest.mark.parametrize("branch", ["main", "trunk"])
async def test_a_bundle_holds_main_with_its_history(
    room: GitWorkspaces, built: GitWorkspace, tmp_path: Path, git: Any, branch: str
) -> None:
    git("branch", "-m", branch)
    there = await room.adopt(built.path)
    (there.path / "mine").write_text("not committed")
    file = tmp_path / "b.bundle"
    file.write_bytes(await there.bundle())
    copy = await room.unbundle(file, tmp_path / "copy")
    assert await copy.head() == await there.head()
    assert copy.branch == f"refs/heads/{branch}"
    assert sorted(p.name for p in copy.path.iterdir()) == [".git", "README.md", "src"]
    assert git("remote", at=copy.path) == ""
    git("fsck", "--strict", at=copy.path)
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WorkspaceError):
        await room.unbundle(file, tmp_path / "other")
    assert not (tmp_path / "other").exists()
    with pytest.raises(WorkspaceError):
        await (await room.create(tmp_path / "empty")).bundle()


@pytest.mark.parametrize("kind", [["--depth=1"], ["--shared"], ["--no-tags"]])
async def test_clones_of_every_kind_can_be_built_upon(
    room: GitWorkspaces, built: GitWorkspace, tmp_path: Path, git: Any, commit: Any, kind: list[str]
) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"a": b"1"}, "t1.1")
    await built.integrate("t1")
    git("repack", "-qad")
    git("clone", "-q", *kind, f"file://{built.path}" if "--depth=1" in kind else str(built.path), "../copy")
    copy = await room.adopt(tmp_path / "copy")
    assert len(await copy.history()) == (1 if "--depth=1" in kind else 2)
    task = await copy.checkout("t2")
    await commit(task, {"README.md": b"new", "b/c": b"2"}, "t2.1")
    assert await copy.integrate("t2") == await copy.head()
    await copy.rewind(await built.head() or "")
    assert git("status", "--porcelain", at=copy.path) == ""
    git("fsck", "--strict", at=copy.path)


async def test_the_head_is_read_without_git(built: GitWorkspace, git: Any) -> None:
    head = await built.head()
    assert head_of(built.path) == head
    git("pack-refs", "--all")
    assert head_of(built.path) == head
    (built.path / ".git" / "HEAD").write_text("ref: ../../outside\n")
    assert head_of(built.path) is None
    (built.path / ".git" / "HEAD").write_text("ref: HEAD\n")
    assert head_of(built.path) is None
    assert head_of(built.path / "src") is None


async def test_state_may_be_on_another_file_system(
    room: GitWorkspaces, built: GitWorkspace, make: Any, commit: Any, git: Any
) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == built.path.stat().st_dev:
        pytest.skip("there is no other file system")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        workspace = await make(state=folder).open(built.path)
        checkout = await workspace.checkout("t1")
        await commit(checkout, {"a/b": b"1", "README.md": None, "large": b"0123456789" * 800_000}, "t1.1")
        await workspace.integrate("t1")
        assert git("status", "--porcelain") == ""
        assert git("fsck", "--strict") == ""
        await checkout.close()
