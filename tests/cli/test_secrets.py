"""`smaker secrets scan` as a user has it: where a key is, since when, what to do, and never the key."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

KEY = "AK" + "IA" + "".join(random.Random(7).choices("ABCDEFGHJKLMNPQRSTUVWXYZ234567", k=16))
NAMES = {"GIT_AUTHOR_NAME": "u", "GIT_AUTHOR_EMAIL": "u@x", "GIT_COMMITTER_NAME": "u", "GIT_COMMITTER_EMAIL": "u@x"}


def git(folder: Path, *words: str) -> str:
    ran = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env=os.environ | NAMES
    )
    return ran.stdout


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """A repository that held a key once, in a file of a hostile name."""
    folder = tmp_path / "leaky"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / f"\x1b[2J={KEY}\n.env").write_text(f"A=1\nKEY={KEY}\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    git(folder, "rm", "-q", "-r", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", "no key")
    return folder


def test_a_key_in_the_history_is_told_without_its_value(program: Any, leaky: Path) -> None:
    text = program("secrets", "scan", "--dir", str(leaky), code=1)
    first = git(leaky, "rev-list", "--max-parents=0", "HEAD").strip()
    head, row, *advice = text.splitlines()
    assert head.split() == ["KIND", "WHERE", "SINCE", "NOW", "REACHED", "FROM"]
    assert row.split() == ["aws", r"\x1b[2J=[redacted:aws]\x0a.env:2", first[:12], "gone", "main"]
    assert "revoke" in advice[1]
    assert "git filter-repo" in text
    assert KEY not in text
    assert "\x1b" not in text
    (value,) = program.json("secrets", "scan", "--dir", str(leaky), code=1)
    assert (value["kind"], value["line"], value["commit"]) == ("aws", 2, first)
    assert (value["current"], value["ref"], value["inside"]) == (False, None, "file")
    assert KEY not in json.dumps(value)
    assert not program.home.exists()  # a foreign repository needs no home


def test_a_clean_history_ends_well(program: Any, leaky: Path) -> None:
    git(leaky, "checkout", "-q", "--orphan", "fresh")
    git(leaky, "commit", "-q", "--allow-empty", "-m", "fresh")
    git(leaky, "branch", "-q", "-D", "main")
    assert program("secrets", "scan", "--dir", str(leaky)) == "no credential in 2 objects of the history\n"
    assert program.json("secrets", "scan", "--dir", str(leaky)) == []


def test_a_project_is_named_by_its_id(forked: tuple[Any, str]) -> None:
    program, project = forked
    assert "no credential" in program("secrets", "scan", project[:5])
    folder = program.home / "projects" / project
    git(folder, "switch", "-q", "-c", "mine")  # building on has to wait then, looking has not
    (folder / "k.env").write_text(KEY)
    git(folder, "add", "--force", ".")
    git(folder, "commit", "-q", "-m", "mine")
    (value,) = program.json("secrets", "scan", project, code=1)
    assert (value["path"], value["current"], value["ref"]) == ("k.env", False, "refs/heads/mine")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Name one repository"),
        (["abc", "--dir", "."], "Name one repository"),
        (["--dir", "nowhere"], "no folder"),
        (["--dir", "plain"], "no git repository"),
        (["abc"], "no project"),
    ],
)
def test_what_cannot_be_searched_is_a_fault_of_the_call(
    program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    (tmp_path / "plain").mkdir()
    monkeypatch.chdir(tmp_path)
    assert says in program.json("secrets", "scan", *words, code=2)["error"]["message"]


def test_what_was_not_searched_is_told(program: Any, leaky: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth=1", leaky.as_uri(), "shallow")
    blob = git(leaky, "ls-tree", "HEAD~1").split()[2]
    (leaky / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    for folder, says in ((tmp_path / "shallow", "--unshallow"), (leaky, f"({blob[:12]}): it is not there")):
        ran = subprocess.run(
            [sys.executable, "-m", "smaker", "--json", "secrets", "scan", "--dir", str(folder)],
            capture_output=True,
            text=True,
            env=program.environment(),
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (0, "[]\n")
        assert says in ran.stderr
        assert KEY not in ran.stderr


def test_a_terminal_sees_progress_and_ctrl_c_ends_it(program: Any, leaky: Path) -> None:
    for number in range(100):
        (leaky / f"{number}.txt").write_text(f"{number} words\n" * 50_000)
    git(leaky, "add", ".")
    git(leaky, "commit", "-q", "-m", "large")
    command = ["-m", "smaker", "secrets", "scan", "--dir", str(leaky)]
    child: Any = pexpect.spawn(
        sys.executable,
        command,
        env={**program.environment(), "TERM": "xterm"},
        timeout=30,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # who runs the tests may ignore it
    )
    child.delaybeforesend = None  # the search may end meanwhile
    child.expect(r"searching .* objects")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
