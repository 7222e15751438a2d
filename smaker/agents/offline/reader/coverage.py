"""See to it that nothing said is lost: what no rule understood becomes a question, or a refusal if it is most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smaker.agents.offline.reader.draft import Draft, EntityDraft
from smaker.agents.offline.reader.language.tokens import Token
from smaker.agents.offline.reader.language.words import STOP, singular, word_set

_MEANINGLESS = word_set("'s <kind>")


def content(tokens: Iterable[Token]) -> list[Token]:
    """The words and numbers that ask for something by themselves."""
    return [token for token in tokens if token.kind in {"word", "number"} and token.low not in STOP | _MEANINGLESS]


def left_out(draft: Draft, tokens: Sequence[Token]) -> list[str]:
    """The passages no rule understood, in the prompt's own words."""
    passages: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "mark" and token.low in {".", ",", ";", ":", "(", ")", "!", "?"}:
            passages.append([])
        elif token.kind in {"word", "number"} and token.at not in draft.used:
            passages[-1].append(token)
        elif token.kind != "mark":
            passages.append([])
    known = {word for entity in draft.entities.values() for word in _names(entity)}
    found: list[str] = []
    for passage in passages:
        while passage and passage[0].low in STOP:
            passage.pop(0)
        while passage and passage[-1].low in STOP:
            passage.pop()
        if passage and not all(singular(token.low) in known for token in passage if token.low not in STOP):
            found.append(" ".join(draft.text[passage[0].start : passage[-1].end].split()))
    return list(dict.fromkeys(found))


def _names(entity: EntityDraft) -> set[str]:
    """Every word in the names of a record and its fields: to say only such words asks for nothing more."""
    return {singular(word) for name in (entity.name, *entity.fields) for word in name.split("_")}


def shares(draft: Draft, tokens: Sequence[Token]) -> tuple[float, float]:
    """The share of content words that no rule understood, and of those that were understood as unsupported."""
    words = content(tokens)
    if not words:
        return 1.0, 0.0
    missed = sum(1 for token in words if token.at not in draft.used)
    rejected = {word for text in draft.unsupported for word in text.split(":")[0].lower().replace(",", " ").split()}
    refused = sum(1 for token in words if token.at in draft.used and token.low in rejected)
    return missed / len(words), refused / len(words)
