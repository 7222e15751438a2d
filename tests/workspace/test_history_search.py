"""Credentials in a history are found wherever a ref reaches them, told without their value, and left where they are."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import WorkspaceError
from smaker.core.ports import Credential, HistorySearch
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace import GitWorkspaces
from smaker.workspace.history_search import search
from smaker.workspace.repository import GitWorkspace


def key(seed: int) -> str:
    return "AK" + "IA" + "".join(random.Random(seed).choices("ABCDEFGHJKLMNPQRSTUVWXYZ234567", k=16))


def told(found: Credential) -> tuple[str, str | None, int, bool, str | None]:
    return (found.inside, found.path, found.line, found.current, found.ref)


@pytest.fixture
def put(git: Any, project: Path) -> Callable[..., str]:
    """Commit a file, and return the commit."""

    def work(name: str | bytes, text: str, message: str = "work") -> str:
        path = project / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        git("add", "--all")
        git("commit", "-q", "-m", message)
        return git("rev-parse", "HEAD").strip()

    return work


@pytest.mark.attack("G67")
async def test_a_credential_of_the_history_is_told_and_nothing_is_rewritten(
    room: GitWorkspaces,
    git: Any,
    evil: Path,
    marker: Path,
    tmp_path_factory: pytest.TempPathFactory,
    canaries: Canaries,
) -> None:
    project = tmp_path_factory.mktemp("theirs")  # the canary is in its history: the last sweep is of another folder
    value = "gh" + "p_" + canaries.core + canaries.core[:12]
    git("init", "-q", "-b", "main", at=project)
    (project / "config.py").write_text(f"import os\nTOKEN = '{value}'\n")
    git("add", ".", at=project)
    git("commit", "-q", "-m", "first", at=project)
    first = git("rev-parse", "HEAD", at=project).strip()
    (project / "config.py").write_text("import os\nTOKEN = os.environ['TOKEN']\n")
    git("commit", "-q", "-a", "-m", f"no longer {value}", at=project)
    with (project / ".git" / "config").open("a") as config:
        config.write(f'[core]\n\tfsmonitor = {evil}\n[diff]\n\texternal = {evil}\n[diff "e"]\n\ttextconv = {evil}\n')
        config.write(f'[gpg]\n\tprogram = {evil}\n[log]\n\tshowSignature = true\n[filter "e"]\n\tsmudge = {evil}\n')
    (project / ".git" / "info" / "attributes").write_text("* diff=e filter=e\n")
    there = fingerprint(project)
    result = await room.search_history(project)
    assert [told(one) for one in result.found] == [
        ("file", "config.py", 2, False, None),
        ("commit message", None, 1, False, None),
    ]
    assert [one.kind for one in result.found] == ["github", "github"]
    assert result.found[0].commit == first
    assert not marker.exists()
    assert_safe_failure(None, unchanged=there, canaries=canaries, places=[repr(result), result.model_dump_json()])


async def test_whatever_a_ref_reaches_is_searched(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    base = git("rev-parse", "HEAD").strip()
    put("main.txt", f"{key(1)}\n")
    git("switch", "-q", "-c", "side", base)
    side = put("side/deep.txt", f"\n\n{key(2)}\n")
    git("tag", "-a", "-m", f"one\n\n{key(3)}", "v1")
    git("tag", "-a", "-m", f"a tag of a tag, {key(11)}", "v2", "v1")
    git("tag", "-d", "v1")
    for number in (4, 5):
        (project / "a.txt").write_text(key(number))
        git("stash", "-q")
    (project / "untracked.txt").write_text(key(6))
    git("stash", "-q", "--include-untracked")
    git("switch", "-q", "main")
    for number, ref in ((7, "refs/smaker/rescue/one"), (8, "refs/remotes/origin/x"), (9, "refs/notes/n")):
        git("switch", "-q", "--detach", base)
        git("update-ref", ref, put(f"{number}.txt", key(number)))
    blob = git("hash-object", "-w", "--stdin", stdin=key(10).encode()).strip()
    git("update-ref", "refs/odd/blob", blob)
    tree = git("mktree", stdin=f"100644 blob {blob}\tin-a-tree\n".encode()).strip()
    git("tag", "-a", "-m", "a tree", "tree", tree)
    git("switch", "-q", "main")
    git("pack-refs", "--all")
    git("gc", "--quiet")
    result = await room.search_history(project)
    files = {one.path: one for one in result.found if one.inside == "file" and one.path != "a.txt"}
    assert {path: told(one)[2:] for path, one in files.items()} == {
        "main.txt": (1, True, None),
        "side/deep.txt": (3, False, "refs/heads/side"),
        "untracked.txt": (1, False, "refs/stash"),
        "7.txt": (1, False, "refs/smaker/rescue/one"),
        "8.txt": (1, False, "refs/remotes/origin/x"),
        "9.txt": (1, False, "refs/notes/n"),
        "in-a-tree": (1, False, "refs/tags/tree"),
        None: (1, False, "refs/odd/blob"),
    }
    assert files["side/deep.txt"].commit == side
    assert [told(one) for one in result.found if one.path == "a.txt"] == [
        ("file", "a.txt", 1, False, ref) for ref in ("stash@{2}", "stash@{1}")
    ]
    tags = sorted(told(one) for one in result.found if one.inside == "tag message")
    assert tags == [("tag message", None, 1, False, "refs/tags/v2"), ("tag message", None, 3, False, "refs/tags/v2")]
    assert not result.unsearched


async def test_one_credential_of_a_file_is_told_once_with_the_commit_that_brought_it(
    room: GitWorkspaces, git: Any, project: Path, put: Any
) -> None:
    put("k.txt", "nothing yet\n")
    first = put("k.txt", f"one\n{key(1)}\n")
    for number in range(3):
        put("k.txt", f"{number}\nmoves down\n{key(1)}\n")
    git("switch", "-q", "-c", "side", f"{first}~1")
    put("k.txt", f"{key(1)} was picked\n")
    put("moved.txt", f"{key(1)}\n{key(2)}\n")
    git("switch", "-q", "main")
    git("merge", "-q", "-s", "ours", "-m", "merge", "side")
    put("moved.txt", f"{key(2)}\n")
    result = await room.search_history(project)
    assert [told(one) for one in result.found] == [
        ("file", "k.txt", 2, True, None),
        ("file", "moved.txt", 1, False, None),
        ("file", "moved.txt", 2, True, None),
    ]
    assert result.found[0].commit == first


async def test_what_a_merge_alone_brought_is_found(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    git("switch", "-q", "-c", "side")
    put("side.txt", "x")
    git("switch", "-q", "main")
    put("other.txt", "x")
    git("merge", "-q", "--no-commit", "side")
    merge = put("merged.txt", key(1), "merge")
    git("rm", "-q", "merged.txt")
    git("commit", "-q", "-m", "gone")
    (found,) = (await room.search_history(project)).found
    assert (found.commit, found.current) == (merge, False)


async def test_placeholders_do_not_count(room: GitWorkspaces, project: Path, put: Any) -> None:
    put("README.md", "AKIAIOSFODNN7EXAMPLE\nGITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n")
    result = await room.search_history(project)
    assert result.found == ()
    assert result.objects == 7


async def test_names_and_bytes_that_are_not_text(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    put(b"not-utf8-\xff\nline.txt", key(1))
    (project / "wide.txt").write_bytes(f"one\n{key(2)}\n".encode("utf-16"))
    (project / "image.bin").write_bytes(bytes(range(256)) * 100 + key(3).encode() + b"\0" * 100)
    git("add", ".")
    git("commit", "-q", "-m", "bytes")
    result = await room.search_history(project)
    assert {one.path for one in result.found} == {"not-utf8-\\xff\nline.txt", "wide.txt", "image.bin"}
    assert next(one.line for one in result.found if one.path == "wide.txt") == 2


async def test_names_of_refs_that_are_not_text(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    git("switch", "-q", "-c", b"side-\xff")
    put("k.txt", key(1))
    assert (await room.search_history(project)).branch == "side-\\xff"
    git("switch", "-q", "main")
    (project / "a.txt").write_text("put aside")
    git("stash", "-q")
    log = project / ".git" / "logs" / "refs" / "stash"
    log.write_bytes(b"\xff" * 90 + b"\n" + log.read_bytes())
    (found,) = (await room.search_history(project)).found
    assert found.ref == "refs/heads/side-\\xff"


async def test_a_head_on_no_branch_and_an_unfinished_merge(
    room: GitWorkspaces, git: Any, project: Path, put: Any
) -> None:
    git("switch", "-q", "--detach")
    put("a.txt", key(1))
    result = await room.search_history(project)
    assert [told(one) for one in result.found] == [("file", "a.txt", 1, True, None)]
    assert result.branch == "HEAD"
    git("switch", "-q", "-c", "side")
    git("switch", "-q", "main")
    put("a.txt", "other")
    git("merge", "-q", "side", ok=False)
    (found,) = (await room.search_history(project)).found
    assert told(found) == ("file", "a.txt", 1, False, "refs/heads/side")


async def test_a_projects_own_branch_is_its_main(built: GitWorkspace, room: GitWorkspaces, git: Any) -> None:
    git("switch", "-q", "-c", "mine")
    (built.path / "k.txt").write_text(key(1))
    git("add", ".")
    git("commit", "-q", "-m", "mine")
    result = await room.search_history(built.path)
    assert result.branch == "main"
    assert [told(one) for one in result.found] == [("file", "k.txt", 1, False, "refs/heads/mine")]


async def test_empty_unborn_and_shallow(room: GitWorkspaces, git: Any, project: Path, put: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    git("init", "-q", "-b", "main", empty)
    assert await room.search_history(empty) == HistorySearch(
        branch="main", objects=0, shallow=False, found=(), unsearched=()
    )
    put("old.txt", key(1))
    git("rm", "-q", "old.txt")
    put("new.txt", key(2))
    put("last.txt", "x")
    git("clone", "-q", "--depth=2", project.as_uri(), tmp_path / "shallow")
    result = await room.search_history(tmp_path / "shallow")
    assert [told(one) for one in result.found] == [("file", "new.txt", 1, True, None)]
    assert result.shallow
    git("switch", "-q", "--orphan", "fresh")
    result = await room.search_history(project)
    assert [told(one) for one in result.found] == [
        ("file", "new.txt", 1, False, "refs/heads/main"),
        ("file", "old.txt", 1, False, "refs/heads/main"),
    ]


async def test_what_is_too_large_or_missing_is_named_and_the_rest_is_searched(
    room: GitWorkspaces, git: Any, project: Path, put: Any
) -> None:
    put("large.txt", "x" * 5000)
    put("gone.txt", "was here")
    put("k.txt", key(1))
    gone = git("rev-parse", "HEAD:gone.txt").strip()
    (project / ".git" / "objects" / gone[:2] / gone[2:]).unlink()
    git("update-ref", "refs/heads/lost", git("rev-parse", "HEAD").strip())
    (project / ".git" / "refs" / "heads" / "lost").write_text("1" * 40 + "\n")
    result = search(project, project / ".git", branch=None, heard=lambda *_: None, largest=4999)
    assert [one.path for one in result.found] == ["k.txt"]
    assert {(one.path, one.size) for one in result.unsearched} == {
        ("large.txt", 5000),
        ("gone.txt", None),
        (None, None),
    }
    assert (await room.search_history(project)).unsearched != result.unsearched


async def test_a_forged_commit_graph_hides_nothing(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    put("k.txt", key(1))
    git("rm", "-q", "k.txt")
    put("other.txt", "x")
    head, parent, root = git("rev-list", "HEAD").split()
    git("commit-graph", "write", "--reachable")
    graph = project / ".git" / "objects" / "info" / "commit-graph"
    graph.chmod(0o644)
    forged = graph.read_bytes()
    entries = sorted([head, parent, root])
    at = forged.index(bytes.fromhex(git("rev-parse", f"{head}^{{tree}}").strip())) + 20
    changed = forged[:at] + entries.index(root).to_bytes(4, "big") + forged[at + 4 :]
    graph.write_bytes(changed)
    assert parent not in git("rev-list", "HEAD")  # git itself is taken in
    (found,) = (await room.search_history(project)).found
    assert found.commit == parent


async def test_no_repository_is_said_so(room: GitWorkspaces, git: Any, project: Path, tmp_path: Path) -> None:
    (project / "inside").mkdir()
    (tmp_path / "plain").mkdir()
    git("init", "-q", "--bare", tmp_path / "bare")
    git("worktree", "add", "-q", tmp_path / "tree")
    for name in ("project/inside", "plain", "bare", "tree", "nowhere"):
        with pytest.raises(WorkspaceError) as raised:
            await room.search_history(tmp_path / name)
        assert_safe_failure(raised.value, code="E_NO_REPOSITORY")


async def test_damage_is_said_so(room: GitWorkspaces, git: Any, project: Path, put: Any) -> None:
    commit = put("k.txt", key(1))
    file = project / ".git" / "objects" / commit[:2] / commit[2:]
    file.chmod(0o644)
    file.write_bytes(b"damaged")
    with pytest.raises(WorkspaceError) as raised:
        await room.search_history(project)
    assert_safe_failure(raised.value)


async def test_a_search_can_be_stopped(room: GitWorkspaces, project: Path, put: Any) -> None:
    for number in range(5):
        put(f"{number}.txt", f"{number}")
    told: list[tuple[int, int]] = []
    began, go_on = threading.Event(), threading.Event()

    def heard(done: int, total: int) -> None:
        told.append((done, total))
        began.set()
        go_on.wait(10)

    searching = asyncio.ensure_future(room.search_history(project, heard=heard))
    await asyncio.to_thread(began.wait, 10)
    searching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await searching
    go_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()  # its thread has ended
    assert told == [(0, 19)]


async def test_progress_counts_objects(room: GitWorkspaces, project: Path, put: Any) -> None:
    put("one.txt", "one")
    told: list[tuple[int, int]] = []
    await room.search_history(project, heard=lambda done, total: told.append((done, total)))
    assert told == [(done, 7) for done in range(5)]  # two commits and three files; trees are not read
