"""A build's record in a file: replayed where neither the project nor a model is; hostile files are refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import UsageError
from smaker.core.recording import LARGEST, RECORD, read, write

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(180)]


async def test_a_record_is_replayed_elsewhere(shop: Any, tmp_path: Path) -> None:
    file = tmp_path / "roman.smaker"
    async with shop() as opened:
        build = await opened.build()
        await opened.local.export_record(build.project.id, file)
        again = tmp_path / "again.smaker"
        await opened.local.export_record(build.project.id, again)
        assert file.read_bytes() == again.read_bytes(), "equal records are equal files"
    async with shop(home="other") as opened:
        replayed = await opened.local.replay_file(file)
        assert replayed.equal
        assert replayed.tasks == 5
        assert opened.server.requests == []
        assert await opened.local.store.projects() == []


async def test_a_changed_record_is_found(shop: Any, tmp_path: Path) -> None:
    file = tmp_path / "roman.smaker"
    async with shop() as opened:
        build = await opened.build()
        await opened.local.export_record(build.project.id, file)
        recording, blobs = read(file)
        other = tmp_path / "other.smaker"
        write(other, recording.model_copy(update={"tree": "0" * 40}), blobs)
        assert not (await opened.local.replay_file(other)).equal


@pytest.mark.parametrize("how", ["no archive", "no record", "wrong record", "damaged blob", "too large"])
def test_what_is_no_record_is_refused(how: str, tmp_path: Path) -> None:
    file = tmp_path / "x.smaker"
    if how == "no archive":
        file.write_text("hello")
    else:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            if how == "wrong record":
                archive.writestr(RECORD, json.dumps({"format": 2}))
            elif how == "damaged blob":
                archive.writestr("0" * 64, "something")
                archive.writestr(RECORD, "{}")
            elif how == "too large":
                archive.writestr("bomb", bytes(LARGEST + 1))
    with pytest.raises(UsageError, match="is no record of a build") as raised:
        read(file)
    assert "export" in raised.value.hint
