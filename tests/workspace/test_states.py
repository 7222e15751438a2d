"""Repositories that are not as they should be: healed, or explained with the command to type; files of every kind."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import InUse, SmakerError, WorkspaceError
from smaker.workspace import FileLock, GitWorkspaces, health, refs
from smaker.workspace.repository import GitWorkspace

# --- making, opening --------------------------------------------------------------------------------------------------


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
async def test_a_taken_place_is_refused_and_left_alone(
    room: GitWorkspaces, tmp_path: Path, outside: Callable[[Path], str], there: str
) -> None:
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
    before = outside(tmp_path / "none")
    with pytest.raises(WorkspaceError) as raised:
        await room.create(path)
    assert raised.value.hint
    assert outside(tmp_path / "none") == before


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


# --- unsound repositories ---------------------------------------------------------------------------------------------


def detached(path: Path, git: Any) -> None:
    git("checkout", "-q", "--detach")


def other_branch(path: Path, git: Any) -> None:
    git("checkout", "-q", "-b", "feature")


def rebasing(path: Path, git: Any) -> None:
    git("checkout", "-q", "-b", "topic")
    (path / "README.md").write_text("topic")
    git("commit", "-qam", "topic")
    git("checkout", "-q", "main")
    (path / "README.md").write_text("main")
    git("commit", "-qam", "main")
    git("checkout", "-q", "topic")
    git("rebase", "main", ok=False)
    git("symbolic-ref", "HEAD", "refs/heads/main")  # the branch alone does not tell


def merging(path: Path, git: Any) -> None:
    rebasing(path, git)
    git("rebase", "--abort")
    git("checkout", "-q", "main")
    git("merge", "topic", ok=False)


def head_missing(path: Path, git: Any) -> None:
    (path / ".git" / "HEAD").unlink()


def head_empty(path: Path, git: Any) -> None:
    (path / ".git" / "HEAD").write_text("")


def bare(path: Path, git: Any) -> None:
    git("config", "core.bare", "true")


def moved_to_bare(path: Path, git: Any) -> None:
    (path / ".git").rename(path.parent / "only-git")
    shutil.rmtree(path)
    (path.parent / "only-git").rename(path)


def no_repository(path: Path, git: Any) -> None:
    shutil.rmtree(path / ".git")


def gone(path: Path, git: Any) -> None:
    shutil.rmtree(path)


def commit_emptied(path: Path, git: Any) -> None:
    empty_object(path, git("rev-parse", "HEAD").strip())


def tree_emptied(path: Path, git: Any) -> None:
    empty_object(path, git("rev-parse", "HEAD^{tree}").strip())


def commit_lost(path: Path, git: Any) -> None:
    sha = git("rev-parse", "HEAD").strip()
    (path / ".git" / "objects" / sha[:2] / sha[2:]).unlink()


def commit_garbled(path: Path, git: Any) -> None:
    sha = git("rev-parse", "HEAD").strip()
    target = path / ".git" / "objects" / sha[:2] / sha[2:]
    target.chmod(0o644)
    target.write_bytes(b"garbage")


def ref_garbled(path: Path, git: Any) -> None:
    (path / ".git" / "refs" / "heads" / "main").write_text("\0" * 41)


def sha256(path: Path, git: Any) -> None:
    shutil.rmtree(path)
    path.mkdir()
    git("init", "-q", "-b", "main", "--object-format=sha256")


def reftable(path: Path, git: Any) -> None:
    with (path / ".git" / "config").open("a") as file:
        file.write("[extensions]\n\trefStorage = reftable\n")


def inner_folder(path: Path, git: Any) -> None:
    (path / ".git").rename(path.parent / ".git")


def empty_object(path: Path, sha: str) -> None:
    target = path / ".git" / "objects" / sha[:2] / sha[2:]
    target.chmod(0o644)
    target.write_bytes(b"")


@pytest.mark.parametrize(
    ("state", "says", "hint"),
    [
        (detached, "on no branch", "switch main"),
        (other_branch, "on branch feature", "switch main"),
        (rebasing, "rebase is unfinished", "rebase --continue"),
        (merging, "merge is unfinished", "merge --continue"),
        (head_missing, "HEAD is missing", "refs/heads/main"),
        (head_empty, "HEAD is missing", "refs/heads/main"),
        (bare, "bare", "core.bare false"),
        (moved_to_bare, "bare repository", "git clone"),
        (no_repository, "no git repository", "init -b main"),
        (gone, "no folder", "smaker init"),
        (commit_emptied, "damaged", "fsck"),
        (tree_emptied, "damaged", "fsck"),
        (commit_lost, "damaged", "fsck"),
        (commit_garbled, "damaged", "fsck"),
        (ref_garbled, "damaged", "logs"),
        (sha256, "SHA-256", "git init"),
        (reftable, "reftable", "refs migrate"),
        (inner_folder, "within the repository", "Name that one"),
    ],
)
async def test_an_unsound_repository_is_explained(
    built: GitWorkspace, make: Any, git: Any, state: Callable[[Path, Any], None], says: str, hint: str
) -> None:
    state(built.path, git)
    rooms = [make()] if state is other_branch else [make(state="fresh"), make()]
    for room in rooms:
        try:
            await room.open(built.path)
        except WorkspaceError as problem:
            assert says in problem.message
            assert hint in problem.hint
        else:  # what we had a copy of is put back
            assert state in {commit_lost, commit_emptied, tree_emptied, commit_garbled}
            assert room is rooms[-1]
            git("fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("state", [detached, other_branch, merging, head_missing])
async def test_what_breaks_while_it_is_open_stops_the_next_change(
    built: GitWorkspace, commit: Any, git: Any, state: Callable[[Path, Any], None]
) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"new": b"x"}, "t1.1")
    state(built.path, git)
    for action in (built.integrate("t1"), built.rewind(checkout.base or "", force=True)):
        with pytest.raises(WorkspaceError) as raised:
            await action
        assert raised.value.hint
    assert not (built.path / "new").exists()


async def test_an_emptied_object_is_written_again_when_its_content_comes(
    built: GitWorkspace, commit: Any, git: Any
) -> None:
    blob = git("rev-parse", "HEAD:README.md").strip()
    empty_object(built.path, blob)
    with pytest.raises(WorkspaceError, match="damaged"):
        await built.checkout("t1")
    await built.snapshot()  # the user's file still has the content
    checkout = await built.checkout("t1")
    await commit(checkout, {"README.md": b"other"}, "t1.1")
    await commit(checkout, {"README.md": b"# read me\n"}, "t1.2")
    await built.integrate("t1")
    assert git("fsck", "--strict", "--no-dangling") == ""


# --- left-over locks --------------------------------------------------------------------------------------------------


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A left-over lock is one of this many seconds."""
    monkeypatch.setattr(health, "STALE_S", 0.3)
    monkeypatch.setattr(refs, "_LEFT_OVER_S", 0.3)


