"""The light reader says what the store says."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import NotFound
from smaker.core.models import Answer, Artifact, TestReport, TestResult, TestStatus
from smaker.core.ports import Change
from smaker.store.reader import Reader
from smaker.store.sql import SqlStore, open_store
from smaker.testing import FrozenClock


async def test_it_reads_what_the_store_reads(store: SqlStore, home: Path, records: Any) -> None:
    await records.fill(store)
    kept = Artifact(
        id="a1", project="p1", task="t1", kind="log", name="log", media_type="text/plain", size=3,
        sha256=await store.put_blob(b"log"), created_at=records.clock.now(),
    )  # fmt: skip
    report = TestReport(tree="t", results=(TestResult(id="a::b", status=TestStatus.SKIPPED),))
    answer = Answer(task="t1", text="yes", at=records.clock.now())
    await store.apply("p1", Change(report=report, answers=(answer,), artifacts=(kept,), name="Renamed"))
    with Reader(home) as reader:
        assert reader.projects() == await store.projects()
        for of in ("p1", "p2", "p3"):
            assert reader.build(of) == await store.build(of)
            assert reader.steps(of) == await store.steps(of)
            assert reader.events(of) == await store.events(of)
            assert reader.artifacts(of) == await store.artifacts(of)
        for after in (3, 0, -1, -3, -1000):
            assert reader.events("p1", after=after, limit=2) == await store.events("p1", after=after, limit=2)
        assert reader.blob(kept.sha256) == b"log"
        assert reader.build("p1").task("t1").lease_until is not None
        await store.emit("p1", [records.event("later")])
        assert reader.events("p1")[-1].message == "later"


def test_a_home_without_a_database_has_no_projects_and_gets_none(home: Path) -> None:
    with Reader(home) as reader:
        assert reader.projects() == []
        assert reader.steps("p1") == []
        assert reader.events("p1") == []
        assert reader.artifacts("p1") == []
        for call in (lambda: reader.build("p1"), lambda: reader.blob("0" * 64), lambda: reader.blob("../x")):
            with pytest.raises(NotFound):
                call()
    assert not home.exists()


async def test_it_changes_nothing(home: Path, clock: FrozenClock, records: Any) -> None:
    store = await open_store(home, clock=clock)
    await records.fill(store)
    await store.close()
    before = (home / "smaker.db").read_bytes()
    with Reader(home) as reader:
        assert len(reader.projects()) == 3
        with pytest.raises(NotFound):
            reader.build("nope")
    assert (home / "smaker.db").read_bytes() == before


async def test_it_reads_what_a_killed_process_left(
    home: Path, tmp_path: Path, clock: FrozenClock, records: Any
) -> None:
    store = await open_store(home, clock=clock)
    await records.fill(store)
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    await store.close()
    for _ in range(2):
        with Reader(copy) as reader:
            assert len(reader.events("p3")) == 25
    assert (copy / "smaker.db-wal").stat().st_size > 0, "left for the store to fold in"


@pytest.mark.sandbox
async def test_it_reads_from_a_read_only_disk(home: Path, clock: FrozenClock, records: Any) -> None:
    store = await open_store(home, clock=clock)
    await records.fill(store)
    await store.close()
    code = """
import asyncio, sys
from pathlib import Path
from smaker.store.reader import Reader
home = Path(sys.argv[1])
print(len(Reader(home).projects()), len(Reader(home).events("p1")))
from smaker.core.clock import SystemClock
from smaker.core.errors import StorageError
from smaker.store.sql import open_store
try:
    asyncio.run(open_store(home, clock=SystemClock()))
except StorageError as error:
    print(error.code, bool(error.hint))
"""
    ran = await asyncio.to_thread(
        subprocess.run,
        ["bwrap", "--dev-bind", "/", "/", "--ro-bind", home, home, "--", sys.executable, "-c", code, home],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.split("\n")[:2] == ["3 25", "E_READ_ONLY True"], ran.stderr
