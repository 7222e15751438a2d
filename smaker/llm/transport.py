"""HTTP to model providers, with bounds on everything that they send and on the time that they take.

Redirects are not followed, proxies and other settings of the environment are not used, and a compressed answer is
refused: each of them has carried prompts or keys to strangers, or filled the memory.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smaker import __version__
from smaker.core.ports import Clock
from smaker.llm.events import EventStream, parse
from smaker.llm.faults import Broken, Passing, refusal, retry_after
from smaker.llm.mask import Mask
from smaker.llm.wire import Deadlines, Object

if TYPE_CHECKING:
    import ssl

    import httpx

LARGEST = 8_000_000  # bytes of one answer
_EXPLANATION = 64_000  # bytes of a refusal that are read
_AFTERWARDS_S = 0.25  # a stream that said that it is over may end properly, so that the connection is used again


class Transport:
    """One client for all providers. It is made when first used: a session that asks no model loads no HTTP."""

    def __init__(self, mask: Mask, clock: Clock) -> None:
        self.mask = mask
        self.clock = clock
        self._client: httpx.AsyncClient | None = None
        self._making = asyncio.Lock()

    async def post(
        self,
        url: str,
        headers: Mapping[str, str],
        body: Object,
        take: Callable[[bytes], bool] | None,
        deadlines: Deadlines,
    ) -> Object | None:
        """Send ``body`` and return the answer; None if it was streamed into ``take``, event by event.

        ``take`` returns True for the event that is the last. Raises ModelFault.
        """
        client = await self._ready()
        import httpx  # loaded by now

        loop = asyncio.get_running_loop()
        end = loop.time() + deadlines.total_s
        first = end if take is None else min(end, loop.time() + deadlines.first_s)
        timeout = httpx.Timeout(None, connect=deadlines.connect_s)  # all others are kept here
        over = False
        try:
            async with (
                _named_errors(url, self.mask),
                asyncio.timeout_at(first) as deadline,
                client.stream(
                    "POST", url, headers=dict(headers), content=json.dumps(body), timeout=timeout
                ) as response,
            ):
                pieces = _bounded(response, LARGEST if response.status_code == 200 else _EXPLANATION)
                if await self._is_stream(response, pieces, streaming=take is not None) and take is not None:
                    events = EventStream()
                    async for piece in pieces:
                        over = over or any(take(data) for data in events.feed(piece))
                        deadline.reschedule(min(end, loop.time() + (_AFTERWARDS_S if over else deadlines.idle_s)))
                    over = over or any(take(data) for data in events.end())
                    return None
                return parse(b"".join([piece async for piece in pieces]))
        except TimeoutError:
            if over:
                return None
            raise Passing("is silent or too slow: no whole answer in time", slow=True) from None

    async def close(self) -> None:
        """Close connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _ready(self) -> httpx.AsyncClient:
        async with self._making:
            if self._client is None:
                # in a thread: the import and the certificates take a tenth of a second
                self._client = await asyncio.to_thread(_client)
            return self._client

    async def _is_stream(self, response: httpx.Response, pieces: AsyncIterator[bytes], *, streaming: bool) -> bool:
        """Whether events follow. Raises ModelFault for anything but events, or JSON, of a success."""
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding not in {"identity", ""}:
            raise Broken("answers compressed, though that was not asked for")
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if response.status_code != 200:
            text = self.mask.quote(_words(b"".join([piece async for piece in pieces])))
            raise refusal(response.status_code, text, retry_after(response.headers, self.clock.now()))
        if streaming and kind == "text/event-stream":
            return True
        if kind in {"application/json", "text/plain", ""} or kind.endswith("+json"):
            return False
        raise Passing(f"answers with {self.mask.quote(kind)} instead of JSON")


def _words(body: bytes) -> str:
    """What a refusal says, without the JSON around it where it has the usual shape."""
    try:
        answer = parse(body)
    except Passing:
        return body.decode(errors="replace")
    error = answer.get("error", answer)
    words = error.get("message") if isinstance(error, dict) else error
    if not isinstance(words, str):
        return body.decode(errors="replace")
    code = error.get("code") if isinstance(error, dict) else None
    return f"{words} ({code})" if isinstance(code, str) else words


async def _bounded(response: httpx.Response, limit: int) -> AsyncIterator[bytes]:
    """The body as it comes. Beyond ``limit`` a refusal ends quietly; for an answer that is a fault."""
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > limit:
            if limit == LARGEST:
                raise Broken(f"answers with more than {LARGEST // 1_000_000} MB")
            return
        yield piece


@asynccontextmanager
async def _named_errors(url: str, mask: Mask) -> AsyncGenerator[None]:
    """Turn the errors of httpx into faults. They are not chained: their texts quote what a server sent."""
    import httpx

    parts = urlsplit(url)
    where = f"at {parts.hostname}:{parts.port}" if parts.port else f"at {parts.hostname}"
    try:
        yield
    except httpx.ConnectTimeout:
        raise Passing(f"cannot be reached {where}: no connection in time", slow=True) from None
    except httpx.ConnectError as error:
        why = mask.quote(str(error)) or "no connection"
        if "CERTIFICATE_VERIFY_FAILED" in why or "SSL" in why:
            raise Broken(f"cannot be trusted {where}: {why}") from None
        if parts.hostname in {"localhost", "127.0.0.1", "::1"}:
            raise Broken(f"is not running {where}") from None
        raise Passing(f"cannot be reached {where}: {why}") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise Broken(f"has an address that cannot be used: {mask.quote(url)}") from None
    except httpx.HTTPError as error:
        raise Passing(f"broke off the connection {where} ({type(error).__name__})") from None


@cache
def trusted() -> ssl.SSLContext:
    """Return who vouches for servers: the machine's own authorities, a company's among them, else those of browsers."""
    import ssl

    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return ssl.create_default_context()
    import certifi

    return ssl.create_default_context(cafile=certifi.where())


def _client() -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        verify=trusted(),
        trust_env=False,
        follow_redirects=False,
        headers={
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": f"smaker/{__version__}",
        },
    )
