"""Word forms, tokens, ranges and clauses."""

from __future__ import annotations

import pytest

from smaker.agents.offline.reader.language.clauses import split_parts
from smaker.agents.offline.reader.language.phrases import lows, noun_phrase
from smaker.agents.offline.reader.language.ranges import Range, read_range
from smaker.agents.offline.reader.language.tokens import Group, Item, Token, nest, sentences, split_lines, tokens_of
from smaker.agents.offline.reader.language.words import is_plural, number, participle, plural, singular, verb


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("book", "books"),
        ("category", "categories"),
        ("class", "classes"),
        ("address", "addresses"),
        ("expense", "expenses"),
        ("movie", "movies"),
        ("box", "boxes"),
        ("match", "matches"),
        ("shelf", "shelves"),
        ("person", "people"),
        ("child", "children"),
        ("status", "statuses"),
        ("analysis", "analyses"),
        ("hero", "heroes"),
        ("day", "days"),
        ("quiz", "quizzes"),
        ("house", "houses"),
        ("cache", "caches"),
        ("bus", "buses"),
        ("photo", "photos"),
    ],
)
def test_singular_and_plural(one: str, many: str) -> None:
    assert (plural(one), singular(many), singular(one)) == (many, one, one)
    assert is_plural(many)
    assert not is_plural(one)


@pytest.mark.parametrize("word", ["news", "equipment", "series", "species", "bus", "gas", "class", "this"])
def test_what_is_no_plural(word: str) -> None:
    assert singular(word) == word


def test_one_and_many_never_have_the_same_name() -> None:
    assert plural("equipment") == "equipment_items"
    assert plural("attendance") == "attendances"


@pytest.mark.parametrize(
    ("form", "base"),
    [
        ("archived", "archive"),
        ("listing", "list"),
        ("kept", "keep"),
        ("tracks", "track"),
        ("paid", "pay"),
        ("wibble", ""),
    ],
)
def test_verbs(form: str, base: str) -> None:
    assert verb(form) == base


@pytest.mark.parametrize(
    ("base", "form"), [("receive", "received"), ("pay", "paid"), ("carry", "carried"), ("send", "sent")]
)
def test_participles(base: str, form: str) -> None:
    assert participle(base) == form


@pytest.mark.parametrize(("word", "value"), [("3", 3), ("1,000", 1000), ("4.5", 4.5), ("twelve", 12), ("many", None)])
def test_numbers(word: str, value: float | None) -> None:
    assert number(word) == value


def items(text: str) -> list[Item]:
    """The items of one line."""
    return nest(split_lines(text)[1])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-5", Range(1, 5)),
        ("from 1 to 10", Range(1, 10)),
        ("between 0 and 100", Range(0, 100)),
        ("at least 18", Range(minimum=18)),
        ("no more than three", Range(maximum=3)),
        ("up to 100 characters", Range(maximum=100, characters=True)),
        ("greater than 0", Range(minimum=0, exclusive=True)),
        ("less than 10", Range(maximum=9)),
        ("positive", Range(minimum=0, exclusive=True)),
        ("can't be negative", Range(minimum=0)),
        ("never goes below zero", Range(minimum=0)),
        ("must not drop below 0", Range(minimum=0)),
        ("5 or more", Range(minimum=5)),
        ("zero or more", Range(minimum=0)),
        ("5 or less", Range(maximum=5)),
        ("5 books", None),
        ("5-1", None),
    ],
)
def test_ranges(text: str, expected: Range | None) -> None:
    found, after = read_range(items(text), 0)
    assert found == expected
    assert (after > 0) == (expected is not None)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("books, loans and members", ["books", "loans", "members"]),
        ("a rating between 1 and 5 and notes", ["a rating between 1 and 5", "notes"]),
        ("an app where users sign up", ["an app", "users sign up"]),
        ("a CLI that tracks books", ["a cli", "tracks books"]),
        ("Book: title, author", ["book", "title", "author"]),
        ("a status of open, in progress or done", ["a status ("]),
        ("a status which can be open or done", ["a status ("]),
        ("tasks can be archived or deleted", ["tasks can be archived or deleted"]),
        ("a stage: draft, sent or paid", ["a stage ("]),
        ("Members - name, email", ["members", "name", "email"]),
        ("a pay-as-you-go plan", ["a pay-as-you-go plan"]),
    ],
)
def test_clauses(text: str, parts: list[str]) -> None:
    assert [" ".join(lows(part.items)) for part in split_parts(items(text))] == parts


def test_sentences_end_where_they_should() -> None:
    text = "Version 1.5 costs 9.99; it works (really. yes). Search books!"
    assert [" ".join(lows(sentence)) for sentence in sentences(items(text))] == [
        "version 1.5 costs 9.99",
        "it works (",
        "search books",
    ]


def test_parentheses_that_do_not_match_do_no_harm() -> None:
    for text in ("a (b", "x a) b", "((((((a))))))", ")(", "a (b (c) d"):
        words = [token.low for token in tokens_of(items(text)) if token.kind == "word"]
        assert words == [letter for letter in text if letter.isalpha()]


def test_bullets_hang_below_their_header() -> None:
    lines, tokens = split_lines("Books:\n- title\n- author\n  - name\n\nLoans\n* book\n1. due date\nThe end.")
    assert [line.tokens[0].text for line in lines] == ["Books", "Loans", "The"]
    assert [child.tokens[0].text for child in lines[0].children] == ["title", "author"]
    assert [child.tokens[0].text for child in lines[0].children[1].children] == ["name"]
    assert [token.at for token in tokens] == list(range(len(tokens)))


def test_wrapped_lines_are_one() -> None:
    text = "A REST API to keep track of all the books that I own and have read so\nfar, with title and author.\nSearch."
    lines, _ = split_lines(text)
    assert len(lines) == 2


def test_tokens_know_where_they_stand() -> None:
    text = "a café's menu (naïve)"
    _, tokens = split_lines(text)
    assert [(token.low, text[token.start : token.end]) for token in tokens][1:3] == [("cafe", "café"), ("'s", "'s")]
    assert isinstance(items(text)[-1], Group)
    assert all(isinstance(token, Token) for token in tokens)


def test_noun_phrases() -> None:
    phrase, after = noun_phrase(items("many simple due dates of books"), 0)
    assert phrase is not None
    assert (phrase.words, phrase.head, phrase.many, after) == (("due", "dates"), "dates", True, 4)
    assert noun_phrase(items("of books"), 0) == (None, 0)
