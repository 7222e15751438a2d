"""A look at a home folder without the store and without models: the list of projects, at once.

The standard library and core only. Works beside a process that writes, and changes nothing.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from smaker.core.errors import StorageError
from smaker.core.listing import Listed
from smaker.store.checks import Damage, checksum
from smaker.store.faults import damaged, explain
from smaker.store.files import Files, read_only
from smaker.store.revisions import newest, refuse_unknown

T = TypeVar("T")


class Glance:
    """Lists projects. A home folder without a database reads as one without projects.

    Every method may raise StorageError: damage (the next process that opens the store sees to it), a newer schema
    (E_SCHEMA_NEWER), an older one (E_SCHEMA_OLDER: opening the store migrates it).
    """

    def __init__(self, home: Path) -> None:
        self.files = Files(home)
        self._opened: sqlite3.Connection | None = None
        self._turn = threading.Lock()  # callers may be on several threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the database."""
        with self._turn:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def listed(self) -> list[Listed]:
        """Return all projects as a list shows them, newest first."""
        query = "SELECT id, desired, body, crc FROM projects ORDER BY created_at DESC, id"
        return self.ask(lambda connection: [_listed(*row) for row in connection.execute(query)], [])

    def ask(self, work: Callable[[sqlite3.Connection], T], without: T) -> T:
        """Run queries on one snapshot; ``without`` is the answer where there is no database."""
        try:
            with self._turn:
                connection = self._connect()
                if connection is None:
                    return without
                connection.execute("BEGIN")
                try:
                    return work(connection)
                finally:
                    if connection.in_transaction:
                        connection.execute("COMMIT")
        except (sqlite3.Error, OSError, Damage) as error:
            if damaged(error):
                self.files.mark_suspect()
            raise explain(error, self.files.database) from error

    def _connect(self) -> sqlite3.Connection | None:
        if self._opened is None and self.files.database.exists():
            connection = read_only(self.files.database)
            try:
                _require_current(connection, self.files.database)
            except BaseException:
                connection.close()
                raise
            self._opened = connection
        return self._opened


def _listed(identifier: str, desired: str, body: str, crc: int) -> Listed:
    if checksum(body, desired) != crc:
        raise Damage(f"project {identifier}")
    values: dict[str, Any] = json.loads(body)
    return Listed(
        id=identifier,
        name=values["name"],
        state=values["state"],
        desired=desired,
        profile=values["profile"],
        mode=values["mode"],
        workspace=values["workspace"],
        created_at=datetime.fromisoformat(values["created_at"]).isoformat(),
    )


def _require_current(connection: sqlite3.Connection, path: Path) -> None:
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = row[0] if row else None
    refuse_unknown(found, str(path))
    if found != newest():
        raise StorageError(
            f"The database {path} was made by an older smaker (schema {found}).",
            hint="Migrate it with: smaker doctor",
            code="E_SCHEMA_OLDER",
        )
