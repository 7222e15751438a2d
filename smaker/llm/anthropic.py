"""The Anthropic protocol (messages)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import JsonValue

from smaker.core.ports.llm import Message, Request, ToolCall
from smaker.llm.events import clean, parse
from smaker.llm.faults import Passing, named_status, refusal
from smaker.llm.mask import Mask
from smaker.llm.names import listed
from smaker.llm.transport import Transport
from smaker.llm.wire import Answer, Endpoint, Finish, Object, OnText, Tokens, arguments_object, count, section

URL = "https://api.anthropic.com/v1"
VERSION = "2023-06-01"

_ANSWER = "answer"  # the tool whose arguments are an answer that must keep to a schema
_ASKED = f"Give your final answer by calling the tool {_ANSWER}."
_MARKS = 4  # places in one question that may be marked for the prompt cache
_FINISH: dict[str, Finish] = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "calls",
    "refusal": "filtered",
}
_WILLING = {
    "claude-3": (True, True),
    "claude-haiku-4": (True, True),
    "claude-sonnet-4": (True, True),
    "claude-opus-4": (True, True),
    "claude-opus-4-7": (True, False),
    "claude-opus-4-8": (True, False),
    "claude-haiku-5": (True, False),
    "claude-sonnet-5": (True, False),
    "claude-opus-5": (True, False),
    "claude-fable-5": (True, False),
    "claude-mythos-5": (True, False),
    "claude-sonnet-5-5": (False, False),
    "claude-opus-5-5": (False, False),
    "claude-fable-5-1": (False, False),
    "claude-mythos-5-1": (False, False),
}
"""Whether a model may be forced to use a tool, and takes a temperature. Newer ones refuse both, so unknown ones are
asked in words and get none."""
_STATUS = {"overloaded_error": 529, "api_error": 500, "timeout_error": 504}


class Anthropic:
    """One model behind ``POST {url}/messages``."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self._endpoint = endpoint
        self._transport = transport

    async def call(self, request: Request, on_text: OnText | None) -> Answer:
        """Ask once, and stream if ``on_text`` is given. Raises ModelFault."""
        key, deadlines = self._endpoint.key, self._endpoint.deadlines
        headers = {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}
        body: Object = {
            "model": self._endpoint.model,
            "max_tokens": request.max_tokens,
            **_question(request, self._endpoint.model),
        }
        url = f"{self._endpoint.url.rstrip('/')}/messages"
        assembly = Assembly(self._endpoint.model, on_text, self._transport.mask, request.answer_schema is not None)
        if on_text is None:
            whole = await self._transport.post(url, headers, body, None, deadlines)
        else:
            whole = await self._transport.post(url, headers, {**body, "stream": True}, assembly.take, deadlines)
        if whole is not None:
            assembly.whole(whole)
        return assembly.answer()


def _question(request: Request, model: str) -> Object:
    forced, temperate = listed(model, _WILLING) or (False, False)
    leading = 0
    while leading < len(request.messages) - 1 and request.messages[leading].role == "system":
        leading += 1
    marked = {number for number, message in enumerate(request.messages) if message.stable}
    marked = set(sorted(marked)[-_MARKS:])
    body: Object = {"messages": _turns(request.messages, leading, marked)}
    if leading:
        system = [block for n in range(leading) for block in _text(request.messages[n], mark=n in marked)]
        if system:
            body["system"] = system
    tools: list[JsonValue] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
    ]
    if request.answer_schema is not None:
        tools.append({"name": _ANSWER, "description": "Gives the answer.", "input_schema": request.answer_schema})
        if forced:
            body["tool_choice"] = {"type": "any"} if request.tools else {"type": "tool", "name": _ANSWER}
        else:
            asked = Message(role="user", text=_ASKED)
            body["messages"] = _turns((*request.messages, asked), leading, marked)
    if tools:
        body["tools"] = tools
    if request.temperature is not None and temperate:
        body["temperature"] = min(1.0, request.temperature)
    return body


def _turns(messages: Sequence[Message], start: int, marked: set[int]) -> list[JsonValue]:
    """User and assistant in turns: what follows one another from one side is one message with several blocks."""
    turns: list[JsonValue] = []
    blocks: list[JsonValue] = []
    speaker = ""
    for number, message in enumerate(messages[start:], start):
        role = "assistant" if message.role == "assistant" else "user"
        if role != speaker:
            blocks, speaker = [], role
            turns.append({"role": role, "content": blocks})
        new = _blocks(message, mark=number in marked)
        if message.role == "tool":
            # answers of tools come first in their turn
            at = sum(1 for block in blocks if section(block).get("type") == "tool_result")
            blocks[at:at] = new
        else:
            blocks += new
    return [turn for turn in turns if section(turn).get("content")]


def _blocks(message: Message, *, mark: bool) -> list[JsonValue]:
    if message.role == "tool":
        result: Object = {"type": "tool_result", "tool_use_id": message.answers or "", "content": message.text}
        return [_marked(result) if mark else result]
    blocks = _text(message, mark=mark and not message.calls)
    for call in message.calls:
        used: Object = {
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": arguments_object(call.arguments),
        }
        blocks.append(_marked(used) if mark and call is message.calls[-1] else used)
    return blocks


