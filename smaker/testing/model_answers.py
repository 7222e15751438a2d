"""What a scripted model server may answer: words, calls of tools, or one of the faults that real servers have."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from pydantic import JsonValue

from smaker.core.ports.llm import ToolCall

Finish = Literal["stop", "length", "calls", "filtered"]
Protocol = Literal["openai", "anthropic"]


@dataclass(frozen=True)
class Say:
    """A good answer: text, calls of tools, or both. Streams send it in pieces of ``piece`` characters.

    ``finish`` None is "calls" where there are calls, else "stop". ``pause_s`` is waited before each piece, and before
    the whole where nothing is streamed. Tokens are what the server claims; None is a quarter of the characters.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Finish | None = None
    piece: int = 16
    pause_s: float = 0.0
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_cached: int = 0

    @property
    def ending(self) -> Finish:
        """Why it ended."""
        return self.finish or ("calls" if self.calls else "stop")


class Fault(StrEnum):
    """What servers do wrong, or do to say no. Each is sent as the protocol that was asked in would send it."""

    SILENCE = "silence"  # the request is taken, and nothing follows
    SLOW_HEADERS = "slow-headers"  # a byte of the head now and then, for ever
    SLOW_BODY = "slow-body"  # a byte of the body now and then, for ever
    RESET = "reset"  # the connection is reset
    CUT_BODY = "cut-body"  # less body than its length says
    CUT_STREAM = "cut-stream"  # a stream that breaks off without its last chunk
    QUIET_END = "quiet-end"  # a stream that ends in good order, but does not say why
    ENDLESS = "endless"  # text without end
    WAIT_1 = "429-wait-1"  # too many requests, Retry-After: 1
    WAIT_DAY = "429-wait-day"  # too many requests, Retry-After: 86400
    ERROR_500 = "500"
    HTML_200 = "html-200"  # a page, with status 200
    BAD_JSON = "bad-json"
    BAD_UTF8 = "bad-utf8"
    KEY_ECHO = "401-echo"  # 401, and the key is in its text
    NO_CHOICES = "no-choices"  # an answer without any choice
    EMPTY_TEXT = "empty-text"
    NULL_TEXT = "null-text"
    ERROR_IN_200 = "error-in-200"  # an error object, with status 200
    ARGUMENTS_CUT = "arguments-cut"  # a tool call whose JSON breaks off
    ARGUMENTS_LIST = "arguments-list"  # a tool call whose arguments are no object
    UNKNOWN_TOOL = "unknown-tool"  # a call of a tool that was not offered
    REPETITION = "repetition"  # 280 kB of the same sentence, ended by the length
    HUGE = "huge"  # 10 MB
    GZIP_BOMB = "gzip-bomb"  # 200 kB that unpack to 200 MB, whatever encoding was asked for
    DEEP_JSON = "deep-json"  # 100,000 brackets
    ODD_CHARACTERS = "odd-characters"  # lone surrogate, NUL, terminal codes, bidirectional marks
    MOVED_307 = "307"  # the same at `ScriptedModelServer.elsewhere`
    MOVED_308 = "308"
    WRONG_TYPE = "wrong-type"  # a good answer that calls itself an image
    UNKNOWN_MODEL = "404-model"
    TOO_LONG = "400-context"  # the question does not fit the model


Answer = str | Say | Fault | dict[str, JsonValue]
"""Text, a `Say`, a `Fault`, or an object that is said as JSON text."""


@dataclass(frozen=True)
class Asked:
    """One request that the server got. ``body`` is the JSON as it came; ``headers`` have lower-case names."""

    protocol: Protocol
    path: str
    headers: dict[str, str]
    body: dict[str, JsonValue] = field(repr=False)

    @property
    def stream(self) -> bool:
        """Whether a stream was asked for."""
        return self.body.get("stream") is True

    @property
    def model(self) -> str:
        """The model that was asked for."""
        return str(self.body.get("model", ""))

    @property
    def texts(self) -> list[str]:
        """What vectors were asked for."""
        given = self.body.get("input")
        return [str(text) for text in given] if isinstance(given, list) else [str(given)]

    @property
    def text(self) -> str:
        """All that was said, a line for each piece of text, whatever the protocol: for scripts that look for words."""
        return "\n".join(_texts([self.body.get("system"), self.body.get("messages")]))


def _texts(value: JsonValue) -> list[str]:
    """Every text in messages: content is a string, or a list of blocks."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return [text for key in ("content", "text") for text in _texts(value.get(key))]
    return []


Script = Sequence[Answer] | Callable[[Asked], Answer | Awaitable[Answer]]
"""Answers in order, or a function that is given each request."""
