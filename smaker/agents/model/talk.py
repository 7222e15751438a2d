"""A conversation with a model: kept within what it can hold, and with tools in plain text where it knows no others."""

from __future__ import annotations

import re
from collections.abc import Sequence

from smaker.agents.codemap import estimate_tokens
from smaker.agents.prompts import render
from smaker.core.ports import Message, ToolCall, Traits

MOST_TOKENS = 32_000  # of one answer, whatever the model could
FILLED = 0.8  # of the context, answer included: the estimate of tokens may be too low
KEPT = 3  # last turns that are never shortened
SHORTENED = 400  # characters of an old turn that stay
TOKENS_A_LINE = 16  # of dense code
_CALL = re.compile(
    r"^[ \t]*<tool\s+name=[\"'](?P<name>\w+)[\"']\s*>(?P<arguments>.*?)</tool>", re.DOTALL | re.MULTILINE
)


def room(traits: Traits, *texts: str, most: int) -> int:
    """How many tokens of files fit beside ``texts`` and the answer; at most ``most``, and never less than a few."""
    left = FILLED * traits.context_tokens - reserved(traits) - sum(map(estimate_tokens, texts))
    return max(1_000, min(most, int(left)))


def reserved(traits: Traits) -> int:
    """Tokens that are kept for the answer."""
    return min(MOST_TOKENS, traits.answer_tokens, traits.context_tokens // 3)


def answer_lines(traits: Traits) -> int:
    """How many lines of code an answer can hold, as models are told: a round number."""
    return max(100, min(MOST_TOKENS, traits.answer_tokens) // TOKENS_A_LINE // 100 * 100)


def within_context(talk: Sequence[Message], traits: Traits, *, first: int = 2, kept: int = KEPT) -> tuple[Message, ...]:
    """The conversation, its oldest turns shortened as far as it must be to fit. The ``first`` ones, the role and the
    task, stay whole, and so do the last ones, ``kept`` of them."""
    limit = FILLED * traits.context_tokens - reserved(traits)
    sizes = [
        estimate_tokens(message.text) + sum(estimate_tokens(call.arguments) for call in message.calls)
        for message in talk
    ]
    shown = [*talk]
    for number in range(first, max(first, len(talk) - kept)):
        if sum(sizes) <= limit:
            break
        text = talk[number].text
        if len(text) > 2 * SHORTENED:
            short = f"{text[:SHORTENED]}\n… left out …\n{text[-SHORTENED:]}"
            shown[number] = talk[number].model_copy(update={"text": short})
            sizes[number] = estimate_tokens(short)
    return tuple(shown)


def calls_in(text: str) -> tuple[ToolCall, ...]:
    """The calls that a model without tools of its own wrote into its answer."""
    return tuple(
        ToolCall(id=f"call{number}", name=found["name"], arguments=found["arguments"].strip())
        for number, found in enumerate(_CALL.finditer(text), 1)
    )


def answers_to(results: Sequence[tuple[str, str]], *, native: bool) -> list[Message]:
    """What tools gave, as turns of the conversation."""
    if native:
        return [Message(role="tool", text=text, answers=call) for call, text in results]
    said = "\n\n".join(f"{call}:\n{text}" for call, text in results)
    return [Message(role="user", text=said)] if results else []


def file_format(traits: Traits) -> str:
    """How a model is told to change files."""
    return render("edit_format" if traits.edits else "whole_format")
