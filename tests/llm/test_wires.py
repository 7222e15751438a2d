"""The two wire protocols against a real server: what is sent, and what comes of what is answered."""

from __future__ import annotations

import asyncio
import base64
import json
import time

import pytest

from smaker.core.errors import Unavailable
from smaker.core.ports.llm import Message, Request, Tool, ToolCall
from smaker.llm.wire import Deadlines
from smaker.testing import Say, assert_safe_failure

SEARCH = Tool(
    name="search",
    description="Finds text.",
    parameters={"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
)
SCHEMA = {
    "type": "object",
    "properties": {"n": {"type": "integer"}},
    "required": ["n"],
    "additionalProperties": False,
}
HELLO = Request(messages=(Message(role="system", text="Be brief."), Message(role="user", text="Hello")))

both = pytest.mark.parametrize("provider", ["openai", "claude"])
ways = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])


async def ask(route, serve, provider, request, *script, streamed=False):
    server = await serve(script)
    pieces: list[str] = []
    reply = await route(**{provider: server}).named(provider).ask(request, pieces.append if streamed else None)
    return reply, server.requests[0], pieces


@both
@ways
async def test_text_with_usage_and_price(route, serve, provider, streamed) -> None:
    text = "Grüße, 世界! " * 20
    say = Say(text, tokens_in=1200, tokens_out=300, tokens_cached=200)
    reply, asked, pieces = await ask(route, serve, provider, HELLO, say, streamed=streamed)
    assert reply.text == text
    assert reply.finish == "stop"
    assert (reply.usage.tokens_in, reply.usage.tokens_out, reply.usage.calls) == (1200, 300, 1)
    assert reply.provider == provider
    assert asked.stream is streamed
    assert "".join(pieces) == (text if streamed else "")
    assert len(pieces) > 5 or not streamed
    assert reply.seconds > 0


@both
@ways
async def test_calls_of_tools(route, serve, provider, streamed) -> None:
    calls = (
        ToolCall(id="a1", name="search", arguments='{"word": "a much longer word than one piece"}'),
        ToolCall(id="a2", name="search", arguments="{}"),
    )
    request = HELLO.model_copy(update={"tools": (SEARCH,)})
    reply, asked, _ = await ask(route, serve, provider, request, Say("Looking.", calls=calls), streamed=streamed)
    assert [(call.id, call.name, json.loads(call.arguments)) for call in reply.calls] == [
        (call.id, call.name, json.loads(call.arguments)) for call in calls
    ]
    assert reply.text == "Looking."
    assert reply.finish == "calls"
    tool = asked.body["tools"][0]
    assert tool == (
        {"type": "function", "function": SEARCH.model_dump()}
        if provider == "openai"
        else {"name": "search", "description": "Finds text.", "input_schema": SEARCH.parameters}
    )


@both
@ways
async def test_an_answer_that_keeps_to_a_schema(route, serve, provider, streamed) -> None:
    request = HELLO.model_copy(update={"answer_schema": SCHEMA})
    formed = ToolCall(id="a", name="answer", arguments='{"n": 5}')
    say = Say('{"n": 5}') if provider == "openai" else Say(calls=(formed,))
    reply, asked, pieces = await ask(route, serve, provider, request, say, streamed=streamed)
    assert json.loads(reply.text) == {"n": 5}
    assert reply.calls == ()
    assert reply.finish == "stop"
    assert "".join(pieces) == (reply.text if streamed else "")
    if provider == "openai":
        form = {"name": "answer", "schema": SCHEMA, "strict": True}
        assert asked.body["response_format"] == {"type": "json_schema", "json_schema": form}
    else:
        assert asked.body["tool_choice"] == {"type": "tool", "name": "answer"}
        assert asked.body["tools"][0]["input_schema"] == SCHEMA


async def test_a_model_that_refuses_force_is_asked_in_words(route, serve) -> None:
    server = await serve([Say(calls=(ToolCall(id="a", name="answer", arguments='{"n": 5}'),)), '{"n": 6}'])
    model = route(claude=server).named("claude/claude-opus-5-5")
    request = HELLO.model_copy(update={"answer_schema": SCHEMA, "temperature": 0.5})
    assert [json.loads((await model.ask(request)).text) for _ in range(2)] == [{"n": 5}, {"n": 6}]
    asked = server.requests[0]
    assert "tool_choice" not in asked.body
    assert "temperature" not in asked.body
    assert asked.body["messages"][-1]["content"][-1]["text"] == "Give your final answer by calling the tool answer."


