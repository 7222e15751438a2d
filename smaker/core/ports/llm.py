"""Language models: what is asked, what comes back, and who answers. The words are those of no vendor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field, JsonValue

from smaker.core.models import Usage
from smaker.core.spec import Frozen


class Role(StrEnum):
    """What a model is asked for; ``llm.routing`` has a key for each."""

    PLANNING = "planning"
    CODE_GENERATION = "code_generation"
    TESTING = "testing"
    FIXING = "fixing"
    REVIEW = "review"


class ToolCall(Frozen):
    """One use of a tool, as the model wrote it: ``arguments`` is JSON text that nobody has checked yet."""

    id: str
    name: str
    arguments: str


class Message(Frozen):
    """One turn. ``calls`` are an assistant's; ``answers`` is, in a tool's turn, the id of the call it answers.

    ``stable``: all up to here is sent again soon, so a provider's prompt cache is worth a mark.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    answers: str | None = None
    stable: bool = False


class Tool(Frozen):
    """A tool the model may call; ``parameters`` is the JSON schema of its arguments, an object."""

    name: str
    description: str
    parameters: dict[str, JsonValue]


class Request(Frozen):
    """One call of a model. ``answer_schema``: the answer must be JSON of that schema. ``max_tokens`` bounds it."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    answer_schema: dict[str, JsonValue] | None = None
    max_tokens: int = Field(default=16_000, ge=1)
    temperature: float | None = None


class Reply(Frozen):
    """What a model answered. ``finish`` "length" means that it was cut off, "filtered" that it declined.

    ``provider`` is its name in the configuration, ``model`` what the provider says it is; ``seconds`` of wall time.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "length", "calls", "filtered"] = "stop"
    provider: str
    model: str
    usage: Usage = Usage()
    seconds: float = 0.0


class Traits(Frozen):
    """What is known of a model: sizes in tokens, and what it can do. Measured by ``smaker models check``."""

    context_tokens: int = 32_000
    answer_tokens: int = 8_000
    tools: bool = True  # native tool calls; without them, tools are fenced text
    structured: bool = True  # answers that keep to a JSON schema
    edits: bool = True  # search/replace blocks; without them, whole files only
    proposals: int = 1  # answers that one question gets, where tests are to choose between them


class LanguageModel(Protocol):
    """One model, or several behind a strategy that look like one."""

    @property
    def name(self) -> str:
        """What it is called in messages and in the ledger, such as "openai/gpt-4.1"."""
        ...

    @property
    def traits(self) -> Traits:
        """What it can do; of several, what all can."""
        ...

    async def ask(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Answer; ``on_text`` is given the text as it comes.

        Raises:
            Unavailable: nobody answers now; the same question may be answered later.
            ModelError: the answer, or the question, cannot be used, and asking again would not help.
        """
        ...


@runtime_checkable
class Proposing(Protocol):
    """Several models whose answers are chosen from by whoever asks: `Traits.proposals` says how many."""

    async def propose(self, request: Request) -> tuple[Reply, ...]:
        """The answers of all that gave one. Raises what `LanguageModel.ask` raises if none did."""
        ...


@dataclass(frozen=True)
class Embedded:
    """A vector of length 1 for each text, in their order and of equally many numbers, and what it cost to have them.

    The nearer two texts are in meaning, the greater the product of their vectors.
    """

    vectors: tuple[Sequence[float], ...]
    usage: Usage


class Embedder(Protocol):
    """A model that turns texts into vectors."""

    @property
    def name(self) -> str:
        """What it is called in messages and in the ledger, such as "openai/text-embedding-3-small"."""
        ...

    async def embed(self, texts: Sequence[str]) -> Embedded:
        """Return the vectors of any number of texts; of a long one, of its beginning. Raises what `LanguageModel.ask`
        raises."""
        ...


class Models(Protocol):
    """All configured models."""

    def for_role(self, role: Role, turn: int = 0) -> LanguageModel:
        """Who answers for a role; with ``turn`` n, the n-th after the one whose turn it would be first, where a role
        has several. Raises ConfigError where no provider that is enabled serves it."""
        ...

    def named(self, name: str) -> LanguageModel:
        """One provider by its name in the configuration, or "provider/model". Raises ConfigError."""
        ...

    def embedder(self, provider: str | None = None) -> Embedder | None:
        """The first that is offered by a provider in use, or by this one alone; None if none is. Raises ConfigError."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
