"""The user's folder while smaker works in it: no edit is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import NotFound, StaleEdit
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace import folder
from smaker.workspace.repository import GitWorkspace


def clean(git: Any) -> bool:
    return (
        git("status", "--porcelain", "--untracked-files=all") == "" and git("fsck", "--strict", "--no-dangling") == ""
    )


async def test_edits_elsewhere_stay_uncommitted(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": b"new\n"}, "t1.1")
    (built.path / "README.md").write_text("my edit")
    (built.path / "mine.txt").write_text("untracked")
    (built.path / "staged.txt").write_text("staged")
    git("add", "staged.txt")
    await built.integrate("t1")
    assert (built.path / "src/app.py").read_bytes() == b"new\n"
    assert (built.path / "README.md").read_text() == "my edit"
    assert git("status", "--porcelain") == " M README.md\nA  staged.txt\n?? mine.txt\n"


def edit(at: Path) -> None:
    (at / "src/app.py").write_text("mine")


def edit_staged(at: Path) -> None:
    (at / "src/app.py").write_text("mine")


def delete(at: Path) -> None:
    (at / "src/app.py").unlink()


def untracked(at: Path) -> None:
    (at / "brand-new").write_text("mine")


def folder_there(at: Path) -> None:
    (at / "brand-new").mkdir()
    (at / "brand-new" / "mine").write_text("x")


def link_there(at: Path) -> None:
    (at / "brand-new").symlink_to("/etc/passwd")


def link_above(at: Path) -> None:
    (at / "src/app.py").rename(at / "kept.py")
    (at / "src").rmdir()
    (at / "elsewhere").mkdir()
    (at / "src").symlink_to("elsewhere")


def executable(at: Path) -> None:
    (at / "src/app.py").chmod(0o755)


@pytest.mark.attack("F22")
@pytest.mark.parametrize(
    "change", [edit, edit_staged, delete, untracked, folder_there, link_there, link_above, executable]
)
async def test_an_edit_in_the_way_stops_everything(
    built: GitWorkspace, commit: Any, git: Any, canaries: Canaries, change: Any
) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": b"new\n", "brand-new": b"n", "other": b"o"}, "t1.1")
    head = await built.head()
    change(built.path)
    if change is edit_staged:
        git("add", "src/app.py")
        (built.path / "src/app.py").write_bytes(b"one\ntwo\nthree\n")
    status = git("status", "--porcelain")
    tree = await built.snapshot()
    before = fingerprint(built.path, allowed=[built.path / ".git"])
    with pytest.raises(StaleEdit, match=r"src/app\.py|brand-new") as raised:
        await built.integrate("t1")
    assert_safe_failure(
        raised.value, code="E_STALE_EDIT", unchanged=before, canaries=canaries, places=[built.path.parent]
    )
    assert (await built.head(), await built.snapshot()) == (head, tree)
    assert git("status", "--porcelain") == status
    assert not (built.path / "other").exists()
    assert not (built.path / ".git" / "index.lock").exists()


async def test_an_edit_made_this_very_moment_stays(
    built: GitWorkspace, commit: Any, git: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the look at the user's files, before the renames."""
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": b"new\n", "README.md": None, "added": b"a"}, "t1.1")

    def edit_now(point: str) -> None:
        if point == "workspace.moved":
            (built.path / "src/app.py").write_text("mine")
            (built.path / "README.md").write_text("mine")
            (built.path / "added").mkdir()
            (built.path / "added" / "mine").touch()

    monkeypatch.setattr(folder, "crashpoint", edit_now)
    await built.integrate("t1")
    assert (built.path / "src/app.py").read_text() == (built.path / "README.md").read_text() == "mine"
    assert git("status", "--porcelain", "-uall") == " D added\n M src/app.py\n?? README.md\n?? added/mine\n"


async def test_an_edit_that_is_already_what_comes_is_fine(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": b"new\n", "brand-new": b"n"}, "t1.1")
    (built.path / "src/app.py").write_bytes(b"new\n")
    (built.path / "brand-new").write_bytes(b"n")
    git("add", "brand-new")
    await built.integrate("t1")
    assert clean(git)


async def test_uncommitted_edits_are_saved_byte_for_byte(
    built: GitWorkspace, odd_files: dict[bytes, bytes], git: Any, tmp_path: Path
) -> None:
    import os

    assert await built.rescue() is None
    for name, data in odd_files.items():
        path = built.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (built.path / "README.md").unlink()
    tree = await built.snapshot()
    ref = await built.rescue()
    assert ref is not None
    assert ref.startswith("refs/smaker/rescue/")
    assert await built.rescue() == ref  # the same edits are saved once
    assert await built.snapshot() == tree
    git("worktree", "add", "-q", "--detach", str(tmp_path / "seen"), ref)
    for name, data in odd_files.items():
        if name != b".gitattributes":  # it makes git convert what it writes out
            listed = git("cat-file", "blob", b"%s:%s" % (ref.encode(), name)).encode("utf-8", "surrogateescape")
            assert listed == data, name
    assert not (tmp_path / "seen" / "README.md").exists()
    assert git("fsck", "--strict", "--no-dangling") == ""


async def test_an_unborn_repository_is_rescued_too(workspace: GitWorkspace, git: Any) -> None:
    assert await workspace.rescue() is None
    (workspace.path / "mine").write_text("x")
    ref = await workspace.rescue()
    assert git("ls-tree", "-r", "--name-only", ref) == "mine\n"


async def test_rewind_refuses_to_drop_edits_unless_forced(built: GitWorkspace, commit: Any, git: Any) -> None:
    first = await built.head() or ""
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": b"new\n", "added": b"a"}, "t1.1")
    second = await built.integrate("t1")
    (built.path / "src/app.py").write_text("mine")
    (built.path / "untracked").write_text("mine too")
    (built.path / "staged").write_text("s")
    git("add", "staged")
    with pytest.raises(StaleEdit, match=r"src/app\.py"):
        await built.rewind(first)
    assert await built.head() == second
    await built.rewind(first, force=True)
    assert await built.head() == first
    assert (built.path / "src/app.py").read_bytes() == b"one\ntwo\nthree\n"
    assert clean(git)
    [rescue] = git("for-each-ref", "--format=%(refname)", "refs/smaker/rescue").split()
    assert git("show", f"{rescue}:src/app.py") == "mine"
    assert git("show", f"{rescue}:untracked") == "mine too"
    assert git("for-each-ref", "--format=%(objectname)", "refs/smaker/rewound") == second + "\n"
    await built.rewind(second)
    assert (built.path / "added").read_bytes() == b"a"
    assert clean(git)
    with pytest.raises(NotFound):
        await built.rewind("1" * 40)
