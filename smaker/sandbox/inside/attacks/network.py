"""Attempts to talk to the host and its services."""

from __future__ import annotations

import socket
import struct
from typing import Any

from .basics import Blocked, Target, attempt

MPTCP, FAST_OPEN = 262, 0x20000000


def reach(family: int, address: Any, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> str:
    """Connect, and return what the host's listener says; raises."""
    with socket.socket(family, kind, protocol) as link:
        link.settimeout(2)
        link.connect(address)
        return f"the host answered {link.recv(64)!r}"


@attempt("TCP to the host's loopback")
def tcp(target: Target) -> str:
    """A service on 127.0.0.1, such as a database."""
    return reach(socket.AF_INET, ("127.0.0.1", target["tcp"]))


@attempt("TCP to the host over IPv6")
def tcp6(target: Target) -> str:
    """The same on ::1."""
    if not target["tcp6"]:
        raise Blocked("the host has no IPv6")
    return reach(socket.AF_INET6, ("::1", target["tcp6"]))


@attempt("MPTCP to the host")
def mptcp(target: Target) -> str:
    """Multipath TCP, which filters on TCP overlook."""
    return reach(socket.AF_INET, ("127.0.0.1", target["tcp"]), protocol=MPTCP)


@attempt("TCP Fast Open to the host")
def fast_open(target: Target) -> str:
    """A connection without connect(2)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 2, 0))
        link.sendto(b"x", FAST_OPEN, ("127.0.0.1", target["tcp"]))
        return f"the host answered {link.recv(64)!r}"


@attempt("UDP to the host")
def udp(target: Target) -> str:
    """A datagram: whether it arrived, the host knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(2)
        link.connect(("127.0.0.1", target["udp"]))
        link.send(target["canary"].encode())
        return f"the host answered {link.recv(64)!r}"


@attempt("raw packets")
def raw(_: Target) -> str:
    """A socket that sees and forges other programs' packets."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP):
        return "a raw socket could be made"


@attempt("the host's network interfaces")
def interfaces(_: Target) -> str:
    """What networks the host is in."""
    found = [name for _, name in socket.if_nameindex() if name != "lo"]
    if not found:
        raise Blocked("only loopback")
    return f"found {', '.join(found)}"


@attempt("abstract Unix socket of the host")
def abstract(target: Target) -> str:
    """These belong to the network namespace, not to the file system."""
    return reach(socket.AF_UNIX, "\0" + target["abstract"])


@attempt("Unix socket file of the host")
def socket_file(target: Target) -> str:
    """A socket in a folder outside the workspace."""
    return reach(socket.AF_UNIX, target["socket"])


@attempt("docker, D-Bus, display and agent sockets")
def services(target: Target) -> str:
    """Whoever reaches one of these acts as the user, or as root."""
    last: OSError = FileNotFoundError(2, "no such socket")
    for path in target["services"]:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
                link.settimeout(2)
                link.connect(path)
                return f"connected to {path}"
        except OSError as error:
            last = error
    raise last
