"""How answers look on the wire in the two protocols, whole and as a stream of events."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import JsonValue

from smaker.core.ports.llm import ToolCall
from smaker.testing.model_answers import Asked, Protocol, Say

Object = dict[str, JsonValue]

_ENDINGS = {
    "openai": {"stop": "stop", "length": "length", "calls": "tool_calls", "filtered": "content_filter"},
    "anthropic": {"stop": "end_turn", "length": "max_tokens", "calls": "tool_use", "filtered": "refusal"},
}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
}


def whole(asked: Asked, say: Say) -> Object:
    """The body of an answer that is not streamed."""
    ending = _ENDINGS[asked.protocol][say.ending]
    if asked.protocol == "openai":
        message: Object = {"role": "assistant", "content": say.text or None}
        if say.calls:
            message["tool_calls"] = [_openai_call(call) for call in say.calls]
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": asked.model,
            "choices": [{"index": 0, "message": message, "finish_reason": ending}],
            "usage": _usage(asked, say),
        }
    content: list[JsonValue] = [{"type": "text", "text": say.text}] if say.text else []
    for call in say.calls:
        arguments: JsonValue = json.loads(call.arguments)
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        "stop_reason": ending,
        "usage": _usage(asked, say),
    }


def events(asked: Asked, say: Say, *, ended: bool = True) -> Iterator[Object | str]:
    """The events of a streamed answer, in order; without ``ended`` those that say that and why it ended are missing."""
    return _openai_events(asked, say, ended) if asked.protocol == "openai" else _anthropic_events(asked, say, ended)


def encoded(protocol: Protocol, event: Object | str) -> bytes:
    """One event as bytes of a stream."""
    data = event if isinstance(event, str) else json.dumps(event)
    name = f"event: {event['type']}\n" if protocol == "anthropic" and isinstance(event, dict) else ""
    return f"{name}data: {data}\n\n".encode()


def error(protocol: Protocol, status: int, message: str, code: str | None = None) -> Object:
    """The body of a refusal."""
    kind = _ERRORS[status]
    if protocol == "openai":
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return {"type": "error", "error": {"type": kind, "message": message}}


def _openai_call(call: ToolCall) -> Object:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage(asked: Asked, say: Say) -> Object:
    tokens_in = say.tokens_in if say.tokens_in is not None else len(json.dumps(asked.body)) // 4
    written = len(say.text) + sum(len(call.arguments) for call in say.calls)
    tokens_out = say.tokens_out if say.tokens_out is not None else max(1, written // 4)
    if asked.protocol == "openai":
        return {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
            "prompt_tokens_details": {"cached_tokens": say.tokens_cached},
        }
    return {
        "input_tokens": tokens_in - say.tokens_cached,
        "cache_read_input_tokens": say.tokens_cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": tokens_out,
    }


def _pieces(text: str, size: int) -> Iterator[str]:
    for start in range(0, len(text), size):
        yield text[start : start + size]


def _openai_events(asked: Asked, say: Say, ended: bool) -> Iterator[Object | str]:
    def chunk(delta: Object, ending: str | None = None) -> Object:
        choice: Object = {"index": 0, "delta": delta, "finish_reason": ending}
        return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": asked.model, "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for piece in _pieces(say.text, say.piece):
        yield chunk({"content": piece})
    for index, call in enumerate(say.calls):
        begin: Object = {"index": index, **_openai_call(call.model_copy(update={"arguments": ""}))}
        yield chunk({"tool_calls": [begin]})
        for piece in _pieces(call.arguments, say.piece):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if ended:
        yield chunk({}, _ENDINGS["openai"][say.ending])
        options = asked.body.get("stream_options")
        if isinstance(options, dict) and options.get("include_usage") is True:
            yield {**chunk({}), "choices": [], "usage": _usage(asked, say)}
        yield "[DONE]"


def _anthropic_events(asked: Asked, say: Say, ended: bool) -> Iterator[Object | str]:
    usage = _usage(asked, say)
    start = whole(asked, Say())
    yield {"type": "message_start", "message": {**start, "stop_reason": None, "usage": {**usage, "output_tokens": 1}}}
    yield {"type": "ping"}
    blocks: list[tuple[Object, str, str]] = [({"type": "text", "text": ""}, "text", say.text)] if say.text else []
    for call in say.calls:
        begun: Object = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        blocks.append((begun, "partial_json", call.arguments))
    for index, (block, kind, text) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for piece in _pieces(text, say.piece):
            delta: Object = {"type": "text_delta" if kind == "text" else "input_json_delta", kind: piece}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    if ended:
        ending = _ENDINGS["anthropic"][say.ending]
        yield {
            "type": "message_delta",
            "delta": {"stop_reason": ending},
            "usage": {"output_tokens": usage["output_tokens"]},
        }
        yield {"type": "message_stop"}
