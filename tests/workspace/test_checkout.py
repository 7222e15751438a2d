"""A task's folder: snapshots, commits, and what is put back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import NotFound, PathError, SecretFound, WorkspaceError
from smaker.core.ports import Author
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace import GitWorkspaces, Limits, scanner
from smaker.workspace.checkout import TaskCheckout
from smaker.workspace.repository import GitWorkspace

AUTHOR = Author(name="smaker coder", email="coder@smaker.invalid")
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
KEY = b"FAKE-KEY-" + b"0123456789"


@pytest.fixture
async def checkout(built: GitWorkspace) -> TaskCheckout:
    return await built.checkout("t1")


async def test_written_files_are_read_back_and_deleted(checkout: TaskCheckout) -> None:
    await checkout.write({"a/b/c.txt": b"c", "./a//d.txt": b"d"})
    assert await checkout.read("a/b/c.txt") == b"c"
    assert await checkout.read("a/d.txt") == b"d"
    await checkout.write({"a/b/c.txt": None, "missing": None})
    assert not (checkout.path / "a" / "b").exists()  # empty folders go too
    with pytest.raises(NotFound):
        await checkout.read("a/b/c.txt")


async def test_a_file_cannot_be_a_folder_of_another_in_one_write(checkout: TaskCheckout) -> None:
    with pytest.raises(PathError) as raised:
        await checkout.write({"a": b"x", "a/b": b"x"})
    assert raised.value.code == "E_KIND"


async def test_a_replaced_file_keeps_its_executable_bit(checkout: TaskCheckout) -> None:
    await checkout.write({"run.sh": b"#!/bin/sh\n"})
    (checkout.path / "run.sh").chmod(0o755)
    await checkout.write({"run.sh": b"#!/bin/sh\necho\n"})
    assert os.access(checkout.path / "run.sh", os.X_OK)


@pytest.mark.attack("F16", "F17")
async def test_limits_hold_for_writes_reads_and_snapshots(
    make: Callable[..., GitWorkspaces], tmp_path: Path, canaries: Canaries
) -> None:
    room = make(Limits(file=1000, total=5000, files=20))
    checkout = await (await room.create(tmp_path / "project")).checkout("t1")
    for files in ({"big": b"x" * 1001}, {f"f{n}": b"" for n in range(21)}):
        before = fingerprint(tmp_path)
        with pytest.raises(PathError) as raised:
            await checkout.write(files)
        assert_safe_failure(raised.value, code="E_LIMIT", unchanged=before, canaries=canaries)
        assert list(checkout.path.iterdir()) == []
    (checkout.path / "big").write_bytes(b"x" * 1001)
    for action in (checkout.snapshot(), checkout.read("big")):
        with pytest.raises(PathError) as raised:
            await action
        assert_safe_failure(raised.value, code="E_LIMIT", canaries=canaries)
    (checkout.path / "big").unlink()
    for number in range(6):
        (checkout.path / f"part{number}").write_bytes(b"x" * 900)
    with pytest.raises(PathError) as raised:
        await checkout.snapshot()
    assert_safe_failure(raised.value, code="E_LIMIT", says="more than", canaries=canaries)
    await checkout.restore(EMPTY)
    (checkout.path / ".gitignore").write_text("many/\n")
    (checkout.path / "many").mkdir()
    for number in range(30):
        (checkout.path / "many" / str(number)).touch()
    await checkout.snapshot()  # ignored files do not count
    (checkout.path / ".gitignore").unlink()
    with pytest.raises(PathError, match="20 files"):
        await checkout.snapshot()


async def test_a_file_that_history_holds_may_be_large(make: Callable[..., GitWorkspaces], tmp_path: Path) -> None:
    large = b"0123456789abcdef" * (9 << 16)
    workspace = await make(Limits(file=16 << 20)).create(tmp_path / "project")
    first = await workspace.checkout("t1")
    (first.path / "data").write_bytes(large)
    await first.commit("data", author=AUTHOR, trailers=[])
    await workspace.integrate("t1")
    again = await (await make(state="other").adopt(tmp_path / "project")).checkout("t2")
    assert (again.path / "data").read_bytes() == large
    assert await again.snapshot() == await workspace.tree(await workspace.head() or "")


async def test_folders_within_folders_end_somewhere(checkout: TaskCheckout) -> None:
    descriptor = os.open(checkout.path, os.O_RDONLY)
    for _ in range(2100):  # deeper than any path can say
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    with pytest.raises(PathError) as raised:
        await checkout.snapshot()
    assert raised.value.code == "E_LIMIT"
    await checkout.close()
    assert not checkout.path.exists()


async def test_a_snapshot_sees_every_change(checkout: TaskCheckout) -> None:
    """Also one within the same tick of the file system's clock, of the same size."""
    seen = set()
    for number in range(60):
        (checkout.path / "same-size").write_text(f"{number:04}")
        seen.add(await checkout.snapshot())
    assert len(seen) == 60
    tree = await checkout.snapshot()
    (checkout.path / "same-size").chmod(0o755)
    assert await checkout.snapshot() != tree


