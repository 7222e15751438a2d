"""Looks for model servers that run on this machine, where such servers usually listen."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from pydantic import JsonValue

from smaker.core.errors import Unavailable
from smaker.core.http_probe import http_get
from smaker.llm.events import clean
from smaker.llm.wire import section

PORTS = {11434: "Ollama", 1234: "LM Studio", 8000: "vLLM", 8080: "llama.cpp"}
TIMEOUT_S = 0.5
_SHOWN = 50  # models of one server


@dataclass(frozen=True)
class Found:
    """A server that speaks the OpenAI protocol. ``kind`` is who usually listens on its port."""

    kind: str
    url: str
    models: tuple[str, ...]


async def discover(ports: dict[int, str] | None = None, *, timeout_s: float = TIMEOUT_S) -> tuple[Found, ...]:
    """Return the servers that list models at ``/v1/models`` on 127.0.0.1, in the order of the ports."""
    asked = PORTS if ports is None else ports
    answers = await asyncio.gather(*(_look(port, kind, timeout_s) for port, kind in asked.items()))
    return tuple(found for found in answers if found is not None)


async def _look(port: int, kind: str, timeout_s: float) -> Found | None:
    try:
        status, body = await http_get(port, "/v1/models", timeout_s=timeout_s)
        value: JsonValue = json.loads(body) if status == 200 else None
    except (Unavailable, ValueError, RecursionError):
        return None  # nobody, or somebody else
    listed = section(value).get("data")
    if not isinstance(listed, list):
        return None
    names = [section(model).get("id") for model in listed[:_SHOWN]]
    models = tuple(clean(name) for name in names if isinstance(name, str))
    return Found(kind, f"http://127.0.0.1:{port}/v1", models)
