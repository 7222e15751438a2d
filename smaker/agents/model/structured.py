"""Answers that are data: JSON found in what a model said, checked, and asked for again once where it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from smaker.agents.model.talk import within_context
from smaker.core.context import Context
from smaker.core.errors import ModelError
from smaker.core.ports import Message, Reply, Request, Role, Traits

Shape = TypeVar("Shape", bound=BaseModel)

REPAIRS = 2  # times an answer that is not the data asked for is sent back
_FENCE = re.compile(r"```[\w-]*\n(.*?)```", re.DOTALL)


async def ask_for(
    context: Context,
    role: Role,
    messages: Sequence[Message],
    shape: type[Shape],
    *,
    title: str,
    traits: Traits,
    check: Callable[[Shape], object] | None = None,
    first: int | None = None,
) -> tuple[Shape, list[Message]]:
    """Ask for an answer of one shape; return it with the conversation that led to it. ``check`` raises ValueError for
    what the shape alone cannot say. Where not all of it fits, its ``first`` messages stay whole (by default all given).

    Raises ModelError (E_MODEL_FORMAT) if it is still wrong after its repairs, with what is wrong.
    """
    talk = list(messages)
    wrong = why = ""
    for attempt in range(REPAIRS + 1):
        schema = shape.model_json_schema() if traits.structured else None
        # of an answer sent back, as much as fits
        shown = within_context(talk, traits, first=first or len(messages), kept=1)
        request = Request(messages=shown, answer_schema=schema)
        reply = await context.ask_model(role, request, title=title if not attempt else f"{title} (again)")
        talk.append(said(reply))
        try:
            found = shape.model_validate(find_json(reply.text))
            if check is not None:
                check(found)
            return found, talk
        except ValidationError as error:
            wrong = "\n".join(
                f"- {'.'.join(map(str, entry['loc'])) or 'the object'}: {entry['msg']}" for entry in error.errors()[:10]
            )
        except ValueError as error:
            wrong = f"- {error}"
        cut, why = "", wrong.removeprefix("- ").replace("\n- ", "; ")
        if reply.finish == "length":
            cut, why = "It was cut off: be shorter.\n", f"its answer was cut off after {reply.usage.tokens_out} tokens"
        talk.append(
            Message(
                role="user",
                text=f"That answer cannot be used:\n{wrong}\n{cut}Answer again with the whole JSON object alone.",
            )
        )
    raise ModelError(
        f"The model did not give the data it was asked for: {why}",
        hint="Try again with: smaker restart ID, or with another model.",
        code="E_MODEL_FORMAT",
    )


def said(reply: Reply) -> Message:
    """A reply as a turn of the conversation."""
    return Message(role="assistant", text=reply.text, calls=reply.calls)


def find_json(text: str) -> Any:
    """The JSON object in an answer: alone, in a fence, or among words. Raises ValueError if there is none."""
    candidates = [text, *(match.group(1) for match in _FENCE.finditer(text))]
    first = text.find("{")
    if first >= 0:
        candidates.append(text[first:])
    problem = "there is no JSON object in it"
    for candidate in candidates:
        stripped = candidate.strip()
        if not stripped.startswith("{"):
            continue
        try:
            found, _ = json.JSONDecoder(strict=False).raw_decode(stripped)
        except (ValueError, RecursionError) as error:
            problem = f"it is not JSON: {error}"
            continue
        if isinstance(found, dict):
            return found
    raise ValueError(problem)
