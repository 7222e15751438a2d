"""What is out of scope is refused with the reason and what would be needed, or named where the rest can be built."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smaker.core.errors import Refused
from smaker.core.spec import Spec

Read = Callable[[str], Spec]


@pytest.mark.parametrize(
    ("prompt", "reason"),
    [
        ("build a 2048", "games"),
        ("a snake clone in Python", "games"),
        ("parse TOML", "parsers"),
        ("a Kubernetes operator", "Kubernetes"),
        ("multi-tenant SaaS billing w/ Stripe", "Stripe"),
        ("train a neural network on my photos", "machine learning"),
        ("a Telegram bot", "bot"),
        ("an iOS app for recipes", "mobile"),
        ("a web scraper for job adverts", "scraping"),
        ("a real-time chat server", "real-time"),
        ("a sudoku solver", "algorithms"),
        ("a compiler for a toy language", "compilers"),
        ("a pomodoro timer", "something else than keep records"),
        ("a Chrome extension", "browser extensions"),
    ],
)
def test_products_no_blueprint_builds(prompt: str, reason: str, read: Read) -> None:
    with pytest.raises(Refused) as raised:
        read(prompt)
    assert reason in raised.value.message
    assert raised.value.exit_code == 4
    assert "smaker config set llm.mode" in raised.value.hint


@pytest.mark.parametrize("prompt", ["hello", "make me something cool", "qwer asdf zxcv", "do it", "the the the", "API"])
def test_too_little_is_refused_with_an_example(prompt: str, read: Read) -> None:
    with pytest.raises(Refused) as raised:
        read(prompt)
    assert "A REST API to track books" in raised.value.hint


def test_most_not_understood_is_refused_by_name(read: Read) -> None:
    with pytest.raises(Refused, match="'frobnicate wibbles'"):
        read("a REST API for books (title). frobnicate wibbles, grok quarks, transmogrify llamas and yodel softly")


@pytest.mark.parametrize(
    ("clause", "named"),
    [
        ("Payments through Stripe.", "payments"),
        ("Send email reminders for overdue loans.", "sending messages"),
        ("Only admins can delete books.", "roles"),
        ("Upload a cover image.", "uploading"),
        ("Log in with Google.", "log in"),
        ("Show the books on a map.", "maps"),
        ("Export to PDF.", "PDF"),
        ("Written in Rust.", "Rust"),
        ("A GraphQL interface.", "GraphQL"),
        ("Updates in real time.", "real-time"),
        ("A command line interface too.", "one kind of product"),
        ("Books and tags are many-to-many.", "many to many"),
        ("At most 3 overdue loans per borrower.", "overdue"),
        ("List overdue loans.", "overdue"),
        ("Count loans per week.", "grouped by month"),
    ],
)
def test_what_cannot_be_built_is_named_beside_the_rest(clause: str, named: str, read: Read) -> None:
    spec = read(f"A REST API to track books (title, author, year) and loans (book, borrower, due date). {clause}")
    assert {entity.name for entity in spec.entities} == {"book", "loan"}
    assert named.lower() in " ".join(spec.unsupported).lower()
    for text in spec.unsupported:
        (requirement,) = (requirement for requirement in spec.requirements if requirement.text == text)
        assert requirement.must


@pytest.mark.parametrize(
    "clause", ["No login needed.", "No payments needed.", "Without user accounts.", "No authentication required."]
)
def test_what_is_not_wanted_is_no_fault(clause: str, read: Read) -> None:
    spec = read(f"A REST API to track books (title, author, year). {clause}")
    assert not spec.users
    assert not spec.unsupported
    assert not spec.questions


@pytest.mark.parametrize(
    "clause", ["Books cannot be deleted.", "Books must never be searchable.", "Do not export anything."]
)
def test_a_negation_is_not_read_as_its_opposite(clause: str, read: Read) -> None:
    plain = read("A REST API to track books (title, author, year).")
    spec = read(f"A REST API to track books (title, author, year). {clause}")
    assert len(spec.requirements) == len(plain.requirements)
    assert spec.questions


def test_records_with_the_names_of_other_things_are_records(read: Read) -> None:
    spec = read("A REST API to track games (title, players), payments (amount, date) and messages (text, sent at)")
    assert [entity.name for entity in spec.entities] == ["game", "payment", "message"]
    assert not spec.unsupported
