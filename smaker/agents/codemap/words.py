"""The words of code: identifiers, their parts (parseJunit, parse_junit: parse and junit), and those of a question."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+")
_WORD_BYTES = bytes(byte if chr(byte).isalnum() or byte == ord("_") else ord(" ") for byte in range(128)) + b" " * 128
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_a-zA-Z]\w*|\d+")
_LONGEST = 64  # characters; longer runs are data

_NOISE = frozenset(
    [
        "a",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "code",
        "could",
        "do",
        "does",
        "file",
        "files",
        "find",
        "for",
        "from",
        "get",
        "gets",
        "give",
        "had",
        "has",
        "have",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "kind",
        "of",
        "on",
        "or",
        "our",
        "say",
        "says",
        "should",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "this",
        "to",
        "used",
        "uses",
        "using",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "why",
        "will",
        "with",
        "would",
        "you",
    ]
)


def identifiers(text: str) -> list[str]:
    """The words of a source, each once: identifiers, keywords, numbers, words of comments and strings."""
    if text.isascii():  # nearly all code; twice as fast as by a pattern
        return list(dict.fromkeys(text.encode().translate(_WORD_BYTES).decode().split()))
    return list(dict.fromkeys(_WORD.findall(text)))


def parts(word: str) -> list[str]:
    """Split an identifier at changes of case, at underscores and before digits; in lower case."""
    return [part.lower() for part in _PART.findall(word)]


class Splitter(dict[str, str]):
    """Remembers for each word what the index holds for it: the word itself and, where it has several, its parts."""

    def __missing__(self, word: str) -> str:
        found = _PART.findall(word) if len(word) <= _LONGEST else []
        entry = " ".join([word, *found]) if len(found) > 1 else word if found and len(word) > 1 else ""
        self[word] = entry
        return entry


def question(query: str) -> list[str]:
    """The words of a question that tell files apart, in lower case, each once; all of them if none does."""
    asked = dict.fromkeys(part for word in re.findall(r"\w+", query) for part in parts(word))
    return [part for part in asked if part not in _NOISE and len(part) > 1] or list(asked)
