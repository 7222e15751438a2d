"""Files are found by what they are about, by vectors of a scripted server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from smaker.agents.codemap import CodeIndex, rank_by_meaning, search
from smaker.agents.codemap.meaning import LONGEST, MOST, passage
from smaker.config.settings import Llm, Provider
from smaker.core.clock import SystemClock
from smaker.core.errors import ModelAway
from smaker.core.secrets import Redactor
from smaker.llm.router import Router
from smaker.testing import ScriptedModelServer

Embed = Callable[[Sequence[str]], Awaitable[Sequence[Sequence[float]]]]
ALIKE = {"purchase": "basket", "trolley": "basket"}  # what no file says, and what a file says


@pytest.fixture
async def server() -> AsyncIterator[ScriptedModelServer]:
    async with ScriptedModelServer(alike=ALIKE) as server:
        yield server


@pytest.fixture
async def embed(server: ScriptedModelServer) -> AsyncIterator[Embed]:
    """Vectors of the server, through the router."""
    llm = Llm(mode="local", providers={"local": Provider(model="m", embedding_model="e", base_url=server.url)})
    router = Router(llm, {}, SystemClock(), Redactor())
    embedder = router.embedder()
    assert embedder is not None

    async def embed(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return (await embedder.embed(texts)).vectors

    yield embed
    await router.close()


async def test_a_file_is_found_that_no_word_leads_to(shop: dict[str, bytes], embed: Embed) -> None:
    index = CodeIndex.of(shop)
    question = "trolley purchase"
    assert search(index, question) == []
    ranking = await rank_by_meaning(index, question, embed)
    assert set(ranking[:3]) == {"shop/basket.py", "shop/till.py", "tests/test_basket.py"}
    hits = search(index, question, similar=ranking)
    assert {hit.path for hit in hits[:2]} == {"shop/basket.py", "shop/till.py"}, "a test is worth half"
    assert hits[0].lines


async def test_it_is_one_ranking_of_several(shop: dict[str, bytes], embed: Embed) -> None:
    index = CodeIndex.of(shop)
    question = "trolley money change"  # of the words till.py has two; only the meaning knows the basket
    assert search(index, question)[0].path == "shop/till.py"
    assert "shop/basket.py" not in [hit.path for hit in search(index, question)]
    found = [hit.path for hit in search(index, question, similar=await rank_by_meaning(index, question, embed))]
    assert found[0] == "shop/till.py"
    assert "shop/basket.py" in found[:3]


async def test_what_is_not_read_is_not_sent(shop: dict[str, bytes], embed: Embed, server: ScriptedModelServer) -> None:
    shop |= {".env": b"TOKEN=quokka\n", "deploy/id_rsa": b"quokka\n", "config/credentials.json": b'{"a": "quokka"}\n'}
    await rank_by_meaning(CodeIndex.of(shop), "anything", embed)
    sent = [text.partition("\n")[0] for asked in server.embedded for text in asked.texts]
    assert sorted(sent[1:]) == [
        "README.md",
        "pyproject.toml",
        "shop/basket.py",
        "shop/prices.py",
        "shop/till.py",
        "tests/test_basket.py",
        "web/app.js",
    ]
    assert "quokka" not in str([asked.body for asked in server.embedded])


async def test_an_empty_repository_asks_nobody(embed: Embed, server: ScriptedModelServer) -> None:
    assert await rank_by_meaning(CodeIndex.of({"empty.py": b""}), "anything", embed) == []
    assert server.embedded == []


async def test_what_goes_wrong_is_for_the_caller(
    shop: dict[str, bytes], embed: Embed, server: ScriptedModelServer
) -> None:
    server.vectors = lambda _: [["one"]]
    with pytest.raises(ModelAway):
        await rank_by_meaning(CodeIndex.of(shop), "anything", embed)


def test_a_passage_is_path_definitions_and_head() -> None:
    text = "import os\n\n\n" + "".join(f"def compute_{number}(value):\n    return value\n\n\n" for number in range(400))
    index = CodeIndex.of({"pkg/many.py": text.encode()})
    shown = passage(index.files["pkg/many.py"])
    assert shown.startswith("pkg/many.py\ndef compute_0(value):\ndef compute_1(value):\n")
    assert "import os" in shown
    assert len(shown) == LONGEST


async def test_a_large_repository_is_cut_to_its_best() -> None:
    files = {f"data/{number:04}.json": b'{"a": 1}\n' for number in range(MOST)}
    files |= {f"src/{number:04}.py": b"x = 1\n" for number in range(10)}
    files["data/1999.json"] = b'{"zebra": 1}\n'
    asked: list[str] = []

    async def embed(texts: Sequence[str]) -> list[list[float]]:
        asked.extend(text.partition("\n")[0] for text in texts)
        return [[1.0] for _ in texts]

    found = await rank_by_meaning(CodeIndex.of(files), "zebra", embed)
    assert len(asked) == MOST + 1
    assert asked[1] == "data/1999.json", "first what words lead to"
    assert asked[2:12] == [f"src/{number:04}.py" for number in range(10)], "then sources"
    assert len(found) == 20
    assert found == sorted(found), "equals by their names"
