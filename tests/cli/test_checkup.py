"""`smaker doctor` on machines that lack something: each is named, with what to do."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from smaker.cli import checkup
from smaker.cli.session import Session

pytestmark = pytest.mark.timeout(120)


def examined(session: Session, capsys: pytest.CaptureFixture[str], code: int) -> dict[str, dict[str, str]]:
    assert checkup.examine(session) == code
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)}


@pytest.mark.sandbox
def test_a_machine_that_has_all_is_fine(program: Any) -> None:
    checks = {check["name"]: check for check in program.json("doctor")}
    assert {name for name, check in checks.items() if check["state"] == "bad"} == set()
    assert str(program.home) in checks["home"]["detail"]
    assert "✓ git" in program("doctor")


@pytest.mark.engine
def test_containers_are_named_and_do_what_a_box_does(program: Any, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    given = {**program.environment(), "SMAKER_SANDBOX": "docker"}

    def smaker(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "smaker", "--home", str(program.home), *words]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=given, timeout=100)

    checks = {check["name"]: check for check in json.loads(smaker("doctor", "--json").stdout)}
    assert checks["sandbox"]["state"] == "ok"
    assert checks["sandbox"]["detail"].startswith("strong (docker): containers of smaker-box:")
    script = "test -e /.dockerenv && pwd; touch made; exit 7"
    ran = smaker("sandbox", "run", "--dir", str(tmp_path / "here"), "--", "sh", "-c", script)
    assert (ran.returncode, ran.stdout) == (7, "/work\n")
    assert (tmp_path / "here" / "made").exists()
    refused = smaker("sandbox", "run", "--network", "--dir", str(tmp_path / "here"), "--", "true")
    assert refused.returncode == 2
    assert "never share this machine's network" in refused.stderr


def test_without_git_nothing_can_be_built(program: Any, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    ran = subprocess.run(
        [sys.executable, "-m", "smaker", "doctor", "--json"],
        capture_output=True,
        text=True,
        env={**program.environment(), "PATH": str(tmp_path / "bin")},
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    checks = {check["name"]: check for check in json.loads(ran.stdout)}
    assert checks["git"]["state"] == "bad"
    assert "Install git" in checks["git"]["remedy"]
    assert {checks[name]["state"] for name in ("node", "uv")} == {"missing"}


def test_an_old_git_a_full_disk_and_a_wrong_file_are_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, says in (("git", "git version 2.20.1"), ("node", "nothing to read")):
        (programs / name).write_text(f"#!/bin/sh\necho {says}\n")
        (programs / name).chmod(stat.S_IRWXU)
    (programs / "uv").write_text("not a program")
    (programs / "uv").chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    usage = shutil.disk_usage(tmp_path)._replace(free=1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    config = tmp_path / "config.yaml"
    config.write_text("llm: {mode: telepathy}\n")
    checks = examined(Session(home_option=tmp_path / "home", config_option=config, json=True), capsys, 1)
    assert checks["git"]["detail"] == "2.20.1"
    assert "2.31" in checks["git"]["remedy"]
    assert "Free some space" in checks["disk"]["remedy"]
    assert "llm.mode" in checks["configuration"]["detail"]
    assert checks["sandbox"]["state"] == "bad"
    assert checks["node"]["detail"] == "0"
    assert checks["uv"]["state"] == "missing"


def test_a_home_that_cannot_be_written_is_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    checks = examined(Session(home_option=tmp_path / "file" / "home", json=True), capsys, 1)
    assert checks["home"]["state"] == "bad"
    assert "--home" in checks["home"]["remedy"]
    assert checks["disk"]["state"] == "bad"
