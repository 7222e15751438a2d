"""Recorded builds by models, the ones we ship and others: built again without network, the files are equal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECORDS = sorted([*ROOT.glob("examples/*.smaker"), *ROOT.glob("tests/recordings/*.smaker")])

WITHOUT_SOCKETS = """
import socket, sys
def forbidden(*_): raise AssertionError("a socket was used")
socket.socket.connect = socket.socket.bind = forbidden
socket.create_connection = socket.getaddrinfo = forbidden
from smaker.cli.door import enter
sys.exit(enter(["replay", sys.argv[1], "--json"]))
"""


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_is_built_again(record: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_SOCKETS, str(record)],
        capture_output=True,
        text=True,
        env={**os.environ, "SMAKER_HOME": str(tmp_path)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert result["equal"]
    assert result["tree"] == result["recorded"]


def test_there_are_records() -> None:
    assert len(RECORDS) >= 4


def test_every_example_is_named_in_its_readme() -> None:
    text = (ROOT / "examples" / "README.md").read_text("utf-8")
    assert all(path.name in text for path in ROOT.glob("examples/*.smaker"))
