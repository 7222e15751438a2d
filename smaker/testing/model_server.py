"""A language model server that answers by script, over real HTTP on this machine.

It speaks the OpenAI protocol (``/v1/chat/completions``) and the Anthropic one (``/v1/messages``), streaming and not,
keeps every request it gets, and can do what real servers do wrong (`Fault`). It has embeddings too
(``/v1/embeddings``), by the words of a text::

    async with ScriptedModelServer(["Hello", Say(calls=(ToolCall(...),)), Fault.ERROR_500]) as server:
        ...  # base_url: server.url
    assert server.requests[0].model == "scripted"

It is for tests of smaker and of plug-ins: nothing in it guards against those who use it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from pydantic import JsonValue

from smaker.testing.model_answers import Answer, Asked, Fault, Protocol, Say, Script
from smaker.testing.model_faults import Exchange, Hangup, misbehave
from smaker.testing.model_vectors import VectorScript, embedded, word_vector

_EMBEDDINGS = "/v1/embeddings"
_PATHS: dict[str, Protocol] = {"/v1/chat/completions": "openai", "/v1/messages": "anthropic", _EMBEDDINGS: "openai"}
_HEAD_LIMIT = 1 << 16  # bytes


class ScriptedModelServer:
    """Answers by ``script``: a sequence, one answer for each request, or a function of the request.

    ``requests`` are those it got, in order, over ``connections`` in all; ``elsewhere`` is where it redirects to;
    ``models`` are those it lists. With ``key``, requests without that key are refused. After the end of a sequence
    every request is refused with 400. A script that raises makes the server answer 400 too, and the exception comes out
    of ``stop``.

    Requests for vectors are kept in ``embedded``; ``vectors`` is a script for them, after whose end, or where it says
    None, the answer is good: `word_vector` with ``alike``.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        models: tuple[str, ...] = ("scripted",),
        key: str | None = None,
        vectors: VectorScript = (),
        alike: Mapping[str, str] | None = None,
    ) -> None:
        self.script = script
        self.models = models
        self.vectors = vectors
        self.alike = alike or {}
        self.embedded: list[Asked] = []
        self.requests: list[Asked] = []
        self.connections = 0
        self.elsewhere = "http://127.0.0.1:9"
        self._key = key
        self._answered = 0
        self._port: int | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._raised: list[Exception] = []

    @property
    def url(self) -> str:
        """The base URL for a configuration, such as "http://127.0.0.1:40123/v1"."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def port(self) -> int:
        """Where it listens, or listened. Raises RuntimeError before it is started."""
        if self._port is None:
            raise RuntimeError("the server is not started: use 'async with ScriptedModelServer(...)'")
        return self._port

    async def start(self, port: int = 0) -> Self:
        """Listen on 127.0.0.1; port 0 is any free one. Raises OSError if the port is taken."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_HEAD_LIMIT)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def stop(self) -> None:
        """Close every connection, and raise what the script raised."""
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)
        if self._raised:
            raise self._raised.pop(0)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, Hangup):
                while await self._exchange(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass  # the server stops: asyncio would report it as an error of this callback
        finally:
            self._open.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when no other comes."""
        line = await reader.readline()
        if not line:
            return False
        method, path, version = line.decode("latin-1").split(maxsplit=2)
        headers: dict[str, str] = {}
        while (header := (await reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        data = await reader.readexactly(int(headers.get("content-length", "0")))
        body: dict[str, JsonValue] = json.loads(data) if data else {}
        exchange = Exchange(Asked(_PATHS.get(path, "openai"), path, headers, body), writer, self.elsewhere)
        if method == "GET" and path == "/v1/models":
            await exchange.send(200, {"object": "list", "data": [{"id": model} for model in self.models]})
        elif method != "POST" or path not in _PATHS:
            await exchange.refuse(404, f"there is no {method} {path} here")
        else:
            (self.embedded if path == _EMBEDDINGS else self.requests).append(exchange.asked)
            await self._answer(exchange)
        return version.strip() == "HTTP/1.1" and headers.get("connection", "").lower() != "close"

    async def _answer(self, exchange: Exchange) -> None:
        headers = exchange.asked.headers
        if self._key is not None and self._key not in {
            headers.get("x-api-key"),
            headers.get("authorization", "").removeprefix("Bearer "),
        }:
            await exchange.refuse(401, "this key is not known", "invalid_api_key")
            return
        if exchange.asked.path == _EMBEDDINGS:
            await self._embed(exchange)
            return
        try:
            answer = await self._next(exchange.asked)
        except Exception as error:  # whatever the script raises belongs to its author
            self._raised.append(error)
            await exchange.refuse(400, f"the script raised {type(error).__name__}: {error}")
            return
        if answer is None:
            await exchange.refuse(400, f"the script has no answer left for request {len(self.requests)}")
        elif isinstance(answer, Fault):
            await misbehave(answer, exchange)
        elif isinstance(answer, Say):
            await exchange.say(answer)
        else:
            await exchange.say(Say(answer if isinstance(answer, str) else json.dumps(answer)))

    async def _embed(self, exchange: Exchange) -> None:
        asked, script = exchange.asked, self.vectors
        if callable(script):
            given = script(asked)
        else:
            given = script[len(self.embedded) - 1] if len(self.embedded) <= len(script) else None
        if isinstance(given, Fault):
            await misbehave(given, exchange)
        else:
            vectors = given if given is not None else [word_vector(text, self.alike) for text in asked.texts]
            await exchange.send(200, embedded(asked, vectors))

    async def _next(self, asked: Asked) -> Answer | None:
        if callable(self.script):
            answer = self.script(asked)
            return await answer if inspect.isawaitable(answer) else answer
        if self._answered == len(self.script):
            return None
        self._answered += 1
        return self.script[self._answered - 1]
