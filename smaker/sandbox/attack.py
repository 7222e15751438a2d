"""Runs the attack table in a sandbox and says what held: ``smaker doctor --attack``, and a test.

The attempts are made by ``inside/attacks``; what it cannot know, such as whether a datagram arrived, is looked up
here. Everything that is attacked is put there for it (``targets.py``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import Command, Mount, Sandbox
from smaker.sandbox import host
from smaker.sandbox.limits import Bounded, Limits
from smaker.sandbox.targets import Targets

_PROGRAM = "/run/attack"
_START = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_module('attacks', run_name='__main__')"
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class AttackResult:
    """One attempt: whether it was blocked, and what was seen."""

    name: str
    blocked: bool
    detail: str


async def attack(sandbox: Sandbox) -> list[AttackResult]:
    """Return the results of all attempts, in the table's order. Takes a second or two.

    Raises SandboxUnavailable if the sandbox does not run, or not one attempt reports.
    """
    limits = sandbox.limits if isinstance(sandbox, Bounded) else Limits()
    bounds = {"memory_mb": limits.memory_mb, "file_mb": limits.file_mb, "processes": limits.processes}
    status = await sandbox.probe()
    async with Targets() as targets:
        result = await sandbox.run(
            Command(
                argv=(host.python_in(status), "-I", "-S", "-B", "-c", _START, _PROGRAM),
                workspace=targets.workspace,
                mounts=(Mount(host=host.INSIDE, inside=_PROGRAM),),
                stdin=json.dumps({**targets.description, **bounds}).encode(),
                timeout_s=_PATIENCE_S,
            )
        )
        evidence = targets.evidence()
    lines = [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]
    if not lines:
        raise SandboxUnavailable(f"The attack table did not run: {result.output.strip() or result.limit}")
    reports = {line["name"]: (bool(line["open"]), str(line["detail"])) for line in lines[1:]}
    unknown = (True, f"no report: the table ended early ({result.limit or result.exit_code})")
    results: list[AttackResult] = []
    for name in lines[0]["names"]:
        is_open, detail = reports.get(name, unknown)
        results.append(AttackResult(name, not is_open and name not in evidence, evidence.get(name, detail)))
    return results
