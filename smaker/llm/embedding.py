"""Embeddings in the OpenAI protocol: what is asked, and what of an answer is believed."""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from pydantic import JsonValue

from smaker.llm.faults import Broken
from smaker.llm.mask import Mask
from smaker.llm.openai import refuse_error, tokens
from smaker.llm.transport import Transport
from smaker.llm.wire import Endpoint, Object, Tokens, section

Vector: TypeAlias = "array[float]"

_LARGEST = 16_384  # numbers of one vector


@dataclass(frozen=True)
class Vectors:
    """What one call brought, in the order of its texts, each of length 1. ``tokens`` None: nobody counted."""

    values: tuple[Vector, ...]
    tokens: Tokens | None


class EmbeddingWire(Protocol):
    """A way to ask one model for vectors."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Ask once. Raises ModelFault."""
        ...


class OpenAIEmbeddings:
    """One model behind ``POST {url}/embeddings``."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self._endpoint = endpoint
        self._transport = transport

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Ask once. Raises ModelFault."""
        key = self._endpoint.key
        whole = await self._transport.post(
            f"{self._endpoint.url.rstrip('/')}/embeddings",
            {"Authorization": f"Bearer {key}"} if key else {},
            {"model": self._endpoint.model, "input": [*texts]},
            None,
            self._endpoint.deadlines,
        )
        return await asyncio.to_thread(read, whole or {}, len(texts), self._transport.mask)


def read(body: Object, count: int, mask: Mask) -> Vectors:
    """Return the ``count`` vectors in a whole body. Raises ModelFault for anything but as many, of equal length."""
    refuse_error(body, mask)
    data = body.get("data")
    entries = [section(entry) for entry in data] if isinstance(data, list) else []
    if len(entries) != count:
        raise Broken(f"gives {len(entries)} vectors for {count} texts")
    places = [entry.get("index") for entry in entries]
    if any(place is not None for place in places):
        by_place = {place: entry for place, entry in zip(places, entries, strict=True) if isinstance(place, int)}
        if sorted(by_place) != list(range(count)):
            raise Broken("numbers its vectors in a way that fits no text")
        entries = [by_place[place] for place in range(count)]
    values = tuple(_vector(entry.get("embedding")) for entry in entries)
    if len({len(value) for value in values}) > 1:
        raise Broken("gives vectors of different lengths")
    return Vectors(values, tokens(body.get("usage")))


def _vector(value: JsonValue) -> Vector:
    """A vector scaled to length 1, so that the product of two is the cosine between them. Raises Broken."""
    if not isinstance(value, list) or not 0 < len(value) <= _LARGEST:
        raise Broken("gives something that is no vector")
    numbers = [number for number in value if type(number) is float or type(number) is int]
    try:
        length = math.sqrt(sum(number * number for number in numbers))
    except OverflowError:
        length = math.inf
    if len(numbers) != len(value) or not math.isfinite(length):
        raise Broken("gives a vector of what are no numbers")
    return array("f", [number / length for number in numbers] if length else [0.0] * len(numbers))
