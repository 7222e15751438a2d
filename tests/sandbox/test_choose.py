"""Without a sandbox nothing runs, and the refusal says how to get one."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from smaker.core.errors import ConfigError, SandboxUnavailable
from smaker.core.ports import Command, SandboxLevel
from smaker.sandbox import bwrap, host
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.choose import choose_sandbox
from smaker.sandbox.docker import DockerSandbox
from smaker.sandbox.lazy import LazySandbox
from smaker.sandbox.limits import Limits
from smaker.sandbox.process import ProcessSandbox
from smaker.testing import Canaries, assert_safe_failure, fingerprint

REFUSALS = {
    "no namespaces": "bwrap: No permissions to create new namespace, likely because the kernel does not allow it.",
    "nesting depth": "bwrap: Creating new namespace failed: nesting depth or max_*_namespaces exceeded (ENOSPC)",
    "AppArmor": "bwrap: setting up uid map: Permission denied",
    "AppArmor, loopback": "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted",
}


@pytest.fixture
def refusing(tmp_path: Path):
    """A bubblewrap that refuses with the words of the kernel's refusals."""

    def make(words: str, usage: str = "--disable-userns") -> Path:
        program = tmp_path / "bwrap"
        program.write_text(
            f'#!/bin/sh\ncase "$1" in --help) echo "{usage}"; exit 0;; esac\necho "{words}" >&2\nexit 1\n'
        )
        program.chmod(0o755)
        return program

    return make


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Docker is not there either: the path of the socket that is missing."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    return f"{tmp_path}/no-engine.sock"


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """bubblewrap is not there."""
    found = host.program
    monkeypatch.setattr(host, "program", lambda name: None if name == "bwrap" else found(name))


@pytest.mark.engine
async def test_auto_takes_containers_where_bubblewrap_does_not_work_and_says_so(no_bubblewrap: None) -> None:
    said: list[str] = []
    chosen = await choose_sandbox("auto", limits=Limits(processes=64), reach="none", say=said.append)
    assert isinstance(chosen, DockerSandbox)
    assert chosen.limits.processes == 64
    assert (await chosen.registries()).hosts == frozenset()
    status = await chosen.probe()
    assert (status.name, status.level) == ("docker", SandboxLevel.STRONG), "as strong as what is missing"
    assert said[-1] == "Commands run in containers, for bubblewrap does not work here: bubblewrap is not installed\n"


async def test_what_is_named_is_taken_or_nothing_is(no_bubblewrap: None, no_engine: str) -> None:
    for kind, missing in (("bwrap", "bubblewrap is not installed"), ("docker", no_engine)):
        with pytest.raises(SandboxUnavailable, match=missing) as refusal:
            await choose_sandbox(kind)
        assert "unconfined" in refusal.value.hint


@pytest.mark.engine
async def test_the_first_who_waits_hears_what_takes_its_time(no_bubblewrap: None, workspace: Path) -> None:
    heard: list[str] = []
    sandbox = LazySandbox("auto", reach="none")
    result = await sandbox.run(Command(argv=("echo", "well"), workspace=workspace), heard.append)
    assert result.output == "well\n"
    assert "Commands run in containers" in "".join(heard)
    assert "".join(heard).endswith("well\n")


@pytest.mark.sandbox
async def test_auto_takes_the_strong_one() -> None:
    chosen = await choose_sandbox("auto", limits=Limits(processes=64))
    assert isinstance(chosen, BwrapSandbox)
    assert chosen.limits.processes == 64
    assert (await chosen.probe()).level is SandboxLevel.STRONG


async def test_the_weak_one_is_taken_only_by_name_and_says_what_it_is() -> None:
    chosen = await choose_sandbox("process")
    assert isinstance(chosen, ProcessSandbox)
    status = await chosen.probe()
    assert status.level is SandboxLevel.OFF
    assert "can read your files" in status.detail
    assert status.remedy


@pytest.mark.attack("C50")
@pytest.mark.parametrize("kind", ["", "podman", "none", "BWRAP"])
async def test_other_kinds_are_configuration_errors(kind: str, canaries: Canaries) -> None:
    with pytest.raises(ConfigError, match="sandbox") as refusal:
        await choose_sandbox(kind)
    assert "bwrap" in refusal.value.hint
    assert_safe_failure(refusal.value, code="E_CONFIG", exit_code=2, canaries=canaries)


@pytest.mark.parametrize("words", REFUSALS.values(), ids=REFUSALS)
async def test_every_refusal_has_a_remedy(refusing, words: str) -> None:
    sandbox = BwrapSandbox(program=refusing(words))
    status = await sandbox.probe()
    assert status.level is SandboxLevel.OFF
    assert words in status.detail
    assert status.remedy


