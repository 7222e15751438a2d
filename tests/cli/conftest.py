"""The program as a user has it: real processes, a home of their own, one built project that tests look at or fork."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SITE = "a landing page with a pricing table that switches monthly and yearly, and a contact form"


@pytest.fixture(autouse=True)
def measured() -> None:
    """What the verbs cover is seen nowhere else: they run in processes of their own."""


@dataclass(frozen=True)
class Program:
    """`smaker` with a home."""

    home: Path

    def __call__(self, *words: str, code: int = 0, stdin: str | None = None) -> str:
        """Run one command line and return its standard output; its exit code must be ``code``."""
        ran = subprocess.run(
            [sys.executable, "-m", "smaker", *words],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(),
            check=False,
            timeout=240,
        )
        assert ran.returncode == code, f"{words}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return ran.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        """The same, with --json."""
        return json.loads(self(*words, "--json", code=code))

    def start(self, *words: str, output: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """Start one in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "smaker", *words],
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.environment(),
            start_new_session=True,
        )

    @contextmanager
    def halted(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """Meanwhile a process stands still, where it is not writing to the record: others would wait for that."""
        while True:
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            with closing(sqlite3.connect(self.home / "smaker.db", timeout=0)) as record, suppress(sqlite3.Error):
                record.execute("BEGIN IMMEDIATE")
                record.rollback()
                break
            process.send_signal(signal.SIGCONT)
            time.sleep(0.01)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def environment(self) -> dict[str, str]:
        """What the program is started with."""
        return {**os.environ, "SMAKER_HOME": str(self.home)}

    def git(self, project: str, *words: str) -> str:
        """Run git as the user does, in a project's folder."""
        folder = self.home / "projects" / project
        ran = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
        return ran.stdout


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program with an empty home."""
    return Program(tmp_path / "smaker-home")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, str]:
    """A home with one READY static site, and its id. Tests that change a project work on a fork of it."""
    for needed in ("bwrap", "node"):
        if shutil.which(needed) is None:
            if os.environ.get("CI"):
                pytest.fail(f"CI lacks {needed}")
            pytest.skip(f"needs {needed}")
    program = Program(tmp_path_factory.mktemp("built") / "smaker-home")
    status = program.json("init", SITE)
    assert status["state"] == "READY", status["error"]
    return program, status["id"]


@pytest.fixture
def forked(built: tuple[Program, str]) -> tuple[Program, str]:
    """A fork of the built project that a test may change."""
    program, project = built
    last = program.json("history", project)[0]["step"]
    made = program.json("fork", project, last)
    return program, made["id"]
