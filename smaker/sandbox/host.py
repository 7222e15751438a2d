"""What of this machine a box may see: the system's programs, toolchains, certificates; found once."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from smaker.core.errors import SandboxUnavailable
from smaker.core.ports import SandboxStatus

INSIDE = Path(__file__).parent / "inside"
"""Files of ours that are seen inside a box."""

_SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SYSTEM_FOLDERS = (
    "/nix/store",
    "/gnu/store",
    "/etc/alternatives",
    "/etc/ssl/certs",
    "/etc/ca-certificates/extracted",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/etc/crypto-policies",
)
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/os-release")
_OUR_FILES = ("passwd", "group", "nsswitch.conf")
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/services", "/etc/protocols")
_ROOTS_KERNEL_FILES = ("/proc/mtrr", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/sysrq-trigger")

_CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "UV_SYSTEM_CERTS",
    "UV_NATIVE_TLS",
)
"""Variables by which the machine's owner says which authorities to trust."""

_ASK_S = 30.0


def program(name: str) -> Path | None:
    """Return the program ``name`` of the system, else of PATH."""
    system = Path("/usr/bin", name)
    if os.access(system, os.X_OK):
        return system
    found = shutil.which(name)
    return Path(found) if found else None


def python() -> Path:
    """Return the interpreter smaker's own environment was made from: it is in every box at the same path."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.base_prefix, "bin", version), Path(sys.base_prefix, "bin", "python3")):
        if os.access(candidate, os.X_OK):
            return candidate
    raise SandboxUnavailable(
        f"There is no interpreter below {sys.base_prefix}, where the running Python says it is installed.",
        hint="Install smaker with a Python whose installation folder has bin/python3.",
    )


def python_in(status: SandboxStatus) -> str:
    """Return the interpreter of a sandbox's boxes: this machine's, or that of their image."""
    return "python3" if status.image else str(python())


async def ask(*argv: str, env: dict[str, str] | None = None) -> str | None:
    """Run a program of this machine and return what it prints, stripped; None if it fails or takes too long.

    It runs in the root folder, so that no project's files (.npmrc and the like) can answer for the machine.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd="/",
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_ASK_S):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    return output.decode("utf-8", "replace").strip() if process.returncode == 0 else None


@dataclass(frozen=True)
class Toolchains:
    """Folders bound read-only at their own paths, and the folders of programs among them, first wins."""

    folders: tuple[Path, ...]
    path: tuple[str, ...]


def covered(path: Path, by: Iterable[Path]) -> bool:
    """Whether ``path`` is one of ``by`` or lies below one."""
    return any(path == folder or folder in path.parents for folder in by)


def _refuse_home(prefix: Path, what: str) -> None:
    home = Path.home().resolve()
    if prefix == Path("/") or prefix == home or prefix in home.parents:
        raise SandboxUnavailable(
            f"{what} is installed in {prefix}, which holds a home folder: a box that sees it would see your files.",
            hint=f"Install {what} in a folder of its own.",
        )


async def toolchains() -> Toolchains:
    """Find Python's and Node's installations. They may lie in a home folder; only they are shown, not the home."""
    system = (Path("/usr"),)
    folders: list[Path] = []
    path: list[str] = []
    for prefix in dict.fromkeys((Path(sys.base_prefix), Path(sys.base_exec_prefix), Path(sys.base_prefix).resolve())):
        if not covered(prefix, system):
            _refuse_home(prefix, "Python")
            folders.append(prefix)
            path.append(str(prefix / "bin"))
    node = shutil.which("node")
    if node is not None:
        real = Path(node).resolve()
        if real.name != "node":  # the shim of a version manager knows where the program is
            real = Path(await ask(node, "-p", "process.execPath") or real)
        prefix = real.parent.parent
        if real.name == "node" and not covered(prefix, (*system, *folders)):
            _refuse_home(prefix, "Node.js")
            folders.append(prefix)
            path.append(str(prefix / "bin"))
    return Toolchains(tuple(folders), tuple(path))


@cache
def system_view() -> tuple[str, ...]:
    """Return bubblewrap's options for the folders of the system that every box sees, all read-only.

    Each mount costs a quarter of a millisecond: small files are copied into the box instead (``system_files``).
    """
    options = ["--ro-bind", "/usr", "/usr"]
    for name in _SYSTEM_LINKS:
        here = Path(name)
        if here.is_symlink():
            options += ["--symlink", str(here.readlink()), name]
        elif here.is_dir():
            options += ["--ro-bind", name, name]
    for name in _SYSTEM_FOLDERS:
        if Path(name).is_dir():
            options += ["--ro-bind", name, name]
    return tuple(options)


@cache
def system_files(shared_network: bool) -> tuple[tuple[Path, str], ...]:
    """Return (file, path inside) of what every box gets a copy of; names of other hosts only with their network."""
    ours = [(INSIDE / "etc" / name, f"/etc/{name}") for name in _OUR_FILES]
    if not shared_network:
        ours.append((INSIDE / "etc" / "hosts", "/etc/hosts"))
    theirs = (*_SYSTEM_FILES, *(_NETWORK_FILES if shared_network else ()))
    return (*ours, *((Path(name), name) for name in theirs if os.access(name, os.R_OK)))


@cache
def kernel_files() -> tuple[str, ...]:
    """Return the options that make the kernel's settings read-only: root in a box is root to their files."""
    options = ["--ro-bind", "/proc/sys", "/proc/sys"]
    if os.geteuid() == 0:
        for name in _ROOTS_KERNEL_FILES:
            if _writable(Path(name)):
                options += ["--ro-bind", name if Path(name).is_dir() else "/dev/null", name]
    return tuple(options)


def _writable(path: Path) -> bool:
    """Whether the file, or one in the folder, has a write bit for its owner."""
    found = path.rglob("*") if path.is_dir() else (path,)
    return any(stat.S_ISREG(bits) and bits & stat.S_IWUSR for bits in map(mode, found))


def mode(path: Path) -> int:
    """Return what lstat says of a path's kind and rights; 0 if it says nothing."""
    try:
        return path.lstat().st_mode
    except OSError:
        return 0


def certificates() -> tuple[tuple[Path, ...], dict[str, str]]:
    """Return the files of the certificate authorities the machine's owner chose, and the variables that name them."""
    files: list[Path] = []
    variables: dict[str, str] = {}
    for name in _CERTIFICATE_VARIABLES:
        value = os.environ.get(name)
        if not value:
            continue
        path = Path(value)
        if not path.is_absolute():
            if name.startswith("UV_"):
                variables[name] = value
            continue
        if path.exists():
            variables[name] = value
            files.append(path)
    return tuple(dict.fromkeys(files)), variables


def proxies() -> dict[str, str]:
    """Return the machine's proxy variables for a box that shares its network; one with a password is kept back."""
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy")
    return {name: value for name in names if (value := os.environ.get(name)) and "@" not in value}
