"""R17 for the user: a damaged record is said, set aside, and written down again from git."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.sandbox, pytest.mark.node, pytest.mark.timeout(120)]


@pytest.mark.parametrize("damage", ["overwritten", "cut", "emptied"])
def test_a_damaged_record_is_rebuilt(damage: str, built: tuple[Any, str], tmp_path: Path) -> None:
    program, project = built
    before = program.json("history", project)
    home = tmp_path / "copy"
    shutil.copytree(program.home, home, symlinks=True, ignore=shutil.ignore_patterns("projects"))
    copy = type(program)(home)
    record = home / "smaker.db"
    with contextlib.closing(sqlite3.connect(record)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = record.read_bytes()
    if damage == "overwritten":
        record.write_bytes(content[:8192] + b"\xa5" * 20_000 + content[28_192:])
    else:
        record.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    for _ in range(2):  # the first to meet the damage says so, the next sets it right
        try:
            listed = copy.json("list")
        except AssertionError as told:
            assert "damaged" in str(told)
            assert "Run the command again" in str(told)
    assert [entry["id"] for entry in listed] == [project]
    assert copy.json("status", project)["error"]["code"] == "E_REBUILT"
    assert copy.json("history", project) == before
    assert list(home.glob("smaker.db.damaged-*"))