def _text(message: Message, *, mark: bool) -> list[JsonValue]:
    """One block; none where there is only white space, which the protocol refuses."""
    if not message.text.strip():
        return []
    block: Object = {"type": "text", "text": message.text}
    return [_marked(block) if mark else block]


def _marked(block: Object) -> Object:
    return {**block, "cache_control": {"type": "ephemeral"}}


class _Block:
    """One block of an answer whose parts are still coming."""

    def __init__(self, begun: Object) -> None:
        self.kind = begun.get("type")
        self.id = clean(str(begun.get("id") or ""))
        self.name = clean(str(begun.get("name") or ""))
        given = begun.get("input")
        self.given = json.dumps(given) if given else ""
        text = begun.get("text")
        self.parts = [clean(text)] if isinstance(text, str) and text else []

    @property
    def content(self) -> str:
        return "".join(self.parts)


class Assembly:
    """Puts an answer together, streamed or whole. With ``formed`` the answer is the arguments of the tool for that."""

    def __init__(self, model: str, on_text: OnText | None, mask: Mask, formed: bool) -> None:
        self._model = model
        self._on_text = on_text
        self._mask = mask
        self._formed = formed
        self._blocks: dict[int, _Block] = {}
        self._reason: str | None = None
        self._usage: Object = {}

    def take(self, data: bytes) -> bool:
        """Take the data of one event; True when it was the last. Raises ModelFault."""
        event = parse(data)
        kind, index = event.get("type"), count(event.get("index"))
        if kind == "error" or "error" in event:
            self._refuse(event.get("error"))
        elif kind == "message_start":
            message = section(event.get("message"))
            self._model = clean(str(message.get("model") or self._model))
            self._usage = section(message.get("usage"))
        elif kind == "content_block_start":
            self._begin(index, section(event.get("content_block")))
        elif kind == "content_block_delta":
            self._add(self._blocks.setdefault(index, _Block({"type": "text"})), section(event.get("delta")))
        elif kind == "message_delta":
            self._usage = {**self._usage, **section(event.get("usage"))}
            self._end(section(event.get("delta")).get("stop_reason"))
        return kind == "message_stop"

    def whole(self, body: Object) -> None:
        """Take an answer that was not streamed. Raises ModelFault."""
        if body.get("type") == "error" or "error" in body:
            self._refuse(body.get("error"))
        self._model = clean(str(body.get("model") or self._model))
        self._usage = section(body.get("usage"))
        content = body.get("content")
        for index, block in enumerate(content if isinstance(content, list) else []):
            self._begin(index, section(block))
        self._end(body.get("stop_reason"))

    def answer(self) -> Answer:
        """Return the whole. Raises Passing if it ended before it was whole."""
        if self._reason is None:
            raise Passing("broke off in the middle of its answer")
        blocks = [self._blocks[index] for index in sorted(self._blocks)]
        said = [block.content for block in blocks if block.kind == "text"]
        used = [block for block in blocks if block.kind == "tool_use"]
        formed = [block for block in used if self._formed and block.name == _ANSWER]
        calls = tuple(
            ToolCall(
                id=block.id or f"call_{number}", name=block.name, arguments=block.content or clean(block.given) or "{}"
            )
            for number, block in enumerate(used)
            if block not in formed
        )
        text = "".join(said)
        if formed:
            text = formed[0].content or clean(formed[0].given) or "{}"
        finish = _FINISH.get(self._reason, "stop")
        if finish in {"stop", "calls"}:
            finish = "calls" if calls else "stop"
        return Answer(text, calls, finish, self._model, self._tokens())

    def _begin(self, index: int, block: Object) -> None:
        self._blocks[index] = begun = _Block(block)
        if begun.parts and self._on_text is not None:
            self._on_text(begun.content)

    def _add(self, block: _Block, delta: Object) -> None:
        text, json_part = delta.get("text"), delta.get("partial_json")
        if isinstance(text, str) and text:
            block.parts.append(clean(text))
            if self._on_text is not None:
                self._on_text(block.parts[-1])
        elif isinstance(json_part, str):
            block.parts.append(clean(json_part))
            if self._formed and block.name == _ANSWER and self._on_text is not None:
                self._on_text(block.parts[-1])

    def _end(self, reason: JsonValue) -> None:
        if isinstance(reason, str):
            self._reason = reason

    def _refuse(self, error: JsonValue) -> None:
        status, words = named_status(error)
        raise refusal(_STATUS.get(str(section(error).get("type")), status), self._mask.quote(words))

    def _tokens(self) -> Tokens | None:
        if not self._usage:
            return None
        cached = count(self._usage.get("cache_read_input_tokens"))
        stored = count(self._usage.get("cache_creation_input_tokens"))
        fresh = count(self._usage.get("input_tokens"))
        return Tokens(
            into=fresh + cached + stored, out=count(self._usage.get("output_tokens")), cached=cached, stored=stored
        )
