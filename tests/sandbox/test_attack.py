"""The attack table: everything is blocked in the box, for root and for an ordinary user; outside it, much is open."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, Sandbox
from smaker.sandbox.attack import attack
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.limits import Limits
from smaker.sandbox.process import ProcessSandbox
from smaker.testing import Canaries, assert_safe_failure, fingerprint

pytestmark = pytest.mark.sandbox

FORKS = "more processes than the bound"
AS_SOMEBODY = """
import asyncio, json, os, sys
from smaker.sandbox.attack import attack
from smaker.sandbox.bwrap import BwrapSandbox
from smaker.sandbox.process import ProcessSandbox

async def main():
    for sandbox in (BwrapSandbox(), ProcessSandbox()):
        results = await attack(sandbox)
        open_ones = [one.name for one in results if not one.blocked]
        print(json.dumps({"uid": os.getuid(), "open": open_ones, "all": len(results)}))

asyncio.run(main())
"""


async def open_attacks(sandbox: Sandbox) -> dict[str, str]:
    results = await attack(sandbox)
    assert len(results) == 37
    return {result.name: result.detail for result in results if not result.blocked}


@pytest.mark.attack("C23", "C24", "C25", "C26", "C27", "C29", "C30", "C31", "C36", "C37", "C38", "C39", "C40", "C41")
async def test_everything_is_blocked(box: BwrapSandbox, isolated: Path, canaries: Canaries) -> None:
    before = fingerprint(isolated)
    bounded = os.geteuid() != 0 or "processes" in (await box.probe()).detail.partition("bounded")[0]
    found = await open_attacks(box)
    assert set(found) <= (set() if bounded else {FORKS})
    assert_safe_failure(None, unchanged=before, canaries=canaries, places=[str(found)])


async def test_without_control_groups_only_roots_fork_bomb_is_open() -> None:
    sandbox = BwrapSandbox(control_groups=False)
    assert set(await open_attacks(sandbox)) <= ({FORKS} if os.geteuid() == 0 else set())


async def test_smaller_bounds_hold_too() -> None:
    assert await open_attacks(BwrapSandbox(Limits(memory_mb=256, processes=64, file_mb=8))) == {}


async def test_the_attacks_do_something() -> None:
    """Without a box they get through; a table that blocks itself would prove nothing."""
    found = await open_attacks(ProcessSandbox())
    assert {
        "TCP to the host's loopback",
        "UDP to the host",
        "MPTCP to the host",
        "TCP Fast Open to the host",
        "abstract Unix socket of the host",
        "Unix socket file of the host",
        "read a private key outside the workspace",
        "a key in another process' environment",
        "write outside the workspace",
        "write the host's /tmp",
        "write through a symbolic link",
        "write through a hard link",
        "write a git hook",
        "write git's configuration",
        "replace the git directory",
        "see the host's processes",
        "signal a process of the host",
        "the kernel's keyrings",
    } <= set(found)


def test_an_ordinary_user_is_as_safe(as_somebody) -> None:
    ran = as_somebody(AS_SOMEBODY)
    assert ran.returncode == 0, ran.stderr
    boxed, plain = map(json.loads, ran.stdout.splitlines())
    assert boxed == {"uid": 12345, "open": [], "all": 37}
    assert len(plain["open"]) >= 20


async def test_attempts_that_do_not_report_count_as_open(box: BwrapSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cut:
        """A sandbox whose output ends in the middle of the table."""

        limits = box.limits
        probe = box.probe

        async def run(self, command: Command, on_output=None):
            result = await box.run(command, on_output)
            lines = result.output.splitlines(keepends=True)
            return result.model_copy(update={"output": "".join(lines[:10]), "limit": "memory"})

    results = await attack(Cut())
    assert [one.blocked for one in results] == [True] * 9 + [False] * 28
    assert "memory" in results[-1].detail


async def test_a_table_that_cannot_run_is_an_error(box: BwrapSandbox, tmp_path: Path) -> None:
    class Silent:
        limits = box.limits
        probe = box.probe

        async def run(self, command: Command, on_output=None):
            return await box.run(command.model_copy(update={"argv": ("echo", "no such thing")}), on_output)

    with pytest.raises(SandboxUnavailable, match="no such thing"):
        await attack(Silent())
