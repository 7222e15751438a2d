"""Head and tail of what a box prints, and text found in it as it passes."""

from __future__ import annotations

import pytest

from smaker.sandbox.output import Output


def test_all_is_kept_up_to_the_bound() -> None:
    output = Output(10)
    for piece in (b"abc", b"defg", b"hij"):
        output.feed(piece)
    assert (output.text(), output.dropped) == ("abcdefghij", 0)


@pytest.mark.parametrize("size", [1, 3, 7, 64, 100_000])
def test_head_and_tail_remain_whatever_the_pieces(size: int) -> None:
    data = b"".join(b"%06d\n" % number for number in range(10_000))
    output = Output(700)
    for start in range(0, len(data), size):
        output.feed(data[start : start + size])
    text = output.text()
    assert text.startswith("000000\n000001\n")
    assert text.endswith("\n009998\n009999\n")
    assert output.dropped == len(data) - 700
    assert f"{len(data) - 700} bytes" in text
    assert output.last_lines(2) == "009998\n009999"


def test_a_character_cut_by_the_bound_leaves_no_rubbish() -> None:
    output = Output(7)
    output.feed("ääääääää".encode())
    assert "\ufffd" not in output.text()


def test_memory_stays_bounded() -> None:
    output = Output(1000)
    for _ in range(5000):
        output.feed(b"x" * 1000)
    assert len(output._head) + len(output._tail) <= 2000


def test_text_is_seen_across_pieces_once() -> None:
    output = Output(20)
    seen: list[str] = []
    output.feed(b"start of a long line that is dropped")
    output.when("needle", lambda: seen.append("needle"))
    output.when("a needle in", lambda: seen.append("longer"))
    for piece in (b" a nee", b"d", b"le i", b"n it", b" needle"):
        output.feed(piece)
    assert seen == ["needle", "longer"]
    output.when("needle", lambda: seen.append("again"))
    assert seen[-1] == "again"


def test_what_was_kept_is_searched_at_once() -> None:
    output = Output(12)
    output.feed(b"abcdef")
    output.feed(b"ghijkl")
    seen: list[int] = []
    output.when("efgh", lambda: seen.append(1))
    assert seen == [1]


def test_listeners_get_whole_characters() -> None:
    pieces: list[str] = []
    output = Output(100, pieces.append)
    for byte in "é☃".encode() + b"\xff\xc3":
        output.feed(bytes([byte]))
    output.end()
    assert "".join(pieces) == "é☃\ufffd\ufffd"
    assert "" not in pieces