LOCKS = ["index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("name", LOCKS)
async def test_a_left_over_lock_is_healed(built: GitWorkspace, make: Any, commit: Any, git: Any, name: str) -> None:
    lock = built.path / ".git" / name
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    workspace = await make().open(built.path)
    assert not lock.exists()
    checkout = await workspace.checkout("t1")
    await commit(checkout, {"new": b"x"}, "t1.1")
    lock.touch()  # and one that is fresh, while it is open
    await workspace.integrate("t1")
    assert git("status", "--porcelain") == ""


@pytest.mark.usefixtures("impatient")
async def test_a_lock_on_a_tasks_ref_is_healed(built: GitWorkspace, commit: Any) -> None:
    checkout = await built.checkout("t1")
    (built.path / ".git/refs/smaker/tasks/t1.lock").touch()
    await commit(checkout, {"new": b"x"}, "t1.1")
    await built.integrate("t1")


@pytest.mark.usefixtures("impatient")
async def test_a_lock_of_a_living_git_is_respected(built: GitWorkspace, make: Any, commit: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"new": b"x"}, "t1.1")
    lock = built.path / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 60, time.time() - 60))
    living = await asyncio.create_subprocess_exec("git", "cat-file", "--batch", cwd=built.path, stdin=subprocess.PIPE)
    try:
        await make().open(built.path)  # looking is allowed
        with pytest.raises(WorkspaceError, match=f"pid {living.pid}") as raised:
            await built.integrate("t1")
        assert str(lock) in raised.value.hint
        assert lock.exists()
    finally:
        await living.communicate(b"")
    await built.integrate("t1")


