"""Server-sent events and JSON, read from bytes that nobody vouches for."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

from smaker.llm.faults import Passing

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """Return ``text`` as UTF-8 and a database can hold it: without NUL, lone surrogates replaced."""
    return _UNSTORABLE.sub(lambda match: "" if match[0] == "\0" else "\ufffd", text)


def parse(data: bytes) -> dict[str, JsonValue]:
    """Return the JSON object in ``data``. Raises Passing if there is none."""
    try:
        value: JsonValue = json.loads(data.decode())
    except UnicodeDecodeError as error:
        raise Passing("answers with bytes that are not UTF-8") from error
    except RecursionError:
        raise Passing("answers with JSON that is nested too deeply") from None  # a traceback of a thousand frames
    except ValueError as error:
        raise Passing("answers with something that is not JSON") from error
    if not isinstance(value, dict):
        raise Passing("answers with JSON that is no object")
    return value


class EventStream:
    """Cuts a body into the data of its events. Names, ids and comments of events are passed over."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # the pieces of a line that has not ended
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a piece, and return the data of each event that it ends."""
        head, *others = chunk.split(b"\n")
        self._rest.append(head)
        if not others:
            return []
        lines = [b"".join(self._rest), *others[:-1]]
        self._rest = [others[-1]]
        ended: list[bytes] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), ended)
        return ended

    def end(self) -> list[bytes]:
        """Return the data of a last event that no blank line ended."""
        ended: list[bytes] = []
        self._take(b"".join(self._rest).removesuffix(b"\r"), ended)
        self._take(b"", ended)
        return ended

    def _take(self, line: bytes, ended: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            ended.append(b"\n".join(self._data))
            self._data = []
