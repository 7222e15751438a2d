"""Reads one JSON object of targets (``smaker/sandbox/targets.py`` sets them up) from standard input.

Prints the names of all attempts, then one line for each: ``{"name": …, "open": bool, "detail": …}``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from typing import Any

from . import files, network, system
from .basics import ATTEMPTS, Blocked, Target

PATIENCE_S = 10
TABLES = (files, network, system)


def alone(name: str, target: Target) -> dict[str, Any]:
    """Make one attempt in a process of its own and return its report."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        signal.alarm(PATIENCE_S)
        try:
            report = {"open": True, "detail": ATTEMPTS[name](target)}
        except (Blocked, OSError, MemoryError, ValueError) as error:
            report = {"open": False, "detail": str(error) or type(error).__name__}
        os.write(write, json.dumps(report).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if not said:
        return {"open": False, "detail": f"killed by signal {os.WTERMSIG(status)}"}
    return json.loads(said)


def main() -> None:
    """Make all attempts."""
    target: Target = json.load(sys.stdin)
    sys.stdout.write(json.dumps({"names": list(ATTEMPTS)}) + "\n")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in ATTEMPTS:
        sys.stdout.write(json.dumps({"name": name, **alone(name, target)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
