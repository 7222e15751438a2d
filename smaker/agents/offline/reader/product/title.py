"""Read what the product is called: "a recipe manager", "an API for a clinic", and the technology it is to use."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Draft
from smaker.agents.offline.reader.language.phrases import at_phrase, low, lows, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item, Token
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, is_plural, verb, word_set
from smaker.agents.offline.reader.rules.field_types import is_list_word
from smaker.agents.offline.reader.rules.reading import Reading, strip_adjectives
from smaker.core.spec import ProductKind

SYSTEM = word_set(
    "app apps application applications system tool program programme utility tracker tracking manager "
    "management manger organizer organiser planner logger catalog catalogue database software solution "
    "platform journal log keeper collection list lists register directory project prototype mvp demo "
    "thing script registry crud service services site website records"
)
_BUILD = word_set("build create make write develop implement design generate code produce craft give")
_LEAD = FLUFF | DETERMINERS | word_set("i we you me us need want would like should to for of it be get")
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
_BROUGHT: dict[frozenset[ProductKind], tuple[str, ...]] = {
    _PYTHON: ("python", "python 3", "pytest", "type hints", "type annotations", "typed", "ruff", "mypy", "pip"),
    _API | _WEB: (
        "fastapi",
        "sqlmodel",
        "sqlalchemy",
        "pydantic",
        "uvicorn",
        "docker",
        "dockerfile",
        "docker compose",
        "docker-compose",
        "dockerised",
        "dockerized",
        "openapi",
        "openapi docs",
        "swagger",
        "swagger docs",
        "health check",
        "health endpoint",
        "health checks",
        "pagination",
        "paginated",
        "paging",
        "problem json",
    ),
    _API | _WEB | _CLI: ("sqlite", "sqlite3", "a database", "persistent storage", "persistence", "database"),
    _WEB: (
        "jinja",
        "jinja2",
        "html",
        "css",
        "server-rendered",
        "server rendered",
        "hashed passwords",
        "sessions",
        "csrf protection",
        "responsive",
        "forms",
        "pages",
        "navigation",
    ),
    _CLI: ("typer", "argparse", "rich"),
    _SITE: (
        "html",
        "css",
        "javascript",
        "vanilla javascript",
        "vanilla js",
        "js",
        "plain html",
        "responsive",
        "mobile friendly",
        "mobile-friendly",
        "accessible",
    ),
    _ALL: (
        "tests",
        "unit tests",
        "test suite",
        "automated tests",
        "good tests",
        "documentation",
        "docs",
        "readme",
        "a readme",
        "error handling",
        "input validation",
        "validation",
        "data validation",
        "clear error messages",
        "error messages",
        "git",
        "english",
    ),
}
# Technology that no profile uses.
_FOREIGN_STACK = (
    "rust",
    "golang",
    "go",
    "java",
    "kotlin",
    "swift",
    "c",
    "c++",
    "c#",
    "ruby",
    "rails",
    "php",
    "laravel",
    "node",
    "nodejs",
    "expressjs",
    "express",
    "typescript",
    "react",
    "vue",
    "vuejs",
    "angular",
    "svelte",
    "nextjs",
    "django",
    "flask",
    "postgres",
    "postgresql",
    "mysql",
    "mongodb",
    "mongo",
    "redis",
    "celery",
    "elasticsearch",
    "tailwind",
    "bootstrap",
    "htmx",
    "scala",
    "elixir",
    "haskell",
    "perl",
    "dart",
    "firebase",
    "supabase",
    "dynamodb",
    "oracle",
    "mariadb",
    "spring boot",
    "dotnet",
    "wasm",
    "webassembly",
    "lua",
    "zig",
    "bash",
)
_USES = word_set(
    "in using with on via by and or written built based from uses for , / ( as include includes including plus"
)


def read_technology(draft: Draft, tokens: Sequence[Token], kind: ProductKind | None) -> None:
    """Count technology that the profile of ``kind`` brings as understood, and name any other as unsupported."""
    for index, token in enumerate(tokens):
        if token.at in draft.used or (token.kind != "word"):
            continue
        for kinds, phrases in _BROUGHT.items():
            for phrase in phrases:
                after = at_phrase(tokens, index, phrase)
                if after > 0 and (kind is None or kind in kinds) and _is_use(tokens, index, after):
                    draft.used.update(word.at for word in tokens[index:after])
        for phrase in _FOREIGN_STACK:
            after = at_phrase(tokens, index, phrase)
            before = low(tokens, index - 1)
            if after > 0 and (
                before in {"in", "using", "with", "on", "and"} or (len(phrase) > 3 and token.text[:1].isupper())
            ):
                if phrase in {"go", "c", "express", "node", "oracle", "dart", "swift", "bash"} and before not in {
                    "in",
                    "using",
                }:
                    continue
                draft.used.update(word.at for word in tokens[index:after])
                draft.reject(" ".join(word.text for word in tokens[index:after]), "the blueprints do not use it")


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


def read_product(reading: Reading, items: Sequence[Item], *, first: bool) -> list[Item] | None:
    """Read the name of the product and return what follows it; None if ``items`` do not name the product.

    ``first``: these are the first words of the prompt, where "a recipe manager" names it without a kind.
    """
    words = lows(items)
    place = words.index("<kind>") if "<kind>" in words else -1
    start = 0
    while start < len(words) and (words[start] in _LEAD or verb(words[start]) in _BUILD):
        start += 1
    phrase, after = noun_phrase(items, start)
    if first and phrase is not None and phrase.head in SYSTEM and low(items, after) not in {"(", "<kind>"}:
        return _named(reading, items, [word for word in phrase.words if word not in SYSTEM], after)
    if place < 0:
        return None
    title: list[str] = []
    if start < place:
        if phrase is None or (after < place and low(items, after) not in {"for", "on", "in", "as", "of", "with"}):
            return None
        title = [word for word in phrase.words if word not in SYSTEM]
        if low(items, after) == "of" and after < place:
            inner, _ = noun_phrase(items, after + 1)
            title = [word for word in inner.words if word not in SYSTEM] if inner is not None else title
    return _named(reading, items, title, place + 1)


def _named(reading: Reading, items: Sequence[Item], title: Sequence[str], after: int) -> list[Item]:
    while low(items, after) in {"<kind>", "or", "and", "/"} and after < len(items):
        after += 1
    phrase, end = noun_phrase(items, after)
    if phrase is not None and not title and not phrase.determiner and not any(verb(word) for word in phrase.words[:-1]):
        title = [word for word in phrase.words if word not in SYSTEM]
        after = end if verb(phrase.words[0]) == "" else after
        title = title if after == end else []
    reading.use(items[:after])
    if title and not reading.draft.title:
        reading.draft.title = strip_adjectives(tuple(title))
    reading.mode = "product"
    rest = list(items[after:])
    if low(rest, 0) == "of":
        rest[0:1] = [Token("for", "for", "word")]
    return rest


def read_purpose(reading: Reading, items: Sequence[Item]) -> list[Item] | None:
    """Read "for books and loans", "for a veterinary clinic", "for tracking runs"; returns what follows, or None."""
    if (
        low(items, 0) not in {"for", "in", "at", "around", "about", "from"}
        or low(items, 1) in {"most", "least", "all"}
        or reading.mode not in {"product", "entities"}
    ):
        return None
    if low(items, 0) == "for" and low(items, 1).endswith("ing") and verb(low(items, 1)):
        return list(items[1:])
    phrase, after = noun_phrase(items, 1)
    if phrase is None:
        return None
    words = strip_adjectives(phrase.words)
    records = is_plural(words[-1]) or reading.entity_of(words) is not None
    inner, _ = noun_phrase(items, after + 1)
    lists = (
        low(items, after) in {"with", "that", "has", "having", "including"}
        and inner is not None
        and is_plural(inner.head)
    )
    if (
        phrase.determiner in {"a", "an", "my", "our"}
        and not records
        and lists
        and inner is not None
        and not is_list_word(inner.head)
    ):
        reading.use(items[: after + 1])
        reading.draft.title = reading.draft.title or words
        return list(items[after + 1 :])
    if low(items, 0) == "for" and (records or low(items, after) in {"with", "(", "including", "that", "has", "having"}):
        if phrase.determiner not in {"a", "an", "my", "our", "the"} or reading.entity_of(words) is not None:
            return list(items[1:])
        if low(items, after) == "(" or is_plural(words[-1]):
            return list(items[1:])
    reading.use(items[:after])
    kept = [word for word in words if word not in SYSTEM] or list(words)
    if not reading.draft.title and low(items, after) != "to":
        reading.draft.title = tuple(kept)
    return list(items[after:])
