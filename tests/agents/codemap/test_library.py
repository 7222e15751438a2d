"""Indexes lent to tasks: fed from a task's files, kept between tasks, one's own while it is lent."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from smaker.agents.codemap import CodeMaps, render_map, search
from smaker.core.clock import SystemClock
from smaker.core.errors import NotFound, PathError, WorkspaceError
from smaker.core.ports import Checkout
from smaker.core.secrets import find_secret
from smaker.core.taskfiles import EMPTY_TREE
from smaker.workspace import GitWorkspaces


class Seen:
    """A task's files as its context shows them, and which were read."""

    def __init__(self, checkout: Checkout) -> None:
        self.checkout = checkout
        self.read_paths: list[str] = []
        self.broken: set[str] = set()

    async def tree(self) -> str:
        return await self.checkout.snapshot()

    async def files(self) -> list[str]:
        return await self.checkout.list()

    async def read(self, path: str) -> bytes:
        self.read_paths.append(path)
        if path in self.broken:
            raise WorkspaceError("The disk is on fire.")
        return await self.checkout.read(path)


@pytest.fixture
def folder(tmp_path: Path, shop: dict[str, bytes]) -> Path:
    folder = tmp_path / "shop"
    for path, content in shop.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "link.py").symlink_to("shop/till.py")
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "shop"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


@pytest.fixture
async def seen(tmp_path: Path, folder: Path) -> Seen:
    workspaces = GitWorkspaces(tmp_path / "state", clock=SystemClock(), scan=find_secret)
    return Seen(await (await workspaces.adopt(folder)).checkout("t1"))


async def test_an_equal_tree_is_read_once(seen: Seen) -> None:
    maps = CodeMaps()
    async with maps.borrow("p1", seen) as index:
        assert search(index, "check out")[0].path == "shop/till.py"
        assert "link.py (unreadable)" in render_map(index, 2000)
    assert "web/node_modules/left/index.js" not in seen.read_paths
    seen.read_paths.clear()
    async with maps.borrow("p1", seen) as again:
        assert again is index
    assert seen.read_paths == []


async def test_what_a_task_writes_is_found(seen: Seen) -> None:
    maps = CodeMaps()
    async with maps.borrow("p1", seen):
        pass
    await seen.checkout.write({"shop/refund.py": b"def refund(): pass\n", "shop/till.py": None})
    async with maps.borrow("p1", seen) as index:
        assert search(index, "refund")[0].path == "shop/refund.py"
        assert "shop/till.py" not in index.files


async def test_by_changes_only_what_changed_is_taken_over(seen: Seen) -> None:
    asked: list[str] = []

    async def changes(since: str) -> Mapping[str, tuple[str, bytes] | None]:
        asked.append(since)
        return await seen.checkout.changes(since, await seen.tree())

    maps, first = CodeMaps(), await seen.tree()
    async with maps.borrow("p1", seen, changes=changes) as index:
        shown = render_map(index, 2000)
    async with CodeMaps().borrow("p1", seen) as read:
        assert render_map(read, 2000).replace("(generated, 13 B)", "(generated)") == shown
    seen.read_paths.clear()
    await seen.checkout.write({"README.md": b"# Other\n", "shop/till.py": None})
    async with maps.borrow("p1", seen, changes=changes) as again:
        assert again is index
        assert search(again, "other")[0].path == "README.md"
        assert "shop/till.py" not in again.files
        assert again.files["link.py"].kind.reason == "unreadable"
    assert asked == [EMPTY_TREE, first]
    assert seen.read_paths == []


async def test_another_repository_of_the_project_is_read_anew(seen: Seen) -> None:
    async def changes(since: str) -> Mapping[str, tuple[str, bytes] | None]:
        if since != EMPTY_TREE:
            raise NotFound(f"no tree {since}")
        return await seen.checkout.changes(since, await seen.tree())

    maps = CodeMaps()
    async with maps.borrow("p1", seen, changes=changes):
        pass
    await seen.checkout.write({"shop/refund.py": b"def refund(): pass\n", "shop/till.py": None})
    async with maps.borrow("p1", seen, changes=changes) as index:
        assert search(index, "refund")[0].path == "shop/refund.py"
        assert "shop/till.py" not in index.files


async def test_a_lent_index_is_the_borrowers_alone(seen: Seen) -> None:
    maps = CodeMaps()
    async with maps.borrow("p1", seen) as one, maps.borrow("p1", seen) as two, maps.borrow("p2", seen) as three:
        assert len({id(one), id(two), id(three)}) == 3
    async with maps.borrow("p2", seen) as again:
        assert again is three


async def test_no_more_are_kept_than_asked_for(seen: Seen) -> None:
    maps = CodeMaps(most=1)
    async with maps.borrow("p1", seen) as first:
        pass
    async with maps.borrow("p2", seen):
        pass
    async with maps.borrow("p1", seen) as again:
        assert again is not first


async def test_an_index_that_could_not_be_filled_is_not_kept(seen: Seen) -> None:
    maps = CodeMaps()
    seen.broken = {"README.md"}
    with pytest.raises(WorkspaceError, match="on fire"):
        async with maps.borrow("p1", seen):
            pass
    seen.broken = set()
    async with maps.borrow("p1", seen) as index:
        assert search(index, "counter")[0].path == "README.md"


@pytest.mark.parametrize("problem", [NotFound("gone"), PathError("too large")])
async def test_a_file_that_cannot_be_read_is_listed(seen: Seen, problem: Exception) -> None:
    class Refusing(Seen):
        async def read(self, path: str) -> bytes:
            if path == "README.md":
                raise problem
            return await super().read(path)

    async with CodeMaps().borrow("p1", Refusing(seen.checkout)) as index:
        assert index.files["README.md"].kind.reason == "unreadable"
