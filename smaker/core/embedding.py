"""What of a task's files is near a text in meaning: a step of the ledger, held to the budget, that stops nothing.

Its result is recorded like any other, so that a task that is run again, or replayed, finds the same files and asks
nobody. Where no provider offers embeddings there is no step; where they cannot be had the step says so, the user is
told once, and whoever asked goes on with what words lead to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pydantic import JsonValue

from smaker.core.asking import Asking
from smaker.core.budget import call_bounds
from smaker.core.errors import ConfigError, ModelError, SmakerError, Unavailable
from smaker.core.events import NewEvent
from smaker.core.ledger import Effect
from smaker.core.models import StepKind, Usage
from smaker.core.ports.llm import Embedder

Embed = Callable[[Sequence[str]], Awaitable[list[Sequence[float]]]]
"""Turns texts into vectors of length 1, in their order."""

Rank = Callable[[Embed], Awaitable[Sequence[str]]]
"""Ranks paths by what vectors say, best first."""

_PORTION = 64  # texts between two looks at the budget


class _Spent(Exception):
    """A bound of the budget is reached. The next call of a model pauses the build; a search does not."""


async def ranked(asking: Asking, text: str, rank: Rank) -> tuple[str, ...]:
    """Return what ``rank`` finds near ``text``, or nothing. Raises what `Ledger.step` raises."""
    ledger = asking.ledger
    payload: dict[str, JsonValue] = {"what": "similar", "text": asking.redact(text)}
    if not (ledger.expects(StepKind.CHECK, payload) if ledger.recalling else _is_offered(asking)):
        return ()  # a record that was made without is gone through without
    title = f"look for files like: {asking.redact(text)[:120]}"
    step = await ledger.step(StepKind.CHECK, title, payload, lambda: _look(asking, rank))
    asking.spent += step.usage
    paths = (step.output or {}).get("paths")
    return tuple(map(str, paths)) if isinstance(paths, list) else ()


async def _look(asking: Asking, rank: Rank) -> Effect:
    output: dict[str, JsonValue] = {"paths": []}
    steps = await asking.store.steps(asking.project)
    usage, name = Usage(), None

    async def embed(texts: Sequence[str]) -> list[Sequence[float]]:
        nonlocal usage, name
        embedder = _embedder(asking)
        assert embedder is not None
        name = embedder.name
        vectors: list[Sequence[float]] = []
        for first in range(0, len(texts), _PORTION):
            for bound in call_bounds(asking.budget, steps, asking.task, usage):
                if bound.share >= 1:
                    raise _Spent(str(bound))
            masked = await asyncio.to_thread(_masked, asking, texts[first : first + _PORTION])
            answer = await embedder.embed(masked)
            usage += answer.usage
            vectors += answer.vectors
        if len({len(vector) for vector in vectors}) > 1:
            raise ModelError(f"{name} gives vectors of different lengths")
        return vectors

    try:
        output["paths"] = [*await rank(embed)]
    except _Spent as spent:
        output["why"] = f"the budget is spent: {spent}"
    except (Unavailable, ModelError, ConfigError) as error:
        output["why"] = error.message
        await _tell(asking, error)
    await asking.warned.warn(
        asking.store, asking.project, call_bounds(asking.budget, steps, asking.task, usage) if usage.calls else ()
    )
    return Effect(output, usage=usage, model=name if usage.calls else None)


def _masked(asking: Asking, texts: Sequence[str]) -> list[str]:
    return [asking.redact(text) for text in texts]


def _is_offered(asking: Asking) -> bool:
    try:
        return _embedder(asking) is not None
    except ConfigError:
        return True  # one is named: the user is to hear what is wrong with it


def _embedder(asking: Asking) -> Embedder | None:
    """Who is asked; where one provider answers for every role, nobody else is sent anything."""
    provider = asking.override.partition("/")[0] if asking.override else None
    return asking.models.embedder(provider) if asking.models is not None else None


async def _tell(asking: Asking, error: SmakerError) -> None:
    """Tell the user, once in a project."""
    after = 0
    while page := await asking.store.events(asking.project, after=after):
        if any(event.kind == "embeddings.away" for event in page):
            return
        after = page[-1].seq
    event = NewEvent(
        kind="embeddings.away",
        message=f"Files are found by their words alone: {error.message}",
        task=asking.task,
        data={"hint": error.hint, "code": error.code},
    )
    await asking.store.emit(asking.project, [event])
