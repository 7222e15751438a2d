"""Live output between the processes of one home: what a build prints here is heard by whoever watches it there.

Each process has a datagram socket in ``<home>/live``, and sends what its own tasks print to those of the others, a few
times a second. Nobody waits for a listener: of what it does not take at once, the newest is offered again with the next
frame, and the rest it misses, as any `Delta`. Events need no such way, they are read from the record.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Generator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from smaker.core.bus import Bus
from smaker.core.events import Delta, Event
from smaker.core.tail import Tail

FRAME_S = 1 / 15
FRAME_CHARACTERS = 1 << 15  # of one stream between two frames; of more than that the newest
PIECE = 1 << 13  # characters in a datagram: with every one escaped, those of a frame fit what a socket takes
STREAMS = 32  # of which text is kept for a listener that takes none
TAKEN = 64  # datagrams in a row before the loop has something else to do

Key = tuple[str, str, str]

_log = logging.getLogger(__name__)


@contextmanager
def share_live(bus: Bus, home: Path) -> Generator[None]:
    """Meanwhile, send what is printed here to the home's other processes, and hand what they print to ``bus``, from the
    first time that somebody here listens or prints. Where no socket can be made (a home that cannot be written)
    everybody hears only themselves. Needs a running loop."""
    with ExitStack() as ending:

        @cache
        def begin() -> _Exchange | None:
            try:
                return ending.enter_context(closing(_Exchange(bus, home / "live")))
            except OSError as error:
                _log.info("no live output from other processes", exc_info=error)
                return None

        def heard(message: Event | Delta) -> None:
            if isinstance(message, Delta) and (own := begin()) is not None:
                own.collect(message)

        with bus.tap(heard, begin):
            yield


class _Exchange:
    """This process's end."""

    def __init__(self, bus: Bus, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._bus = bus
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[Key, Tail] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ways: dict[str, _Way] = {}  # to each listener its own: one that does not listen fills only that
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(self._address(self._name))
        except OSError:
            self._socket.close()
            os.close(self._folder)
            raise
        self._loop.add_reader(self._socket, self._hear)

    def close(self) -> None:
        """Send what waits, and be gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._send()
        if self._timer is not None:  # what a listener has not taken by now, it misses
            self._timer.cancel()
        self._loop.remove_reader(self._socket)
        with suppress(OSError):
            os.unlink(self._name, dir_fd=self._folder)
        for used in (self._socket, *self._ways.values()):
            used.close()
        os.close(self._folder)

    def collect(self, message: Delta) -> None:
        """Keep what a task printed for the next frame."""
        key = message.project, message.task, message.stream
        self._waiting.setdefault(key, Tail(FRAME_CHARACTERS)).add(message.text)
        if self._timer is None:
            self._timer = self._loop.call_later(FRAME_S, self._send)

    def _send(self) -> None:
        self._timer = None
        waiting, self._waiting = self._waiting, {}
        for name in self._others():
            try:
                if name not in self._ways:
                    self._ways[name] = _Way(self._address(name))
                self._ways[name].send(waiting)
            except (ConnectionRefusedError, FileNotFoundError):  # its process was killed, or has just ended
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._folder)
            except OSError as error:
                _log.info("a listener cannot be reached", exc_info=error)
        if any(way.left for way in self._ways.values()):
            self._timer = self._loop.call_later(FRAME_S, self._send)

    def _others(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                names = {entry.name for entry in entries} - {self._name}
        except OSError:
            names = set()
        for name in self._ways.keys() - names:
            self._ways.pop(name).close()
        return [*names]

    def _hear(self) -> None:
        for _ in range(TAKEN):
            try:
                data = self._socket.recv(1 << 20)
            except OSError:
                return
            with suppress(ValidationError):
                self._bus.deliver((Delta.model_validate_json(data),))

    def _address(self, name: str) -> str:
        """A path by the folder's descriptor: a socket's path has 108 bytes at most, and homes may be deep."""
        return f"/proc/self/fd/{self._folder}/{name}"


class _Way:
    """To one listener: a socket, and what it has not taken yet. Making one raises OSError where nobody listens."""

    def __init__(self, address: str) -> None:
        self.left: dict[Key, Tail] = {}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(address)
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Be gone."""
        self._socket.close()

    def send(self, frame: Mapping[Key, Tail]) -> None:
        """Send what was left and a frame, as far as it is taken. Raises OSError."""
        for key, tail in frame.items():
            self.left.setdefault(key, Tail(FRAME_CHARACTERS)).add(str(tail))
        for key in [*self.left][:-STREAMS]:
            del self.left[key]
        while self.left:
            key = next(iter(self.left))
            text = str(self.left.pop(key))[-FRAME_CHARACTERS:]
            for start in range(0, len(text), PIECE):
                try:
                    self._socket.send(_datagram(key, text[start : start + PIECE]))
                except BlockingIOError:
                    self.left = {key: Tail(FRAME_CHARACTERS), **self.left}
                    self.left[key].add(text[start:])
                    return


def _datagram(key: Key, text: str) -> bytes:
    project, task, stream = key
    return (
        Delta.model_validate({"project": project, "task": task, "stream": stream, "text": text})
        .model_dump_json()
        .encode()
    )
