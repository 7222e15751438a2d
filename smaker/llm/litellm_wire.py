"""All other providers, through litellm, which is large and is therefore loaded by the first question and in a thread.

It is asked without streaming: it reports a stream that breaks off as a whole answer. Its HTTP client is replaced, since
its own follows redirects and unpacks whatever comes; the deadline is kept here, because its own does not hold.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from smaker.core.errors import ConfigError
from smaker.core.ports.llm import Request
from smaker.llm.embedding import Vectors
from smaker.llm.embedding import read as read_vectors
from smaker.llm.faults import Passing, refusal, retry_after
from smaker.llm.openai import question, read
from smaker.llm.transport import Transport, trusted
from smaker.llm.wire import Answer, Endpoint, Object, OnText


def require(provider: str) -> None:
    """Raise ConfigError if litellm is not installed."""
    if importlib.util.find_spec("litellm") is None:
        raise ConfigError(
            f"provider {provider} is reached through litellm, which is not installed",
            hint=f"pip install 'smaker[litellm]', or give llm.providers.{provider} a base_url",
        )


def load() -> ModuleType:
    """Import litellm, and give it HTTP of ours. It takes seconds: call it in a thread."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # or the import fetches a table from the network
    import litellm  # pyright: ignore[reportMissingImports]  an extra
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # pyright: ignore[reportMissingImports]

    from smaker.llm.bounded import Hooks, bounded_client

    def create_client(
        handler: object,
        timeout: Any,
        event_hooks: Hooks | None,
        ssl_verify: object = None,
        shared_session: object = None,
    ) -> Any:
        del handler, ssl_verify, shared_session
        return bounded_client(trusted(), timeout, event_hooks)

    if litellm.aclient_session is None:
        litellm.telemetry = False
        litellm.suppress_debug_info = True
        litellm.drop_params = True
        litellm.DEFAULT_MAX_RETRIES = 0  # for embeddings, where it takes a max_retries of 0 for none given
        # the one hook that every provider's client goes through, but those of OpenAI's library, which have their own
        AsyncHTTPHandler.create_client = create_client
        litellm.aclient_session = bounded_client(trusted(), None)
    return litellm


class Litellm:
    """One model behind litellm."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self._endpoint = endpoint
        self._mask = transport.mask
        self._now = transport.clock.now
        self._total_s = endpoint.deadlines.total_s

    async def call(self, request: Request, on_text: OnText | None) -> Answer:
        """Ask once; ``on_text`` is given the whole text at its end. Raises ModelFault."""
        options: dict[str, Any] = {"temperature": request.temperature} if request.temperature is not None else {}
        body = await self._do("acompletion", max_tokens=request.max_tokens, **question(request), **options)
        answer = read(body, self._endpoint.model, self._mask)
        if on_text is not None and answer.text:
            on_text(answer.text)
        return answer

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Ask once for vectors. Raises ModelFault."""
        body = await self._do("aembedding", input=[*texts])
        return await asyncio.to_thread(read_vectors, body, len(texts), self._mask)

    async def _do(self, what: str, **options: Any) -> Object:
        """Call a function of litellm and return the body of the answer."""
        litellm: Any = await asyncio.to_thread(load)
        endpoint = self._endpoint
        if endpoint.url:
            options["api_base"] = endpoint.url
        try:
            async with asyncio.timeout(self._total_s):
                response: Any = await getattr(litellm, what)(
                    model=f"{endpoint.provider}/{endpoint.model}",
                    api_key=endpoint.key,
                    timeout=self._total_s,
                    num_retries=0,
                    max_retries=0,
                    **options,
                )
                return response.model_dump(mode="json")
        except TimeoutError:
            raise Passing("is silent or too slow: no whole answer in time", slow=True) from None
        except RecursionError:
            raise Passing("answers with JSON that is nested too deeply") from None
        except Exception as error:  # its exceptions have no common root, and their texts may hold the key
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> Exception:
        status = getattr(error, "status_code", None)
        headers = getattr(getattr(error, "response", None), "headers", None)
        wait_s = retry_after(headers, self._now()) if headers is not None else None
        words = self._mask.quote(str(error).partition("Traceback")[0])
        if type(error).__name__ == "Timeout":
            return Passing("is silent or too slow: no whole answer in time", slow=True)
        return refusal(status if isinstance(status, int) and status >= 300 else 500, words, wait_s)
