"""Live text: pieces wherever they begin and end, bounds, following the end, and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult

from smaker.tui.widgets.stream import LINES, WIDEST, Stream


class Page(App[None]):
    def compose(self) -> ComposeResult:
        yield Stream(id="stream")


@pytest.fixture
async def page() -> Any:
    async with Page().run_test(size=(60, 12)) as pilot:
        pilot.stream = pilot.app.query_one(Stream)
        yield pilot


def shown(pilot: Any) -> list[str]:
    return [pilot.stream.render_line(y).text.rstrip() for y in range(pilot.stream.size.height)]


async def test_pieces_become_lines_wherever_they_break(page: Any) -> None:
    for piece in ("on", "e\r", "\ntwo\nth", "r", "ee\n\nfi", "ve\tx\n"):
        page.stream.pour(piece)
    assert list(page.stream.lines) == ["one", "", "two", "three", "", "five  x", ""]
    page.stream.say("six")
    page.stream.pour("sev")
    page.stream.say("eight")
    assert list(page.stream.lines)[-4:] == ["six", "sev", "eight", ""]
    await page.pause()
    assert "sev" in shown(page)


async def test_nothing_in_it_is_obeyed(page: Any) -> None:
    page.stream.pour("[b]x[/b]\x1b[2J\u202e[/nope]\n")
    await page.pause()
    assert shown(page)[0] == "[b]x[/b]\\x1b[2J\\u202e[/nope]"


async def test_a_long_line_is_broken(page: Any) -> None:
    page.stream.pour("a" * (WIDEST - 1))
    page.stream.pour("b" * (2 * WIDEST) + "\nc")
    assert [len(line) for line in page.stream.lines] == [WIDEST, WIDEST, WIDEST - 1, 1]
    assert "".join(page.stream.lines) == "a" * (WIDEST - 1) + "b" * (2 * WIDEST) + "c"


async def test_it_keeps_the_newest_and_follows_the_end(page: Any) -> None:
    for number in range(12):
        page.stream.pour("".join(f"line {number}.{line}\n" for line in range(1_000)))
        await page.pause()
        assert f"line {number}.999" in shown(page)
    assert len(page.stream.lines) == LINES
    assert page.stream.max_scroll_y == LINES - page.stream.container_size.height + page.stream.scrollbar_size_horizontal
    assert page.stream.show_vertical_scrollbar


async def test_who_reads_further_up_goes_on_reading_the_same(page: Any) -> None:
    page.stream.pour("".join(f"line {line}\n" for line in range(LINES)))
    await page.pause()
    page.stream.scroll_to(y=3_000, animate=False)
    await page.pause()
    before = shown(page)
    assert before[0].startswith("line 3")
    page.stream.pour("".join(f"more {line}\n" for line in range(500)))
    await page.pause()
    assert shown(page) == before
    page.stream.scroll_end(animate=False)
    await page.pause()
    page.stream.pour("last\n")
    await page.pause()
    assert "last" in shown(page)


async def test_a_line_that_grows_is_drawn_anew(page: Any) -> None:
    page.stream.pour("be")
    await page.pause()
    assert "be" in shown(page)
    page.stream.pour("gun")
    await page.pause()
    assert "begun" in shown(page)
    page.stream.clear()
    await page.pause()
    assert set(shown(page)) == {""}


async def test_more_lines_lay_nothing_out_anew(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page.stream.pour("begun\n" * 50)
    await page.pause()
    layouts: list[object] = []
    refresh = page.stream.refresh
    monkeypatch.setattr(
        page.stream,
        "refresh",
        lambda *at, layout=False, **more: (layouts.append(1) if layout else 0, refresh(*at, **more)),
    )
    for _ in range(20):
        page.stream.pour("more\n")
        await page.pause()
    assert layouts == []
    assert page.stream.vertical_scrollbar.window_virtual_size == 71


async def test_other_colours_are_seen_in_what_is_there(page: Any) -> None:
    page.stream.pour("words\n")
    await page.pause()
    before = page.stream.render_line(0)._segments[0].style
    page.app.theme = "textual-light"
    await page.pause()
    assert page.stream.render_line(0)._segments[0].style != before


async def test_a_pane_that_becomes_lower_goes_on_following(page: Any) -> None:
    page.stream.pour("".join(f"line {number}\n" for number in range(100)))
    for height in (5, 11, 3):
        page.stream.styles.height = height
        await page.pause()
        page.stream.pour(f"at {height}\n")
        await page.pause()
        assert f"at {height}" in shown(page)
    page.stream.scroll_up(animate=False)
    await page.pause()
    page.stream.pour("unseen\n" * 20)
    await page.pause()
    assert "unseen" not in shown(page), "who reads further up goes on reading the same"
    page.stream.scroll_end(animate=False)
    page.stream.pour("seen\n")
    await page.pause()
    assert "seen" in shown(page)