@pytest.mark.attack("C50")
@pytest.mark.parametrize("words", REFUSALS.values(), ids=REFUSALS)
async def test_nothing_runs_after_a_refusal(refusing, workspace: Path, canaries: Canaries, words: str) -> None:
    sandbox = BwrapSandbox(program=refusing(words))
    command = Command(argv=("touch", "ran"), workspace=workspace)
    before = fingerprint(workspace)
    for attempt in (sandbox.run(command), sandbox.start(command)):
        with pytest.raises(SandboxUnavailable) as refusal:
            await attempt
        assert_safe_failure(
            refusal.value, code="E_SANDBOX", exit_code=78, says=words, unchanged=before, canaries=canaries
        )
    assert not (workspace / "ran").exists()


async def test_apparmor_is_named_where_it_is_the_cause(
    refusing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "restricted").write_text("1\n")
    monkeypatch.setattr(bwrap, "_APPARMOR", tmp_path / "restricted")
    status = await BwrapSandbox(program=refusing(REFUSALS["AppArmor"])).probe()
    assert "bwrap-userns-restrict" in status.remedy
    assert "sysctl" not in status.remedy


@pytest.mark.attack("C50")
@pytest.mark.parametrize("missing", ["bwrap", "prlimit"])
async def test_a_missing_program_is_named_with_its_package(
    missing: str, canaries: Canaries, monkeypatch: pytest.MonkeyPatch, no_engine: str
) -> None:
    found = host.program
    monkeypatch.setattr(host, "program", lambda name: None if name == missing else found(name))
    with pytest.raises(
        SandboxUnavailable, match=f"{'bubblewrap' if missing == 'bwrap' else missing} is not installed"
    ) as no:
        await choose_sandbox("auto")
    assert no_engine in no.value.message
    assert "apt install" in no.value.hint
    assert "systemctl start docker" in no.value.hint
    assert "sandbox.kind" in no.value.hint
    assert_safe_failure(no.value, code="E_SANDBOX", exit_code=78, canaries=canaries)


async def test_a_program_that_is_no_bubblewrap_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bwrap").write_text("no program")
    (tmp_path / "bwrap").chmod(0o755)
    status = await BwrapSandbox(program=tmp_path / "bwrap").probe()
    assert status.level is SandboxLevel.OFF
    assert "cannot be run" in status.detail


@pytest.mark.sandbox
async def test_without_its_own_protection_the_filter_forbids_namespaces(
    tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """bubblewrap before 0.8 cannot forbid them; without a filter either, the level says so."""
    old = tmp_path / "bwrap"
    old.write_text('#!/bin/sh\nif [ "$1" = --help ]; then echo old; else exec bwrap "$@"; fi\n')
    old.chmod(0o755)
    sandbox = BwrapSandbox(program=old)
    assert (await sandbox.probe()).level is SandboxLevel.STRONG
    code = "import ctypes; print(ctypes.CDLL(None).unshare(0x10000000))"
    assert (await sandbox.run(Command(argv=("python3", "-c", code), workspace=workspace))).output == "-1\n"
    monkeypatch.setattr(bwrap.seccomp, "program", lambda: None)
    weaker = BwrapSandbox(program=old)
    status = await weaker.probe()
    assert status.level is SandboxLevel.PARTIAL
    assert "partial" in status.detail
    assert (await weaker.run(Command(argv=("python3", "-c", code), workspace=workspace))).output == "0\n"


@pytest.mark.sandbox
async def test_inside_a_box_there_is_no_second_one(no_engine: str) -> None:
    """The kernel's own refusal, not a simulated one."""
    code = """
import asyncio, json
from smaker.core.errors import SandboxUnavailable
from smaker.sandbox.choose import choose_sandbox
try:
    asyncio.run(choose_sandbox("auto"))
except SandboxUnavailable as error:
    print(json.dumps([error.message, error.hint, error.exit_code]))
"""
    outer = ["bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--", sys.executable, "-c", code]
    ran = await asyncio.to_thread(subprocess.run, outer, capture_output=True, text=True, check=True, timeout=30)
    message, hint, code = json.loads(ran.stdout)
    assert "bubblewrap does not work here" in message
    assert "user namespace" in hint
    assert code == 78


def test_the_room_is_cheap_to_enter() -> None:
    script = "import sys; import smaker.sandbox; print(any(name.startswith('smaker.sandbox.') for name in sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\n"
