"""The migrations make what the rows say, and what is too new is left alone."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from smaker.core.errors import StorageError
from smaker.core.ports import Change
from smaker.store import revisions, schema
from smaker.store.reader import Reader
from smaker.store.rows import Base
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock

MIGRATIONS = Path(schema.__file__).parent / "migrations"

SECOND = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("novelties", sa.Column("id", sa.String(), primary_key=True))
"""


def test_the_revisions_known_are_those_there_are() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert tuple(entry.revision for entry in reversed(list(script.walk_revisions()))) == revisions.REVISIONS


async def test_the_migrated_schema_is_what_the_rows_say(store: SqlStore, home: Path) -> None:
    engine = create_engine(
        f"sqlite:///{home / 'smaker.db'}".replace("%", "%25").replace("?", "%3F").replace("#", "%23")
    )
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


async def test_the_migrated_tables_are_letter_for_letter_what_the_rows_make(store: SqlStore, home: Path) -> None:
    """`compare_metadata` does not see names of constraints, ON DELETE or the order of columns."""

    def tables(connection: sqlite3.Connection) -> dict[str, str]:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'")
        return {name: " ".join(sql.split()) for name, sql in rows if name != "alembic_version"}

    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    raw = engine.raw_connection()
    fresh = tables(raw.driver_connection)  # type: ignore[arg-type]
    raw.close()
    engine.dispose()
    migrated = sqlite3.connect(home / "smaker.db")
    assert tables(migrated) == fresh
    migrated.close()


def test_opening_an_up_to_date_database_does_not_load_alembic(
    home: Path, child: Callable[..., subprocess.Popen[str]]
) -> None:
    code = """
import asyncio, json, sys
from pathlib import Path
from smaker.core.clock import SystemClock
from smaker.store.sql import open_store
async def main():
    await (await open_store(Path(sys.argv[1]), clock=SystemClock())).close()
asyncio.run(main())
print(json.dumps("alembic" in sys.modules))
"""
    loaded = [json.loads(child(code, home).communicate(timeout=30)[0]) for _ in range(2)]
    assert loaded == [True, False]


def test_the_reader_loads_no_sql_library(home: Path, child: Callable[..., subprocess.Popen[str]]) -> None:
    code = """
import sys
from pathlib import Path
from smaker.store.reader import Reader
assert Reader(Path(sys.argv[1])).projects() == []
print(*sorted({"sqlalchemy", "sqlmodel", "alembic", "aiosqlite", "asyncio"} & set(sys.modules)))
"""
    assert child(code, home).communicate(timeout=30)[0].strip() == ""


@pytest.mark.parametrize("version", ["0002", "9999", "abc"])
async def test_a_newer_schema_is_refused_and_left_alone(home: Path, clock: FrozenClock, version: str) -> None:
    await (await open_store(home, clock=clock)).close()
    with sqlite3.connect(home / "smaker.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.execute("DROP TABLE events")
    connection.close()
    before = (home / "smaker.db").read_bytes()
    with pytest.raises(StorageError, match="made by a newer smaker") as caught:
        await open_store(home, clock=clock)
    assert caught.value.code == "E_SCHEMA_NEWER"
    assert version in caught.value.message
    assert "pgrade" in caught.value.hint
    with Reader(home) as reader, pytest.raises(StorageError, match="made by a newer smaker"):
        reader.projects()
    assert (home / "smaker.db").read_bytes() == before
    assert not list(home.glob("*damaged*"))


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make this program one revision newer, when called."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "0002_second.py").write_text(SECOND)

    def advance() -> None:
        monkeypatch.setattr(schema, "_MIGRATIONS", folder)
        monkeypatch.setattr(revisions, "REVISIONS", ("0001", "0002"))

    return advance


async def test_an_older_database_is_migrated_with_all_that_is_in_it(
    home: Path, clock: FrozenClock, records: Any, second_revision: Callable[[], None]
) -> None:
    store = await open_store(home, clock=clock)
    await records.fill(store)
    before = await records.everything(store)
    await store.close()
    second_revision()
    with Reader(home) as reader, pytest.raises(StorageError, match="made by an older smaker") as caught:
        reader.projects()
    assert caught.value.code == "E_SCHEMA_OLDER"
    store = await open_store(home, clock=clock)
    assert store.recovered_from is None
    assert await records.everything(store) == before
    await store.close()
    with sqlite3.connect(home / "smaker.db") as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
        assert connection.execute("SELECT count(*) FROM novelties").fetchall() == [(0,)]
    connection.close()


async def test_nothing_is_migrated_under_a_process_that_works(
    home: Path, clock: FrozenClock, second_revision: Callable[[], None]
) -> None:
    store = await open_store(home, clock=clock)
    second_revision()
    with pytest.raises(StorageError, match="another smaker process uses it"):
        await open_store(home, clock=clock)
    await store.close()
    await (await open_store(home, clock=clock)).close()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    home: Path, clock: FrozenClock, records: Any, second_revision: Callable[[], None]
) -> None:
    store = await open_store(home, clock=clock)
    await store.create(records.project(), Change())
    await store.close()
    second_revision()
    version = schema._MIGRATIONS / "versions" / "0002_second.py"
    version.write_text(SECOND + '    op.execute("INSERT INTO nowhere VALUES (1)")\n')
    with pytest.raises(StorageError, match="nowhere"):
        await open_store(home, clock=clock)
    assert not list(home.glob("*damaged*"))
    version.write_text(SECOND)
    store = await open_store(home, clock=clock)
    assert [project.id for project in await store.projects()] == ["p1"]
    await store.close()


async def test_only_postgres_addresses_are_taken(home: Path, clock: FrozenClock) -> None:
    for url in ("sqlite:///x.db", "mysql://u@h/d", "postgresql://u@h/d", ""):
        with pytest.raises(StorageError, match="not one smaker can use"):
            await open_store(home, clock=clock, url=url)
    assert not home.exists()


async def test_the_home_folder_is_for_its_owner_alone(store: SqlStore, home: Path) -> None:
    assert home.stat().st_mode & 0o777 == 0o700
    assert (home / "smaker.db").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("what", ["file", "folder"])
async def test_a_home_that_cannot_be_one_is_named(home: Path, clock: FrozenClock, what: str) -> None:
    if what == "file":
        home.write_text("a file")
    else:
        (home / "smaker.db").mkdir(parents=True)
    with pytest.raises(StorageError) as caught:
        await open_store(home, clock=clock)
    assert caught.value.hint
