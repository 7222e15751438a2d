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


def within_context(
    talk: Sequence[Message],
    traits: Traits,
    *,
    first: int = 2,
    kept: int = KEPT,  # messages
) -> tuple[Message, ...]:
    """The conversation, its oldest turns shortened as far as it must be to fit. The ``first`` ones, the role and the
    task, stay whole, and so do the last ones: ``kept`` of them, and all that answers the model's last turn, which it
    has not read yet. Only where that alone is too much are its longest parts halved, until it fits."""
    limit = FILLED * traits.context_tokens - reserved(traits)
    sizes = [_size(message) for message in talk]
    shown = [*talk]

    def shorten(number: int, letters: int) -> None:
        shown[number] = talk[number].model_copy(update={"text": _without_middle(talk[number].text, letters)})
        sizes[number] = _size(shown[number])

    last = max((number for number, message in enumerate(talk) if message.role == "assistant"), default=len(talk))
    unread = max(first, min(last, len(talk) - kept))
    for number in range(first, unread):
        if sum(sizes) <= limit:
            break
        if len(talk[number].text) > 2 * SHORTENED:
            shorten(number, SHORTENED)
    while sum(sizes) > limit and unread < len(talk):
        longest = max(range(unread, len(talk)), key=lambda number: len(shown[number].text))
        if len(shown[longest].text) <= 4 * SHORTENED:
            break
        shorten(longest, len(shown[longest].text) // 4)
    return tuple(shown)


def _size(message: Message) -> int:
    return estimate_tokens(message.text) + sum(estimate_tokens(call.arguments) for call in message.calls)


def _without_middle(text: str, letters: int) -> str:
    """The beginning and the end of a text, some ``letters`` of each, in whole lines where it has any."""
    head, tail = text[:letters], text[-letters:]
    head = head[: head.rfind("\n") + 1] or head
    tail = tail[tail.find("\n") + 1 :] or tail
    lines = text.count("\n") - head.count("\n") - tail.count("\n")
    what = f"{lines} lines" if lines > 1 else f"{len(text) - len(head) - len(tail):,} characters"
    return f"{head.rstrip()}\n[… {what} left out here to save room; read again what you need of them …]\n{tail}"


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
