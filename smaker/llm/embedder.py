"""One embedding model of one provider: texts masked, clipped and sent in batches, and none of them paid for twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

from smaker.core.models import Usage
from smaker.core.ports.llm import Embedded
from smaker.llm.embedding import EmbeddingWire, Vector, Vectors
from smaker.llm.faults import Broken, ModelFault, Unusable
from smaker.llm.mask import Mask
from smaker.llm.patience import Patiently, told
from smaker.llm.prices import FREE, Prices
from smaker.llm.vectors import KeptVectors
from smaker.llm.wire import Deadlines, Tokens

LONGEST = 4_000
"""Characters of a text that are sent, about 1,100 tokens. A model that reads less is sent half, and half of that."""

BATCH = 64
"""Texts of one request: with 3,072 numbers each the answer has some 4 MB."""

DEADLINES = Deadlines(first_s=60.0, total_s=60.0)
LOCAL_DEADLINES = Deadlines(first_s=300.0, total_s=300.0)
"""A search waits for it, and can do without."""

_SHORTEST = 500


class ProviderEmbedder:
    """Implements `smaker.core.ports.Embedder`. With ``kept`` only what it does not hold is asked for."""

    def __init__(
        self,
        provider: str,
        model: str,
        url: str,
        wire: EmbeddingWire,
        *,
        patiently: Patiently,
        mask: Mask,
        prices: Prices | None,
        kept: KeptVectors | None = None,
    ) -> None:
        self._provider = provider
        self._model = model
        self._url = url
        self._wire = wire
        self._patiently = patiently
        self._mask = mask
        self._prices = prices
        self._kept = kept
        self._longest = LONGEST
        self._width: int | None = None  # numbers of a vector, as the provider gave them last

    @property
    def name(self) -> str:
        """Provider and model."""
        return f"{self._provider}/{self._model}"

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return a vector for each text; see `smaker.core.ports.Embedder`."""
        sent = await asyncio.to_thread(lambda: [self._mask.sent(text)[:LONGEST] or " " for text in texts])
        keys = [hashlib.sha256(f"{self.name}\0{self._url}\0{text}".encode()).digest() for text in sent]
        wanted = dict(zip(keys, sent, strict=True))
        found = await asyncio.to_thread(self._kept.get, [*wanted]) if self._kept is not None else {}
        usage = Usage()
        try:
            for _ in range(2):  # again where what was kept is of another model, that had this name before
                if self._width is not None or not _equally_long(found):
                    found = {key: vector for key, vector in found.items() if len(vector) == self._width}
                new, cost = await self._ask({key: text for key, text in wanted.items() if key not in found})
                found |= new
                usage += cost
            if not _equally_long(found):
                raise Broken("gives vectors of different lengths")
        except ModelFault as fault:
            raise told(fault, self.name, setting="embedding_model") from fault
        return Embedded(tuple(found[key] for key in keys), usage)

    async def _ask(self, wanted: Mapping[bytes, str]) -> tuple[dict[bytes, Vector], Usage]:
        usage = Usage()
        found: dict[bytes, Vector] = {}
        keys = [*wanted]
        for first in range(0, len(keys), BATCH):
            part = keys[first : first + BATCH]
            vectors = await self._batch([wanted[key] for key in part])
            new = dict(zip(part, vectors.values, strict=True))
            self._width = len(vectors.values[0])
            if self._kept is not None:
                await asyncio.to_thread(self._kept.put, new)
            found |= new
            usage += await self._usage(vectors.tokens or Tokens(into=sum(len(wanted[key]) for key in part) // 4))
        return found, usage

    async def _batch(self, texts: Sequence[str]) -> Vectors:
        while True:
            longest = self._longest
            try:
                return await self._patiently.call(lambda: self._wire.embed([text[: self._longest] for text in texts]))
            except Unusable as fault:
                if fault.code != "E_MODEL_CONTEXT" or longest <= _SHORTEST:
                    raise
                self._longest = min(self._longest, longest // 2)

    async def _usage(self, tokens: Tokens) -> Usage:
        price = await self._prices.of(self._provider, self._model) if self._prices is not None else FREE
        return Usage(tokens_in=tokens.into, tokens_out=tokens.out, cost_usd=price.of(tokens), calls=1)


def _equally_long(found: Mapping[bytes, Vector]) -> bool:
    return len({len(vector) for vector in found.values()}) < 2
