"""What kind of product a prompt asks for, from the words that name it: "REST API", "web app", "command line tool"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smaker.agents.offline.reader.language.phrases import PhraseTable
from smaker.agents.offline.reader.language.tokens import Token
from smaker.agents.offline.reader.language.words import word_set
from smaker.core.spec import ProductKind

PROFILES: Mapping[ProductKind, str] = {
    ProductKind.API: "fastapi-service",
    ProductKind.WEB: "web-app",
    ProductKind.CLI: "cli-tool",
    ProductKind.LIBRARY: "python-library",
    ProductKind.SITE: "static-site",
}
KIND_WORDS: Mapping[ProductKind, str] = {
    ProductKind.API: "REST API",
    ProductKind.WEB: "web app",
    ProductKind.CLI: "command line tool",
    ProductKind.LIBRARY: "Python library",
    ProductKind.SITE: "static site",
}
# Words that name a kind wherever they stand. An optional tail ("tool", "app") may follow.
_STRONG: Mapping[ProductKind, tuple[str, ...]] = {
    ProductKind.SITE: (
        "landing page",
        "landingpage",
        "static website",
        "static web site",
        "static site",
        "static page",
        "static web page",
        "static html page",
        "portfolio website",
        "portfolio site",
        "portfolio page",
        "personal homepage",
        "personal website",
        "personal site",
        "personal page",
        "one page website",
        "one page site",
        "one-page site",
        "one-page website",
        "one-page landing page",
        "one page",
        "one-page",
        "single page website",
        "single page site",
        "single-page site",
        "single-page website",
        "marketing site",
        "marketing page",
        "marketing website",
        "product page",
        "brochure site",
        "brochure website",
        "coming soon page",
    ),
    ProductKind.CLI: (
        "command line interface",
        "command line",
        "command-line",
        "commandline",
        "cli",
        "terminal",
        "console",
        "shell",
    ),
    ProductKind.WEB: (
        "web application",
        "web app",
        "webapp",
        "web dashboard",
        "web portal",
        "web ui",
        "web interface",
        "web frontend",
        "web front end",
        "web tool",
        "web based",
        "web-based",
        "web pages",
        "browser based",
        "browser-based",
        "browser app",
    ),
    ProductKind.API: (
        "restful web service",
        "rest web service",
        "restful web api",
        "restful service",
        "restful api",
        "restful backend",
        "rest api",
        "rest service",
        "rest backend",
        "rest server",
        "rest interface",
        "rest endpoints",
        "http api",
        "http service",
        "json api",
        "web api",
        "web service",
        "crud api",
        "crud backend",
        "crud service",
        "backend service",
        "backend api",
        "api backend",
        "api service",
        "api server",
        "microservice",
        "micro service",
        "micro-service",
        "api",
        "apis",
        "rest",
    ),
    ProductKind.LIBRARY: (
        "python library",
        "python package",
        "python module",
        "python sdk",
        "pip package",
        "sdk",
    ),
}
# Words that name a kind only where the product itself is named: "an inventory service", "a website where …".
_WEAK: Mapping[ProductKind, tuple[str, ...]] = {
    ProductKind.API: ("service", "backend", "back end", "back-end", "server"),
    ProductKind.WEB: ("website", "web site", "portal", "dashboard", "online", "site", "webpage", "web page"),
    ProductKind.LIBRARY: ("library", "package", "module"),
    ProductKind.SITE: ("homepage", "home page", "portfolio"),
}
_STRONG_TABLE = PhraseTable((phrase, kind) for kind, phrases in _STRONG.items() for phrase in phrases)
_WEAK_TABLE = PhraseTable((phrase, kind) for kind, phrases in _WEAK.items() for phrase in phrases)
_TAILS = word_set("tool app application program programme utility interface script client service software in")
_PLACES = word_set("on from for in via at")
_LIBRARY_MEMBERS = word_set("book books member members loan loans borrower borrowers reader readers librarian")
_HEAD_ENDS = word_set("with where that which who for to so using")


@dataclass(frozen=True, slots=True)
class KindMark:
    """A kind named in the prompt: tokens ``begin`` to ``end`` of the list that was searched."""

    kind: ProductKind
    begin: int
    end: int
    weak: bool = False


def find_kinds(tokens: Sequence[Token]) -> list[KindMark]:
    """Every naming of a kind in ``tokens``, in order."""
    found: list[KindMark] = []
    head = _head_end(tokens)
    index = 0
    while index < len(tokens):
        mark = _at(tokens, index, _STRONG_TABLE, weak=False)
        if mark is None and index < head:
            mark = _at(tokens, index, _WEAK_TABLE, weak=True)
        if mark is None or not _is_product(tokens, mark):
            index += 1
            continue
        found.append(mark)
        index = mark.end
    return found


def _head_end(tokens: Sequence[Token]) -> int:
    """Where the words that name the product end: at "with", "where", a colon, a parenthesis, a full stop."""
    begun = False
    for index, token in enumerate(tokens):
        if token.kind == "mark" and token.low in {":", "(", ".", ",", ";", "!", "?"}:
            if begun:
                return index
        elif token.low in _HEAD_ENDS and begun and token.low not in {"to"}:
            return index
        else:
            begun = True
    return len(tokens)


def _at(tokens: Sequence[Token], index: int, table: PhraseTable[ProductKind], *, weak: bool) -> KindMark | None:
    found = table.at(tokens, index)
    if found is None:
        return None
    kind, end = found
    if end < len(tokens) and tokens[end].low in _TAILS - {"in"} and tokens[end].kind == "word":
        end += 1
    return KindMark(kind, index, end, weak)


def _is_product(tokens: Sequence[Token], mark: KindMark) -> bool:
    """Whether the words name a product and not a thing it keeps ("services (name, price)", "a music library")."""
    word = tokens[mark.begin].low
    after = tokens[mark.end].low if mark.end < len(tokens) else ""
    before = tokens[mark.begin - 1].low if mark.begin else ""
    if word in {"terminal", "console", "shell"} and mark.end == mark.begin + 1:
        alone = before in {"", ".", ":", ";"} and after in {"", ".", ";"}
        return before in {"the", "a", "my"} or alone
    if word == "rest" and mark.end == mark.begin + 1:
        return before in {"a", "over"} or mark.begin == 0
    if mark.weak and after == "(":
        return False
    if mark.weak and mark.kind is ProductKind.LIBRARY:
        members = any(token.low in _LIBRARY_MEMBERS for token in tokens)
        return not members and before not in {
            "music",
            "photo",
            "game",
            "movie",
            "book",
            "video",
            "public",
            "school",
            "the",
        }
    if mark.weak and mark.kind is ProductKind.API and after in {"provider", "providers", "desk", "station"}:
        return False
    return not (mark.weak and word in {"site"} and before in {"construction", "building", "camp", "dig", "work"})


def replace_kinds(line: Sequence[Token], marks: Mapping[int, KindMark]) -> tuple[list[Token], list[Token]]:
    """Replace each naming in ``line`` by one token "<kind>"; returns the line and the tokens that were taken.

    ``marks`` are keyed by the place of their first token.
    """
    result: list[Token] = []
    taken: list[Token] = []
    index = 0
    while index < len(line):
        mark = marks.get(line[index].at)
        if mark is None:
            result.append(line[index])
            index += 1
            continue
        while len(result) > 1 and result[-1].low in {"the", "a", "my"} and result[-2].low in _PLACES:
            taken += [result.pop(), result.pop()]
        length = mark.end - mark.begin
        taken += line[index : index + length]
        result.append(Token("<kind>", "<kind>", "kind"))
        index += length
    return result, taken


def choose(marks: Sequence[KindMark], *, people: bool, page: bool = False) -> tuple[ProductKind | None, list[KindMark]]:
    """Return the kind that was asked for, and the namings of others that it does not cover.

    A strong name wins over a weak one, the first over later ones; a web app has an API too. ``page``: the prompt
    lists sections of a page, so that "a website" is a static one.
    """
    if page and marks and marks[0].weak and marks[0].kind is ProductKind.WEB:
        return ProductKind.SITE, []
    ordered = sorted(marks, key=lambda mark: (mark.weak, mark.begin))
    if not ordered:
        return None, []
    kind = ordered[0].kind
    named = {mark.kind for mark in marks}
    if kind is ProductKind.API and ProductKind.WEB in named and people:
        kind = ProductKind.WEB
    covered = {kind} | ({ProductKind.API} if kind is ProductKind.WEB else set())
    return kind, [mark for mark in marks if mark.kind not in covered and not mark.weak]
