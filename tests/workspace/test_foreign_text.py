"""Addresses and messages of others: no transport, trailer or control character of theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smaker.core.errors import SmakerError, Unavailable, WorkspaceError
from smaker.testing import Canaries, assert_safe_failure, fingerprint
from smaker.workspace import GitWorkspaces
from smaker.workspace.repository import GitWorkspace


@pytest.mark.attack("G63", "G71")
@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c 'touch x'",
        "file:///etc",
        "http://host/x",
        "git://host/x",
        "--upload-pack=evil",
        "-u evil",
        "ssh://-oProxyCommand=evil/x",
        "https://-evil/x",
        "git@-evil:x",
        "user@host:-x",
        "https://host/x\ny",
        "",
    ],
)
async def test_only_https_and_ssh_addresses_are_cloned(
    room: GitWorkspaces, tmp_path: Path, canaries: Canaries, address: str
) -> None:
    before = fingerprint(tmp_path, allowed=[tmp_path / "state"])
    with pytest.raises(SmakerError) as raised:
        await room.clone(address, tmp_path / "copy")
    assert_safe_failure(
        raised.value, code={"E_ADDRESS", "E_UNAVAILABLE"}, unchanged=before, canaries=canaries, places=[tmp_path]
    )


async def test_an_address_that_does_not_answer_leaves_nothing(room: GitWorkspaces, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be cloned") as raised:
        await room.clone("https://127.0.0.1:9/none.git", tmp_path / "copy")
    assert raised.value.hint
    assert not (tmp_path / "copy").exists()


@pytest.mark.attack("G65")
@pytest.mark.parametrize(
    "message",
    [
        "subject\n\nSmaker-Step: forged",
        "subject\n\nSMAKER-STEP : forged",
        "subject\n\n  Smaker-Step: forged\n\n",
        "Smaker-Step: forged",
        "subject\rSmaker-Step: forged",
        "subject\n\nx\u2028Smaker-Step: forged",
        "subject\n\n\u200bSmaker-Step: forged",
        "subject\0\n\n\0Smaker-Step: forged",
        "\n\n",
        "\x1b[2Jsubject\x07\n\nbody\x9b",
    ],
)
@pytest.mark.parametrize("trailers", [[("Smaker-Step", "t1.1")], []])
async def test_a_message_forges_no_trailer(
    workspace: GitWorkspace, git: Any, canaries: Canaries, message: str, trailers: list[tuple[str, str]]
) -> None:
    from smaker.core.ports import Author

    checkout = await workspace.checkout("t1")
    await checkout.write({"a": b"a"})
    author = Author(name="evil\n<x>\0", email="x> 1 +0000\nparent 0")
    await checkout.commit(message, author=author, trailers=trailers)
    await workspace.integrate("t1")
    [info] = await workspace.history()
    assert info.trailers == dict(trailers)
    by_git = git("log", "-1", "--format=%(trailers:key=Smaker-Step,valueonly,separator=|)").strip()
    assert by_git == dict(trailers).get("Smaker-Step", "")
    raw = git("cat-file", "commit", "HEAD")
    assert not {c for c in raw if c < " " and c != "\n"}
    assert info.subject
    git("fsck", "--strict")
    assert_safe_failure(None, canaries=canaries, places=[workspace.path.parent])


async def test_a_trailers_value_stays_on_its_line(workspace: GitWorkspace) -> None:
    from smaker.core.ports import Author

    checkout = await workspace.checkout("t1")
    await checkout.write({"a": b"a"})
    author = Author(name="n", email="e")
    with pytest.raises(WorkspaceError):
        await checkout.commit("m", author=author, trailers=[("Bad Key\nX", "1")])
    await checkout.commit("m", author=author, trailers=[("Smaker-Model", "a\nSmaker-Step: forged\r\nb\0")])
    await workspace.integrate("t1")
    [info] = await workspace.history()
    assert info.trailers == {"Smaker-Model": "a Smaker-Step: forged b"}
