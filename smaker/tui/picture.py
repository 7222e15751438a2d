"""Pictures in a terminal: a PNG as cells of two pixels each, the upper half in the one colour, the lower in the other.

Reads what browsers write (8 bits, RGB or RGBA, not interlaced), bounded in size before anything is unpacked. Takes up
to a second of a processor for a large page: call it in a thread.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate

from rich.text import Text

MOST_PIXELS = 4_000_000
HEAD = b"\x89PNG\r\n\x1a\n"
SAMPLES = 3  # in each direction for a pixel of the small picture
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type; palettes are not among them

Colour = tuple[int, int, int]


def size(png: bytes) -> tuple[int, int]:
    """Width and height. Raises ValueError if it is no PNG."""
    if png[:8] != HEAD or png[12:16] != b"IHDR" or len(png) < 33:
        raise ValueError("it is no PNG")
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def cells(png: bytes, columns: int, rows: int) -> Text:
    """The picture in at most so many columns and rows. Raises ValueError if it cannot be shown."""
    width, height = size(png)
    if not 0 < width * height <= MOST_PIXELS:
        raise ValueError(f"{width} x {height} pixels are too many")
    scale = max(width / max(1, columns), height / max(1, 2 * rows))
    across, down = max(1, int(width / scale)), max(1, int(height / scale))
    lines = _small(png, width, height, across, down)
    text = Text(no_wrap=True, end="")
    for upper in range(0, down, 2):
        if upper:
            text.append("\n")
        below = lines[upper + 1] if upper + 1 < down else None
        for column in range(across):
            style = _hex(lines[upper][column])
            text.append("▀", f"{style} on {_hex(below[column])}" if below else style)
    return text


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _small(png: bytes, width: int, height: int, across: int, down: int) -> list[list[Colour]]:
    """The picture scaled down: each pixel the mean of some of those it stands for."""
    channels = _CHANNELS.get(png[25], 0)
    if png[24] != 8 or not channels or png[28]:
        raise ValueError("its kind of PNG is not known here")
    wanted: dict[int, list[int]] = {}
    for line in range(down):
        for sample in range(SAMPLES):
            row = min(height - 1, int((line + (sample + 0.5) / SAMPLES) * height / down))
            wanted.setdefault(row, []).append(line)
    spots = [
        [
            channels * min(width - 1, int((column + (sample + 0.5) / SAMPLES) * width / across))
            for sample in range(SAMPLES)
        ]
        for column in range(across)
    ]
    sums = [[[0, 0, 0] for _ in range(across)] for _ in range(down)]
    for number, row in enumerate(_rows(png, width, height, channels)):
        for line in wanted.get(number, ()):
            for total, places in zip(sums[line], spots, strict=True):
                for place in places:
                    for part, value in enumerate(_rgb(row, place, channels)):
                        total[part] += value
    many = SAMPLES * SAMPLES
    return [[(red // many, green // many, blue // many) for red, green, blue in line] for line in sums]


def _rgb(row: bytes | bytearray, place: int, channels: int) -> tuple[int, int, int]:
    if channels < 3:
        return row[place], row[place], row[place]
    return row[place], row[place + 1], row[place + 2]


def _rows(png: bytes, width: int, height: int, channels: int) -> Iterator[bytes | bytearray]:
    """The rows of pixels, one after the other. Raises ValueError if it is damaged."""
    unpack = zlib.decompressobj()
    try:
        data = unpack.decompress(_packed(png), height * (width * channels + 1))
    except zlib.error as error:
        raise ValueError("it is damaged") from error
    stride = width * channels
    before = bytes(stride)
    for number in range(height):
        start = number * (stride + 1)
        row = bytearray(data[start + 1 : start + 1 + stride])
        if len(row) < stride:
            raise ValueError("it ends too early")
        _unfilter(data[start], row, before, channels)
        yield row
        before = row


def _packed(png: bytes) -> bytes:
    parts: list[bytes] = []
    place = 8
    while place + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        if kind == b"IDAT":
            parts.append(png[place + 8 : place + 8 + length])
        place += length + 12
    return b"".join(parts)


def _sum(left: int, value: int) -> int:
    return (left + value) & 255


def _unfilter(kind: int, row: bytearray, above: bytes | bytearray, step: int) -> None:
    """Turn a filtered row into pixels, in place."""
    if kind == 1:
        for part in range(step):
            row[part::step] = bytes(accumulate(row[part::step], _sum))
    elif kind == 2:
        row[:] = bytes([(value + up) & 255 for value, up in zip(row, above, strict=True)])
    elif kind == 3:
        for place, up in enumerate(above):
            left = row[place - step] if place >= step else 0
            row[place] = (row[place] + (left + up) // 2) & 255
    elif kind == 4:
        for part in range(step):
            left = corner = 0
            values = row[part::step]
            for place, up in enumerate(above[part::step]):
                value = values[place]
                if up == corner:  # on plain ground, which pages mostly are, the left pixel is the nearest
                    left = (value + left) & 255
                else:
                    to_left, to_up = abs(up - corner), abs(left - corner)
                    to_corner = abs(left + up - 2 * corner)
                    near = left if to_left <= to_up and to_left <= to_corner else up if to_up <= to_corner else corner
                    left = (value + near) & 255
                values[place] = left
                corner = up
            row[part::step] = values
    elif kind:
        raise ValueError("it is damaged")
