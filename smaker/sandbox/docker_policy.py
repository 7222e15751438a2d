"""The confinement of one command, as the configuration of a container. Pure: what is there was found before.

A container has no network, no capability, no way to a further privilege, and a root that cannot be written. Of the
machine it sees the workspace, the mounts of its command, and a few files of ours; the engine's socket never.
"""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import WORKSPACE, Command
from smaker.sandbox import host, spawn, variables
from smaker.sandbox.docker_image import LABEL, Image
from smaker.sandbox.limits import MEGABYTE, Limits

PYTHON = "python3"
"""The interpreter in every image."""

OWN = "/run/smaker-box"
CONTROL = f"{OWN}/control.sock"
OWNER = f"{LABEL}.owner"

_START = "import sys; sys.path.insert(0, sys.argv[1]); from inside.container import main; sys.exit(main(sys.argv[2]))"
_SHARED_MEMORY_MB = 256
_HOME_MB = 64
_LONGEST_WORD = 32 * os.sysconf("SC_PAGE_SIZE")
_RLIMITS = {"data", "fsize", "nofile", "core", "as", "cpu"}  # nproc counts the user's on the whole machine: not here


@dataclass(frozen=True)
class Abilities:
    """What was found out about the engine."""

    user: str  # "uid:gid", of which the files a container makes belong to the user of smaker
    remapped: bool  # by default, users in containers are not those of the machine
    memory: bool  # it bounds memory
    processes: bool


def mounts(
    command: Command, workspace: Path, own: Iterable[tuple[Path, str]], readable: Iterable[tuple[Path, str]]
) -> list[dict[str, Any]]:
    """Return what of the machine a container sees. Raises SandboxUnavailable if something is not there."""
    found = [_mount(workspace, WORKSPACE, writable=True)]
    git = workspace / ".git"
    if stat.S_ISREG(host.mode(git)):
        found.append(_mount(Path(os.devnull), f"{WORKSPACE}/.git"))
    smaker = workspace / ".smaker"
    if stat.S_ISDIR(host.mode(smaker)):
        found.append(_mount(smaker, f"{WORKSPACE}/.smaker"))
    found += [_mount(source, inside) for source, inside in (*own, *readable)]
    for mount in command.mounts:
        if not mount.host.exists():
            raise SandboxUnavailable(
                f"The box cannot be set up: {mount.host} is missing, which it sees at {mount.inside}.",
                hint="Try again: what can be made again is made again.",
            )
        found.append(_mount(mount.host, mount.inside, writable=mount.writable))
    return found


def _mount(source: Path, inside: str, *, writable: bool = False) -> dict[str, Any]:
    """``source`` is resolved here, or the engine would follow links that are none of ours."""
    return {
        "Type": "bind",
        "Source": str(source.resolve()),
        "Target": inside,
        "ReadOnly": not writable,
        "BindOptions": {"Propagation": "rprivate"},
    }


def memory_disks(workspace: Path, image: Image, abilities: Abilities, limits: Limits) -> dict[str, str]:
    """Return the file systems in memory of a container, with their options."""
    uid, _, gid = abilities.user.partition(":")
    usual = f"rw,nosuid,nodev,exec,uid={uid},gid={gid},mode=700"
    found = dict.fromkeys(image.volumes, f"{usual},size={_HOME_MB}m")
    found |= {"/tmp": f"{usual},size={limits.tmp_mb}m", variables.BASE["HOME"]: f"{usual},size={_HOME_MB}m"}  # noqa: S108
    if stat.S_ISDIR(host.mode(workspace / ".git")):
        found[f"{WORKSPACE}/.git"] = "ro,nosuid,nodev,noexec,size=4096"
    return found


def container(
    image: Image, engine: Abilities, limits: Limits, *, mounts: list[dict[str, Any]], disks: dict[str, str], owner: str
) -> dict[str, Any]:
    """Return what the engine is asked to make."""
    return {
        "Image": image.id,
        "Entrypoint": [PYTHON, "-I", "-S", "-B", "-c", _START, OWN, CONTROL],
        "Cmd": [],
        "User": engine.user,
        "Hostname": "box",
        "WorkingDir": "/",
        "Healthcheck": {"Test": ["NONE"]},
        "NetworkDisabled": True,
        "Labels": {LABEL: "1", OWNER: owner},
        "HostConfig": {
            "AutoRemove": True,
            "NetworkMode": "none",
            "IpcMode": "private",
            "CgroupnsMode": "private",
            **({"UsernsMode": "host"} if engine.remapped else {}),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "PidsLimit": limits.processes,
            "Memory": limits.memory_bytes(),
            "MemorySwap": limits.memory_bytes(),
            "ShmSize": _SHARED_MEMORY_MB * MEGABYTE,
            "LogConfig": {"Type": "none"},
            "Mounts": mounts,
            "Tmpfs": disks,
        },
    }


def order(
    command: Command,
    *,
    env: dict[str, str],
    prefix: tuple[str, ...],
    limits: Limits,
    background: bool,
    rules: bytes | None,
    targets: list[list[int]],
) -> dict[str, Any]:
    """Return what the first process of a container (``inside/container.py``) is told. Raises UsageError."""
    argv = [*prefix, *command.argv]
    sizes = [len(os.fsencode(word)) + 1 for word in (*argv, *(f"{name}={value}" for name, value in env.items()))]
    if max(sizes) > _LONGEST_WORD or sum(sizes) + 8 * len(sizes) > os.sysconf("SC_ARG_MAX"):
        raise spawn.refusal(command.argv[0], OSError(errno.E2BIG, os.strerror(errno.E2BIG)))
    return {
        "argv": argv,
        "env": env,
        "cwd": str(PurePosixPath(WORKSPACE, command.cwd)),
        "rlimits": list(_rlimits(limits.rlimits(command, background=background))),
        "filter": base64.b64encode(rules or b"").decode("ascii"),
        "targets": targets,
    }


def _rlimits(options: Iterable[str]) -> Iterable[tuple[str, int, int]]:
    """Read the options of prlimit(1)."""
    for option in options:
        name, _, value = option.removeprefix("--").partition("=")
        soft, _, hard = value.partition(":")
        if name in _RLIMITS:
            yield f"RLIMIT_{name.upper()}", int(soft), int(hard or soft)
