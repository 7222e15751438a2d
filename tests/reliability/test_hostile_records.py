"""Records of builds made to do harm: they lead out of the folder, unpack to far too much, or are broken."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from smaker.core.recording import Recording, read, write
from smaker.testing import Canaries, assert_safe_failure, fingerprint

RECORD = Path(__file__).resolve().parents[1] / "recordings" / "minimist.smaker"
EVIL = b"echo mine\n"
SHA = hashlib.sha256(EVIL).hexdigest()
MEMORY = 1 << 30  # bytes of address space: what a record may need is far below


def replay(record: Path, home: Path) -> subprocess.CompletedProcess[str]:
    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    return subprocess.run(
        [sys.executable, "-m", "smaker", "replay", str(record)],
        capture_output=True,
        text=True,
        env={**os.environ, "SMAKER_HOME": str(home)},
        preexec_fn=bounded,
        check=False,
        timeout=60,
    )


def with_changes(path: Path, changes: dict[str, str | None]) -> None:
    """Write a record whose first change of files makes these too."""
    recording, blobs = read(RECORD)
    first = next(number for number, step in enumerate(recording.steps) if step.changes)
    steps = [*recording.steps]
    steps[first] = steps[first].model_copy(update={"changes": {**(steps[first].changes or {}), **changes}})
    write(path, recording.model_copy(update={"steps": tuple(steps)}), {**blobs, SHA: EVIL})


@pytest.mark.attack("F18")
@pytest.mark.parametrize(
    "changes",
    [
        {"../evil.sh": f"100755:{SHA}"},
        {"/tmp/evil.sh": f"100755:{SHA}"},
        {"a/../../evil.sh": f"100755:{SHA}"},
        {".git/hooks/post-checkout": f"100755:{SHA}"},
        {".GIT/config": f"100644:{SHA}"},
        {"out": f"120000:{SHA}", "out/evil.sh": f"100755:{SHA}"},
    ],
    ids=["parent", "absolute", "through a folder", "hooks", "git in capitals", "through a link"],
)
def test_a_record_cannot_lead_out(changes: dict[str, str | None], tmp_path: Path, canaries: Canaries) -> None:
    record = tmp_path / "evil.smaker"
    with_changes(record, changes)
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "mine.txt").write_text("mine")
    before = fingerprint(tmp_path, allowed=[tmp_path / "home"])
    ended = replay(record, tmp_path / "home")
    assert ended.returncode != 0, ended.stdout
    assert_safe_failure(ended, remedy=False, unchanged=before, canaries=canaries, places=[tmp_path / "home"])
    assert not Path("/tmp/evil.sh").exists()
    assert not list(tmp_path.rglob("evil.sh"))


@pytest.mark.attack("F18")
def test_names_in_the_archive_are_no_paths(tmp_path: Path) -> None:
    record = tmp_path / "evil.smaker"
    record.write_bytes(RECORD.read_bytes())
    with zipfile.ZipFile(record, "a") as archive:
        for name in ("../evil.sh", "/tmp/evil.sh", "evil.sh"):
            archive.writestr(name, EVIL)
    ended = replay(record, tmp_path / "home")
    assert ended.returncode == 0, ended.stderr
    assert not Path("/tmp/evil.sh").exists()
    assert not list(tmp_path.rglob("evil.sh"))


def bomb(path: Path, *, honest: bool) -> None:
    """190 kB that unpack to 190 MB, twice."""
    recording, _ = read(RECORD)
    many = b"\0" * (190 << 20)
    name = hashlib.sha256(many).hexdigest()
    with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(name, many)
        archive.writestr("f" * 64, many)
        archive.writestr("record.json", recording.model_dump_json(exclude_defaults=True))
    if not honest:
        data = path.read_bytes()
        size = (190 << 20).to_bytes(4, "little")
        path.write_bytes(data.replace(size, (1000).to_bytes(4, "little")))


@pytest.mark.attack("F19")
@pytest.mark.parametrize("honest", [True, False], ids=["as it says", "with a lie about its size"])
def test_a_record_that_grows_a_thousandfold_is_refused(honest: bool, tmp_path: Path, canaries: Canaries) -> None:
    record = tmp_path / "bomb.smaker"
    bomb(record, honest=honest)
    assert record.stat().st_size < 1 << 20
    before = fingerprint(tmp_path, allowed=[tmp_path / "home"])
    ended = replay(record, tmp_path / "home")
    assert_safe_failure(
        ended,
        exit_code=2,
        says="unpacks to more than 256 MB" if honest else "is no record of a build",
        unchanged=before,
        canaries=canaries,
    )


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "text", "encrypted", "other format"])
def test_a_broken_record_is_told(how: str, tmp_path: Path) -> None:
    record = tmp_path / "broken.smaker"
    data = bytearray(RECORD.read_bytes())
    if how == "cut":
        data = data[: len(data) // 2]
    elif how == "flipped":
        for place in range(2000, len(data) - 2000, 997):
            data[place] ^= 0xFF
    elif how in {"empty", "text"}:
        data = bytearray(b"" if how == "empty" else b"not a record\n")
    elif how == "encrypted":
        data = bytearray(
            bytes(data).replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
        )
    record.write_bytes(bytes(data))
    if how == "other format":
        recording, blobs = read(RECORD)
        record.unlink()
        write(record, Recording.model_construct(**{**recording.__dict__, "format": 2}), blobs)
    ended = replay(record, tmp_path / "home")
    assert_safe_failure(ended, exit_code=2, says="is no record of a build")
