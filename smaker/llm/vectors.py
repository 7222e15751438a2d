"""Vectors that were paid for once, kept on disk: by model, address and text, of which only a hash is written down.

It is a cache: where it cannot be read or written the vectors are asked for again, and nothing else is lost.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from smaker.llm.embedding import Vector

log = logging.getLogger(__name__)

MOST = 20_000
"""Vectors that are kept: 120 MB of the usual 1,536 numbers. Those not used for longest go first."""

_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, day INTEGER NOT NULL, data BLOB NOT NULL)"
_AT_ONCE = 500
_PATIENCE_S = 5.0
_DAY_S = 86_400


class KeptVectors:
    """Several processes may use the same file. Each call may take long: keep it off an event loop."""

    def __init__(self, path: Path, *, most: int = MOST) -> None:
        self._path = path
        self._most = most

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return those that are kept."""
        found: dict[bytes, Vector] = {}
        today = _today()

        def look(database: sqlite3.Connection) -> None:
            for first in range(0, len(keys), _AT_ONCE):
                part = keys[first : first + _AT_ONCE]
                among = f"key IN ({','.join('?' * len(part))})"
                rows = database.execute(f"SELECT key, data FROM vectors WHERE {among}", part)  # noqa: S608  only marks
                found.update((key, vector) for key, data in rows if (vector := _vector(data)) is not None)
                database.execute(f"UPDATE vectors SET day = {today} WHERE day < {today} AND {among}", part)  # noqa: S608

        if self._path.exists():
            self._do(look)
        return found

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep these too, and forget the oldest where they are too many."""

        def write(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)",
                [(key, _today(), vector.tobytes()) for key, vector in vectors.items()],
            )
            (count,) = database.execute("SELECT count(*) FROM vectors").fetchone()
            if count > self._most:
                oldest = "SELECT rowid FROM vectors ORDER BY day, rowid LIMIT ?"
                database.execute(f"DELETE FROM vectors WHERE rowid IN ({oldest})", (count - self._most,))  # noqa: S608

        self._do(write)

    def _do(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """Do it in one transaction. What goes wrong is logged, and a file that is damaged is removed."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE_S)) as database, database:
                database.execute(_TABLE)
                work(database)
        except (OSError, sqlite3.OperationalError) as error:
            log.warning("vectors are not kept in %s: %s", self._path, error)
        except sqlite3.DatabaseError as error:
            log.warning("kept vectors are damaged, and are made anew: %s: %s", self._path, error)
            with suppress(OSError):
                self._path.unlink()


def _vector(data: object) -> Vector | None:
    vector: Vector = array("f")
    if not isinstance(data, bytes) or not data or len(data) % vector.itemsize:
        return None
    vector.frombytes(data)
    return vector if math.isfinite(sum(vector)) else None


def _today() -> int:
    return int(time.time() // _DAY_S)
