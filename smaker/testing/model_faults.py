"""What servers do wrong, done for real: each `Fault` as bytes on a connection, or as their absence."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus

from pydantic import JsonValue

from smaker.core.ports.llm import ToolCall
from smaker.testing.model_answers import Asked, Fault, Say
from smaker.testing.model_wire import Object, encoded, error, events, whole

_DRIP_S = 0.05  # between two bytes of a slow server
_HUGE = 10_000_000
_BOMB = 200_000_000
_DEPTH = 100_000
_ODD = "a\ud800b\0c\x1b[31md\u202ee"
_TRICK = "offered"  # the tool that bad calls name where the request offers none


class Hangup(Exception):
    """The connection is of no further use."""


@dataclass(frozen=True)
class Exchange:
    """One request, and where its answer goes."""

    asked: Asked
    writer: asyncio.StreamWriter
    elsewhere: str

    async def say(self, say: Say) -> None:
        """Answer well, in the protocol that was asked in."""
        if not self.asked.stream:
            await asyncio.sleep(say.pause_s)
            await self.send(200, whole(self.asked, say))
            return
        await self.stream(events(self.asked, say), pause_s=say.pause_s)

    async def send(self, status: int, body: Object | bytes, kind: str = "application/json", **headers: str) -> None:
        """Answer with a status and a whole body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.head(status, kind, **{"Content-Length": str(len(data)), **headers})
        await self.write(data)

    async def head(self, status: int, kind: str, **headers: str) -> None:
        """Send the status line and headers; an underscore in a name stands for a dash."""
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Content-Type: {kind}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.write("\r\n".join([*lines, "", ""]).encode())

    async def write(self, data: bytes) -> None:
        """Send bytes. Raises ConnectionError if nobody takes them."""
        self.writer.write(data)
        await self.writer.drain()

    async def stream(self, sent: Iterator[Object | str], *, pause_s: float = 0.0, last: bool = True) -> None:
        """Send events in chunks; without ``last`` the chunk that ends the body is missing."""
        await self.head(200, "text/event-stream", Transfer_Encoding="chunked")
        for event in sent:
            if pause_s:
                await asyncio.sleep(pause_s)
            await self.chunk(encoded(self.asked.protocol, event))
        if last:
            await self.write(b"0\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        """Send one chunk."""
        await self.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def refuse(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        """Say no."""
        await self.send(status, error(self.asked.protocol, status, message, code), **headers)

    async def drip(self, data: bytes) -> None:
        """Send a byte now and then, for as long as somebody listens."""
        position = 0
        while True:
            await self.write(data[position % len(data) :][:1])
            position += 1
            await asyncio.sleep(_DRIP_S)


async def misbehave(fault: Fault, exchange: Exchange) -> None:
    """Do ``fault``. Raises Hangup where the connection has to be closed after it."""
    await _DEEDS[fault](exchange)


# --- connections ------------------------------------------------------------------------------------------------------


async def _silence(exchange: Exchange) -> None:
    del exchange
    await asyncio.sleep(3600)


async def _slow_headers(exchange: Exchange) -> None:
    await exchange.write(b"HTTP/1.1 200 OK\r\n")
    await exchange.drip(b"X-Slow: yes\r\n")


async def _slow_body(exchange: Exchange) -> None:
    if exchange.asked.stream:
        await exchange.head(200, "text/event-stream")
        await exchange.drip(b": patience\n")
    await exchange.head(200, "application/json", Content_Length="1000000")
    await exchange.drip(b" ")


async def _reset(exchange: Exchange) -> None:
    exchange.writer.transport.abort()
    raise Hangup


async def _cut_body(exchange: Exchange) -> None:
    kind = "text/event-stream" if exchange.asked.stream else "application/json"
    await exchange.head(200, kind, Content_Length="5000")
    await exchange.write(b'data: {"choices"' if exchange.asked.stream else b'{"choices"')
    raise Hangup


async def _cut_stream(exchange: Exchange) -> None:
    if exchange.asked.stream:
        await exchange.stream(events(exchange.asked, Say("Half an ans"), ended=False), last=False)
    else:
        await exchange.head(200, "application/json", Transfer_Encoding="chunked")
        await exchange.chunk(json.dumps(whole(exchange.asked, Say("Half"))).encode()[:60])
    raise Hangup


async def _quiet_end(exchange: Exchange) -> None:
    if exchange.asked.stream:
        await exchange.stream(events(exchange.asked, Say("Half an ans"), ended=False))
        return
    text = json.dumps(whole(exchange.asked, Say("Half an ans")))
    for ending in ('"stop_reason": "end_turn"', '"finish_reason": "stop"'):
        text = text.replace(ending, f"{ending.partition(':')[0]}: null")
    await exchange.send(200, text.encode())


async def _endless(exchange: Exchange) -> None:
    if exchange.asked.stream:
        await exchange.stream(_on_and_on(exchange.asked))
    await exchange.head(200, "application/json", Transfer_Encoding="chunked")
    await exchange.chunk(b'{"choices": [{"message": {"content": "')
    while True:
        await exchange.chunk(b"on and on " * 1000)


def _on_and_on(asked: Asked) -> Iterator[Object | str]:
    *before, word = [event for event in events(asked, Say("on and on "), ended=False) if _is_more(event)]
    yield from before
    while True:
        yield word


def _is_more(event: Object | str) -> bool:
    return isinstance(event, str) or event.get("type") != "content_block_stop"


# --- refusals ---------------------------------------------------------------------------------------------------------


async def _wait(exchange: Exchange, seconds: int) -> None:
    await exchange.refuse(429, "too many requests", "rate_limit_exceeded", Retry_After=str(seconds))


async def _error_500(exchange: Exchange) -> None:
    await exchange.refuse(500, "something broke")


async def _key_echo(exchange: Exchange) -> None:
    headers = exchange.asked.headers
    sent = headers.get("authorization", "") + headers.get("x-api-key", "")
    await exchange.refuse(401, f"Incorrect API key provided: {sent}", "invalid_api_key")


async def _unknown_model(exchange: Exchange) -> None:
    await exchange.refuse(404, f"The model `{exchange.asked.model}` does not exist", "model_not_found")


async def _too_long(exchange: Exchange) -> None:
    message = "prompt is too long: 212000 tokens > 200000 maximum"
    if exchange.asked.protocol == "openai":
        message = "This model's maximum context length is 8192 tokens, but 9000 tokens were asked for"
    await exchange.refuse(400, message, "context_length_exceeded")


async def _moved(exchange: Exchange, status: int) -> None:
    await exchange.send(status, b"", Location=f"{exchange.elsewhere}{exchange.asked.path}")


async def _error_in_200(exchange: Exchange) -> None:
    body = error(exchange.asked.protocol, 500, "the engine is overloaded", "server_error")
    if exchange.asked.stream:
        await exchange.stream(iter((body,)))
    else:
        await exchange.send(200, body)


# --- bodies that are none ---------------------------------------------------------------------------------------------


async def _html(exchange: Exchange) -> None:
    await exchange.send(200, b"<!doctype html><title>Please sign in</title>", "text/html; charset=utf-8")


async def _raw(exchange: Exchange, data: bytes) -> None:
    """A body, or one event of a stream, of exactly these bytes."""
    if exchange.asked.stream:
        await exchange.send(200, b"data: " + data + b"\n\n", "text/event-stream")
    else:
        await exchange.send(200, data)


async def _bad_json(exchange: Exchange) -> None:
    await _raw(exchange, b'{"choices": [{"message": {"content": "x"')


async def _bad_utf8(exchange: Exchange) -> None:
    await _raw(exchange, b'{"choices": [{"message": {"content": "\xff\xfe"}}]}')


async def _deep(exchange: Exchange) -> None:
    await _raw(exchange, b"[" * _DEPTH + b"]" * _DEPTH)


async def _gzip_bomb(exchange: Exchange) -> None:
    kind = "text/event-stream" if exchange.asked.stream else "application/json"
    await exchange.send(200, _bomb(), kind, Content_Encoding="gzip")


@cache
def _bomb() -> bytes:
    """A gzip file of zeros, put together from one packed piece: to pack them all would take a second."""
    zeros, times = bytes(1_000_000), _BOMB // 1_000_000
    packer = zlib.compressobj(9, wbits=-15)
    piece = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 0
    for _ in range(times):
        checksum = zlib.crc32(zeros, checksum)
    head = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"
    return head + piece * times + packer.flush() + struct.pack("<II", checksum, _BOMB)


async def _wrong_type(exchange: Exchange) -> None:
    if exchange.asked.stream:
        body = b"".join(encoded(exchange.asked.protocol, event) for event in events(exchange.asked, Say("fine")))
    else:
        body = json.dumps(whole(exchange.asked, Say("fine"))).encode()
    await exchange.send(200, body, "image/png")


# --- answers that are none --------------------------------------------------------------------------------------------


async def _no_choices(exchange: Exchange) -> None:
    if exchange.asked.protocol == "anthropic":
        await exchange.say(Say())
    elif exchange.asked.stream:
        nothing: Object = {"choices": []}
        await exchange.stream(iter((nothing, "[DONE]")))
    else:
        await exchange.send(200, {"choices": [], "model": exchange.asked.model})


async def _empty(exchange: Exchange, text: str | None) -> None:
    openai, message = exchange.asked.protocol == "openai", whole(exchange.asked, Say())
    if exchange.asked.stream and openai:
        choice: Object = {"index": 0, "delta": {"content": text}, "finish_reason": "stop"}
        chunk: Object = {"choices": [choice]}
        await exchange.stream(iter((chunk, "[DONE]")))
    elif exchange.asked.stream:
        await exchange.say(Say())
    elif openai:
        choices: JsonValue = [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
        await exchange.send(200, {**message, "choices": choices})
    else:
        await exchange.send(200, {**message, "content": [{"type": "text", "text": text}]})


async def _call(exchange: Exchange, arguments: str, *, name: str | None = None, cut: bool = False) -> None:
    call = ToolCall(id="call_1", name=name or _offered(exchange.asked), arguments=arguments)
    if cut and exchange.asked.protocol == "anthropic" and not exchange.asked.stream:
        call = call.model_copy(update={"arguments": "{}"})  # there it is an object or nothing
    await exchange.say(Say(calls=(call,), finish="length" if cut else None))


def _offered(asked: Asked) -> str:
    tools = asked.body.get("tools")
    first = tools[0] if isinstance(tools, list) and tools else None
    if isinstance(first, dict):
        named = first.get("function", first)
        if isinstance(named, dict):
            return str(named.get("name", _TRICK))
    return _TRICK


_DEEDS: dict[Fault, Callable[[Exchange], Awaitable[None]]] = {
    Fault.SILENCE: _silence,
    Fault.SLOW_HEADERS: _slow_headers,
    Fault.SLOW_BODY: _slow_body,
    Fault.RESET: _reset,
    Fault.CUT_BODY: _cut_body,
    Fault.CUT_STREAM: _cut_stream,
    Fault.QUIET_END: _quiet_end,
    Fault.ENDLESS: _endless,
    Fault.WAIT_1: lambda exchange: _wait(exchange, 1),
    Fault.WAIT_DAY: lambda exchange: _wait(exchange, 86_400),
    Fault.ERROR_500: _error_500,
    Fault.HTML_200: _html,
    Fault.BAD_JSON: _bad_json,
    Fault.BAD_UTF8: _bad_utf8,
    Fault.KEY_ECHO: _key_echo,
    Fault.NO_CHOICES: _no_choices,
    Fault.EMPTY_TEXT: lambda exchange: _empty(exchange, ""),
    Fault.NULL_TEXT: lambda exchange: _empty(exchange, None),
    Fault.ERROR_IN_200: _error_in_200,
    Fault.ARGUMENTS_CUT: lambda exchange: _call(exchange, '{"path": "src/ma', cut=True),
    Fault.ARGUMENTS_LIST: lambda exchange: _call(exchange, '["src/main.py"]'),
    Fault.UNKNOWN_TOOL: lambda exchange: _call(exchange, "{}", name="launch_rockets"),
    Fault.REPETITION: lambda exchange: exchange.say(Say("I will now fix it. " * 14_737, finish="length", piece=1000)),
    Fault.HUGE: lambda exchange: exchange.say(Say("x" * _HUGE, piece=100_000)),
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.DEEP_JSON: _deep,
    Fault.ODD_CHARACTERS: lambda exchange: exchange.say(Say(_ODD)),
    Fault.MOVED_307: lambda exchange: _moved(exchange, 307),
    Fault.MOVED_308: lambda exchange: _moved(exchange, 308),
    Fault.WRONG_TYPE: _wrong_type,
    Fault.UNKNOWN_MODEL: _unknown_model,
    Fault.TOO_LONG: _too_long,
}
