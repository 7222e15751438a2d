"""Blobs: whole or not there, and swept when nothing refers to them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import NotFound, StorageError
from smaker.core.models import Artifact
from smaker.core.ports import Change
from smaker.store.reader import Reader
from smaker.store.sql import SqlStore
from smaker.testing import FrozenClock

SMALL = b"small " * 100
LARGE = b"large " * 20_000


def file_of(home: Path, sha256: str) -> Path:
    return home / "blobs" / sha256[:2] / sha256[2:]


async def test_small_blobs_are_rows_and_large_ones_files(store: SqlStore, home: Path) -> None:
    small, large = await store.put_blob(SMALL), await store.put_blob(LARGE)
    assert not file_of(home, small).exists()
    assert file_of(home, large).read_bytes() == LARGE
    with Reader(home) as reader:
        assert (reader.blob(small), reader.blob(large)) == (SMALL, LARGE)


async def test_a_file_that_went_bad_is_named_and_mended_by_putting_it_again(store: SqlStore, home: Path) -> None:
    name = await store.put_blob(LARGE)
    path = file_of(home, name)
    for bad in (LARGE[:-1], b"", b"X" + LARGE[1:]):
        path.write_bytes(bad)
        with pytest.raises(StorageError, match="no longer matches"):
            await store.get_blob(name)
        with Reader(home) as reader, pytest.raises(StorageError, match="no longer matches"):
            reader.blob(name)
        assert await store.put_blob(LARGE) == name
        assert await store.get_blob(name) == LARGE
    assert not (home / "smaker.db-suspect").exists()


async def test_a_row_that_went_bad_is_named_and_the_database_suspect(store: SqlStore, home: Path) -> None:
    name = await store.put_blob(SMALL)
    with sqlite3.connect(home / "smaker.db") as connection:
        connection.execute("UPDATE blobs SET data = ?", (b"other",))
    connection.close()
    with pytest.raises(StorageError, match="no longer matches"):
        await store.get_blob(name)
    with Reader(home) as reader, pytest.raises(StorageError, match="no longer matches"):
        reader.blob(name)
    assert (home / "smaker.db-suspect").exists()


async def test_a_folder_that_refuses_is_named_and_leaves_nothing(store: SqlStore, home: Path) -> None:
    name = hashlib.sha256(LARGE).hexdigest()
    (home / "blobs").mkdir()
    (home / "blobs" / name[:2]).write_text("a file in the way")
    with pytest.raises(StorageError) as caught:
        await store.put_blob(LARGE)
    assert caught.value.hint
    (home / "blobs" / name[:2]).unlink()
    assert await store.put_blob(LARGE) == name


@pytest.fixture
async def two_projects(store: SqlStore, records: Any) -> dict[str, tuple[str, str]]:
    """Small and large blobs: p1's, p2's, shared by both, and of nobody."""
    names: dict[str, tuple[str, str]] = {}
    for owner in ("p1", "p2", "both", "nobody"):
        names[owner] = (await store.put_blob(SMALL + owner.encode()), await store.put_blob(LARGE + owner.encode()))
    for of in ("p1", "p2"):
        await store.create(records.project(of), Change(tasks=(records.task(of=of),)))
        await store.claim("w", capabilities=(), lease_s=30, project=of)
        await store.begin_step(records.step(1, of))
        changes = {name: f"100644:{name}" for name in (*names[of], *names["both"])}
        await store.finish_step(records.step(1, of, changes=changes, finished_at=records.clock.now()))
        kept = Artifact(
            id="a", project=of, task="t1", kind="log", name="log", media_type="text/plain", size=1,
            sha256=names[of][0], created_at=records.clock.now(),
        )  # fmt: skip
        await store.apply(of, Change(artifacts=(kept,)))
    return names


def grow_old(home: Path) -> None:
    for path in (home / "blobs").rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))


async def there(store: SqlStore, names: tuple[str, str]) -> bool:
    found: list[bool] = []
    for name in names:
        try:
            await store.get_blob(name)
            found.append(True)
        except NotFound:
            found.append(False)
    assert found[0] == found[1], "rows and files alike"
    return found[0]


async def test_deleting_a_project_drops_the_blobs_nothing_else_needs(
    store: SqlStore, home: Path, clock: FrozenClock, two_projects: dict[str, tuple[str, str]]
) -> None:
    grow_old(home)
    left = home / "blobs" / "ab" / "cdef.new-1-2"  # by a process that was killed
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    clock.advance(7200)
    await store.delete("p1")
    assert [await there(store, two_projects[owner]) for owner in ("p1", "p2", "both", "nobody")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert not left.exists()
    await store.delete("p2")
    assert not [path for path in (home / "blobs").rglob("*") if path.is_file()]


async def test_a_blob_put_lately_is_not_swept(
    store: SqlStore, home: Path, clock: FrozenClock, two_projects: dict[str, tuple[str, str]]
) -> None:
    grow_old(home)
    clock.advance(7200)
    await store.put_blob(SMALL + b"nobody")
    await store.put_blob(LARGE + b"nobody")
    await store.delete("p1")
    assert await there(store, two_projects["nobody"])
    assert not await there(store, two_projects["p1"])
