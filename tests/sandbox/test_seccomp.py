"""The system-call filter, run by a small interpreter of its own instructions: what it answers to which call."""

from __future__ import annotations

import errno
import struct

import pytest

from smaker.sandbox import seccomp

ALLOW = 0x7FFF0000
AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def answer(machine: str, number: int, *arguments: int, audit: int | None = None) -> int | None:
    """Return the errno the filter gives a call, None if it is allowed."""
    program = seccomp.program(machine)
    assert program is not None
    code = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    words = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=iIQ6Q", number, audit or AUDIT[machine], 0, *words)
    accumulator = at = 0
    while True:
        operation, yes, no, value = code[at]
        at += 1
        if operation == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif operation == 0x06:
            return None if value == ALLOW else value & 0xFFFF
        else:
            holds = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += yes if holds else no


CALLS = {  # name: (x86_64, aarch64)
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "kexec_load": (246, 104),
    "open_by_handle_at": (304, 265),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "unshare": (272, 97),
    "setns": (308, 268),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
}
ALLOWED = {
    "read": (0, 63),
    "write": (1, 64),
    "openat": (257, 56),
    "execve": (59, 221),
    "futex": (202, 98),
    "wait4": (61, 260),
    "ptrace": (101, 117),
    "chroot": (161, 51),
}
NUMBERS = {"x86_64": {"clone": 56, "ioctl": 16, "socket": 41}, "aarch64": {"clone": 220, "ioctl": 29, "socket": 198}}
MACHINES = pytest.mark.parametrize("machine", AUDIT)


@MACHINES
@pytest.mark.parametrize("name", CALLS)
def test_doors_through_the_wall_are_closed(machine: str, name: str) -> None:
    assert answer(machine, CALLS[name][list(AUDIT).index(machine)]) == errno.EPERM


@MACHINES
@pytest.mark.parametrize("name", ALLOWED)
def test_everything_else_is_allowed(machine: str, name: str) -> None:
    assert answer(machine, ALLOWED[name][list(AUDIT).index(machine)]) is None


@MACHINES
def test_what_has_a_substitute_is_not_there(machine: str) -> None:
    assert [answer(machine, number) for number in (425, 426, 427, 435)] == [errno.ENOSYS] * 4


@MACHINES
def test_processes_and_threads_but_no_namespaces(machine: str) -> None:
    clone = NUMBERS[machine]["clone"]
    assert answer(machine, clone, 0x01200011) is None  # fork
    assert answer(machine, clone, 0x003D0F00) is None  # pthread_create
    for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert answer(machine, clone, flag | 17) == errno.EPERM


@MACHINES
def test_only_families_that_the_network_namespace_confines(machine: str) -> None:
    allowed = [family for family in range(48) if answer(machine, NUMBERS[machine]["socket"], family, 1) is None]
    assert allowed == [1, 2, 10, 16]
    assert answer(machine, NUMBERS[machine]["socket"], 40) == errno.EAFNOSUPPORT


@MACHINES
@pytest.mark.attack("C36")
def test_nothing_is_typed_into_terminals(machine: str) -> None:
    ioctl = NUMBERS[machine]["ioctl"]
    assert answer(machine, ioctl, 0, 0x5412) == errno.EPERM
    assert answer(machine, ioctl, 0, 0x541C) == errno.EPERM
    assert answer(machine, ioctl, 0, 0x5412 | 1 << 32) == errno.EPERM  # the kernel looks at 32 bits
    assert answer(machine, ioctl, 0, 0x5401) is None


def test_other_abis_of_the_processor_have_no_calls() -> None:
    assert answer("x86_64", 0, audit=0x40000003) == errno.ENOSYS  # i386
    assert answer("x86_64", 0x40000000 | 250) == errno.ENOSYS  # x32
    assert seccomp.program("riscv64") is None
