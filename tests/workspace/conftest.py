"""Real repositories in a temporary folder, and a git of the user's to look at them with."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from smaker.core.errors import SmakerError
from smaker.core.ports import Author
from smaker.testing import FrozenClock
from smaker.workspace import GitWorkspaces, Limits
from smaker.workspace.checkout import TaskCheckout
from smaker.workspace.repository import GitWorkspace

Git = Callable[..., str]
Commit = Callable[..., Awaitable[str]]

KEY = b"FAKE-KEY-" + b"0123456789"


def scan(data: bytes) -> str | None:
    return "fake key" if KEY in data else None


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def make(tmp_path: Path, clock: FrozenClock) -> Callable[..., GitWorkspaces]:
    """Another room over the same state, as another process would have."""

    def new(limits: Limits | None = None, state: str = "state") -> GitWorkspaces:
        return GitWorkspaces(tmp_path / state, clock=clock, scan=scan, limits=limits)

    return new


@pytest.fixture
def room(make: Callable[..., GitWorkspaces]) -> GitWorkspaces:
    return make()


@pytest.fixture
async def workspace(room: GitWorkspaces, tmp_path: Path) -> GitWorkspace:
    return await room.create(tmp_path / "project")


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """The user's own git, in the project unless told otherwise; returns what it prints."""

    def run(*arguments: str | bytes, at: Path | None = None, ok: bool = True, stdin: bytes | None = None) -> str:
        identity = {"GIT_AUTHOR_NAME": "u", "GIT_AUTHOR_EMAIL": "u@x", "GIT_COMMITTER_NAME": "u"}
        environment = {**os.environ, **identity, "GIT_COMMITTER_EMAIL": "u@x", "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments],
            cwd=at or tmp_path / "project",
            capture_output=True,
            input=stdin,
            env=environment,
            check=False,
        )
        if ok and done.returncode != 0:
            raise AssertionError((arguments, done.stdout, done.stderr))
        return done.stdout.decode("utf-8", "surrogateescape")

    return run


@pytest.fixture
def commit() -> Commit:
    """Write files to a checkout and commit them as a step."""

    async def work(checkout: TaskCheckout, files: Mapping[str, bytes | None], step: str, message: str = "work") -> str:
        await checkout.write(files)
        return await checkout.commit(
            message,
            author=Author(name="smaker coder", email="coder@smaker.invalid"),
            trailers=[("Smaker-Project", "p1"), ("Smaker-Step", step)],
        )

    return work


@pytest.fixture
async def built(workspace: GitWorkspace, commit: Commit) -> GitWorkspace:
    """A workspace with one integrated commit."""
    checkout = await workspace.checkout("t0")
    await commit(checkout, {"README.md": b"# read me\n", "src/app.py": b"one\ntwo\nthree\n"}, "t0.1", "first")
    await workspace.integrate("t0")
    await checkout.close()
    return workspace


@pytest.fixture
def odd_files() -> dict[bytes, bytes]:
    """Thirty names and contents that go wrong elsewhere."""
    return {
        b"plain": b"x",
        b"with space": b"x",
        b" leading": b"x",
        b"trailing ": b"x",
        b"new\nline": b"x",
        b"tab\there": b"x",
        b"-rf": b"x",
        b"--output=x": b"x",
        b":(top)x": b"x",
        b"$(id)": b"x",
        b";id": b"x",
        b"`id`": b"x",
        b'quo"te': b"x",
        b"apo'strophe": b"x",
        b"back\\slash": b"x",
        b"star*": b"x",
        b"question?": b"x",
        b"[bracket]": b"x",
        b"colon:name": b"x",
        b"CON": b"x",
        "nfc-\u00e9".encode(): b"composed",
        "nfd-e\u0301".encode(): b"decomposed",
        "\u202eright-to-left".encode(): b"x",
        "emoji-\U0001f600".encode(): b"x",
        b"not-utf8-\xff\xfe": b"x",
        b"n" * 255: b"x",
        b"dir/sub/deep/file": b"x",
        b"dir-file": b"sorts between dir and dir/",
        b"dir.file": b"sorts before dir/",
        b"crlf": b"one\r\ntwo\r\n",
        b"mixed-ends": b"one\r\ntwo\nthree\r",
        b"bom": b"\xef\xbb\xbftext\n",
        b"utf16": "text".encode("utf-16"),
        b"binary": bytes(range(256)) * 40,
        b"empty": b"",
        b"no-newline": b"end",
        b".gitattributes": b"* text=auto eol=crlf\n*.x filter=evil\n",
        b".hidden": b"x",
        b"HEAD": b"not a ref",
        b"large": b"abc" * 100_000,
    }


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker"


@pytest.fixture
def evil(tmp_path: Path, marker: Path) -> Path:
    """A program that leaves the marker and behaves as a filter would."""
    program = tmp_path / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch '{marker}'\ncat\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def project(tmp_path: Path, git: Git) -> Path:
    """A repository of somebody else's."""
    path = tmp_path / "project"
    path.mkdir()
    git("init", "-q", "-b", "main")
    (path / "a.txt").write_text("a\n")
    (path / "b.bin").write_bytes(b"\0b")
    git("add", ".")
    git("commit", "-q", "-m", "theirs")
    return path


@pytest.fixture
def use_all(room: GitWorkspaces, tmp_path: Path, commit: Commit) -> Callable[[Path], Awaitable[GitWorkspace]]:
    """Do with a repository all that can be done."""

    async def use(path: Path) -> GitWorkspace:
        workspace = await room.adopt(path)
        first = await workspace.head() or ""
        one, two = await workspace.checkout("t1"), await workspace.checkout("t2")
        await commit(one, {"a.txt": b"a\nmore\n", "new/file.txt": b"n"}, "t1.1")
        await commit(two, {"a.txt": b"before\na\n", "b.bin": b"\0c"}, "t2.1")
        await workspace.integrate("t1")
        try:
            await workspace.integrate("t2")
        except SmakerError as problem:
            assert problem.code == "E_MERGE_CONFLICT"
        (path / "edit.txt").write_text("mine")
        await workspace.rescue()
        second = await workspace.head() or ""
        await workspace.diff(first, second)
        await workspace.diff(second, await workspace.snapshot())
        await workspace.history()
        await workspace.export(tmp_path / "out.zip")
        await workspace.rewind(first, force=True)
        copy = await room.clone(path, tmp_path / "copy")
        assert await copy.head() == first
        await one.restore(await two.snapshot())
        await one.close()
        await two.close()
        with pytest.raises(SmakerError):
            await workspace.read("x", tree="1" * 40)  # a missing object fetches nothing
        return await room.open(path)

    return use
