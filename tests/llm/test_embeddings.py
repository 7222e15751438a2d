"""Vectors over real HTTP: what is sent, what is believed, what is paid, and what is not paid again."""

from __future__ import annotations

import math
import random
import sqlite3
import string
from collections.abc import Sequence
from operator import mul
from pathlib import Path

import pytest

from smaker.config.settings import Llm, Mode
from smaker.core.errors import ConfigError, ModelAway, ModelError
from smaker.core.ports import Embedder
from smaker.llm.embedder import BATCH, LONGEST
from smaker.llm.vectors import KeptVectors
from smaker.llm.wire import Deadlines
from smaker.testing import Asked, Fault, FrozenClock, assert_safe_failure, word_vector

HASTE = Deadlines(connect_s=1, first_s=0.3, idle_s=0.3, total_s=0.3)
TEXTS = ("the cat sat on the mat", "a cat on a mat", "taxes are due in april")


def offering(mode: Mode = "hybrid", **models: str) -> Llm:
    """Settings in which these providers name a model for embeddings."""
    llm = Llm(mode=mode)
    providers = {name: one.model_copy(update={"enabled": True}) for name, one in llm.providers.items()}
    for name, model in models.items():
        providers[name] = providers[name].model_copy(update={"embedding_model": model})
    return llm.model_copy(update={"providers": providers})


def near(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(map(mul, one, other))


@pytest.fixture
def embedder(route, serve):
    """The embedder of a scripted server, of which the script for vectors is given."""

    async def make(*vectors, **more):
        server = await serve(key=more.pop("key", None), vectors=vectors, alike=more.pop("alike", None))
        made = route(offering(openai="text-embedding-3-small"), openai=server, **more).embedder()
        assert made is not None
        return server, made

    return make


# --- who is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("llm", "only", "name"),
    [
        (Llm(mode="hybrid"), None, None),
        (offering("offline", openai="small"), None, None),
        (offering("hybrid", openai="small", local="nomic"), None, "openai/small"),
        (offering("hybrid", local="nomic"), None, "local/nomic"),
        (offering("local", openai="small", local="nomic"), None, "local/nomic"),
        (offering("local", openai="small"), None, None),
        (offering("claude", openai="small"), None, None),
        (offering("hybrid", openai="small", local="nomic"), "local", "local/nomic"),
        (offering("hybrid", openai="small"), "claude", None),
        (offering("hybrid", openai="small"), "nobody", None),
    ],
)
def test_the_mode_says_who_is_asked(route, llm: Llm, only: str | None, name: str | None) -> None:
    found = route(llm).embedder(only)
    assert (found.name if found else None) == name


