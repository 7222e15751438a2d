"""What tokens cost, in US dollars for a million.

The table was checked on 2026-11-22 against the one of litellm 1.105.3, which follows the price lists of OpenAI and
Anthropic; models that were withdrawn stand as they last did. What some cost beyond 272,000 tokens of a question is not
in it. Models that are not listed are looked up in litellm's table where litellm is installed, and are otherwise of
unknown price.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from smaker.llm.names import listed
from smaker.llm.wire import Object, Tokens, section

_LITELLM_FILE = "model_prices_and_context_window_backup.json"


@dataclass(frozen=True)
class Price:
    """Dollars for a million tokens: of a question, of an answer, of a question's part that the provider had cached, and
    of a part that it stored in its cache. ``known`` False: nobody said, and all is 0."""

    into: float = 0.0
    out: float = 0.0
    cached: float = 0.0
    stored: float = 0.0
    known: bool = True

    def of(self, tokens: Tokens) -> float:
        """Return what ``tokens`` cost, in dollars."""
        fresh = max(0, tokens.into - tokens.cached - tokens.stored)
        dollars = fresh * self.into + tokens.cached * self.cached + tokens.stored * self.stored + tokens.out * self.out
        return dollars / 1_000_000


FREE = Price()
UNKNOWN = Price(known=False)


def _openai(into: float, out: float, cached: float) -> Price:
    """A price without a fee for what is stored in the cache."""
    return Price(into, out, cached, into)


def _both(into: float, out: float, cached: float) -> Price:
    """A price with the usual fee of a quarter; ``cached`` is the part of ``into`` that reading costs."""
    return Price(into, out, into * cached, into * 1.25)


TABLE = {
    "gpt-3.5-turbo": _openai(0.5, 1.5, 0.5),
    "gpt-4": _openai(30, 60, 30),
    "gpt-4-turbo": _openai(10, 30, 10),
    "gpt-4.1": _openai(2, 8, 0.5),
    "gpt-4.1-mini": _openai(0.4, 1.6, 0.1),
    "gpt-4.1-nano": _openai(0.1, 0.4, 0.025),
    "gpt-4o": _openai(2.5, 10, 1.25),
    "gpt-4o-mini": _openai(0.15, 0.6, 0.075),
    "gpt-5": _openai(1.25, 10, 0.125),
    "gpt-5-mini": _openai(0.25, 2, 0.025),
    "gpt-5-nano": _openai(0.05, 0.4, 0.005),
    "gpt-5-pro": _openai(15, 120, 15),
    "gpt-5.1": _openai(1.25, 10, 0.125),
    "gpt-5.2": _openai(1.75, 14, 0.175),
    "gpt-5.2-pro": _openai(21, 168, 21),
    "gpt-5.3": _openai(1.75, 14, 0.175),
    "gpt-5.4": _openai(2.5, 15, 0.25),
    "gpt-5.4-mini": _openai(0.75, 4.5, 0.075),
    "gpt-5.4-nano": _openai(0.2, 1.25, 0.02),
    "gpt-5.4-pro": _openai(30, 180, 30),
    "gpt-5.5": _openai(5, 30, 0.5),
    "gpt-5.5-pro": _openai(30, 180, 30),
    "gpt-5.6": _both(4, 20, 0.1),
    "gpt-5.6-luna": _both(0.2, 1.2, 0.1),
    "gpt-5.6-terra": _both(2, 12, 0.1),
    "gpt-6-astra": _both(10, 50, 0.1),
    "gpt-6-luna": _both(0.1, 0.5, 0.1),
    "gpt-6-sol": _both(2, 10, 0.1),
    "gpt-6.1-sol": _both(2, 10, 0.05),
    "o1": _openai(15, 60, 7.5),
    "o1-pro": _openai(150, 600, 150),
    "o3": _openai(2, 8, 0.5),
    "o3-mini": _openai(1.1, 4.4, 0.55),
    "o3-pro": _openai(20, 80, 20),
    "o4-mini": _openai(1.1, 4.4, 0.275),
    "claude-3-haiku": _both(0.25, 1.25, 0.1),
    "claude-3-opus": _both(15, 75, 0.1),
    "claude-3-5-haiku": _both(0.8, 4, 0.1),
    "claude-3-5-sonnet": _both(3, 15, 0.1),
    "claude-3-7-sonnet": _both(3, 15, 0.1),
    "claude-haiku-4": _both(1, 5, 0.1),
    "claude-sonnet-4": _both(3, 15, 0.1),
    "claude-opus-4": _both(15, 75, 0.1),
    "claude-opus-4-5": _both(5, 25, 0.1),
    "claude-opus-4-6": _both(5, 25, 0.1),
    "claude-opus-4-7": _both(5, 25, 0.1),
    "claude-opus-4-8": _both(5, 25, 0.1),
    "claude-haiku-5-5": _both(0.1, 0.5, 0.1),
    "claude-sonnet-5": _both(2, 10, 0.1),
    "claude-sonnet-5-5": _both(2, 10, 0.05),
    "claude-opus-5": _both(5, 25, 0.1),
    "claude-opus-5-5": _both(4, 20, 0.05),
    "claude-fable-5": _both(10, 50, 0.1),
    "claude-fable-5-1": _both(10, 50, 0.025),
    "claude-mythos": _both(10, 50, 0.1),
    "claude-mythos-5-1": _both(10, 50, 0.025),
}

EMBEDDINGS = {
    "text-embedding-3-large": _openai(0.13, 0, 0.13),
    "text-embedding-3-small": _openai(0.02, 0, 0.02),
    "text-embedding-ada-002": _openai(0.1, 0, 0.1),
}


class Prices:
    """Looks prices up, each model once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Price] = {}
        self._foreign: dict[str, Object] | None = None

    async def of(self, provider: str, model: str) -> Price:
        """Return the price of a model; `UNKNOWN` where no table has it."""
        key = (provider, model)
        if key not in self._found:
            price = listed(model, TABLE) or listed(model, EMBEDDINGS)
            self._found[key] = price or await asyncio.to_thread(self._look_up, provider, model)
        return self._found[key]

    def _look_up(self, provider: str, model: str) -> Price:
        if self._foreign is None:
            self._foreign = _litellm_table()
        entry = self._foreign.get(f"{provider}/{model}") or self._foreign.get(model, {})
        into, out = _million(entry, "input_cost_per_token"), _million(entry, "output_cost_per_token")
        if out is None and entry.get("mode") == "embedding":
            out = 0.0
        if into is None or out is None:
            return UNKNOWN
        cached = _million(entry, "cache_read_input_token_cost")
        stored = _million(entry, "cache_creation_input_token_cost")
        return Price(into, out, into if cached is None else cached, into if stored is None else stored)


def _litellm_table() -> dict[str, Object]:
    """The table of an installed litellm, read as the file that it is: to import litellm takes seconds and 200 MB."""
    found = importlib.util.find_spec("litellm")
    if found is None or found.origin is None:
        return {}
    try:
        table: JsonValue = json.loads(Path(found.origin).with_name(_LITELLM_FILE).read_bytes())
    except (OSError, ValueError):
        return {}  # another version keeps it elsewhere: prices are unknown then
    return {name: section(entry) for name, entry in section(table).items()}


def _million(entry: Object, key: str) -> float | None:
    value = entry.get(key)
    if isinstance(value, int | float) and math.isfinite(value) and value >= 0:
        return float(value) * 1_000_000
    return None
