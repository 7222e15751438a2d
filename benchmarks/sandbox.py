"""P11, what the sandbox adds to a command: plain and boxed runs in turn. Alone: ``python -m benchmarks.sandbox``."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure
from smaker.core.ports import Command
from smaker.sandbox import host
from smaker.sandbox.bwrap import BwrapSandbox

COMMANDS = {"/bin/true": ("/bin/true",), "python3 -c pass": (str(host.python()), "-c", "pass")}


def figures(*, quick: bool) -> list[Figure]:
    """The milliseconds a box adds to two commands, median of the differences."""
    return asyncio.run(_figures(rounds=3 if quick else 60))


async def _figures(rounds: int) -> list[Figure]:
    sandbox = BwrapSandbox()
    status = await sandbox.probe()
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, argv in COMMANDS.items():
            command = Command(argv=argv, workspace=Path(folder))
            plain: list[float] = []
            boxed: list[float] = []
            for _ in range(rounds):
                begun = time.perf_counter()
                await _run_plain(argv, folder)
                between = time.perf_counter()
                await sandbox.run(command)
                plain.append((between - begun) * 1000)
                boxed.append((time.perf_counter() - between) * 1000)
            added = statistics.median(with_box - without for with_box, without in zip(boxed, plain, strict=True))
            detail = {
                "plain_ms": round(statistics.median(plain), 2),
                "boxed_ms": round(statistics.median(boxed), 2),
                "ratio": round(statistics.median(boxed) / statistics.median(plain), 2),
                "sandbox": status.detail,
                "load": round(os.getloadavg()[0], 1),
            }
            found.append(
                Figure(
                    name="P11",
                    what=f"a box adds to {name}",
                    measured=round(added, 2),
                    unit="ms",
                    bound=10,
                    of="value",
                    detail=detail,
                )
            )
    return found


async def _run_plain(argv: tuple[str, ...], folder: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await process.communicate()


if __name__ == "__main__":
    found = figures(quick="--quick" in sys.argv)
    sys.stdout.write(json.dumps([figure.as_json() for figure in found], indent=2) + "\n")
