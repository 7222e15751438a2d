"""A system-call filter for what namespaces leave open: kernel keyrings, bpf, io_uring, vsock, nested namespaces.

The filter is a classic BPF program in the form bubblewrap's ``--seccomp`` reads. Everything is allowed except a list:
generated software may be anything, and the namespaces are the wall; this closes the doors that lead through it.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_NUMBER_AT, _ARCH_AT, _ARGUMENT_AT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE_NEW = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK: the ones the network namespace confines


@dataclass(frozen=True)
class _Machine:
    audit: int  # AUDIT_ARCH_*
    clone: int
    clone3: int
    ioctl: int
    socket: int
    denied: tuple[int, ...]
    absent: tuple[int, ...]
    foreign_from: int | None = None  # numbers from here on belong to another ABI


_SINCE_5 = (428, 429, 430, 431, 432, 433, 442)  # open_tree, move_mount, fsopen … fspick, mount_setattr: one number
_IO_URING = (425, 426, 427)  # answered "not there", so that libuv and others fall back

# denied: keyctl add_key request_key bpf userfaultfd perf_event_open kexec_load kexec_file_load open_by_handle_at
# mount umount2 pivot_root unshare setns swapon swapoff init_module finit_module delete_module acct quotactl
_MACHINES = {
    "x86_64": _Machine(
        audit=0xC000003E,
        clone=56,
        clone3=435,
        ioctl=16,
        socket=41,
        denied=(
            *(250, 248, 249, 321, 323, 298, 246, 320, 304),
            *(165, 166, 155, 272, 308, 167, 168, 175, 313, 176, 163, 179),
            *_SINCE_5,
        ),
        absent=_IO_URING,
        foreign_from=0x40000000,  # x32
    ),
    "aarch64": _Machine(
        audit=0xC00000B7,
        clone=220,
        clone3=435,
        ioctl=29,
        socket=198,
        denied=(
            *(219, 217, 218, 280, 282, 241, 104, 294, 265),
            *(40, 39, 41, 97, 268, 224, 225, 105, 273, 106, 89, 60),
            *_SINCE_5,
        ),
        absent=_IO_URING,
    ),
}


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _refuse(error: int) -> bytes:
    return _op(_RETURN, _ERRNO | error)


def _instructions(machine: _Machine) -> Iterator[bytes]:
    yield _op(_LOAD, _ARCH_AT)
    yield _op(_EQUAL, machine.audit, yes=1)
    yield _refuse(errno.ENOSYS)
    yield _op(_LOAD, _NUMBER_AT)
    if machine.foreign_from is not None:
        yield _op(_AT_LEAST, machine.foreign_from, no=1)
        yield _refuse(errno.ENOSYS)
    for number in machine.denied:
        yield _op(_EQUAL, number, no=1)
        yield _refuse(errno.EPERM)
    for number in (*machine.absent, machine.clone3):  # clone3 hides its flags: C libraries fall back to clone
        yield _op(_EQUAL, number, no=1)
        yield _refuse(errno.ENOSYS)
    yield _op(_EQUAL, machine.clone, no=4)
    yield _op(_LOAD, _ARGUMENT_AT)
    yield _op(_ANY_BIT, _CLONE_NEW, no=1)
    yield _refuse(errno.EPERM)
    yield _op(_RETURN, _ALLOW)
    yield _op(_EQUAL, machine.ioctl, no=5)
    yield _op(_LOAD, _ARGUMENT_AT + 8)
    yield _op(_EQUAL, _TIOCSTI, yes=1)
    yield _op(_EQUAL, _TIOCLINUX, no=1)
    yield _refuse(errno.EPERM)
    yield _op(_RETURN, _ALLOW)
    yield _op(_EQUAL, machine.socket, no=2 + len(_FAMILIES))
    yield _op(_LOAD, _ARGUMENT_AT)
    for position, family in enumerate(_FAMILIES):
        yield _op(_EQUAL, family, yes=len(_FAMILIES) - position)
    yield _refuse(errno.EAFNOSUPPORT)
    yield _op(_RETURN, _ALLOW)


def program(machine: str | None = None) -> bytes | None:
    """Return the filter for ``machine`` (default: this one), or None where the system-call numbers are not known."""
    known = _MACHINES.get(machine or platform.machine())
    return None if known is None else b"".join(_instructions(known))
