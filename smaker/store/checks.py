"""The check sum of a row. A database page that went bad often still parses: without one, a changed digit in a hash or a
title would be believed.
"""

from __future__ import annotations

import zlib

SEALED: dict[str, tuple[str, ...]] = {
    "projects": ("desired",),
    "tasks": ("state", "attempt"),
    "steps": (),
    "events": ("at",),
    "answers": (),
    "artifacts": (),
    "reports": (),
    "workers": (),
}
"""Tables whose rows have a ``body`` and its ``crc``, and the columns the check sum covers too."""


class Damage(Exception):
    """A stored row does not read back as it was written."""


def checksum(body: str, *keys: object) -> int:
    """Return the CRC-32 of a body and its key columns."""
    return checksum_of(body.encode("utf-8", "surrogateescape"), keys)


def checksum_of(data: bytes, keys: tuple[object, ...]) -> int:
    """Return the CRC-32 of encoded text and its key columns."""
    value = zlib.crc32(data)
    for key in keys:
        value = zlib.crc32(str(key).encode(), value)
    return value
