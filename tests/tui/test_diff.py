"""The Diff tab: every commit, the user's own edits, unified and side by side, at any length."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static

from smaker.tui.changes import changes
from smaker.tui.patch import parse
from smaker.tui.widgets.diff_view import DiffView

DIFF = """diff --git a/a b.txt b/a b.txt
index 1..2 100644
--- a/a b.txt
+++ b/a b.txt
@@ -1,4 +1,4 @@ def f():
 one
-two
--- three
+TWO
+\x1b[31mred
+more
 four
\\ No newline at end of file
diff --git a/old.txt b/new.txt
similarity index 100%
rename from old.txt
rename to new.txt
diff --git a/x.png b/x.png
new file mode 100644
Binary files /dev/null and b/x.png differ
diff --git a/gone.py b/gone.py
deleted file mode 100644
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-x
"""


def test_a_diff_is_read_as_git_writes_it() -> None:
    patch = parse(DIFF)
    assert [file.heading for file in patch.files] == [
        "a b.txt  +3  -2",
        "new.txt  moved from old.txt",
        "x.png  new binary",
        "gone.py  deleted  -1",
    ]
    assert patch.summary == "4 files  +3 -3"
    rows, starts = patch.rows(beside=False)
    assert [rows[start].heading for start in starts] == ["file"] * 4
    told = [(row.old and row.old.number, row.new and row.new.number, (row.new or row.old).text) for row in rows[2:8]]  # type: ignore[union-attr]
    assert told == [
        (1, 1, "one"),
        (2, None, "two"),
        (3, None, "-- three"),
        (None, 2, "TWO"),
        (None, 3, "\\x1b[31mred"),
        (None, 4, "more"),
    ]


def test_side_by_side_what_went_stands_beside_what_came() -> None:
    rows, _ = parse(DIFF).rows(beside=True)
    pairs = [(row.old and row.old.text, row.new and row.new.text) for row in rows[2:7]]
    assert pairs == [("one", "one"), ("two", "TWO"), ("-- three", "\\x1b[31mred"), (None, "more"), ("four", "four")]


@pytest.mark.parametrize(
    ("old", "new", "gone", "come"),
    [
        ("timeout = 10", "timeout = 25", ["10"], ["25"]),
        ("getUserName(id)", "getUserNames(id, now)", [], ["s", ", now"]),
        ("  return total", "    return total", [], ["  "]),
        ("a (old) line of words", "a line of new words", ["(old) "], [" new"]),
        ("x" * 401, "x" * 400 + "y", [], []),
        ("quite another line", "nothing in common", [], []),
        ("same", "same", [], []),
        ("", "new", [], []),
        ("größe: 日本", "größe: 日文", ["本"], ["文"]),
        ("a" + "();" * 60 + ";" * 120 + "z", "a" + "();" * 60 + "()" * 60 + "z", [";" * 120], ["()" * 60]),
    ],
)
def test_what_differs_within_a_line(old: str, new: str, gone: list[str], come: list[str]) -> None:
    found = changes(old, new)
    assert [old[start:end] for start, end in found[0]] == gone
    assert [new[start:end] for start, end in found[1]] == come


def test_no_line_takes_long_to_compare() -> None:
    took: list[float] = []
    for one, two in (("a(", "b("), ("();", ")(;"), ("ab", "ba"), ("x", "xx"), (" a", "  b")):
        began = time.thread_time()
        changes((one * 400)[:400], (two * 400)[:400])
        took.append(time.thread_time() - began)
    assert max(took) < 0.05, took


def test_each_changed_line_knows_the_other() -> None:
    rows = parse("--- a\n+++ b\n@@ -1,5 +1,5 @@\n-one\n-two\n+ONE\n three\n+four\n-five\n+FIVE\n").files[0].rows
    told = [(side.text, side.other) for row in rows for side in (row.old, row.new) if side and side.sign != " "]
    assert told == [("one", "ONE"), ("two", None), ("ONE", "one"), ("four", None), ("five", "FIVE"), ("FIVE", "five")]


class Alone(App[None]):
    """A diff and nothing else."""

    def compose(self) -> ComposeResult:
        yield DiffView()


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("left", [0, 5])
async def test_what_differs_is_marked_whatever_is_in_view(beside: bool, left: int) -> None:
    old, new = "value 日本 = one(1) " + "x" * 90, "value 日本 = two(1) " + "x" * 90
    async with Alone().run_test(size=(80, 10)) as pilot:
        view = pilot.app.query_one(DiffView)
        await view.show_diff(f"--- a\n+++ b\n@@ -1 +1 @@\n-{old}\n+{new}\n")
        if beside:
            await view.action_beside()
        view.scroll_to(x=left, animate=False)
        await pilot.pause()
        strips = [view.render_line(y) for y in range(2, 3 if beside else 4)]
        marked = [part.text for strip in strips for part in strip if part.style and part.style.reverse]
        assert marked == ["one", "two"]
        assert {strip.cell_length for strip in strips} == {view.size.width}


def text(view: DiffView) -> str:
    return "\n".join(view.render_line(y).text.rstrip() for y in range(view.size.height))


@pytest.mark.sandbox
@pytest.mark.node
async def test_a_commit_s_diff_unified_and_side_by_side(built: Any, go: Any, screen_is: Any) -> None:
    async with built.shown() as pilot:
        tab = await go(pilot, "diff")
        view = tab.query_one(DiffView)
        await built.until(pilot, lambda: view.row_count > 10)
        steps = tab.query_one("#diff-steps", DataTable)
        assert str(steps.get_row_at(0)[1]) == "Your own edits, not committed"
        assert [str(steps.get_row_at(row)[0]) for row in (1, -1 + steps.row_count)] != ["", ""]
        newest = tab.query_one("#diff-head", Static).render()
        await pilot.press("down")
        await built.until(pilot, lambda: tab.query_one("#diff-head", Static).render() != newest)
        steps.move_cursor(row=steps.row_count - 2)
        await built.until(pilot, lambda: len(view.patch.files) > 5)
        await pilot.press("v")
        await built.until(pilot, lambda: view.beside)
        await pilot.press("v")
        await built.until(pilot, lambda: not view.beside)
        await pilot.press("n")
        assert steps.has_focus and view.scroll_offset.y > 0
        await pilot.press("N", "enter")
        assert view.has_focus and not view.scroll_offset.y
        starts = [index for index, row in enumerate(view._rows) if row.heading == "file"]
        assert len(starts) > 2
        await pilot.press("n", "n")
        assert view.scroll_offset.y == starts[2]
        await pilot.press("N")
        assert view.scroll_offset.y == starts[1]
        left = pilot.app.screen.query_one("#left")
        await pilot.press("v", "z")
        assert view.beside and "│" in text(view)
        await built.until(pilot, lambda: not left.region.width and view.size.width > 130)
        assert not steps.display and view.has_focus
        await pilot.press("v", "z")
        await built.until(pilot, lambda: left.region.width and not view.beside and steps.has_focus)
        await pilot.press("N", "N", "N")
        await built.until(pilot, lambda: view.scroll_offset.y == 0)
        screen_is(pilot, tab, "diff", r"\b[0-9a-f]{12}\b")


@pytest.mark.sandbox
@pytest.mark.node
async def test_the_user_s_own_edits_as_they_are_now(own: Any, go: Any, screen_is: Any) -> None:
    desk, project = own
    folder = Path((await desk.snapshot(project)).project.workspace)
    async with desk.shown((80, 24)) as pilot:
        tab = await go(pilot, "diff", project)
        view = tab.query_one(DiffView)
        await pilot.press("m")
        await desk.until(pilot, lambda: "no edits" in text(view))
        (folder / "notes.txt").write_text("my own\n[@click=app.quit]words[/]\n")
        await pilot.press("m")
        await desk.until(pilot, lambda: "notes.txt" in text(view))
        assert "[@click=app.quit]words[/]" in text(view)
        screen_is(pilot, tab, "diff-own")


@pytest.mark.sandbox
@pytest.mark.node
async def test_twenty_thousand_lines_are_scrolled_and_turned_at_once(own: Any, go: Any) -> None:
    desk, project = own
    folder = Path((await desk.snapshot(project)).project.workspace)
    (folder / "long.txt").write_text("".join(f"line {number} {'x' * (number % 90)}\n" for number in range(20_000)))
    async with desk.shown() as pilot:
        tab = await go(pilot, "diff", project)
        view = tab.query_one(DiffView)
        await pilot.press("m")
        await desk.until(pilot, lambda: view.row_count > 20_000)
        view.focus()
        took: list[float] = []
        for key in ("pagedown", "end", "pageup", "home", "down", "right", "left", "v", "end", "v"):
            began = time.thread_time()  # others' work on a busy machine does not count
            await pilot.press(key)
            took.append(time.thread_time() - began)
        assert sorted(took)[len(took) // 2] < 0.08, took
        assert view.row_count > 20_000 and len(view._strips) <= 1024