async def test_calls_that_share_an_index_are_told_apart_by_their_ids(route) -> None:
    parts = [
        {"index": 0, "id": "a", "function": {"name": "search", "arguments": '{"word": '}},
        {"index": 0, "function": {"arguments": '"x"}'}},
        {"index": 0, "id": "b", "function": {"name": "search", "arguments": '{"word": "y"}'}},
        {"index": 1, "id": "c", "function": {"name": "search", "arguments": {"word": "z"}}},
    ]
    chunks = [{"choices": [{"delta": {"tool_calls": [part]}}]} for part in parts]
    sent = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + sent.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    reply = await route(local=url).named("local").ask(HELLO, lambda _: None)
    assert [(call.id, json.loads(call.arguments)["word"]) for call in reply.calls] == [
        ("a", "x"),
        ("b", "y"),
        ("c", "z"),
    ]
    server.close()


async def test_strict_is_asked_only_of_schemas_that_are_closed(route, serve) -> None:
    request = HELLO.model_copy(update={"answer_schema": {**SCHEMA, "required": []}})
    _, asked, _ = await ask(route, serve, "openai", request, '{"n": 1}')
    assert "strict" not in asked.body["response_format"]["json_schema"]


@both
@ways
@pytest.mark.parametrize("finish", ["length", "filtered"])
async def test_why_it_ended_is_passed_on(route, serve, provider, streamed, finish) -> None:
    reply, _, _ = await ask(route, serve, provider, HELLO, Say("Half a", finish=finish), streamed=streamed)
    assert reply.finish == finish
    assert reply.text == "Half a"


TALK = (
    Message(role="system", text="Rules.", stable=True),
    Message(role="user", text="Do it.", stable=True),
    Message(
        role="assistant",
        calls=(
            ToolCall(id="c1", name="search", arguments='{"word": "x"}'),
            ToolCall(id="c2", name="search", arguments='{"wor'),
        ),
    ),
    Message(role="tool", text="found x", answers="c1"),
    Message(role="tool", text="bad arguments", answers="c2"),
    Message(role="user", text="Go on."),
    Message(role="system", text="Hurry.", stable=True),
)


async def test_a_conversation_as_anthropic_wants_it(route, serve) -> None:
    _, asked, _ = await ask(route, serve, "claude", Request(messages=TALK), "Done.")
    mark = {"cache_control": {"type": "ephemeral"}}
    assert asked.path == "/v1/messages"
    assert asked.headers["x-api-key"] == "odd-4712-anthropic-value"
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.body["system"] == [{"type": "text", "text": "Rules.", **mark}]
    assert asked.body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "Do it.", **mark}]},
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "c1", "name": "search", "input": {"word": "x"}},
                {"type": "tool_use", "id": "c2", "name": "search", "input": {"unreadable": '{"wor'}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "found x"},
                {"type": "tool_result", "tool_use_id": "c2", "content": "bad arguments"},
                {"type": "text", "text": "Go on."},
                {"type": "text", "text": "Hurry.", **mark},
            ],
        },
    ]


async def test_at_most_four_cache_marks_the_latest(route, serve) -> None:
    talk = tuple(Message(role="user" if n % 2 == 0 else "assistant", text=f"turn {n}", stable=True) for n in range(7))
    _, asked, _ = await ask(route, serve, "claude", Request(messages=talk), "Done.")
    marked = [turn["content"][0]["text"] for turn in asked.body["messages"] if "cache_control" in turn["content"][0]]
    assert marked == ["turn 3", "turn 4", "turn 5", "turn 6"]


async def test_a_conversation_as_openai_wants_it(route, serve) -> None:
    _, asked, _ = await ask(route, serve, "openai", Request(messages=TALK, temperature=0.2, max_tokens=77), "Done.")
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-odd-4711-openai-value"
    assert [message["role"] for message in asked.body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
        "tool",
        "user",
        "system",
    ]
    called = asked.body["messages"][2]
    assert called["content"] is None
    assert called["tool_calls"][1]["function"]["arguments"] == '{"unreadable": "{\\"wor"}'
    assert asked.body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "found x"}
    assert asked.body["max_tokens"] == 77
    assert asked.body["temperature"] == 0.2
    assert "cache_control" not in json.dumps(asked.body)


