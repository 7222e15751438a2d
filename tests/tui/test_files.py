"""The Files tab: the folder as a tree, files with colours, what cannot be shown, going to a file by typing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input, OptionList, Static, Tree

from smaker.tui.screens.project import ProjectScreen
from smaker.tui.tabs.files import children, matching, readable
from smaker.tui.widgets.source import SourceView, colour

PATHS = ("LICENSE", "a-b/x.py", "a/b/c.txt", "a/b/d.txt", "a/x.py", "b.txt")


def test_a_folder_s_own_names() -> None:
    assert children(PATHS, "") == (["a-b", "a"], ["LICENSE", "b.txt"])
    assert children(PATHS, "a/") == (["b"], ["x.py"])
    assert children(PATHS, "a/b/") == ([], ["c.txt", "d.txt"])


def test_what_is_named_so_comes_before_what_lies_in_it() -> None:
    assert matching(PATHS, "b") == ["b.txt", "a-b/x.py", "a/b/c.txt", "a/b/d.txt"]
    assert matching(PATHS, "X.P a/") == ["a/x.py"]


@pytest.mark.parametrize("data", [b"a\0b", b"\xff\xfe", b"\x80"])
def test_what_is_no_text_is_not_read_as_text(data: bytes) -> None:
    assert readable(data) is None


def test_words_have_kinds_and_lines_stay_lines() -> None:
    source = 'def f():\n    """One\n    two."""\n    return 1  # why\n'
    lines = colour(source, "a.py")
    assert ["".join(word for _, word in line) for line in lines] == source.rstrip("\n").split("\n")
    assert ("keyword", "def") in lines[0]
    assert {kind for kind, _ in lines[1]} >= {"string"} and {kind for kind, _ in lines[2]} >= {"string"}
    assert ("comment", "# why") in lines[3]
    assert colour("\x1b[31mx", "a.unknown") == [[("", "\\x1b[31mx")]]


def labels(tree: Any) -> list[str]:
    return [str(child.label) for child in tree.root.children]


@pytest.mark.sandbox
@pytest.mark.node
async def test_the_tree_opens_and_a_file_is_shown(built: Any, go: Any, screen_is: Any) -> None:
    async with built.shown() as pilot:
        tab = await go(pilot, "files")
        tree, source = tab.query_one(Tree), tab.query_one(SourceView)
        await built.until(pilot, lambda: "index.html" in labels(tree))
        folder = next(child for child in tree.root.children if str(child.label) == "tests/")
        assert not folder.children, "folders are filled when they are opened"
        tree.move_cursor(folder)
        await pilot.press("enter")
        await built.until(pilot, lambda: folder.children)
        tree.move_cursor(next(child for child in tree.root.children if str(child.label) == "index.html"))
        await built.until(pilot, lambda: "<!doctype html>" in source.text.lower())
        screen_is(pilot, tab, "files")
        await pilot.press("enter")
        assert source.has_focus
        await pilot.press("pagedown", "end", "pageup", "home", "c")
        assert pilot.app.clipboard.endswith("/index.html") and pilot.app.clipboard.startswith("/")


@pytest.mark.sandbox
@pytest.mark.node
async def test_a_file_is_gone_to_by_typing(built: Any, go: Any) -> None:
    async with built.shown((80, 24)) as pilot:
        tab = await go(pilot, "files")
        found, source, tree = tab.query_one(OptionList), tab.query_one(SourceView), tab.query_one(Tree)
        await pilot.press("slash", *"sections")
        await built.until(pilot, lambda: 0 < found.option_count < 6)
        await pilot.press("down", "up", "escape")
        assert isinstance(pilot.app.screen, ProjectScreen) and tree.has_focus
        await pilot.press("slash", *"sections.test", "enter")
        await built.until(pilot, lambda: "sections.test.js" in str(tab.query_one("#files-path", Static).render()))
        await built.until(pilot, lambda: "import" in source.text)
        await built.until(
            pilot, lambda: tree.cursor_node and tree.cursor_node.data == "tests/acceptance/sections.test.js"
        )
        await pilot.press("slash", *"zzz", "enter")
        assert tab.query_one("#files-words", Input).has_focus, "nothing was found: there is nothing to go to"


@pytest.mark.sandbox
@pytest.mark.node
async def test_what_its_user_puts_there_and_what_cannot_be_shown(own: Any, go: Any) -> None:
    desk, project = own
    folder = Path((await desk.snapshot(project)).project.workspace)
    async with desk.shown() as pilot:
        tab = await go(pilot, "files", project)
        tree, source = tab.query_one(Tree), tab.query_one(SourceView)
        await desk.until(pilot, lambda: "index.html" in labels(tree))
        (folder / "aaa.bin").write_bytes(b"\0\1\2")
        (folder / "aab.txt").write_text("line\n" * 300_000)
        (folder / "aac [red]x.py").write_text("".join(f"x{number} = {number}\n" for number in range(20_000)))
        (folder / "aad.txt").write_text("")
        (folder / "aae").symlink_to("index.html")
        await pilot.press("g")
        await desk.until(pilot, lambda: "aaa.bin" in labels(tree))
        for name, said in {
            "aaa.bin": "No UTF-8 text",
            "aab.txt": "Larger than 1 MB",
            "aad.txt": "(empty)",
            "aae": "folder or link",
            "aac [red]x.py": "x19999 = 19999",
        }.items():
            tree.move_cursor(next(child for child in tree.root.children if str(child.label) == name))
            await desk.until(pilot, lambda said=said: said in source.text)
        source.focus()
        took: list[float] = []
        for key in ("end", "pageup", "home", "pagedown", "down"):
            began = time.thread_time()  # others' work on a busy machine does not count
            await pilot.press(key)
            took.append(time.thread_time() - began)
        assert sorted(took)[2] < 0.08, took
        (folder / "aac [red]x.py").write_text("now = 2\n")
        await pilot.press("g")
        await desk.until(pilot, lambda: source.text == "now = 2")
