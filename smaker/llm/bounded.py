"""An HTTP client for libraries whose own cannot be trusted: bounded, without redirects, proxies and compression."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Mapping

import httpx

from smaker.llm.transport import LARGEST

Hooks = Mapping[str, list[Callable[..., object]]]


def bounded_client(
    trusted: ssl.SSLContext, timeout: httpx.Timeout | float | None, hooks: Hooks | None = None
) -> httpx.AsyncClient:
    """Return a client that raises httpx.ReadError where an answer is too large, compressed or broken off."""
    return httpx.AsyncClient(
        transport=_Transport(verify=trusted, trust_env=False),
        trust_env=False,
        follow_redirects=False,
        timeout=timeout,
        event_hooks=dict(hooks) if hooks else None,
    )


class _Transport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"
        try:
            response = await super().handle_async_request(request)
        except httpx.RemoteProtocolError as error:
            raise httpx.ReadError("the connection was broken off", request=request) from error
        if response.headers.get("content-encoding", "identity").lower() not in {"identity", ""}:
            await response.aclose()
            raise httpx.ReadError("the answer is compressed, though that was not asked for", request=request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Stream(response.stream)
        return response


class _Stream(httpx.AsyncByteStream):
    """A body up to a size. What breaks off is a ReadError: libraries ask again by themselves after other errors."""

    def __init__(self, stream: httpx.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._stream:
                size += len(piece)
                if size > LARGEST:
                    raise httpx.ReadError(f"the answer has more than {LARGEST // 1_000_000} MB")
                yield piece
        except httpx.RemoteProtocolError as error:
            raise httpx.ReadError("the connection was broken off") from error

    async def aclose(self) -> None:
        await self._stream.aclose()
