"""A router at a scripted server, over real HTTP."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from smaker.config.settings import Llm, Provider
from smaker.core.ports import Clock
from smaker.core.secrets import Redactor
from smaker.llm.router import Router
from smaker.llm.wire import Deadlines
from smaker.testing import FrozenClock, ScriptedModelServer
from smaker.testing.model_answers import Script

KEYS = {"OPENAI_API_KEY": "sk-odd-4711-openai-value", "ANTHROPIC_API_KEY": "odd-4712-anthropic-value"}
UNHURRIED = Deadlines(connect_s=10, first_s=10, idle_s=10, total_s=10)  # what is not about time must not end by it


class Start(Protocol):
    async def __call__(self, script: Script = (), **more: Any) -> ScriptedModelServer: ...


class Route(Protocol):
    def __call__(
        self,
        llm: Llm | None = None,
        *,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
        redactor: Redactor | None = None,
        vectors: Path | None = None,
        **places: ScriptedModelServer | str,
    ) -> Router: ...


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: AsyncExitStack) -> Start:
    """Start a scripted server; it stops with the test."""

    async def start(script: Script = (), **more: Any) -> ScriptedModelServer:
        return await stack.enter_async_context(ScriptedModelServer(script, **more))

    return start


@pytest.fixture
def route(stack: AsyncExitStack) -> Route:
    """A router whose providers are at scripted servers: ``route(openai=server)``, the default mode hybrid."""

    def make(
        llm: Llm | None = None,
        *,
        clock: Clock | None = None,
        deadlines: Deadlines | None = None,
        redactor: Redactor | None = None,
        vectors: Path | None = None,
        **places: ScriptedModelServer | str,
    ) -> Router:
        llm = llm or Llm(mode="hybrid")
        providers = dict(llm.providers)
        for name, place in places.items():
            url = place if isinstance(place, str) else place.url
            known = providers.get(name, Provider(model="scripted"))
            providers[name] = known.model_copy(update={"base_url": url, "enabled": True})
        router = Router(
            llm.model_copy(update={"providers": providers}),
            {name: os.environ.get(name, key) for name, key in KEYS.items()},  # a test of an attack sets its own
            clock or FrozenClock(),
            redactor or Redactor(),
            vectors=vectors,
            deadlines=deadlines or UNHURRIED,
            chance=random.Random(7),
        )
        stack.push_async_callback(router.close)
        return router

    return make


@pytest.fixture
def heard() -> tuple[list[str], Callable[[str], None]]:
    """A list, and a listener that fills it."""
    pieces: list[str] = []
    return pieces, pieces.append
