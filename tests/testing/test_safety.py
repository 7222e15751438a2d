"""The check of safe failure finds what it looks for: every kind of unclear error, loss and leak."""

from __future__ import annotations

import base64
import itertools
import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from smaker.core.errors import ConfigError, PathError, SmakerError
from smaker.core.models import Problem
from smaker.core.ports import CommandResult
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.testing.safety import FILES, VARIABLES

NAME = "OPENAI_API_KEY"


@pytest.fixture
def planted(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Canaries:
    return Canaries.plant(isolated, monkeypatch.setenv)


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-c", "user.name=u", "-c", "user.email=u@x", *words], cwd=folder, check=True)


def test_canaries_are_planted_new_each_time(planted: Canaries, isolated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {os.environ[name] for name in VARIABLES} == {planted.values[name] for name in VARIABLES}
    for name in FILES:
        assert planted.values[name] in (isolated / name).read_text()
    assert len(set(planted.values.values())) == len(VARIABLES) + len(FILES)
    assert planted.core != Canaries.plant(isolated, monkeypatch.setenv).core


WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "inside": lambda key: f"x{key}y",
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 of more": lambda key: base64.b64encode(f"Bearer {key}\n".encode()).decode(),
    "base64 for addresses": lambda key: base64.urlsafe_b64encode(f"??{key}".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "capital hex": lambda key: key.encode().hex().upper(),
    "reversed": lambda key: key[::-1],
    "only the random part": lambda key: key.rpartition("-")[2],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_canary_is_found_however_it_is_written(planted: Canaries, way: str) -> None:
    text = WAYS[way](planted.values[NAME])
    assert planted.sweep(text)
    assert planted.sweep(text.encode())
    assert planted.sweep("nothing", b"of it") == []


def in_a_file(at: Path, key: str) -> None:
    (at / "a" / "b").mkdir(parents=True)
    (at / "a" / "b" / "log").write_text(f"sent {key}")


def in_utf_16(at: Path, key: str) -> None:
    (at / "log").write_bytes(key.encode("utf-16"))


def in_a_name(at: Path, key: str) -> None:
    (at / key).mkdir()


def in_a_links_target(at: Path, key: str) -> None:
    (at / "link").symlink_to(f"/nowhere/{key}")


def in_a_database(at: Path, key: str) -> None:
    """Long values lie in pieces: this one is cut by the end of a page."""
    for before, after in itertools.product(range(1000, 1600, 11), range(0, 600, 99)):
        (at / "x.db").unlink(missing_ok=True)
        database = sqlite3.connect(at / "x.db")
        database.executescript("PRAGMA page_size = 512; CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (?)", (b"." * before + key.encode() + b"." * after,))
        database.commit()
        database.close()
        if key[-24:].encode() not in (at / "x.db").read_bytes():
            return
    raise AssertionError("no value was cut")


def in_a_loose_object(at: Path, key: str) -> None:
    (at / "kept").write_text(key)
    git(at, "init", "-q")
    git(at, "add", "kept")
    (at / "kept").unlink()


def in_a_commit_that_was_packed(at: Path, key: str) -> None:
    git(at, "init", "-q")
    git(at, "commit", "-q", "--allow-empty", "-m", key)
    git(at, "gc", "-q")
    for log in (at / ".git" / "logs").rglob("*"):
        if log.is_file():
            log.unlink()
    (at / ".git" / "COMMIT_EDITMSG").unlink()
    assert list(at.glob(".git/objects/pack/*.pack"))


@pytest.mark.parametrize(
    "put",
    [
        in_a_file,
        in_utf_16,
        in_a_name,
        in_a_links_target,
        in_a_database,
        in_a_loose_object,
        in_a_commit_that_was_packed,
    ],
)
def test_a_canary_is_found_wherever_it_is_kept(planted: Canaries, tmp_path: Path, put: Callable[..., None]) -> None:
    folder = tmp_path / "place"
    folder.mkdir()
    put(folder, "something else")
    assert planted.sweep(tmp_path) == []  # what was planted is no leak
    (tmp_path / "second").mkdir()
    put(tmp_path / "second", planted.values[NAME])
    leaks = planted.sweep(tmp_path)
    assert {leak.name for leak in leaks} == {NAME}
    with pytest.raises(AssertionError, match=f"leaked:\n{NAME} in "):
        assert_safe_failure(None, canaries=planted, places=[tmp_path])


def test_what_was_heard_and_the_failure_itself_are_swept(planted: Canaries) -> None:
    key = planted.values[NAME]
    for failure in (
        PathError("No.", hint=f"unset {key}"),
        Problem(message=f"401 for {key}", hint="Log in."),
        CommandResult(exit_code=1, output=f"key={key}", seconds=0),
        subprocess.CompletedProcess([], 1, key, "smaker: No.\n  Try.\n"),
    ):
        with pytest.raises(AssertionError, match="leaked"):
            assert_safe_failure(failure, canaries=planted)
    error = PathError("No.", hint="Try.")
    error.__cause__ = ValueError(key)
    with pytest.raises(AssertionError, match="leaked"):
        assert_safe_failure(error, canaries=planted)
    planted.heard.append(lambda: f"DEBUG {key}")
    with pytest.raises(AssertionError, match="leaked"):
        assert_safe_failure(None, canaries=planted)


def change(path: Path) -> None:
    path.write_text("other")


def touch_another(path: Path) -> None:
    (path.parent / "another").touch()


def replace_by_a_link(path: Path) -> None:
    path.rename(path.parent / "allowed" / "moved")
    path.symlink_to("allowed/moved")


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (change, "changed"),
        (Path.unlink, "removed"),
        (lambda path: path.chmod(0o700), "changed"),
        (touch_another, "made"),
        (replace_by_a_link, "changed"),
    ],
)
def test_every_loss_is_named(tmp_path: Path, act: Callable[[Path], None], word: str) -> None:
    folder = tmp_path / "folder"
    (folder / "allowed").mkdir(parents=True)
    (folder / "file").write_text("content")
    (folder / "link").symlink_to("file")
    os.mkfifo(folder / "pipe")
    before = fingerprint(folder, allowed=[folder / "allowed"])
    (folder / "allowed" / "new").touch()
    os.utime(folder / "file", (0, 0))
    assert_safe_failure(None, unchanged=before)
    act(folder / "file")
    with pytest.raises(AssertionError, match=f"{word}: {folder}"):
        assert_safe_failure(None, unchanged=before)


UNCLEAR = {
    "empty": PathError("", hint="h"),
    "no remedy": PathError("m"),
    "trace-back": PathError("Traceback (most recent call last):", hint="h"),
    "trace-back in the hint": PathError("m", hint='File "x.py", line 3'),
    "an object": PathError("<smaker.core.X object at 0x7f>", hint="h"),
    "several lines": PathError("one\ntwo", hint="h"),
    "escape": PathError("\x1b[2Jm", hint="h"),
    "reordered": PathError("m\u202e", hint="h"),
    "no code": PathError("m", hint="h", code="oops"),
    "another code": PathError("m", hint="h", code="E_KIND"),
    "another exit code": ConfigError("m", hint="h", code="E_PATH_OUTSIDE"),
    "a silent program": subprocess.CompletedProcess([], 1, "", ""),
    "a program's trace-back": subprocess.CompletedProcess(
        [], 1, "", "smaker: m\n  h\nTraceback (most recent call last):"
    ),
    "a program without a remedy": subprocess.CompletedProcess([], 1, "", "smaker: m\n"),
    "a program that succeeds": subprocess.CompletedProcess([], 0, "", "smaker: m\n  h\n"),
    "another limit": CommandResult(exit_code=137, output="", seconds=1, limit="memory"),
    "stopped as if it had succeeded": CommandResult(exit_code=0, output="", seconds=1, limit="timeout"),
    "not stopped": CommandResult(exit_code=1, output="", seconds=1),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_not_clear_is_refused(case: str) -> None:
    with pytest.raises(AssertionError):
        assert_safe_failure(UNCLEAR[case], code={"E_PATH_OUTSIDE", "timeout"}, exit_code=1)


def test_what_is_clear_is_accepted() -> None:
    assert_safe_failure(PathError("m", hint="h"), code="E_PATH_OUTSIDE", exit_code=1, says="m")
    assert_safe_failure(SmakerError("m"), remedy=False)
    assert_safe_failure(SmakerError("git failed:\nfatal: no", hint="h"))
    assert_safe_failure(ConfigError("config error: c.yaml:1:2: m"))
    assert_safe_failure(ConfigError("one\ntwo", hint="h"), exit_code=2)  # one sentence a line
    assert_safe_failure(CommandResult(exit_code=137, output="x", seconds=1, limit="timeout"), code="timeout")
    assert_safe_failure(subprocess.CompletedProcess([], 2, "", "smaker: m\n  h\n"), exit_code=2, says="m")
    with pytest.raises(AssertionError):
        assert_safe_failure(PathError("m", hint="h"), says="another")
    with pytest.raises(AssertionError, match="no remedy"):
        assert_safe_failure(ConfigError("a configuration error of nowhere"))