def test_one_whose_key_is_set_goes_first(route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert route(offering(openai="small", local="nomic")).embedder().name == "local/nomic"
    assert route(offering(openai="small")).embedder().name == "openai/small"


async def test_a_missing_key_is_told(route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "")
    with pytest.raises(ModelAway, match="OPENAI_API_KEY is not set") as caught:
        await route(offering(openai="small")).embedder().embed(TEXTS)
    assert_safe_failure(caught.value, code="E_MODEL_AUTH")


def test_the_anthropic_protocol_has_none(route) -> None:
    with pytest.raises(ConfigError, match="the Anthropic protocol has none") as caught:
        route(offering(claude="voyage-3")).embedder()
    assert "llm.providers.claude.embedding_model null" in caught.value.hint


# --- what is asked and believed ---------------------------------------------------------------------------------------


async def test_vectors_come_in_the_order_of_the_texts(embedder) -> None:
    server, model = await embedder()
    answer = await model.embed(TEXTS)
    assert [math.isclose(near(vector, vector), 1.0, rel_tol=1e-5) for vector in answer.vectors] == [True] * 3
    expected = word_vector(TEXTS[0])
    scale = math.sqrt(sum(number * number for number in expected))
    assert answer.vectors[0] == pytest.approx([number / scale for number in expected])
    one, other, taxes = answer.vectors
    assert near(one, other) > 0.3 > near(one, taxes)
    (asked,) = server.embedded
    assert asked.body == {"model": "text-embedding-3-small", "input": [*TEXTS]}
    assert asked.headers["authorization"].startswith("Bearer ")


async def test_what_it_costs(embedder, route) -> None:
    _, model = await embedder()
    usage = (await model.embed(TEXTS)).usage
    assert usage.calls == 1
    assert usage.tokens_out == 0
    assert usage.tokens_in == len('{"model": "text-embedding-3-small", "input": ["", "", ""]}' + "".join(TEXTS)) // 4
    assert usage.cost_usd == 0.0, "what runs on this machine is free"
    prices = route().prices
    assert (await prices.of("openai", "text-embedding-3-small")).into == 0.02


async def test_many_texts_are_sent_in_batches_and_long_ones_clipped(embedder) -> None:
    server, model = await embedder()
    texts = [f"text {number} " + "word " * (number * 10) for number in range(2 * BATCH + 1)]
    answer = await model.embed([*texts, "", texts[0]])
    assert [len(asked.texts) for asked in server.embedded] == [BATCH, BATCH, 2]
    assert max(len(text) for asked in server.embedded for text in asked.texts) == LONGEST
    assert "" not in server.embedded[-1].texts, "providers refuse an empty text"
    assert len(answer.vectors) == len(texts) + 2
    assert answer.vectors[0] == answer.vectors[-1]
    assert answer.usage.calls == 3


async def test_no_credential_is_sent(embedder) -> None:
    secret = "sk-" + "proj-" + "".join(random.Random(5).choices(string.ascii_letters + string.digits, k=48))
    server, model = await embedder()
    await model.embed([f'KEY = "{secret}"'])
    assert secret not in str(server.embedded[0].body)
    assert "redacted" in server.embedded[0].texts[0]


async def test_a_model_that_reads_less_is_sent_less(embedder) -> None:
    server, model = await embedder()

    def script(asked: Asked) -> Fault | None:
        return Fault.TOO_LONG if max(map(len, asked.texts)) > 1000 else None

    server.vectors = script
    await model.embed(["word " * 2000])
    assert [len(asked.texts[0]) for asked in server.embedded] == [4000, 2000, 1000]
    await model.embed(["other " * 2000])
    assert [len(asked.texts[0]) for asked in server.embedded] == [4000, 2000, 1000, 1000], "it is remembered"


async def test_a_model_that_reads_nothing_is_an_error(embedder) -> None:
    server, model = await embedder(*[Fault.TOO_LONG] * 9)
    with pytest.raises(ModelError) as caught:
        await model.embed(["word " * 2000])
    assert caught.value.code == "E_MODEL_CONTEXT"
    assert len(server.embedded) == 4


# --- what goes wrong --------------------------------------------------------------------------------------------------


async def test_trouble_that_passes_is_waited_for(embedder) -> None:
    clock = FrozenClock()
    server, model = await embedder(Fault.ERROR_500, Fault.WAIT_1, clock=clock)
    begun = clock.monotonic()
    assert len((await model.embed(TEXTS)).vectors) == 3
    assert len(server.embedded) == 3
    assert clock.monotonic() - begun >= 2.0, "a second after the first, and what Retry-After says after the next"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "0 vectors for 3 texts"),
        ([[1.0], [2.0]], "2 vectors for 3 texts"),
        ([[1.0, 2.0], [1.0, 2.0], [1.0]], "different lengths"),
        ([[1.0], [1.0], []], "no vector"),
        ([[1.0], [1.0], [math.nan]], "no numbers"),
        ([[1.0], [1.0], [math.inf]], "no numbers"),
        ([[1.0], [1.0], ["1.0"]], "no numbers"),
        ([[1.0], [1.0], [True]], "no numbers"),
        ([[1.0], [1.0], [None]], "no numbers"),
        ([[1.0], [1.0], [10**400]], "no numbers"),
        ([[1.0], [1.0], [0.5] * 20_000], "no vector"),
        (Fault.KEY_ECHO, "refuses the key"),
        (Fault.UNKNOWN_MODEL, "does not know the model"),
        (Fault.WAIT_DAY, "asks to wait"),
        (Fault.MOVED_307, "points elsewhere"),
        (Fault.HTML_200, "instead of JSON"),
        (Fault.BAD_JSON, "not JSON"),
        (Fault.DEEP_JSON, "nested too deeply"),
        (Fault.CUT_BODY, "broke off"),
        (Fault.HUGE, "more than 8 MB"),
        (Fault.GZIP_BOMB, "compressed"),
        (Fault.ERROR_IN_200, "out of order"),
        (Fault.NO_CHOICES, "0 vectors"),
    ],
    ids=str,
)
async def test_what_is_no_answer_is_a_typed_fault(embedder, serve, given, why) -> None:
    other = await serve()
    server, model = await embedder(*[given] * 3)
    server.elsewhere = f"http://127.0.0.1:{other.port}"
    with pytest.raises(ModelAway, match=why) as caught:
        await model.embed(TEXTS)
    assert caught.value.message.startswith("openai/text-embedding-3-small ")
    assert_safe_failure(caught.value)
    assert "odd-4711" not in f"{caught.value.message}{caught.value.hint}"
    assert other.embedded == []


