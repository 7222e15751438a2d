"""The OpenAI protocol (chat completions), which most providers and every local server speak."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from pydantic import JsonValue

from smaker.core.ports.llm import Message, Request, Tool, ToolCall
from smaker.llm.events import clean, parse
from smaker.llm.faults import Passing, named_status, refusal
from smaker.llm.mask import Mask
from smaker.llm.transport import Transport
from smaker.llm.wire import Answer, Endpoint, Finish, Object, OnText, Tokens, arguments_object, count, section

URL = "https://api.openai.com/v1"

_FINISH: dict[str, Finish] = {
    "length": "length",
    "tool_calls": "calls",
    "function_call": "calls",
    "content_filter": "filtered",
}
_TEMPERATE = ("gpt-3", "gpt-4", "chatgpt-4")  # models of OpenAI that take a temperature; those that reason refuse it


class OpenAI:
    """One model behind ``POST {url}/chat/completions``."""

    def __init__(self, endpoint: Endpoint, transport: Transport) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._own = (urlsplit(endpoint.url).hostname or "").endswith("openai.com")

    async def call(self, request: Request, on_text: OnText | None) -> Answer:
        """Ask once, and stream if ``on_text`` is given. Raises ModelFault."""
        key = self._endpoint.key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        assembly = Assembly(self._endpoint.model, on_text, self._transport.mask)
        take = assembly.take if on_text is not None else None
        url = f"{self._endpoint.url.rstrip('/')}/chat/completions"
        try:
            whole = await self._transport.post(
                url, headers, self._body(request, stream=take is not None), take, self._endpoint.deadlines
            )
        except Passing:
            if not assembly.finished:
                raise
            whole = None  # what broke was only what comes after the answer
        return assembly.answer() if whole is None else read(whole, self._endpoint.model, self._transport.mask)

    def _body(self, request: Request, *, stream: bool) -> Object:
        model = self._endpoint.model
        body = question(request)
        # OpenAI's newer models refuse the old name, most other servers do not know the new one
        body = {"model": model, **body, "max_completion_tokens" if self._own else "max_tokens": request.max_tokens}
        if request.temperature is not None and (not self._own or model.startswith(_TEMPERATE)):
            body["temperature"] = request.temperature
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        return body


def question(request: Request) -> Object:
    """Return messages, tools and form of the answer, as the protocol has them."""
    body: Object = {"messages": [_message(message) for message in request.messages]}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
    if request.answer_schema is not None:
        form: Object = {"name": "answer", "schema": request.answer_schema}
        if _closed(request.answer_schema):
            form["strict"] = True
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def _message(message: Message) -> Object:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.answers or "", "content": message.text}
    said: Object = {"role": message.role, "content": message.text}
    if message.calls:
        said["content"] = message.text or None
        said["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(arguments_object(call.arguments))},
            }
            for call in message.calls
        ]
    return said


def _tool(tool: Tool) -> Object:
    described: Object = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return {"type": "function", "function": described}


def _closed(schema: JsonValue) -> bool:
    """Whether every object in ``schema`` lists all it holds as required: strict answers are for such schemas alone."""
    if isinstance(schema, list):
        return all(_closed(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    properties = schema.get("properties")
    if schema.get("type") == "object" or properties is not None:
        required = schema.get("required")
        named = set(section(properties))
        if schema.get("additionalProperties") is not False or not isinstance(required, list):
            return False
        if not named <= {name for name in required if isinstance(name, str)}:
            return False
    return all(_closed(part) for part in schema.values())


def read(body: Object, model: str, mask: Mask) -> Answer:
    """Return the answer in a whole body. Raises ModelFault."""
    refuse_error(body, mask)
    choices = body.get("choices")
    choice = section(choices[0]) if isinstance(choices, list) and choices else {}
    message = section(choice.get("message"))
    reason = choice.get("finish_reason")
    if choice and not isinstance(reason, str):
        raise Passing("gives an answer without saying whether it is whole")
    raw = message.get("tool_calls")
    calls: list[ToolCall] = []
    for number, one in enumerate(raw if isinstance(raw, list) else []):
        function = section(section(one).get("function"))
        arguments = function.get("arguments")
        calls.append(
            ToolCall(
                id=clean(str(section(one).get("id") or f"call_{number}")),
                name=clean(str(function.get("name") or "")),
                arguments=clean(arguments if isinstance(arguments, str) else json.dumps(arguments or {})),
            )
        )
    return Answer(
        text=clean(text_of(message.get("content"))),
        calls=tuple(calls),
        finish=ending(reason, bool(calls)),
        model=clean(str(body.get("model") or model)),
        tokens=tokens(body.get("usage")),
    )


def refuse_error(body: Object, mask: Mask) -> None:
    """Raise what an error object in ``body`` means; they come with status 200 too."""
    if error := body.get("error"):
        status, words = named_status(error)
        raise refusal(status, mask.quote(words))


def text_of(content: JsonValue) -> str:
    """Return the text of a message: it is a string, null, or a list of parts."""
    if isinstance(content, list):
        return "".join(text_of(section(part).get("text")) for part in content)
    return content if isinstance(content, str) else ""


def ending(reason: JsonValue, calls: bool) -> Finish:
    """Return why an answer ended. Some servers say "stop" where there are calls."""
    finish = _FINISH.get(reason, "stop") if isinstance(reason, str) else "stop"
    return "calls" if calls and finish == "stop" else finish


def tokens(usage: JsonValue) -> Tokens | None:
    """Return what was counted, if it was."""
    counted = section(usage)
    if not counted:
        return None
    cached = count(section(counted.get("prompt_tokens_details")).get("cached_tokens"))
    return Tokens(into=count(counted.get("prompt_tokens")), out=count(counted.get("completion_tokens")), cached=cached)


class _Call:
    """A call whose parts are still coming."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.name = ""
        self.arguments: list[str] = []


