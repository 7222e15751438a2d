"""Embeddings for tests: the same words give the same vector, and texts that share words are near each other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from smaker.testing.model_answers import Asked, Fault

_NUMBERS = 256
_WORD = re.compile(r"[a-z]+")

Given = Fault | Sequence[Sequence[JsonValue]] | None
"""A `Fault`, the vectors as they are to be sent (too few, of other lengths, no numbers), or None for good ones."""

VectorScript = Sequence[Given] | Callable[[Asked], Given]


def word_vector(text: str, alike: Mapping[str, str] | None = None) -> list[float]:
    """How often each word occurs, at a place that the word's hash says. ``alike`` maps words to others that mean the
    same: texts that share no word are near each other by it."""
    vector = [0.0] * _NUMBERS
    for word in _WORD.findall(text.lower()):
        meant = alike[word] if alike and word in alike else word
        place = int.from_bytes(hashlib.sha256(meant.encode()).digest()[:4], "big")
        vector[place % _NUMBERS] += 1.0
    return vector


def embedded(asked: Asked, vectors: Sequence[Sequence[JsonValue]]) -> dict[str, JsonValue]:
    """The body of an answer, its entries in another order than the texts, as the protocol allows."""
    entries: list[JsonValue] = [
        {"object": "embedding", "index": index, "embedding": [*vector]} for index, vector in enumerate(vectors)
    ]
    counted = len(json.dumps(asked.body)) // 4
    usage: JsonValue = {"prompt_tokens": counted, "total_tokens": counted}
    return {"object": "list", "data": entries[::-1], "model": asked.model, "usage": usage}
