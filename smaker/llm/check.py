"""Five small questions that show what a model can do: plain text, JSON, a tool call, an edit, a long question. And
three sentences that show whether a provider's vectors tell meanings apart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import mul
from typing import Literal

from pydantic import JsonValue

from smaker.core.errors import ModelError, Unavailable
from smaker.core.models import Usage
from smaker.core.ports.llm import Embedder, LanguageModel, Message, Reply, Request, Tool, Traits
from smaker.llm.wire import section

Ability = Literal["plain", "json", "tool", "edit", "long"]

SHORT_CONTEXT = 4_000
"""Tokens a model is taken to read where it lost the beginning of a long question, or refused it and named no size."""

_BLOCK_FORM = "\n".join(["<" * 7 + " SEARCH", "old lines", "=" * 7, "new lines", ">" * 7 + " REPLACE"])
_ANSWER = 2_000  # tokens: room for models that think aloud
_CAPITAL = Request(
    messages=(Message(role="user", text="What is the capital of France? Answer with one word."),), max_tokens=_ANSWER
)
_JSON = Request(
    messages=(Message(role="user", text="Give the sum of 17 and 25 as a JSON object with the one key sum."),),
    answer_schema={
        "type": "object",
        "properties": {"sum": {"type": "integer"}},
        "required": ["sum"],
        "additionalProperties": False,
    },
    max_tokens=_ANSWER,
)
_TOOL = Request(
    messages=(Message(role="user", text="Read the file src/main.py with the tool, and do nothing else."),),
    tools=(
        Tool(
            name="read_file",
            description="Returns the text of a file.",
            parameters={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
        ),
    ),
    max_tokens=_ANSWER,
)
_EDIT = Request(
    messages=(
        Message(
            role="user",
            text=f"""\
The file greet.py is:

def greet(name):
    return "Hello " + name


def leave(name):
    return "Bye " + name

Make greet end with an exclamation mark. Answer with one block of this form and nothing else: first the lines of the \
file to replace, exactly as they are, then the new ones.

{_BLOCK_FORM}
""",
        ),
    ),
    max_tokens=_ANSWER,
)
_WORD = "marmalade"
_FILLER = "The river was calm that day and nothing happened worth writing down. "  # about 14 tokens
_LONG = Request(
    messages=(
        Message(
            role="user",
            text=f"The password is {_WORD}.\n\n{_FILLER * 570}\n\nWhat is the password? Answer with one word.",
        ),
    ),
    max_tokens=_ANSWER,
)


_SENTENCES = (
    "The cat sleeps on the sofa.",
    "On the sofa a cat is asleep.",
    "Payment of an invoice is due within thirty days.",
)


@dataclass(frozen=True)
class Finding:
    """How one question went; ``why`` says what was wrong."""

    ability: Ability
    able: bool
    why: str = ""


@dataclass(frozen=True)
class Checked:
    """What a model can do, and what it cost to find out."""

    findings: tuple[Finding, ...]
    traits: Traits
    usage: Usage
    embedding: Embedding | None = None


@dataclass(frozen=True)
class Embedding:
    """What a provider's model for embeddings gave: vectors of ``dimension`` numbers; 0 where none came, and why."""

    model: str
    dimension: int = 0
    why: str = ""
    usage: Usage = field(default_factory=Usage)


async def check_embedder(embedder: Embedder) -> Embedding:
    """Ask for the vectors of three sentences, of which two say the same. Nothing is raised for what goes wrong."""
    try:
        answer = await embedder.embed(_SENTENCES)
    except (Unavailable, ModelError) as error:
        return Embedding(embedder.name, why=error.message)
    one, same, other = answer.vectors
    told_apart = sum(map(mul, one, same)) > sum(map(mul, one, other))
    why = "" if told_apart else "finds sentences that say the same no nearer than others"
    return Embedding(embedder.name, len(one), why, answer.usage)


async def check(model: LanguageModel) -> Checked:
    """Ask ``model`` five questions. A model that cannot even answer plainly is asked no more.

    Raises Unavailable if it cannot be reached.
    """
    findings: list[Finding] = []
    usage = Usage()
    short = SHORT_CONTEXT
    for ability, request, judge in _QUESTIONS:
        try:
            reply = await model.ask(request)
        except ModelError as error:
            findings.append(Finding(ability, False, error.message))
            if error.code == "E_MODEL_CONTEXT":
                short = _told(error.message) or short
        else:
            usage += reply.usage
            why = "" if (able := judge(reply)) else f"answered: {_shown(reply)}"
            findings.append(Finding(ability, able, why))
        if ability == "plain" and not findings[0].able:
            break
    able = {finding.ability for finding in findings if finding.able}
    long = model.traits.context_tokens if "long" in able else min(short, model.traits.context_tokens)
    traits = Traits(
        context_tokens=long,
        answer_tokens=min(model.traits.answer_tokens, long // 2),
        tools="tool" in able,
        structured="json" in able,
        edits="edit" in able,
    )
    return Checked(tuple(findings), traits, usage)


_SIZE = re.compile(r"context (?:size|length|window)\D{0,20}(\d{3,7})|(\d{3,7}) maximum", re.IGNORECASE)


def _told(refusal: str) -> int | None:
    """The size of a context in tokens, where a refusal says it."""
    found = _SIZE.search(refusal)
    return int(found[1] or found[2]) if found else None


def _shown(reply: Reply) -> str:
    said = reply.text.strip() or "; ".join(f"{call.name} {call.arguments}" for call in reply.calls)
    return " ".join(said.split())[:100] or f"nothing ({reply.finish})"


def _says(word: str) -> Callable[[Reply], bool]:
    return lambda reply: word in reply.text.lower()


def _is_json(reply: Reply) -> bool:
    """Whether the form was kept: small models do that and add up wrongly."""
    answer = _object(reply.text)
    return set(answer) == {"sum"} and isinstance(answer["sum"], int)


def _calls_the_tool(reply: Reply) -> bool:
    calls = [call for call in reply.calls if call.name == "read_file"]
    return len(calls) == 1 and _object(calls[0].arguments).get("path") == "src/main.py"


_BLOCK = re.compile(r"^<{5,} SEARCH\n(.*?)^={5,}\n(.*?)^>{5,} REPLACE$", re.DOTALL | re.MULTILINE)


def _edits(reply: Reply) -> bool:
    """Whether there is one block, its old lines are the file's, and its new ones do what was asked."""
    blocks = _BLOCK.findall(reply.text)
    if len(blocks) != 1:
        return False
    old, new = blocks[0]
    return 'return "Hello " + name' in old and "Bye" not in new and "!" in new and "!" not in old


def _object(text: str) -> dict[str, JsonValue]:
    try:
        return section(json.loads(text))
    except (ValueError, RecursionError):
        return {}


_QUESTIONS: tuple[tuple[Ability, Request, Callable[[Reply], bool]], ...] = (
    ("plain", _CAPITAL, _says("paris")),
    ("json", _JSON, _is_json),
    ("tool", _TOOL, _calls_the_tool),
    ("edit", _EDIT, _edits),
    ("long", _LONG, _says(_WORD)),
)
