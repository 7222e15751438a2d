"""Files of every kind make the round trip byte for byte, or are named."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import SmakerError
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace.repository import GitWorkspace


async def test_odd_files_make_the_round_trip_byte_for_byte(
    built: GitWorkspace, make: Any, odd_files: dict[bytes, bytes], commit: Any, git: Any, tmp_path: Path, caplog: Any
) -> None:
    assert len(odd_files) >= 30
    checkout = await built.checkout("t1")
    for name, data in odd_files.items():
        path = checkout.path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    links = {"dangling": "/nowhere", "loop": "loop", "up": "../../..", "folder": "dir", "odd": "\udcff\n x"}
    for name, target in links.items():
        (checkout.path / name).symlink_to(target)
    os.mkfifo(checkout.path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        place = os.open(checkout.path, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{place}/socket")
        os.close(place)
        await commit(checkout, {}, "t1.1")
    assert "pipe" in caplog.text
    assert "socket" in caplog.text
    head = await built.integrate("t1")
    copy = await make(state="third").clone(built.path, tmp_path / "copy")
    later = await make(state="fourth").open(copy.path)
    for folder in (built.path, copy.path, (await later.checkout("t9")).path):
        for name, data in odd_files.items():
            assert (folder / os.fsdecode(name)).read_bytes() == data, name
        for name, target in links.items():
            assert os.readlink(folder / name) == target  # noqa: PTH115  Path would tidy it
        assert not (folder / "pipe").exists()
    listed = git("ls-tree", "-r", "-z", "--name-only", head).split("\0")
    assert {os.fsencode(name) for name in listed} >= set(odd_files)
    assert await later.snapshot() == await built.tree(head)
    assert git("fsck", "--strict", "--no-dangling") == ""
    (built.path / ".git" / "info" / "attributes").parent.mkdir(exist_ok=True)
    (built.path / ".gitattributes").unlink()  # the user's git would look for carriage returns
    assert git("status", "--porcelain") == " D .gitattributes\n"


@pytest.mark.attack("F12")
async def test_names_that_are_gits_own_elsewhere_are_refused(
    built: GitWorkspace, tmp_path: Path, canaries: Canaries
) -> None:
    checkout = await built.checkout("t1")
    for name in (".GIT", "git~1", ".git ", "x\\.git\\y", ".git:stream"):
        (checkout.path / name).touch()
        before = fingerprint(tmp_path)
        with pytest.raises(SmakerError) as raised:
            await checkout.snapshot()
        assert_safe_failure(raised.value, code="E_PATH_PROTECTED", unchanged=before, canaries=canaries)
        (checkout.path / name).unlink()
    (checkout.path / ".gitmodules").symlink_to("x")
    with pytest.raises(SmakerError) as raised:
        await checkout.snapshot()
    assert_safe_failure(raised.value, code="E_PATH_PROTECTED", canaries=canaries, places=[tmp_path])
