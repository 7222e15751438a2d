"""Repositories that are not as they should be: mended, or explained with the command to type."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import WorkspaceError
from smaker.workspace.repository import GitWorkspace


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
