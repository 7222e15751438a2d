"""Attempts to read the user's secrets, and to write outside the workspace or into git's own files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .basics import Blocked, Target, attempt, read_or_nothing


def secret_in(data: bytes, target: Target) -> str:
    """Return where the planted secret was found; raises Blocked if it is not in ``data``."""
    if target["canary"].encode() not in data:
        raise Blocked("the secret is not there")
    return "the planted secret was read"


@attempt("read a private key outside the workspace")
def private_key(target: Target) -> str:
    """As ~/.ssh/id_ed25519."""
    return secret_in(Path(target["key"]).read_bytes(), target)


@attempt("read /etc/shadow")
def shadow(_: Target) -> str:
    """The password hashes of the machine."""
    return f"{len(Path('/etc/shadow').read_bytes())} bytes read"


@attempt("a key in the environment")
def own_environment(target: Target) -> str:
    """What smaker itself has in its environment."""
    return secret_in(Path("/proc/self/environ").read_bytes(), target)


@attempt("a key in another process' environment")
def other_environment(target: Target) -> str:
    """By /proc, of any process that can be seen."""
    seen = b"".join(read_or_nothing(f"/proc/{pid}/environ") for pid in os.listdir("/proc") if pid.isdigit())  # noqa: PTH208 -- numbers are wanted
    return secret_in(seen, target)


@attempt("an inherited file descriptor")
def inherited(target: Target) -> str:
    """Descriptors that smaker holds while it starts the box."""
    seen = b""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 -- numbers are wanted
        number = int(name)
        if number > 2:
            try:
                seen += os.pread(number, 4096, 0)
            except OSError:
                continue
    return secret_in(seen, target)


def deface(path: Path, target: Target) -> str:
    """Append the mark to a file, or make it."""
    with path.open("a", encoding="utf-8") as file:
        file.write(target["canary"])
    return f"wrote {path}"


@attempt("write outside the workspace")
def outside(target: Target) -> str:
    """A file in a folder beside it."""
    return deface(Path(target["outside"], "written"), target)


@attempt("write the host's /tmp")
def host_tmp(target: Target) -> str:
    """Whether it is the host's, the host knows."""
    deface(Path("/tmp", target["canary"]), target)  # noqa: S108
    if not Path(target["outside"]).exists():
        raise Blocked("it is another /tmp")
    return "wrote to /tmp"


@attempt("write through a symbolic link")
def symbolic_link(target: Target) -> str:
    """A link in the workspace that leads out of it."""
    return deface(Path(target["workspace_inside"], "leads-out", "through-link"), target)


@attempt("write through a hard link")
def hard_link(target: Target) -> str:
    """A second name, inside, for a file outside."""
    os.link(target["key"], Path(target["workspace_inside"], "second-name"))
    return deface(Path(target["workspace_inside"], "second-name"), target)


@attempt("write a git hook")
def git_hook(target: Target) -> str:
    """Code that the user's next commit runs."""
    return deface(Path(target["workspace_inside"], ".git", "hooks", "pre-commit"), target)


@attempt("write git's configuration")
def git_configuration(target: Target) -> str:
    """Commands that the user's next git status runs."""
    return deface(Path(target["workspace_inside"], ".git", "config"), target)


@attempt("replace the git directory")
def git_directory(target: Target) -> str:
    """By one of the attacker's own."""
    git = Path(target["workspace_inside"], ".git")
    git.rename(git.with_name(".git-old"))
    return deface(git, target)


@attempt("change the toolchain")
def toolchain(_: Target) -> str:
    """Python's own files, which every other project runs."""
    last: OSError = FileNotFoundError(2, "no toolchain")
    for path in (os.__file__, sys.executable, "/usr/bin/env"):
        try:
            with open(path, "r+b"):  # noqa: PTH123 -- the plainest way there is
                return f"{path} can be written"
        except OSError as error:
            last = error
    raise last
