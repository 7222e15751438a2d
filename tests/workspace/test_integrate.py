"""Tasks' commits come together on main."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import MergeConflict, NotFound, WorkspaceError
from smaker.workspace.repository import GitWorkspace

TEN = b"".join(b"line %d\n" % number for number in range(10))


def clean(git: Any) -> bool:
    return (
        git("status", "--porcelain", "--untracked-files=all") == "" and git("fsck", "--strict", "--no-dangling") == ""
    )


async def test_the_first_commit_of_a_new_repository(workspace: GitWorkspace, commit: Any, git: Any) -> None:
    assert await workspace.head() is None
    checkout = await workspace.checkout("t1")
    assert checkout.base is None
    sha = await commit(checkout, {"a.txt": b"a\n"}, "t1.1", "first\n\nbecause")
    assert await workspace.integrate("t1") == sha == await workspace.head()
    assert (workspace.path / "a.txt").read_bytes() == b"a\n"
    assert clean(git)
    assert git("log", "--format=%an <%ae> %cn <%ce> %s") == (
        "smaker coder <coder@smaker.invalid> smaker coder <coder@smaker.invalid> first\n"
    )
    assert git("reflog", "--format=%gs", "main") == "smaker: t1\n"
    [found] = await workspace.history()
    assert (found.sha, found.parent, found.subject, found.author) == (sha, None, "first", "smaker coder")
    assert found.trailers == {"Smaker-Project": "p1", "Smaker-Step": "t1.1"}
    assert found.tree == await workspace.tree(sha)
    assert found.at == workspace._clock.now()  # type: ignore[attr-defined]


async def test_main_that_did_not_move_is_fast_forwarded(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkout = await built.checkout("t1")
    first = await commit(checkout, {"a": b"1"}, "t1.1")
    assert await built.integrate("t1") == first
    second = await commit(checkout, {"a": b"2"}, "t1.2")
    assert await built.integrate("t1") == second
    assert await built.integrate("t1") == second
    assert clean(git)
    assert [c.trailers["Smaker-Step"] for c in await built.history(limit=2)] == ["t1.2", "t1.1"]


async def test_parallel_tasks_are_replayed_on_each_other_once(built: GitWorkspace, commit: Any, git: Any) -> None:
    one, two = await built.checkout("t1"), await built.checkout("t2")
    await commit(one, {"src/app.py": b"ONE\ntwo\nthree\n", "one": b"1"}, "t1.1", "one")
    await commit(two, {"src/app.py": b"one\ntwo\nTHREE\n", "two": b"2"}, "t2.1", "two\n\nwhy")
    await commit(two, {"README.md": None}, "t2.2", "three")
    await built.integrate("t1")
    head = await built.integrate("t2")
    assert await built.integrate("t2") == await built.integrate("t1") == head
    assert (built.path / "src/app.py").read_bytes() == b"ONE\ntwo\nTHREE\n"
    history = await built.history()
    assert [c.trailers["Smaker-Step"] for c in history] == ["t2.2", "t2.1", "t1.1", "t0.1"]
    assert git("log", "-1", "--skip=1", "--format=%B").startswith("two\n\nwhy\n\nSmaker-Project: p1\n")
    assert git("rev-list", "--merges", "main") == ""
    assert clean(git)


async def test_eight_checkouts_commit_at_once_and_all_arrive(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkouts = [await built.checkout(f"t{n}") for n in range(1, 9)]

    async def work(number: int) -> None:
        for step in range(3):
            files = {f"part{number}/f{step}.txt": b"x", "shared/" + str(number): str(step).encode()}
            await commit(checkouts[number - 1], files, f"t{number}.{step}")

    await asyncio.gather(*(work(number) for number in range(1, 9)))
    await asyncio.gather(*(built.integrate(f"t{number}") for number in range(1, 9)))
    steps = [c.trailers["Smaker-Step"] for c in await built.history()]
    assert sorted(steps) == sorted(["t0.1", *(f"t{n}.{s}" for n in range(1, 9) for s in range(3))])
    assert len(list((built.path / "shared").iterdir())) == 8
    assert clean(git)


async def test_the_same_replay_gives_the_same_commits(built: GitWorkspace, commit: Any, clock: Any, git: Any) -> None:
    one, two = await built.checkout("t1"), await built.checkout("t2")
    await commit(one, {"one": b"1"}, "t1.1")
    await commit(two, {"two": b"2"}, "t2.1")
    before = await built.integrate("t1")
    first = await built.integrate("t2")
    await built.rewind(before)
    clock.advance(3600)
    assert await built.integrate("t2") == first


@pytest.mark.parametrize(
    ("ours", "theirs", "named"),
    [
        ({"src/app.py": b"ours\n"}, {"src/app.py": b"theirs\n"}, "src/app.py"),
        ({"src/app.py": None}, {"src/app.py": b"theirs\n"}, "src/app.py"),
        ({"src/app.py": b"ours\n"}, {"src/app.py": None}, "src/app.py"),
        ({"new": b"ours"}, {"new": b"theirs"}, "new"),
        ({"new": b"file"}, {"new/inner": b"folder"}, "new/inner"),
        ({"new/inner": b"folder"}, {"new": b"file"}, "new"),
        ({"README.md": b"\0ours"}, {"README.md": b"\0theirs"}, "README.md"),
    ],
)
async def test_a_conflict_names_its_paths_and_changes_nothing(
    built: GitWorkspace, commit: Any, git: Any, ours: Any, theirs: Any, named: str
) -> None:
    one, two = await built.checkout("t1"), await built.checkout("t2")
    await commit(one, ours, "t1.1")
    await commit(two, {**theirs, "fine": b"x"}, "t2.1", "clashing")
    head = await built.integrate("t1")
    with pytest.raises(MergeConflict, match=f"clashing.*{named}") as raised:
        await built.integrate("t2")
    assert raised.value.code == "E_MERGE_CONFLICT"
    assert await built.head() == head
    assert not (built.path / "fine").exists()
    assert clean(git)


async def test_what_both_sides_changed_alike_is_no_conflict(built: GitWorkspace, commit: Any, git: Any) -> None:
    one, two = await built.checkout("t1"), await built.checkout("t2")
    await commit(one, {"same": b"x", "README.md": None, "ten": TEN}, "t1.1")
    (two.path / "src/app.py").chmod(0o755)
    await commit(two, {"same": b"x", "README.md": None}, "t2.1")
    await built.integrate("t1")
    await built.integrate("t2")
    assert (built.path / "src/app.py").stat().st_mode & 0o100
    assert clean(git)


async def test_folders_and_files_take_each_others_place(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"src/app.py": None, "src/lib/x": b"x"}, "t1.1")
    await commit(checkout, {"src/lib/x": None}, "t1.2")
    await commit(checkout, {"src": b"now a file", "README.md": None}, "t1.3")
    await commit(checkout, {"README.md/inner": b"now a folder"}, "t1.4")
    await built.integrate("t1")
    assert (built.path / "src").read_bytes() == b"now a file"
    assert clean(git)
    await commit(checkout, {"src": None, "README.md/inner": None}, "t1.5")
    await commit(checkout, {"src/app.py": b"again", "README.md": b"again"}, "t1.6")
    await built.integrate("t1")
    assert (built.path / "src/app.py").read_bytes() == b"again"
    assert clean(git)


async def test_users_own_commits_are_built_upon(built: GitWorkspace, commit: Any, git: Any) -> None:
    checkout = await built.checkout("t1")
    await commit(checkout, {"task": b"t"}, "t1.1")
    (built.path / "user").write_text("u")
    git("add", "user")
    git("commit", "-q", "-m", "mine\n\nSmaker-Step: t1.1")  # a forged step is of no project
    await built.integrate("t1")
    assert [c.subject for c in await built.history()] == ["work", "mine", "first"]
    assert clean(git)


async def test_a_missing_index_is_made(built: GitWorkspace, commit: Any, git: Any) -> None:
    (built.path / ".git" / "index").unlink()
    checkout = await built.checkout("t1")
    await commit(checkout, {"a": b"1", "README.md": None}, "t1.1")
    await built.integrate("t1")
    assert clean(git)


async def test_packed_repositories_work(built: GitWorkspace, commit: Any, git: Any) -> None:
    for number in range(3):
        checkout = await built.checkout(f"t{number + 1}")
        await commit(checkout, {f"d{number}/f{k}": bytes([k]) for k in range(20)}, f"t{number + 1}.1")
        await built.integrate(f"t{number + 1}")
        git("repack", "-qad")
        git("pack-refs", "--all")
        git("prune", "--expire=now")
    late = await built.checkout("t9")
    tree = await late.snapshot()
    assert tree == await built.tree(await built.head() or "")
    await commit(late, {"d0/f0": b"new"}, "t9.1")
    git("gc", "-q", "--prune=now")
    await built.integrate("t9")
    assert len(await built.history()) == 5
    assert clean(git)


async def test_a_task_whose_folder_is_lost_is_integrated_from_its_ref(
    built: GitWorkspace, commit: Any, git: Any, room: Any
) -> None:
    one, two = await built.checkout("t1"), await built.checkout("t2")
    await commit(one, {"one": b"1"}, "t1.1")
    await commit(two, {"two": b"2"}, "t2.1")
    await built.integrate("t2")
    await room.discard(built.path, files=False)
    again = await room.open(built.path)
    await again.integrate("t1")
    assert [c.trailers["Smaker-Step"] for c in await again.history()] == ["t1.1", "t2.1", "t0.1"]
    assert clean(git)


async def test_a_task_without_a_ref_is_not_found(built: GitWorkspace) -> None:
    with pytest.raises(NotFound):
        await built.integrate("t7")
    for name in ("--output=x", "a..b", "@{", "x\ny"):
        for action in (built.checkout(name), built.integrate(name)):
            with pytest.raises(WorkspaceError) as raised:
                await action
            assert raised.value.code == "E_REF_NAME"
    with pytest.raises(NotFound):
        await built.checkout("t8", base="1" * 40)
    for name in ("--output=/x", "HEAD", "-d"):
        with pytest.raises(WorkspaceError) as raised:
            await built.diff(None, name)
        assert raised.value.code == "E_REF_NAME"


async def test_diff_and_export(built: GitWorkspace, commit: Any, git: Any, tmp_path: Path) -> None:
    import stat
    import zipfile

    first = await built.head() or ""
    checkout = await built.checkout("t1")
    (checkout.path / "link").symlink_to("src/app.py")
    (checkout.path / "run").write_text("#!/bin/sh\n")
    (checkout.path / "run").chmod(0o755)
    await commit(checkout, {"src/app.py": b"one\nTWO\nthree\n", "caf\u00e9": b"x"}, "t1.1")
    second = await built.integrate("t1")
    diff = await built.diff(first, second)
    assert "-two\n+TWO\n" in diff
    assert "caf\u00e9" in diff
    assert diff == await built.diff(await built.tree(first), await built.tree(second))
    assert "+# read me" in await built.diff(None, first)
    assert "README.md" not in diff
    (built.path / "README.md").write_text("mine\n")
    assert "+mine" in await built.diff(second, await built.snapshot())
    target = tmp_path / "out.zip"
    await built.export(target)
    with zipfile.ZipFile(target) as archive:
        assert sorted(archive.namelist()) == ["README.md", "caf\u00e9", "link", "run", "src/app.py"]
        assert archive.read("README.md") == b"# read me\n"
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert stat.S_ISLNK(modes["link"])
    assert modes["run"] == stat.S_IFREG | 0o755
    with pytest.raises(WorkspaceError):
        await built.export(tmp_path / "missing" / "out.zip")
    assert not list(tmp_path.glob(".out.zip*"))


async def test_the_loop_keeps_ticking(built: GitWorkspace, commit: Any) -> None:
    """In one of three rounds, on a machine that may be busy with other things: no pause is as long as the work."""
    shares: list[float] = []
    for number in range(1, 4):
        checkout = await built.checkout(f"t{number}")
        await checkout.write({f"{number}/d{n % 20}/f{n}": b"%d" % number * 2000 for n in range(300)})
        began = time.perf_counter()
        worst = await longest_pause(commit(checkout, {}, f"t{number}.1"), built.integrate(f"t{number}"))
        shares.append(worst / (time.perf_counter() - began))
        if shares[-1] < 0.2:
            return
    raise AssertionError(shares)


async def longest_pause(*work: Any) -> float:
    """Await some work, and return the longest time in which the loop did nothing else."""
    worst = 0.0
    done = asyncio.Event()

    async def tick() -> None:
        nonlocal worst
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - began)

    ticker = asyncio.create_task(tick())
    for awaitable in work:
        await awaitable
    done.set()
    await ticker
    return worst