async def test_a_snapshot_sees_every_change_where_the_clock_is_coarse(
    checkout: TaskCheckout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many file systems count time in steps of several milliseconds; this one may not."""
    real = scanner._stamp

    def coarse(status: os.stat_result) -> tuple[int, int, int, int, int]:
        modified, changed, *rest = real(status)
        return modified // 50_000_000, changed // 50_000_000, *rest

    monkeypatch.setattr(scanner, "_stamp", coarse)
    seen = set()
    for number in range(60):
        (checkout.path / "same-size").write_text(f"{number:04}")
        seen.add(await checkout.snapshot())
    assert len(seen) == 60


async def test_unchanged_files_are_not_read_again(checkout: TaskCheckout, monkeypatch: pytest.MonkeyPatch) -> None:
    await checkout.write({f"f{n}": str(n).encode() for n in range(20)})
    await checkout.snapshot()
    await asyncio.sleep(0.15)  # until the clock can tell
    await checkout.snapshot()
    opened: list[object] = []
    real = os.open

    def spy(path: Any, *args: Any, **kwargs: Any) -> int:
        opened.append(path)
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", spy)
    await checkout.snapshot()
    assert not [path for path in opened if str(path).startswith("f")]


async def test_ignored_files_stay_out_and_tracked_ones_in(checkout: TaskCheckout) -> None:
    await checkout.write({"kept/forced.log": b"tracked", "a.txt": b"a"})
    tree = await checkout.snapshot()
    await checkout.restore(tree)
    await checkout.write({".gitignore": b"*.log\nkept/\nnode_modules/\n", "kept/new.txt": b"n", "x.log": b"x"})
    (checkout.path / "node_modules").mkdir()
    (checkout.path / "node_modules" / "m.js").touch()
    listed = await checkout.list()
    assert "kept/forced.log" in listed
    assert not {"kept/new.txt", "x.log", "node_modules/m.js"} & set(listed)
    await checkout.write({"kept/forced.log": b"changed"})
    assert await checkout.read("kept/forced.log", tree=await checkout.snapshot()) == b"changed"


async def test_restore_makes_the_folder_equal_and_leaves_ignored_files(checkout: TaskCheckout) -> None:
    await checkout.write({".gitignore": b"*.tmp\n", "dir/file": b"1", "swap": b"file", "run": b"x"})
    (checkout.path / "run").chmod(0o755)
    (checkout.path / "link").symlink_to("dir/file")
    one = await checkout.snapshot()
    await checkout.write({"dir/file": b"2", "swap": None, "new": b"n", ".gitignore": None})
    await checkout.write({"swap/inner": b"folder"})
    (checkout.path / "link").unlink()
    (checkout.path / "link").mkdir()
    (checkout.path / "link" / "x").touch()
    (checkout.path / "run").chmod(0o644)
    two = await checkout.snapshot()
    (checkout.path / "left.tmp").touch()
    await checkout.restore(one)
    assert await checkout.snapshot() == one
    assert (checkout.path / "left.tmp").exists()
    assert (checkout.path / "link").readlink() == Path("dir/file")
    await checkout.restore(two)
    assert await checkout.snapshot() == two
    assert not (checkout.path / "left.tmp").exists()  # no longer ignored in that tree
    await checkout.restore(EMPTY)
    assert list(checkout.path.iterdir()) == []


@pytest.mark.parametrize("left", ["nested repository", "gits name", "too large", "unreadable"])
async def test_restore_copes_with_what_no_tree_can_hold(checkout: TaskCheckout, left: str) -> None:
    tree = await checkout.snapshot()
    bad = checkout.path / "vendor"
    bad.mkdir()
    if left == "nested repository":
        (bad / ".git").mkdir()
    elif left == "gits name":
        (bad / "GIT~1").touch()
    elif left == "too large":
        with (bad / "huge").open("wb") as file:
            file.truncate(9 << 20)
    else:
        (bad / "x").touch()
        bad.chmod(0)
    if left != "unreadable" or os.geteuid() != 0:
        with pytest.raises(WorkspaceError):
            await checkout.snapshot()
    await checkout.restore(tree)
    assert await checkout.snapshot() == tree
    assert not bad.exists()


@pytest.mark.attack("G61")
async def test_a_nested_repository_is_named_and_its_files_are_kept(
    checkout: TaskCheckout, tmp_path: Path, canaries: Canaries
) -> None:
    nested = checkout.path / "vendor" / "lib"
    (nested / ".git").mkdir(parents=True)
    (nested / "code.c").write_text("int x;")
    before = fingerprint(tmp_path)
    with pytest.raises(WorkspaceError) as raised:
        await checkout.snapshot()
    assert_safe_failure(raised.value, code="E_NESTED_REPO", says="vendor/lib/.git", unchanged=before, canaries=canaries)
    assert (nested / "code.c").read_text() == "int x;"
    (nested / ".git").rmdir()
    assert "vendor/lib/code.c" in await checkout.list()


async def test_a_repository_made_in_the_folder_itself_is_left_out(checkout: TaskCheckout, git: Any) -> None:
    tree = await checkout.snapshot()
    git("init", "-q", at=checkout.path)
    assert await checkout.snapshot() == tree


@pytest.mark.attack("F13")
async def test_smakers_own_files_are_its_own(checkout: TaskCheckout) -> None:
    await checkout.write({".smaker/spec.yaml": b"v1", "smaker.yaml": b"c"}, own=True)
    tree = await checkout.snapshot()
    (checkout.path / ".smaker" / "spec.yaml").write_text("a command was here")
    (checkout.path / ".smaker" / "more").write_text("and here")
    (checkout.path / "smaker.yaml").unlink()
    (checkout.path / "smaker.yaml").mkdir()
    assert await checkout.snapshot() == tree
    assert await checkout.read(".smaker/spec.yaml") == b"v1"
    await checkout.apply({".smaker/spec.yaml": ("100644", b"v2"), ".smaker/trace.json": ("100644", b"{}")})
    assert await checkout.read(".smaker/spec.yaml", tree=await checkout.snapshot()) == b"v2"
    with pytest.raises(PathError) as raised:
        await checkout.write({".git/config": b"x"}, own=True)
    assert raised.value.code == "E_PATH_PROTECTED"


async def test_changes_applied_elsewhere_give_the_same_tree(
    built: GitWorkspace, checkout: TaskCheckout, odd_files: dict[bytes, bytes]
) -> None:
    start = await checkout.snapshot()
    for name, data in odd_files.items():
        path = checkout.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (checkout.path / "plain").chmod(0o755)
    (checkout.path / "dangling").symlink_to("/nowhere/at all")
    (checkout.path / "README.md").unlink()
    (checkout.path / "README.md").mkdir()
    (checkout.path / "README.md" / "inner").touch()
    end = await checkout.snapshot()
    changes = await checkout.changes(start, end)
    assert changes["README.md"] is None
    assert changes["plain"] == ("100755", b"x")
    assert changes["dangling"] == ("120000", b"/nowhere/at all")
    other = await built.checkout("t2")
    await other.apply(changes)
    assert await other.snapshot() == end
    await other.apply(await checkout.changes(end, start))
    assert await other.snapshot() == start


async def test_a_folder_is_found_as_it_was_left(built: GitWorkspace, make: Any, commit: Any) -> None:
    checkout = await built.checkout("t1")
    first = await commit(checkout, {"a": b"1"}, "t1.1")
    await checkout.write({"b": b"not committed"})
    again = await (await make().open(built.path)).checkout("t1", base=checkout.base)
    assert await again.read("b") == b"not committed"
    assert await commit(again, {}, "t1.1") == first  # the same step is not committed twice
    moved = await built.integrate("t1")
    assert (await built.checkout("t1")).base == checkout.base
    fresh = await built.checkout("t1", base=moved)  # began elsewhere: nothing of it is kept
    assert await fresh.list() == ["README.md", "a", "src/app.py"]


async def test_a_folder_that_was_never_finished_is_made_anew(built: GitWorkspace, make: Any) -> None:
    checkout = await built.checkout("t1")
    (checkout.path.parent / "base").unlink()
    (checkout.path / "src" / "app.py").unlink()
    again = await (await make().open(built.path)).checkout("t1")
    assert await again.list() == ["README.md", "src/app.py"]


@pytest.mark.attack("G66")
async def test_a_credential_stops_the_commit_and_never_enters_the_repository(
    built: GitWorkspace, checkout: TaskCheckout, commit: Any, git: Any, tmp_path: Path, canaries: Canaries
) -> None:
    await commit(checkout, {"fine": b"x"}, "t1.1")
    before = git("rev-list", "--all")
    await checkout.write({"config.py": b"key = '" + KEY + b"'\n"})
    await checkout.snapshot()
    with pytest.raises(SecretFound, match=r"config\.py.*fake key") as raised:
        await commit(checkout, {}, "t1.2")
    assert_safe_failure(raised.value, code="E_SECRET_STAGED", canaries=canaries, places=[tmp_path])
    assert KEY.decode() not in raised.value.message
    assert git("rev-list", "--all") == before
    listed = git("cat-file", "--batch-all-objects", "--batch-check").split("\n")
    blobs = [line.split()[0] for line in listed if " blob " in line]
    assert blobs
    assert not any(KEY.decode() in git("cat-file", "blob", blob) for blob in blobs)
    await commit(checkout, {"config.py": b"key = os.environ['KEY']\n"}, "t1.2")
    await built.integrate("t1")


async def test_nothing_changed_is_no_commit(checkout: TaskCheckout, commit: Any) -> None:
    assert await commit(checkout, {}, "t1.1") == checkout.base


async def test_a_snapshots_tree_is_committed_whatever_came_after(checkout: TaskCheckout, git: Any) -> None:
    await checkout.write({"a": b"1"})
    tree = await checkout.snapshot()
    await checkout.write({"a": b"2"})
    sha = await checkout.commit("m", author=AUTHOR, trailers=[], tree=tree)
    assert git("rev-parse", f"{sha}^{{tree}}").strip() == tree
    with pytest.raises(NotFound):
        await checkout.commit("m", author=AUTHOR, trailers=[], tree="1" * 40)


async def test_reading_from_a_tree(built: GitWorkspace, checkout: TaskCheckout) -> None:
    head = await built.head() or ""
    for tree in (head, await built.tree(head)):
        assert await checkout.read("src/app.py", tree=tree) == b"one\ntwo\nthree\n"
        assert await built.read("src/app.py", tree=tree) == b"one\ntwo\nthree\n"
        assert await checkout.list(tree=tree) == ["README.md", "src/app.py"]
    with pytest.raises(NotFound):
        await checkout.read("nothing", tree=head)
    with pytest.raises(PathError, match="folder"):
        await checkout.read("src", tree=head)
    with pytest.raises(NotFound):
        await checkout.read("src/app.py", tree="1" * 40)


async def test_listing_what_differs_from_an_earlier_tree(checkout: TaskCheckout) -> None:
    before = await checkout.snapshot()
    assert await checkout.list(tree=before, since=before) == []
    await checkout.write({"src/app.py": b"new\n", "src/deep/b.py": b"", "README.md": None})
    after = await checkout.snapshot()
    assert await checkout.list(tree=after, since=before) == await checkout.list(since=before)
    assert await checkout.list(tree=after, since=before) == ["src/app.py", "src/deep/b.py"]
    assert await checkout.list(tree=before, since=after) == ["README.md", "src/app.py"]


async def test_close_removes_folder_and_ref(built: GitWorkspace, checkout: TaskCheckout, commit: Any, git: Any) -> None:
    await commit(checkout, {"a": b"1"}, "t1.1")
    (checkout.path / "locked").mkdir()
    (checkout.path / "locked" / "x").touch()
    (checkout.path / "locked").chmod(0o500)
    git("pack-refs", "--all")
    await checkout.close()
    assert not checkout.path.exists()
    assert git("for-each-ref", "refs/smaker/tasks") == ""
    await checkout.close()


async def test_old_reports_are_discarded(checkout: TaskCheckout) -> None:
    await checkout.write({".gitignore": b"report.xml\n", "report.xml": b"<old/>"})
    await checkout.discard(["report.xml", "coverage.json"])
    assert not (checkout.path / "report.xml").exists()
