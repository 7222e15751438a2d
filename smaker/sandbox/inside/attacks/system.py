"""Attempts on the host's processes and the kernel, and to take more than the box may have."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct
import subprocess
import time
from pathlib import Path

from .basics import Blocked, Target, attempt, check, libc, read_or_nothing, syscall

MEGABYTE = 1 << 20
NEW_USER = 0x10000000
TIOCSTI = 0x5412
ATTACH, DETACH = 16, 17


def is_decoy(target: Target) -> None:
    """Raise unless the host's decoy process is what its pid means here."""
    if target["canary"].encode() not in read_or_nothing(f"/proc/{target['pid']}/cmdline"):
        raise Blocked("that process cannot be seen")


@attempt("see the host's processes")
def processes(target: Target) -> str:
    """Their names and command lines."""
    is_decoy(target)
    return "the host's process is in /proc"


@attempt("trace a process of the host")
def trace(target: Target) -> str:
    """With ptrace, an attacker becomes that process."""
    is_decoy(target)
    check(libc.ptrace(ATTACH, target["pid"], None, None))
    os.waitpid(target["pid"], 0)
    libc.ptrace(DETACH, target["pid"], None, None)
    return "attached to it"


@attempt("signal a process of the host")
def send_signal(target: Target) -> str:
    """Stopping smaker stops who watches the box."""
    is_decoy(target)
    os.kill(target["pid"], signal.SIGTERM)
    return "the signal was sent"


@attempt("make a user namespace")
def user_namespace(_: Target) -> str:
    """In which it would be root, with most of the kernel open to attack."""
    check(libc.unshare(NEW_USER))
    return "a user namespace was made"


@attempt("mount a file system")
def mount(target: Target) -> str:
    """Over anything."""
    place = target["workspace_inside"].encode()
    check(libc.mount(b"none", place, b"tmpfs", 0, None))
    libc.umount(place)
    return "a file system was mounted"


@attempt("change the kernel's settings")
def settings(_: Target) -> str:
    """As root, core_pattern is a way to run any program on the host."""
    for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/mtrr", "/sys/kernel/uevent_helper"):
        try:
            os.close(os.open(path, os.O_WRONLY))
        except OSError:
            continue
        return f"{path} can be written"
    raise Blocked("none can be written")


@attempt("open devices")
def devices(target: Target) -> str:
    """Disks, memory, the kernel's log."""
    disks = [f"/dev/{line.split()[-1]}" for line in read_or_nothing("/proc/partitions").decode().splitlines()[2:]]
    for path in ("/dev/kmsg", "/dev/mem", "/dev/fuse", "/dev/kvm", *disks):
        try:
            os.close(os.open(path, os.O_RDONLY))
        except OSError:
            continue
        return f"{path} can be opened"
    node = Path(target["workspace_inside"], "device")
    os.mknod(node, 0o600 | 0o020000, os.makedev(1, 11))
    os.close(os.open(node, os.O_RDONLY))
    return "a device could be made"


@attempt("type into the user's terminal")
def terminal(_: Target) -> str:
    """TIOCSTI puts words into the shell that smaker was started from."""
    with open("/dev/tty", "rb+", buffering=0) as tty:  # noqa: PTH123
        check(libc.ioctl(tty.fileno(), TIOCSTI, b" "))
    return "a character was typed"


@attempt("gain root by a set-uid program")
def set_uid(_: Target) -> str:
    """su(1) runs as root whoever starts it."""
    su = next((path for path in ("/usr/bin/su", "/bin/su") if Path(path).exists()), None)
    if su is None:
        raise Blocked("there is none")
    with subprocess.Popen(
        [su, "root", "-c", "true"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as program:
        try:
            for _tick in range(100):
                lines = read_or_nothing(f"/proc/{program.pid}/status").splitlines()
                said = {line.partition(b":")[0]: line.split()[1:] for line in lines}
                if said and said[b"Uid"][1] == b"0" and int(said[b"CapEff"][0], 16):
                    return "it runs as root"
                if program.poll() is not None:
                    break
                time.sleep(0.002)
        finally:
            program.kill()
    raise Blocked("it runs as who started it, or as a root that may do nothing")


@attempt("the kernel's keyrings")
def keyrings(_: Target) -> str:
    """They hold the session's tickets and disk keys, and no namespace hides them."""
    key = syscall(248, 217, b"user", b"smaker-attack", b"x", 1, -2)  # add_key to the process' own keyring
    return f"key {key} was made"


@attempt("bpf, io_uring and perf")
def kernel_machines(_: Target) -> str:
    """Large parts of the kernel that programs rarely need and attackers often use."""
    room = ctypes.create_string_buffer(256)
    last: OSError = FileNotFoundError(2, "no such call")
    calls = (("io_uring", 425, 425, 4, room), ("bpf", 321, 280, 0, struct.pack("IIII", 2, 4, 4, 1) + bytes(112), 128))
    for name, x86_64, aarch64, *words in calls:
        try:
            os.close(syscall(x86_64, aarch64, *words))
        except OSError as error:
            last = error
        else:
            return f"{name} can be used"
    raise last


@attempt("more memory than the bound")
def memory(target: Target) -> str:
    """Takes it and touches it, but leaves the machine some."""
    wanted = (target["memory_mb"] + 256) * MEGABYTE
    room = mmap.mmap(-1, wanted, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    free_kb = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    touched = min(wanted, free_kb * 1024 // 2)
    for page in range(0, touched, mmap.PAGESIZE):
        room[page] = 1
    return f"{touched // MEGABYTE} MB taken"


@attempt("a larger file than the bound")
def large_file(target: Target) -> str:
    """Sparse: it takes no room where it succeeds."""
    path = Path(target["workspace_inside"], "large")
    try:
        with path.open("wb") as file:
            file.seek((target["file_mb"] + 1) * MEGABYTE)
            file.write(b"x")
    finally:
        path.unlink(missing_ok=True)
    return "it was written"


@attempt("more processes than the bound")
def forks(target: Target) -> str:
    """A fork bomb that stops just above the bound, and cleans up."""
    children: list[int] = []
    try:
        for _ in range(target["processes"] + 50):
            child = os.fork()
            if not child:
                signal.pause()
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
    return f"{len(children)} processes made"