# --- one process at a time --------------------------------------------------------------------------------------------

HOLDER = """
import sys, time
from pathlib import Path
from smaker.workspace.lock import FileLock
FileLock(Path(sys.argv[1])).acquire("p1")
print("held", flush=True)
time.sleep(60)
"""


def test_a_project_is_driven_by_one_process(tmp_path: Path) -> None:
    lock = FileLock(tmp_path)
    assert lock.holder("p1") is None
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        name = f"pid {holder.pid} on {socket.gethostname()}"
        assert lock.holder("p1") == name
        with pytest.raises(InUse, match=name) as raised:
            lock.acquire("p1")
        assert raised.value.code == "E_IN_USE"
        lock.acquire("p2")
        lock.release("p2")
    finally:
        holder.kill()
        holder.communicate()
    assert lock.holder("p1") is None
    lock.acquire("p1")
    with pytest.raises(InUse):
        FileLock(tmp_path).acquire("p1")  # nor twice in one process
    grandchild = subprocess.Popen(["sleep", "30"])
    lock.release("p1")
    FileLock(tmp_path).acquire("p1")  # no program that was started keeps it
    grandchild.kill()
    grandchild.wait()


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "victim").write_text("x")
    (tmp_path / "locks" / "p1.lock").symlink_to(tmp_path / "victim")
    with pytest.raises(WorkspaceError):
        FileLock(tmp_path).acquire("p1")
    assert (tmp_path / "victim").read_text() == "x"
    for name in ("../x", "a/b", "", "a\0"):
        with pytest.raises(WorkspaceError):
            FileLock(tmp_path).acquire(name)


# --- files of every kind ----------------------------------------------------------------------------------------------


async def test_odd_files_make_the_round_trip_byte_for_byte(
    built: GitWorkspace, make: Any, odd_files: dict[bytes, bytes], commit: Any, git: Any, tmp_path: Path, caplog: Any
) -> None:
    assert len(odd_files) >= 30
    checkout = await built.checkout("t1")
    for name, data in odd_files.items():
        path = checkout.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    links = {"dangling": "/nowhere", "loop": "loop", "up": "../../..", "folder": "dir", "odd": "\udcff\n x"}
    for name, target in links.items():
        (checkout.path / name).symlink_to(target)
    os.mkfifo(checkout.path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        place = os.open(checkout.path, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{place}/socket")
        os.close(place)
        await commit(checkout, {}, "t1.1")
    assert "pipe" in caplog.text
    assert "socket" in caplog.text
    head = await built.integrate("t1")
    copy = await make(state="third").clone(built.path, tmp_path / "copy")
    later = await make(state="fourth").open(copy.path)
    for folder in (built.path, copy.path, (await later.checkout("t9")).path):
        for name, data in odd_files.items():
            assert (folder / os.fsdecode(name)).read_bytes() == data, name
        for name, target in links.items():
            assert os.readlink(folder / name) == target  # noqa: PTH115  Path would tidy it
        assert not (folder / "pipe").exists()
    listed = git("ls-tree", "-r", "-z", "--name-only", head).split("\0")
    assert {os.fsencode(name) for name in listed} >= set(odd_files)
    assert await later.snapshot() == await built.tree(head)
    assert git("fsck", "--strict", "--no-dangling") == ""
    (built.path / ".git" / "info" / "attributes").parent.mkdir(exist_ok=True)
    (built.path / ".gitattributes").unlink()  # the user's git would look for carriage returns
    assert git("status", "--porcelain") == " D .gitattributes\n"


async def test_names_that_are_gits_own_elsewhere_are_refused(built: GitWorkspace) -> None:
    checkout = await built.checkout("t1")
    for name in (".GIT", "git~1", ".git ", "x\\.git\\y", ".git:stream"):
        (checkout.path / name).touch()
        with pytest.raises(SmakerError) as raised:
            await checkout.snapshot()
        assert raised.value.code == "E_PATH_PROTECTED"
        (checkout.path / name).unlink()
    (checkout.path / ".gitmodules").symlink_to("x")
    with pytest.raises(SmakerError) as raised:
        await checkout.snapshot()
    assert raised.value.code == "E_PATH_PROTECTED"