async def test_no_more_is_asked_for_than_the_model_can_answer(route, serve) -> None:
    request = HELLO.model_copy(update={"max_tokens": 100_000})
    _, asked, _ = await ask(route, serve, "local", request, "Done.")
    assert asked.body["max_tokens"] == 8_000


async def test_one_connection_serves_many_questions(route, serve) -> None:
    server = await serve(["one", "two", "three"])
    model = route(openai=server).named("openai")
    for word in ("one", "two", "three"):
        assert (await model.ask(HELLO, lambda _: None)).text == word
    assert len(server.requests) == 3
    assert server.connections == 1


@pytest.mark.attack("P96")
async def test_a_credential_in_a_prompt_is_not_sent(route, serve, canaries) -> None:
    key, ours = "ghp_" + "a1B2c3D4e5F6" * 3, canaries.values["OPENAI_API_KEY"]
    text = f"Why does {key} not work? And {ours}, or {base64.b64encode(ours.encode()).decode()}?"
    _, asked, _ = await ask(route, serve, "claude", Request(messages=(Message(role="user", text=text),)), "No idea.")
    assert "[redacted:github]" in asked.text
    assert key not in asked.text
    assert_safe_failure(None, canaries=canaries, places=[asked.text, json.dumps(asked.body)])


@both
@ways
async def test_our_key_in_an_answer_is_masked_wherever_a_stream_cuts_it(route, serve, provider, streamed) -> None:
    text = "Your keys are sk-odd-4711-openai-value and odd-4712-anthropic-value, sk-odd."
    say = Say(text, piece=7, calls=(ToolCall(id="a", name="search", arguments=json.dumps({"word": text})),))
    reply, _, pieces = await ask(route, serve, provider, HELLO, say, streamed=streamed)
    masked = "Your keys are [redacted:openai] and [redacted:claude], sk-odd."
    assert reply.text == masked
    assert "".join(pieces) == (masked if streamed else "")
    assert json.loads(reply.calls[0].arguments) == {"word": masked}


@pytest.mark.attack("P103")
@both
@ways
async def test_proxies_of_the_environment_are_ignored(route, serve, monkeypatch, provider, streamed) -> None:
    evil = await serve(["from the proxy"])
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{evil.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{evil.port}")
    reply, _, _ = await ask(route, serve, provider, HELLO, "direct", streamed=streamed)
    assert reply.text == "direct"
    with pytest.raises(Unavailable):
        await route(**{provider: "https://127.0.0.1:9/v1"}).named(provider).ask(HELLO)
    assert evil.connections == 0


DELTA = b'data: {"choices": [{"index": 0, "delta": {"content": "fine"}, "finish_reason": "stop"}]}'


@pytest.mark.parametrize(
    ("sent", "stays"),
    [
        (DELTA + b"\n\ndata: [DONE]\n\n", True),
        (DELTA + b"\r\n\r\ndata: [DONE]\r\n\r\n", True),
        (b": hello\n\nevent: x\nid: 5\n" + DELTA + b"\n\ndata:[DONE]", False),
        (DELTA + b"\n\n", True),  # it said why it ended, and then nothing more
    ],
    ids=["done", "crlf", "comments", "no-done"],
)
@pytest.mark.parametrize("size", [1, 1000])
async def test_streams_in_all_shapes_that_are_in_use(route, sent, stays, size) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n")
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await asyncio.sleep(0)
        if stays:
            await reader.read()  # until the other side closes
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    pieces: list[str] = []
    begun = time.monotonic()
    deadlines = Deadlines(idle_s=0.5, total_s=5)
    reply = await route(openai=url, deadlines=deadlines).named("openai").ask(HELLO, pieces.append)
    assert reply.text == "fine" == "".join(pieces)
    assert reply.usage.tokens_out == 1  # nothing was counted, so it is estimated
    assert time.monotonic() - begun < 1.5
    server.close()
    await asyncio.sleep(0.01)