async def test_the_remedy_names_the_setting(embedder) -> None:
    _, model = await embedder(Fault.UNKNOWN_MODEL)
    with pytest.raises(ModelAway) as caught:
        await model.embed(TEXTS)
    assert "llm.providers.openai.embedding_model" in caught.value.hint


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.SLOW_BODY])
async def test_a_slow_one_is_asked_once(embedder, fault) -> None:
    server, model = await embedder(*[fault] * 3, deadlines=HASTE)
    with pytest.raises(ModelAway, match="too slow"):
        await model.embed(TEXTS)
    assert len(server.embedded) == 1, "a search does not wait for it twice"


async def test_one_that_fails_again_and_again_is_left_alone_and_its_chat_is_not(route, serve) -> None:
    server = await serve(["Hello"] * 2, vectors=lambda _: Fault.KEY_ECHO)
    router = route(offering(openai="small"), openai=server)
    for _ in range(7):
        with pytest.raises(ModelAway):
            await router.embedder().embed(TEXTS)
    assert len(server.embedded) == 5
    from smaker.core.ports import Message, Request

    reply = await router.named("openai").ask(Request(messages=(Message(role="user", text="Hi"),)))
    assert reply.text == "Hello"


# --- what is kept -----------------------------------------------------------------------------------------------------


async def test_a_text_is_paid_for_once(route, serve, tmp_path: Path) -> None:
    server = await serve()

    def model(name: str = "small") -> Embedder:
        return route(offering(openai=name), openai=server, vectors=tmp_path / "cache" / "vectors.db").embedder()

    first = await model().embed(TEXTS)
    again = await model().embed([*TEXTS[::-1], "something new"])
    assert [asked.texts for asked in server.embedded] == [[*TEXTS], ["something new"]]
    assert again.vectors[2] == first.vectors[0]
    assert again.usage.calls == 1
    await model("large").embed(TEXTS[:1])
    assert len(server.embedded) == 3, "another model has other vectors"
    assert (tmp_path / "cache" / "vectors.db").stat().st_mode & 0o077 == 0
    assert b"cat" not in (tmp_path / "cache" / "vectors.db").read_bytes()


async def test_what_was_paid_before_a_fault_is_kept(route, serve, tmp_path: Path) -> None:
    server = await serve(vectors=(None, Fault.KEY_ECHO))
    model = route(offering(openai="small"), openai=server, vectors=tmp_path / "vectors.db").embedder()
    texts = [f"text {number}" for number in range(BATCH + 5)]
    with pytest.raises(ModelAway):
        await model.embed(texts)
    assert (await model.embed(texts)).usage.calls == 1
    assert [len(asked.texts) for asked in server.embedded] == [BATCH, 5, 5]


async def test_another_model_of_the_same_name_is_noticed(route, serve, tmp_path: Path) -> None:
    server = await serve(vectors=([[1.0, 0.0]],))

    def model() -> Embedder:
        return route(offering(openai="small"), openai=server, vectors=tmp_path / "vectors.db").embedder()

    await model().embed(TEXTS[:1])
    answer = await model().embed(TEXTS[:2])
    assert {len(vector) for vector in answer.vectors} == {256}
    assert [len(asked.texts) for asked in server.embedded] == [1, 1, 1]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
async def test_a_damaged_cache_is_made_anew(route, serve, tmp_path: Path, content: bytes) -> None:
    server = await serve()
    file = tmp_path / "vectors.db"
    file.write_bytes(content)
    model = route(offering(openai="small"), openai=server, vectors=file).embedder()
    for _ in range(2):
        assert len((await model.embed(TEXTS)).vectors) == 3
    assert len(server.embedded) == 1


async def test_a_cache_that_cannot_be_written_stops_nothing(route, serve, tmp_path: Path) -> None:
    server = await serve()
    (tmp_path / "file").write_text("in the way")
    model = route(offering(openai="small"), openai=server, vectors=tmp_path / "file" / "vectors.db").embedder()
    assert len((await model.embed(TEXTS)).vectors) == 3


def test_no_more_vectors_are_kept_than_asked_for(tmp_path: Path) -> None:
    from array import array

    kept = KeptVectors(tmp_path / "vectors.db", most=10)
    for number in range(15):
        kept.put({bytes([number]): array("f", [number, 1.0])})
    found = kept.get([bytes([number]) for number in range(15)])
    assert sorted(found) == [bytes([number]) for number in range(5, 15)]
    with sqlite3.connect(tmp_path / "vectors.db") as database:
        database.execute("UPDATE vectors SET data = x'0000c07f' WHERE key = x'07'")  # not a number
        database.execute("UPDATE vectors SET data = x'00' WHERE key = x'08'")
    database.close()
    assert sorted(kept.get([b"\7", b"\x08", b"\x09"])) == [b"\x09"]
