"""No path leads out of a task's folder, and none waits."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
import time
from pathlib import Path

import pytest

from smaker.core.errors import PathError
from smaker.core.ports import Author
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace.checkout import TaskCheckout
from smaker.workspace.repository import GitWorkspace

AUTHOR = Author(name="smaker coder", email="coder@smaker.invalid")
EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
KEY = b"FAKE-KEY-" + b"0123456789"
WAITED_S = 10.0  # a file that nobody writes to would be waited for for ever


@pytest.fixture
async def checkout(built: GitWorkspace) -> TaskCheckout:
    return await built.checkout("t1")


def lay(folder: Path, kind: str, tmp_path: Path) -> None:
    """Put something in the folder that a write must not go through."""
    (tmp_path / "outside").mkdir(exist_ok=True)
    (tmp_path / "outside" / "victim").write_text("untouched")
    if kind == "folder link":
        (folder / "link").symlink_to(tmp_path / "outside")
    elif kind == "relative link":
        (folder / "link").symlink_to("../../../../../outside")
    elif kind == "file link":
        (folder / "link").symlink_to(tmp_path / "outside" / "victim")
    elif kind == "inner link":
        (folder / "link").symlink_to("src")
    elif kind == "loop":
        (folder / "link").symlink_to("link")
    elif kind == "pipe":
        os.mkfifo(folder / "link")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(folder / "link"))
    elif kind == "folder":
        (folder / "link").mkdir()
    elif kind == "file":
        (folder / "link").write_text("a file")


@pytest.mark.attack("F4", "F5", "F14", "F15")
@pytest.mark.parametrize("action", ["read", "write", "delete"])
@pytest.mark.parametrize(
    ("kind", "path", "code"),
    [
        ("folder link", "link/victim", "E_PATH_OUTSIDE"),
        ("relative link", "link/victim", "E_PATH_OUTSIDE"),
        ("inner link", "link/app.py", "E_KIND"),
        ("loop", "link/x", "E_KIND"),
        ("file", "link/below", "E_KIND"),
        ("file link", "link", "E_PATH_OUTSIDE"),
        ("pipe", "link", "E_KIND"),
        ("socket", "link", "E_KIND"),
        ("folder", "link", "E_KIND"),
    ],
)
async def test_what_is_in_the_way_is_refused(
    checkout: TaskCheckout,
    tmp_path: Path,
    canaries: Canaries,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    kind: str,
    path: str,
    code: str,
) -> None:
    monkeypatch.chdir(checkout.path)  # a socket's path is short
    lay(checkout.path, kind, tmp_path)
    if action == "delete" and kind == "file link":
        await checkout.write({path: None})  # the link itself may go
        assert not (checkout.path / "link").is_symlink()
        assert (tmp_path / "outside" / "victim").read_text() == "untouched"
        return
    tree = await checkout.snapshot()
    before = fingerprint(tmp_path)  # also: nothing of the same call is written
    began = time.monotonic()
    with pytest.raises(PathError) as raised:
        if action == "read":
            await checkout.read(path)
        else:
            await checkout.write({"fine.txt": b"x", path: b"x" if action == "write" else None})
    assert time.monotonic() - began < WAITED_S
    assert_safe_failure(raised.value, code=code, unchanged=before, canaries=canaries, places=[tmp_path])
    assert await checkout.snapshot() == tree


@pytest.mark.attack("F1", "F2", "F8", "F9", "F11", "F12", "F13")
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../x", "E_PATH_OUTSIDE"),
        ("/etc/x", "E_PATH_OUTSIDE"),
        ("/proc/self/root/etc/x", "E_PATH_OUTSIDE"),
        ("/proc/self/fd/1", "E_PATH_OUTSIDE"),
        ("a\0b", "E_PATH_OUTSIDE"),
        (".git/config", "E_PATH_PROTECTED"),
        ("src/.GIT/config", "E_PATH_PROTECTED"),
        (".smaker/spec.yaml", "E_PATH_PROTECTED"),
        ("smaker.yaml", "E_PATH_PROTECTED"),
        ("n" * 300, "E_LIMIT"),
    ],
)
async def test_a_write_is_refused_by_its_path(
    checkout: TaskCheckout, tmp_path: Path, canaries: Canaries, path: str, code: str
) -> None:
    tree = await checkout.snapshot()
    before = fingerprint(tmp_path)
    with pytest.raises(PathError) as raised:
        await checkout.write({"first.txt": b"x", path: b"x"})
    assert_safe_failure(raised.value, code=code, unchanged=before, canaries=canaries, places=[tmp_path])
    assert await checkout.snapshot() == tree


@pytest.mark.attack("F6")
async def test_no_file_escapes_while_links_are_swapped(
    checkout: TaskCheckout, tmp_path: Path, canaries: Canaries
) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "secret").write_text("host secret")
    inside = checkout.path / "swap"
    inside.mkdir()
    (inside / "secret").write_text("own")
    link = checkout.path / "link"
    link.symlink_to(victim)
    (checkout.path / "file").write_text("own")
    (checkout.path / "file-link").symlink_to(victim / "secret")
    pairs = [(bytes(inside), bytes(link)), (bytes(checkout.path / "file"), bytes(checkout.path / "file-link"))]
    stop = threading.Event()
    library = ctypes.CDLL(None, use_errno=True)
    here, exchange = -100, 2

    def race() -> None:
        """Let a folder and a link change places, and a file and a link, at once each time."""
        while not stop.is_set():
            for one, other in pairs:
                library.renameat2(here, one, here, other, exchange)
            time.sleep(0)

    racer = threading.Thread(target=race)
    racer.start()
    written = read = refused = 0
    trees: set[str] = set()
    deadline = time.monotonic() + 1.0
    try:
        while time.monotonic() < deadline:
            try:
                await checkout.write({f"swap/f{written}": b"x"})
                written += 1
            except PathError as problem:
                assert_safe_failure(problem, code={"E_PATH_OUTSIDE", "E_KIND"}, canaries=canaries)
                refused += 1
            for path in ("swap/secret", "file", "file", "file"):
                try:
                    assert await checkout.read(path) == b"own"
                    read += 1
                except PathError:
                    refused += 1
            trees.add(await checkout.snapshot())
    finally:
        stop.set()
        racer.join()
    assert min(written, read, refused) > 10
    assert [path.name for path in victim.iterdir()] == ["secret"]
    for tree in trees:
        for _, data in (await checkout.changes(EMPTY, tree)).values():
            assert data != b"host secret"


@pytest.mark.attack("F7")
async def test_a_hard_link_is_replaced_and_its_other_name_kept(
    checkout: TaskCheckout, tmp_path: Path, canaries: Canaries
) -> None:
    other = tmp_path / "other-name"
    other.write_text("outside")
    os.link(other, checkout.path / "linked")
    before = fingerprint(tmp_path, allowed=[checkout.path])
    await checkout.write({"linked": b"inside"})
    assert_safe_failure(None, unchanged=before, canaries=canaries, places=[tmp_path])
