"""Starts programs in the control group it is in. Standard library only; runs on the host, beside smaker.

With every message on the socket whose descriptor is the only argument come descriptors. The first holds JSON:
``argv``, ``env`` and ``targets``, for each of the others the numbers it gets in the program. The answer is ``[pid]``
with a pidfd, or ``[errno, "why not"]``. When the socket ends, so does this process, and so do its boxes: bubblewrap
dies with its parent.
"""

from __future__ import annotations

import array
import errno
import fcntl
import json
import os
import resource
import signal
import socket
import sys

DESCRIPTORS = 64


def reap(*_: object) -> None:
    """Take leave of the programs that ended."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def receive(link: socket.socket, size: int) -> tuple[bytes, list[int]]:
    """Return the next message and its descriptors, closed on exec: socket.recv_fds would let programs inherit them."""
    room = socket.CMSG_SPACE(DESCRIPTORS * array.array("i").itemsize)
    message, ancillary, _, _ = link.recvmsg(size, room, socket.MSG_CMSG_CLOEXEC)
    received = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
    return message, received.tolist()


def start(description: int, received: list[int]) -> tuple[list[int | str], list[int]]:
    """Start one program; return the answer and the descriptors that go with it."""
    with os.fdopen(description, "rb", closefd=False) as file:
        order = json.load(file)
    above = max((want for wanted in order["targets"] for want in wanted), default=2) + 1
    moved = [fcntl.fcntl(have, fcntl.F_DUPFD_CLOEXEC, above) for have in received]  # no target hits a source
    pairs = zip(moved, order["targets"], strict=True)
    actions = [(os.POSIX_SPAWN_DUP2, have, want) for have, wanted in pairs for want in wanted]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # not reaped before its pidfd is there
    try:
        pid = os.posix_spawn(
            order["argv"][0], order["argv"], order["env"], file_actions=actions, setsid=True, setsigmask=()
        )
        return [pid], [os.pidfd_open(pid)]
    except OSError as error:
        return [error.errno or 0, str(error)], []
    except ValueError as error:
        return [errno.EINVAL, str(error)], []
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        for descriptor in moved:
            os.close(descriptor)


def main(number: int) -> None:
    """Serve until the other side is gone."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    signal.signal(signal.SIGCHLD, reap)
    with socket.socket(fileno=number) as orders:
        os.set_inheritable(number, False)
        orders.send(b"[]")
        while True:
            message, received = receive(orders, 16)
            if not message:
                return
            answer, descriptors = start(received[0], received[1:])
            socket.send_fds(orders, [json.dumps(answer).encode()], descriptors)
            for descriptor in (*received, *descriptors):
                os.close(descriptor)


if __name__ == "__main__":
    main(int(sys.argv[1]))
