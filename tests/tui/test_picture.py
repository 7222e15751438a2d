"""Pictures as cells: every kind of PNG that browsers write, and nothing of what is damaged or too large."""

from __future__ import annotations

import struct
import zlib

import pytest

from smaker.tui.picture import cells, size


def filtered(kind: int, row: bytes, above: bytes, step: int) -> bytes:
    """The row as an encoder writes it."""
    out = bytearray()
    for place, value in enumerate(row):
        left, corner = (row[place - step], above[place - step]) if place >= step else (0, 0)
        up = above[place]
        guess = left + up - corner
        paeth = min((left, up, corner), key=lambda near: abs(guess - near))
        out.append((value - (0, left, up, (left + up) // 2, paeth)[kind]) % 256)
    return bytes(out)


def png(rows: list[bytes], channels: int, kinds: list[int]) -> bytes:
    width, above, data = len(rows[0]) // channels, bytes(len(rows[0])), b""
    for row, kind in zip(rows, kinds, strict=True):
        data += bytes([kind]) + filtered(kind, row, above, channels)
        above = row
    colour = {1: 0, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", width, len(rows), 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(data)) + name + data + b"crc!" for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def colours(text: object) -> list[str]:
    return [str(span.style) for span in text.spans]  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_filter_is_undone(kind: int, channels: int) -> None:
    rows = [bytes((7 * x * x + 31 * y + 90 * (x % channels)) % 256 for x in range(4 * channels)) for y in range(4)]
    picture = png(rows, channels, [0, kind, kind, kind])
    assert size(picture) == (4, 4)
    text = cells(picture, 4, 2)
    assert text.plain == "▀▀▀▀\n▀▀▀▀"

    def colour(x: int, y: int) -> str:
        pixel = rows[y][x * channels : x * channels + channels]
        return "#" + (pixel[:1] * 3 if channels == 1 else pixel[:3]).hex()

    assert colours(text) == [f"{colour(x, y)} on {colour(x, y + 1)}" for y in (0, 2) for x in range(4)]


def test_a_picture_keeps_its_shape_in_any_room() -> None:
    picture = png([bytes(3 * 40)] * 20, 3, [0] * 20)
    for columns, rows, shape in ((20, 50, (20, 5)), (500, 5, (20, 5)), (10, 50, (10, 3)), (1, 1, (1, 1))):
        lines = cells(picture, columns, rows).plain.split("\n")
        assert (len(lines[0]), len(lines)) == shape


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        png([bytes(12)], 3, [0]).replace(b"IDAT", b"IDOT"),
        png([bytes(12)], 3, [0])[:-30],
        png([bytes(12)], 3, [0]).replace(struct.pack(">II", 4, 1), struct.pack(">II", 4, 9)),
        png([bytes(12)], 3, [0]).replace(struct.pack(">II", 4, 1), struct.pack(">II", 90_000, 90_000)),
        png([bytes(12)], 3, [0]).replace(b"\x08\x02\x00\x00\x00", b"\x08\x03\x00\x00\x00"),
        png([bytes(12)], 3, [0]).replace(b"\x08\x02\x00\x00\x00", b"\x10\x02\x00\x00\x00"),
    ],
)
def test_what_cannot_be_shown_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"PNG|damaged|early|too many"):
        cells(data, 10, 10)


def test_a_picture_that_unpacks_to_more_than_it_says_is_not_unpacked() -> None:
    head = png([bytes(12)], 3, [0])[:33]
    bomb = zlib.compress(bytes(200 << 20))
    data = head + struct.pack(">I", len(bomb)) + b"IDAT" + bomb + b"crc!"
    assert cells(data, 4, 4).plain == "▀▀▀▀"
