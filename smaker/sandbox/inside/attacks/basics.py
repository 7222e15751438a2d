"""What all attempts need: their table, and calls that Python has no name for."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Target = dict[str, Any]
Attempt = Callable[[Target], str]

ATTEMPTS: dict[str, Attempt] = {}
libc = ctypes.CDLL(None, use_errno=True)


class Blocked(Exception):
    """The attempt came to nothing, without an error of the system."""


def attempt(name: str) -> Callable[[Attempt], Attempt]:
    """Register an attempt: it returns what it got, or raises."""

    def register(function: Attempt) -> Attempt:
        ATTEMPTS[name] = function
        return function

    return register


def check(result: int) -> int:
    """Return the result of a C function that sets errno; raises OSError."""
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def syscall(x86_64: int, aarch64: int, *words: object) -> int:
    """Make a system call by its number on this machine; raises OSError."""
    number = {"x86_64": x86_64, "aarch64": aarch64}.get(os.uname().machine)
    if number is None:
        raise Blocked("the number of this call is not known for this machine")
    return check(libc.syscall(number, *words))


def read_or_nothing(path: str) -> bytes:
    """Return the content of a file, nothing if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