class Assembly:
    """Puts a streamed answer together."""

    def __init__(self, model: str, on_text: OnText | None, mask: Mask) -> None:
        self.finished = False
        self._model = model
        self._on_text = on_text
        self._mask = mask
        self._text: list[str] = []
        self._calls: list[_Call] = []
        self._at: dict[int | None, _Call] = {}  # by index, the one that is still coming
        self._reason: JsonValue = None
        self._tokens: Tokens | None = None

    def take(self, data: bytes) -> bool:
        """Take the data of one event; True when it was the last. Raises ModelFault."""
        if data.strip() == b"[DONE]":
            self.finished = True
            return True
        event = parse(data)
        refuse_error(event, self._mask)
        self._model = clean(str(event.get("model") or self._model))
        self._tokens = tokens(event.get("usage")) or self._tokens
        choices = event.get("choices")
        choice = section(choices[0]) if isinstance(choices, list) and choices else {}
        delta = section(choice.get("delta"))
        if piece := clean(text_of(delta.get("content"))):
            self._text.append(piece)
            if self._on_text is not None:
                self._on_text(piece)
        parts = delta.get("tool_calls")
        for part in parts if isinstance(parts, list) else []:
            self._add(section(part))
        if isinstance(choice.get("finish_reason"), str):
            self._reason = choice["finish_reason"]
            self.finished = True
        return False

    def _add(self, part: Object) -> None:
        """Take a part of a call. They belong together by index; some servers send none, or the same for every call."""
        index, id = part.get("index"), clean(str(part.get("id") or ""))
        function = section(part.get("function"))
        name = clean(str(function.get("name") or ""))
        at = index if isinstance(index, int) else None
        call = self._at.get(at)
        if call is None or (id and name and id != call.id):
            call = self._at[at] = _Call(id or f"call_{len(self._calls)}")
            self._calls.append(call)
        call.name = call.name or name
        arguments = function.get("arguments")
        if arguments:
            call.arguments.append(clean(arguments if isinstance(arguments, str) else json.dumps(arguments)))

    def answer(self) -> Answer:
        """Return the whole. Raises Passing if the stream ended before it was whole."""
        if not self.finished:
            raise Passing("broke off in the middle of its answer")
        calls = tuple(
            ToolCall(id=call.id, name=call.name, arguments="".join(call.arguments) or "{}") for call in self._calls
        )
        return Answer("".join(self._text), calls, ending(self._reason, bool(calls)), self._model, self._tokens)
