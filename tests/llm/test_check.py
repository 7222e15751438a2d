"""What a model can do is found out by asking it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from smaker.config.settings import Llm, Provider
from smaker.core.errors import Unavailable
from smaker.core.ports.llm import Role, ToolCall, Traits
from smaker.core.secrets import Redactor
from smaker.llm.check import check
from smaker.llm.discover import Found, discover
from smaker.llm.router import Router
from smaker.testing import Asked, Fault, FrozenClock, Say, ScriptedModelServer

BLOCK = """
<<<<<<< SEARCH
    return "Hello " + name
=======
    return "Hello " + name + "!"
>>>>>>> REPLACE
"""
READ = ToolCall(id="a", name="read_file", arguments='{"path": "src/main.py"}')
SUM = ToolCall(id="a", name="answer", arguments='{"sum": 42}')


def good(asked: Asked) -> Say:
    """A model that can do all five."""
    if "capital" in asked.text:
        return Say("Paris.")
    if "JSON" in asked.text:
        return Say('{"sum": 42}') if asked.protocol == "openai" else Say(calls=(SUM,))
    if "tool" in asked.text:
        return Say(calls=(READ,))
    return Say(BLOCK if "SEARCH" in asked.text else "Marmalade")


def but(word: str, answer: Say | Fault) -> Callable[[Asked], Say | Fault]:
    """A good model, but for one question."""
    return lambda asked: answer if word in asked.text else good(asked)


@pytest.mark.parametrize("provider", ["openai", "claude"])
async def test_a_model_that_can_do_everything(route, serve, provider) -> None:
    server = await serve(good)
    model = route(**{provider: server}).named(provider)
    checked = await check(model)
    assert [(finding.ability, finding.able) for finding in checked.findings] == [
        (ability, True) for ability in ("plain", "json", "tool", "edit", "long")
    ]
    assert checked.traits == model.traits
    assert checked.usage.calls == 5
    assert 7_000 < len(json.dumps(server.requests[-1].body)) / 4.5 < 10_000


@pytest.mark.parametrize(
    ("word", "answer", "trait"),
    [
        ("JSON", Say("The sum is 42."), "structured"),
        ("JSON", Say('{"sum": "42"}'), "structured"),
        ("the tool", Say("I would read src/main.py."), "tools"),
        ("the tool", Say(calls=(READ.model_copy(update={"arguments": '["src/main.py"]'}),)), "tools"),
        ("SEARCH", Say("def greet(name): ..."), "edits"),
        ("SEARCH", Say(BLOCK + BLOCK), "edits"),
        ("SEARCH", Say(BLOCK.replace("Hello", "Hullo")), "edits"),
    ],
)
async def test_what_it_cannot_do_is_told(route, serve, word, answer, trait) -> None:
    server = await serve(but(word, answer))
    checked = await check(route(openai=server).named("openai"))
    (failed,) = [finding for finding in checked.findings if not finding.able]
    assert failed.why.startswith("answered: ")
    everything = {"tools", "structured", "edits"}
    assert {name for name in everything if getattr(checked.traits, name)} == everything - {trait}


@pytest.mark.parametrize(("answer", "size"), [(Say("What password?"), 4_000), (Fault.TOO_LONG, 8_192)])
async def test_a_model_that_loses_the_beginning_has_a_short_context(route, serve, answer, size) -> None:
    server = await serve(but("password", answer))
    checked = await check(route(local=server).named("local"))
    assert checked.traits == Traits(context_tokens=size, answer_tokens=min(8_000, size // 2))


async def test_a_model_that_cannot_talk_is_asked_no_more(route, serve) -> None:
    server = await serve(lambda _: "I am a teapot")
    checked = await check(route(openai=server).named("openai"))
    assert [finding.able for finding in checked.findings] == [False]
    assert len(server.requests) == 1
    assert not checked.traits.tools


async def test_a_model_that_cannot_be_reached_is_not_judged(route) -> None:
    with pytest.raises(Unavailable, match="is not running"):
        await check(route(local="http://127.0.0.1:1/v1").named("local"))


async def test_what_was_found_out_is_kept_and_may_become_better(serve, tmp_path) -> None:
    server = await serve(but("password", Say("What password?")))
    llm = Llm(mode="local", providers={"local": Provider(model="m", base_url=server.url)})

    def router() -> Router:
        return Router(llm, {}, FrozenClock(), Redactor(), measured=tmp_path / "models.json")

    first = router()
    assert first.for_role(Role.REVIEW).traits == Traits()
    await first.check("local")
    assert first.for_role(Role.REVIEW).traits.context_tokens == 4_000
    again = router()
    assert again.named("local").traits.context_tokens == 4_000
    server.script = good
    assert (await again.check("local")).traits == Traits()
    assert router().named("local").traits == Traits()
    for one in (first, again):
        await one.close()


@pytest.mark.parametrize(
    ("given", "dimension", "why"),
    [
        (None, 256, ""),
        ([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], 2, "no nearer than others"),
        ([[1.0]], 0, "1 vectors for 3 texts"),
        (Fault.UNKNOWN_MODEL, 0, "does not know the model"),
    ],
    ids=["good", "turned round", "too few", "unknown"],
)
async def test_embeddings_are_tried_where_a_model_is_named(serve, given, dimension, why) -> None:
    server = await serve(good, vectors=lambda _: given)
    local = Provider(model="m", embedding_model="e", base_url=server.url)
    router = Router(Llm(mode="local", providers={"local": local}), {}, FrozenClock(), Redactor())
    checked = await router.check("local")
    await router.close()
    assert checked.embedding is not None
    assert (checked.embedding.model, checked.embedding.dimension) == ("local/e", dimension)
    assert why in checked.embedding.why
    assert bool(why) == bool(checked.embedding.why)
    assert checked.usage.calls == (6 if dimension else 5)
    assert checked.traits == Traits()


# --- servers on this machine ------------------------------------------------------------------------------------------


async def test_servers_are_found_and_others_are_not(serve, unused_tcp_port) -> None:
    server = await serve()
    async with ScriptedModelServer(models=("qwen", "llama")) as other:
        found = await discover({unused_tcp_port: "Ollama", server.port: "vLLM", other.port: "llama.cpp"})
    assert found == (
        Found("vLLM", server.url, ("scripted",)),
        Found("llama.cpp", f"http://127.0.0.1:{other.port}/v1", ("qwen", "llama")),
    )


async def test_a_port_that_says_nothing_or_something_else_is_no_server() -> None:
    import asyncio

    answers = [b"", b"HTTP/1.1 200 OK\r\n\r\n<html>", b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000, b"SSH-2.0-x\r\n\r\n"]

    def answering(data: bytes):
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            if data:
                writer.write(data)
                writer.close()
            else:
                await reader.read()
                writer.close()

        return answer

    servers = [await asyncio.start_server(answering(data), "127.0.0.1", 0) for data in answers]
    ports = {server.sockets[0].getsockname()[1]: "x" for server in servers}
    begun = asyncio.get_running_loop().time()
    assert await discover(ports, timeout_s=0.2) == ()
    assert asyncio.get_running_loop().time() - begun < 0.6
    for server in servers:
        server.close()


async def test_the_usual_ports_take_no_time_where_nobody_listens() -> None:
    import asyncio

    begun = asyncio.get_running_loop().time()
    assert isinstance(await discover(), tuple)
    assert asyncio.get_running_loop().time() - begun < 1.0
