"""Read the technology a prompt names: what the profiles bring anyway, and what no profile uses."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Draft
from smaker.agents.offline.reader.language.phrases import PhraseTable, low
from smaker.agents.offline.reader.language.tokens import Token
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, word_set
from smaker.core.spec import ProductKind

_API, _WEB, _CLI, _LIBRARY, _SITE = (
    frozenset({ProductKind.API}),
    frozenset({ProductKind.WEB}),
    frozenset({ProductKind.CLI}),
    frozenset({ProductKind.LIBRARY}),
    frozenset({ProductKind.SITE}),
)
_PYTHON = _API | _WEB | _CLI | _LIBRARY
_ALL = _PYTHON | _SITE
# What the profiles bring anyway, by the words that ask for it.
_BROUGHT = {
    _PYTHON: "python; python 3; pytest; type hints; type annotations; typed; ruff; mypy; pip",
    _API | _WEB: """fastapi; sqlmodel; sqlalchemy; pydantic; uvicorn; docker; dockerfile; docker compose;
        docker-compose; dockerised; dockerized; openapi; openapi docs; swagger; swagger docs; health check;
        health endpoint; health checks; pagination; paginated; paging; problem json""",
    _API | _WEB | _CLI: "sqlite; sqlite3; a database; persistent storage; persistence; database",
    _WEB: """jinja; jinja2; html; css; server-rendered; server rendered; hashed passwords; csrf
        protection; responsive; navigation""",
    _CLI: "typer; argparse; rich",
    _SITE: """html; css; javascript; vanilla javascript; vanilla js; js; plain html; responsive; mobile friendly;
        mobile-friendly; accessible""",
    _ALL: """tests; unit tests; test suite; automated tests; good tests; documentation; docs; readme; a readme;
        error handling; input validation; validation; data validation; clear error messages; error messages;
        git; english""",
}
# Technology that no profile uses.
_FOREIGN = """rust; golang; go; java; kotlin; swift; c; c++; c#; ruby; rails; php; laravel; node; nodejs;
        expressjs; express; typescript; react; vue; vuejs; angular; svelte; nextjs; django; flask; postgres;
        postgresql; mysql; mongodb; mongo; redis; celery; elasticsearch; tailwind; bootstrap; htmx; scala;
        elixir; haskell; perl; dart; firebase; supabase; dynamodb; oracle; mariadb; spring boot; dotnet;
        wasm; webassembly; lua; zig; bash"""
# Words of other meanings too: technology only after "in" or "using".
_COMMON = word_set("go c express node oracle dart swift bash")
_USES = word_set(
    "in using with on via by and or written built based from uses for , / ( . as include includes including plus"
)
_BROUGHT_TABLE = PhraseTable(
    (" ".join(phrase.split()), kinds) for kinds, text in _BROUGHT.items() for phrase in text.split(";")
)
_FOREIGN_TABLE = PhraseTable((" ".join(phrase.split()), True) for phrase in _FOREIGN.split(";"))


def read_technology(draft: Draft, tokens: Sequence[Token], kind: ProductKind | None) -> None:
    """Count technology that the profile of ``kind`` brings as understood, and name any other as unsupported."""
    for index, token in enumerate(tokens):
        if token.at in draft.used or token.kind != "word":
            continue
        brought = _BROUGHT_TABLE.at(tokens, index)
        if brought is not None and (kind is None or kind in brought[0]) and _is_use(tokens, index, brought[1]):
            lead = index - 1 if low(tokens, index - 1) in {"in", "using", "on", "via"} else index
            draft.used.update(word.at for word in tokens[lead : brought[1]])
        after = _FOREIGN_TABLE.after(tokens, index)
        if after > index and _is_meant(tokens, index, token):
            lead = index - 1 if low(tokens, index - 1) in {"in", "using", "on", "via"} else index
            draft.used.update(word.at for word in tokens[lead:after])
            draft.reject(" ".join(word.text for word in tokens[index:after]), "the blueprints do not use it")


def _is_meant(tokens: Sequence[Token], index: int, token: Token) -> bool:
    before = low(tokens, index - 1)
    if token.low in _COMMON:
        return before in {"in", "using"}
    return before in {"in", "using", "with", "on", "and"} or (len(token.low) > 3 and token.text[:1].isupper())


def _is_use(tokens: Sequence[Token], index: int, after: int) -> bool:
    before = index - 1
    while low(tokens, before) in DETERMINERS | FLUFF | {"some", "full", "unit"}:
        before -= 1
    follows = low(tokens, after)
    return (before < 0 or low(tokens, before) in _USES or low(tokens, before) == ".") and follows not in {
        "(",
        "have",
        "has",
        "'s",
    }
