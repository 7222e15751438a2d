"""A damaged database is never a traceback and never a silent loss."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import StorageError
from smaker.core.ports import Change
from smaker.store.reader import Reader, salvage
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock

OFFSETS = 20


@pytest.fixture
async def filled(home: Path, clock: FrozenClock, records: Any) -> list[Any]:
    """A closed home with records in it, and what they are."""
    store = await open_store(home, clock=clock)
    await records.fill(store)
    found = await records.everything(store)
    await store.close()
    return found


@pytest.fixture
async def killed(home: Path, tmp_path: Path, clock: FrozenClock, records: Any) -> list[Any]:
    """A home as a process that was killed leaves it (everything still in the log), and what it had acknowledged."""
    alive = tmp_path / "alive"
    store = await open_store(alive, clock=clock)
    await records.fill(store)
    found = await records.everything(store)
    shutil.copytree(alive, home)
    await store.close()
    assert (home / "smaker.db-wal").stat().st_size > 100_000
    return found


async def reopened(home: Path, clock: FrozenClock, records: Any, before: list[Any]) -> str:
    """Open a home that may be damaged: all is there, or it says what is wrong and works on."""
    store = await open_store(home, clock=clock)
    try:
        if store.recovered_from is None:
            assert await records.everything(store) == before
            assert store.damage == ""
            return "whole"
        assert store.damage
        assert store.recovered_from.is_file()
        await records.everything(store)
        await store.create(records.project("fresh"), Change(events=(records.event(),)))
        store.recovered()
        return "told"
    finally:
        await store.close()


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        (byte,) = file.read(1)
        file.seek(offset)
        file.write(bytes((byte ^ 0x41,)))


def restore(home: Path, copy: Path) -> None:
    shutil.rmtree(home)
    shutil.copytree(copy, home)


async def test_a_killed_process_loses_nothing(home: Path, clock: FrozenClock, records: Any, killed: list[Any]) -> None:
    assert await reopened(home, clock, records, killed) == "whole"


@pytest.mark.parametrize("name", ["smaker.db", "smaker.db-wal"])
@pytest.mark.parametrize("harm", ["flip", "truncate"])
async def test_harm_at_twenty_offsets(
    home: Path, tmp_path: Path, clock: FrozenClock, records: Any, killed: list[Any], name: str, harm: str
) -> None:
    if name == "smaker.db":  # fold the log into the database first
        assert await reopened(home, clock, records, killed) == "whole"
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    size = (home / name).stat().st_size
    answers: list[str] = []
    for number in range(OFFSETS):
        restore(home, copy)
        offset = size * number // OFFSETS + number * 37 % 64
        if harm == "flip":
            flip(home / name, offset)
        else:
            with (home / name).open("r+b") as file:
                file.truncate(offset)
        answers.append(await reopened(home, clock, records, killed))
        assert await reopened_quietly(home, clock), "the next start finds nothing wrong"
    assert answers.count("told") >= (OFFSETS - 2 if harm == "truncate" else 3), answers


async def reopened_quietly(home: Path, clock: FrozenClock) -> bool:
    store = await open_store(home, clock=clock)
    await store.close()
    return store.recovered_from is None


async def test_every_page_of_content_is_covered(
    home: Path, tmp_path: Path, clock: FrozenClock, records: Any, filled: list[Any]
) -> None:
    """SQLite itself does not notice a changed letter inside a text."""
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    data = (home / "smaker.db").read_bytes()
    for text in (b"run the tests", b"created", b"output p2 3", b'"prompt":"books"', b"planner", b"plan"):
        offset = data.find(text)
        if offset < 0:
            continue
        restore(home, copy)
        flip(home / "smaker.db", offset + 1)
        assert await reopened(home, clock, records, filled) == "told", text


@pytest.mark.parametrize(
    "garbage", [b"", b"not a database, not at all", b"SQLite format 3\0" + b"\0" * 4080, b"\xff" * 100_000], ids=len
)
async def test_a_file_that_is_no_database_is_set_aside(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any], garbage: bytes
) -> None:
    (home / "smaker.db").write_bytes(garbage)
    store = await open_store(home, clock=clock)
    assert store.recovered_from == home / f"smaker.db.damaged-{clock.now():%Y%m%dT%H%M%S}"
    assert store.recovered_from.read_bytes() == garbage
    assert await store.projects() == []
    await store.close()


async def test_another_programs_database_is_set_aside(home: Path, clock: FrozenClock) -> None:
    home.mkdir()
    foreign = sqlite3.connect(home / "smaker.db")
    foreign.execute("CREATE TABLE bookmarks (url TEXT)")
    foreign.close()
    store = await open_store(home, clock=clock)
    await store.close()
    assert store.recovered_from is not None
    assert "no such table" in store.damage


async def test_the_log_of_a_database_that_is_gone_is_not_replayed_into_a_new_one(
    home: Path, clock: FrozenClock, records: Any, killed: list[Any]
) -> None:
    (home / "smaker.db").unlink()
    store = await open_store(home, clock=clock)
    assert store.recovered_from is not None
    assert Path(f"{store.recovered_from}-wal").stat().st_size > 0
    assert await store.projects() == []
    await store.close()


@pytest.mark.parametrize("garbage", [b"\0" * 32, b"\xff" * 5000, b"x"], ids=len)
async def test_a_log_of_garbage_is_told_and_what_is_left_is_kept(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any], killed_later: None, garbage: bytes
) -> None:
    wal = home / "smaker.db-wal"
    harmed = garbage + wal.read_bytes()[len(garbage) :]
    wal.write_bytes(harmed)
    store = await open_store(home, clock=clock)
    assert "transactions before the last one acknowledged" in store.damage
    assert store.recovered_from is not None
    assert Path(f"{store.recovered_from}-wal").read_bytes() == harmed
    assert await records.everything(store) == filled  # as of when the log was last folded in
    store.recovered()
    await store.close()
    assert await reopened_quietly(home, clock)


@pytest.fixture
async def killed_later(home: Path, tmp_path: Path, clock: FrozenClock, records: Any, filled: list[Any]) -> None:
    """The filled home, used once more by a process that was killed."""
    alive = tmp_path / "alive"
    shutil.copytree(home, alive)
    store = await open_store(alive, clock=clock)
    await store.create(records.project("late"), Change(events=(records.event(),)))
    shutil.rmtree(home)
    shutil.copytree(alive, home)
    await store.close()


async def test_a_mark_that_cannot_be_believed_accuses_nobody(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any]
) -> None:
    (home / "smaker.db-mark").write_bytes(b"\xff" * 12)
    assert await reopened(home, clock, records, filled) == "whole"


async def test_what_can_still_be_read_can_be_salvaged(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any]
) -> None:
    data = (home / "smaker.db").read_bytes()
    flip(home / "smaker.db", data.index(b'"workspace":"/w/p2"') + 3)
    store = await open_store(home, clock=clock)
    await store.close()
    assert store.recovered_from is not None
    assert {project.id for project in salvage(store.recovered_from)} == {"p1", "p3"}
    assert salvage(home / "nothing") == []
    (home / "rubbish").write_bytes(b"rubbish")
    assert salvage(home / "rubbish") == []


async def test_damage_met_at_work_is_named_and_mended_at_the_next_start(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any]
) -> None:
    store = await open_store(home, clock=clock)
    other = sqlite3.connect(home / "smaker.db")
    other.execute("UPDATE events SET body = replace(body, 'hello', 'hullo'), crc = crc + 1 WHERE seq = 3")
    other.commit()
    other.close()
    with pytest.raises(StorageError, match="event 3 of project p1") as caught:
        await store.events("p1")
    assert caught.value.code == "E_DAMAGED"
    assert "again" in caught.value.hint
    assert (home / "smaker.db-suspect").exists()
    await store.close()
    store = await open_store(home, clock=clock)
    assert "events" in store.damage
    assert not (home / "smaker.db-suspect").exists()
    await store.close()


async def test_the_light_reader_reports_damage_too(home: Path, filled: list[Any], clock: FrozenClock) -> None:
    data = (home / "smaker.db").read_bytes()
    flip(home / "smaker.db", data.index(b'"workspace":"/w/p2"') + 3)
    with Reader(home) as reader, pytest.raises(StorageError, match="damaged") as caught:
        reader.projects()
    assert caught.value.code == "E_DAMAGED"
    assert not await reopened_quietly(home, clock)


async def test_damage_is_told_until_somebody_has_recovered(home: Path, clock: FrozenClock, filled: list[Any]) -> None:
    (home / "smaker.db").write_bytes(b"garbage")
    seen: list[tuple[Path | None, str]] = []
    for _ in range(3):  # killed before it had rebuilt anything
        store = await open_store(home, clock=clock)
        seen.append((store.recovered_from, store.damage))
        clock.advance(5)
        await store.close()
    assert len(set(seen)) == 1
    assert seen[0][1] == "the file is not a database"
    store = await open_store(home, clock=clock)
    second = await open_store(home, clock=clock)
    assert second.recovered_from is None, "one process sees to it"
    await second.close()
    store.recovered()
    await store.close()
    assert await reopened_quietly(home, clock)


async def test_what_a_killed_start_left_is_cleared(home: Path, clock: FrozenClock, filled: list[Any]) -> None:
    (home / "smaker.db.new-1-2").write_bytes(b"half")
    (home / "smaker.db.new-1-2-journal").write_bytes(b"half")
    assert await reopened_quietly(home, clock)
    assert not list(home.glob("*.new-*"))


async def test_damage_is_not_set_aside_under_a_process_that_works(
    home: Path, clock: FrozenClock, records: Any, filled: list[Any]
) -> None:
    store = await open_store(home, clock=clock)
    (home / "smaker.db-suspect").touch()
    second = await open_store(home, clock=clock)
    assert second.recovered_from is None
    await second.close()
    await store.create(records.project("late"), Change())
    await store.close()
    assert (home / "smaker.db").exists()


async def test_a_big_database_opens_fast_unless_it_is_suspect(
    home: Path, clock: FrozenClock, records: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smaker.store.integrity.SMALL", 0)
    store = await open_store(home, clock=clock)
    await records.fill(store)
    await store.close()
    flip(home / "smaker.db", (home / "smaker.db").read_bytes().index(b"step 3 of p2") + 1)
    assert await reopened_quietly(home, clock), "not looked at"
    (home / "smaker.db-suspect").touch()
    assert not await reopened_quietly(home, clock)


async def test_after_a_kill_the_structure_of_a_big_database_is_checked(
    home: Path, clock: FrozenClock, records: Any, killed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smaker.store.integrity.SMALL", 0)
    checkpoint = sqlite3.connect(home / "smaker.db")
    checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint.close()
    with (home / "smaker.db").open("r+b") as file:
        file.seek(4096 * 5)
        file.write(b"\xee" * 4096 * 3)
    (home / "smaker.db-wal").write_bytes(b"left over")
    store = await open_store(home, clock=clock)
    await store.close()
    assert store.recovered_from is not None


async def test_a_database_that_was_removed_under_another_process_is_not_made_anew(
    home: Path, clock: FrozenClock
) -> None:
    store = await open_store(home, clock=clock)
    (home / "smaker.db").rename(home / "moved")
    with pytest.raises(StorageError, match="was removed while another process uses it"):
        await open_store(home, clock=clock)
    (home / "moved").rename(home / "smaker.db")
    await store.close()


async def test_two_who_start_at_once_make_one_database(home: Path, clock: FrozenClock, records: Any) -> None:
    stores: list[SqlStore] = list(await asyncio.gather(*(open_store(home, clock=clock) for _ in range(4))))
    await stores[0].create(records.project(), Change())
    assert [len(await store.projects()) for store in stores] == [1, 1, 1, 1]
    for store in stores:
        await store.close()
    assert [path.name for path in sorted(home.iterdir())] == ["smaker.db", "smaker.db-lock", "smaker.db-mark"]
