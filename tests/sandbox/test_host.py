"""What of this machine boxes may see."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.sandbox import host


async def test_toolchains_are_their_own_folders_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prefix = tmp_path / "home" / ".nvm" / "versions" / "v20"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "node").write_text("#!/bin/sh\n")
    (prefix / "bin" / "node").chmod(0o755)
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "node").write_text(f"#!/bin/sh\necho {prefix}/bin/node\n")  # a version manager's
    (shims / "node").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{prefix / 'bin'}:/usr/bin:/bin")
    assert prefix in (await host.toolchains()).folders
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "node").symlink_to(prefix / "bin" / "node")
    monkeypatch.setenv("PATH", f"{linked}:/usr/bin:/bin")
    found = await host.toolchains()
    assert prefix in found.folders
    assert str(prefix / "bin") in found.path
    assert not {tmp_path, tmp_path / "home", linked} & set(found.folders)


@pytest.mark.parametrize("prefix", ["home", ".", "/"])
async def test_a_toolchain_that_is_a_home_is_refused(
    prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(sys, "base_prefix", str((tmp_path / prefix).resolve()))
    with pytest.raises(SandboxUnavailable, match="home folder") as refusal:
        await host.toolchains()
    assert refusal.value.hint


def test_an_interpreter_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    with pytest.raises(SandboxUnavailable, match="no interpreter"):
        host.python()


async def test_programs_that_fail_or_hang_answer_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await host.ask("sh", "-c", "echo yes; pwd") == "yes\n/"
    assert await host.ask("sh", "-c", "echo no; exit 1") is None
    assert await host.ask("/no/such/program") is None
    monkeypatch.setattr(host, "_ASK_S", 0.1)
    assert await host.ask("sleep", "30") is None


def test_proxies_with_passwords_are_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:1")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:1")
    assert host.proxies().get("HTTP_PROXY") == "http://proxy.example:1"
    assert "HTTPS_PROXY" not in host.proxies()
