"""One sentence more: what it adds to books and shelves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from smaker.core.spec import Spec

Read = Callable[[str], Spec]
Compare = Callable[[Mapping[str, Any]], list[str]]
BASE = "A REST API with books (title, isbn, pages, price, read on, genre, status open/lent/lost) and shelves (code)."
BOOK = [
    *("title:text", "isbn:text", "pages:integer 0..", "price:money 0..", "read_on:date", "genre:text"),
    "status:choice[open|lent|lost]",
]


def case(sentence: str, **changes: Any) -> dict[str, Any]:
    """The case of the base with one sentence more."""
    expected: dict[str, Any] = {"kind": "api", "entities": {"book": BOOK, "shelf": ["code:text"]}, "operations": []}
    return {"prompt": f"{BASE}\n\n{sentence}", **expected, **changes}


@pytest.mark.parametrize(
    ("sentence", "operations"),
    [
        ("Books are searchable.", ["SEARCH book"]),
        ("One can search for books by title or genre.", ["SEARCH book"]),
        ("There should be a full-text search over books.", ["SEARCH book"]),
        ("Look up books by isbn.", ["SEARCH book"]),
        ("Find shelves.", ["SEARCH shelf"]),
        ("Filter books by status and genre.", ["FILTER book.status", "FILTER book.genre"]),
        ("Books can be filtered by genre.", ["FILTER book.genre"]),
        ("Show only lent books.", ["FILTER book.status"]),
        ("List books by genre.", ["FILTER book.genre"]),
        ("List books by price.", ["SORT book.price"]),
        ("List books per month.", ["FILTER book.read_on by month"]),
        ("List books of a genre.", ["FILTER book.genre"]),
        ("Sort books by price, highest first.", ["SORT book.price"]),
        ("Books are ordered by title and pages.", ["SORT book.title", "SORT book.pages"]),
        ("Show the newest books first.", []),
        ("Total price per genre.", ["REPORT book.price sum by genre"]),
        ("Show the average number of pages per genre.", ["REPORT book.pages average by genre"]),
        ("How many books per status?", ["REPORT book count by status"]),
        ("Count books by status and genre.", ["REPORT book count by status", "REPORT book count by genre"]),
        ("Number of books in each genre.", ["REPORT book count by genre"]),
        ("Calculate the sum of the prices of all books.", ["REPORT book.price sum"]),
        ("Highest price of books per genre.", ["REPORT book.price maximum by genre"]),
        ("A monthly total of prices.", ["REPORT book.price sum by month"]),
        ("Summary of books by genre.", ["REPORT book.price sum by genre"]),
        ("Genre totals.", ["REPORT book.price sum by genre"]),
        ("Export books to CSV and JSON.", ["EXPORT book csv", "EXPORT book json"]),
        ("CSV export of shelves.", ["EXPORT shelf csv"]),
        ("Download books as JSON.", ["EXPORT book json"]),
        ("Import/export books as CSV.", ["IMPORT book csv", "EXPORT book csv"]),
        ("Export books.", ["EXPORT book csv"]),
        ("At most 100 books.", ["LIMIT book 100"]),
        ("A genre can have no more than 20 books.", ["LIMIT book 20 by genre"]),
        ("There can be up to 30 books for each genre.", ["LIMIT book 30 by genre"]),
        ("Limit books to at most 5 per genre.", ["LIMIT book 5 by genre"]),
        ("Mark books as lost.", ["SET book.status=lost"]),
        ("Books can be marked as lent.", ["SET book.status=lent"]),
        ("Set status to lost.", ["SET book.status=lost"]),
        ("Change the status to lent.", []),
        ("Reopen books.", []),
        ("Move stock of books from one shelf to another.", []),
    ],
)
def test_wishes(sentence: str, operations: list[str], compare: Compare, read: Read) -> None:
    if operations:
        assert compare(case(sentence, operations=operations)) == []
        return
    spec, plain = read(f"{BASE} {sentence}"), read(BASE)
    assert len(spec.questions) + len(spec.unsupported) + len(spec.requirements) > len(plain.questions) + len(
        plain.requirements
    )


@pytest.mark.parametrize(
    ("sentence", "field", "operations"),
    [
        ("The isbn must be unique.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("A book's isbn is unique.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("The isbn of a book has to be unique.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("Book isbns must be unique.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("No two books have the same isbn.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("No duplicate isbns.", "isbn:text unique", ["UNIQUE book.isbn"]),
        ("The price can't be negative.", "price:money 0..", []),
        ("Prices must be positive.", "price:money 0.01..", []),
        ("Books can't have a negative price.", "price:money 0..", []),
        ("Pages must be between 1 and 5000.", "pages:integer 1..5000", []),
        ("The number of pages never goes below zero.", "pages:integer 0..", []),
        ("The title can have at most 80 characters.", "title:text ..80", []),
        ("The genre is optional.", "genre:text ?", []),
        ("The genre can be left empty.", "genre:text ?", []),
        ("The genre is one of novel, poetry or drama.", "genre:choice[novel|poetry|drama]", []),
    ],
)
def test_constraints(sentence: str, field: str, operations: list[str], compare: Compare) -> None:
    name = field.split(":", maxsplit=1)[0]
    fields = [field if known.startswith(f"{name}:") else known for known in BOOK]
    assert compare(case(sentence, entities={"book": fields, "shelf": ["code:text"]}, operations=operations)) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "Each book belongs to a shelf.",
        "Books belong to shelves.",
        "A shelf has many books.",
        "Shelves have books.",
        "Every book is assigned to exactly one shelf.",
        "Books are linked to a shelf.",
        "A book is part of a shelf.",
        "Books are in a shelf.",
        "Each book has a shelf.",
        "Shelves hold many books.",
        "Each book references a shelf.",
    ],
)
def test_relations(sentence: str, compare: Compare) -> None:
    assert compare(case(sentence, entities={"book": [*BOOK, "shelf->shelf"], "shelf": ["code:text"]})) == []


def test_a_relation_that_may_be_missing(read: Read) -> None:
    assert not read(f"{BASE} A book may belong to a shelf.").entity("book").field("shelf").required


@pytest.mark.parametrize(
    "sentence",
    [
        "Readers have a name and an email.",
        "A reader has a name and an email.",
        "Each reader has a name, an email.",
        "For each reader store the name and the email.",
        "Readers: name, email.",
        "Readers (name, email).",
        "A reader's name and email.",
        "Readers consist of a name and an email.",
        "The fields of a reader are name and email.",
        "Reader fields: name, email.",
        "Readers are described by a name and an email.",
        "Store readers with name and email.",
        "Keep track of readers, each with a name and an email.",
        "There are readers, which have a name and an email.",
        "Also manage readers including their name and email.",
        "Log the name and email of each reader.",
        "Readers\n- name\n- email",
        "Readers:\n* name (text)\n* email: email",
        "## Reader\n1. name\n2. email",
    ],
)
def test_declarations(sentence: str, compare: Compare) -> None:
    reader = ["name:text", "email:email"]
    assert compare(case(sentence, entities={"book": BOOK, "shelf": ["code:text"], "reader": reader})) == []


@pytest.mark.parametrize(
    ("sentence", "owned"),
    [
        ("Users sign up and log in.", {"book", "shelf"}),
        ("With user accounts.", {"book", "shelf"}),
        ("Login required.", {"book", "shelf"}),
        ("Users register with email and password. Shelves are public.", {"book"}),
        ("Users log in. Books are private to each user. Shelves are shared.", {"book"}),
        ("Users only see their own books and shelves.", {"book", "shelf"}),
        ("Each user has their own books.", {"book"}),
        ("Users log in. They keep their own books.", {"book"}),
        ("Users cannot see each other's books.", {"book"}),
        ("Users log in. Books and shelves are private.", {"book", "shelf"}),
        ("Users log in. Books (title) and shelves (code) are private.", {"book", "shelf"}),
        ("Users log in. Loans (book, date) and notes are private.", {"loan", "note"}),
        ("Users log in. They keep their own loans and notes.", {"loan", "note"}),
        ("Users log in. They keep private loans with a date. Chapters (title, loan).", {"loan", "chapter"}),
        (
            "Users log in and keep private notes. Notes have a title and a folder. They keep folders.",
            {"note", "folder"},
        ),
        ("At most 10 books per user.", {"book", "shelf"}),
        ("Users sign up. Everything is visible to everyone.", set[str]()),
    ],
)
def test_people(sentence: str, owned: set[str], read: Read) -> None:
    spec = read(f"{BASE} {sentence}")
    assert spec.users
    assert {entity.name for entity in spec.entities if entity.owned} == owned
    said = {entity.name for entity in spec.entities if f"Who sees {entity.plural}?" in " ".join(spec.questions)}
    assert said <= {"book", "shelf", "chapter", "folder"}


def test_who_sees_what_was_taken_is_asked(read: Read) -> None:
    spec = read(f"{BASE} Users log in and keep private loans with a date and parts.")
    assert "Who sees books? Taken: all users, who may change them." in spec.questions
    spec = read("A web app with login: projects (name), tasks (project, title). Projects are private.")
    assert spec.questions == ("Who sees tasks? Taken: each user only their own, as with projects.",)
    spec = read("A web app with login: books (title), reviews (book, text).")
    assert "Who sees books? Taken: each user only their own." in spec.questions


def test_people_and_their_fields(read: Read) -> None:
    assert [entity.name for entity in read(f"{BASE} Users have a name and an email.").entities][-1] == "user"
    spec = read(f"{BASE} Users sign up and log in. Users have a name, an email and a birthday.")
    assert "user" not in {entity.name for entity in spec.entities}
    assert any("birthday of users" in text for text in spec.unsupported)


@pytest.mark.parametrize(
    ("records", "asked"),
    [
        ("games (title, year) and play logs (date, score)", "Does a play log belong to a game?"),
        ("books (title), readers (name) and book reviews (text, rating)", "Does a book review belong to a book?"),
        ("rooms (name), guests (name) and bookings (date)", "Does a booking belong to a room or a guest?"),
        ("rooms (name) and occupancies (date, guests)", "Does an occupancy belong to a room?"),
        ("games (title) and play logs (game, date)", ""),
        ("games (title) and players (name)", ""),
        ("play logs (date, score)", ""),
    ],
)
def test_what_reads_as_if_it_were_about_another_record_is_asked(records: str, asked: str, read: Read) -> None:
    questions = [question for question in read(f"A REST API with {records}.").questions if "belong" in question]
    assert questions == ([f"{asked} Nothing says so. Taken: no."] if asked else [])
