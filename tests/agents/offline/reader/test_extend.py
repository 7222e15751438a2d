"""Further instructions: what they add, what stays as it was, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from smaker.agents.offline.reader import extend_spec, read_prompt
from smaker.core.errors import Refused, UsageError
from smaker.core.spec import DataField, FieldType, OperationKind, Spec

Extend = Callable[[Spec, str], Spec]


@pytest.fixture(scope="module")
def extend(supported: dict[str, list[str]]) -> Extend:
    """Extend a spec with the profiles that come with smaker."""
    return lambda spec, instruction: extend_spec(spec, instruction, supported=supported)


@pytest.fixture(scope="module")
def books(read: Callable[[str], Spec]) -> Spec:
    """Books and loans."""
    return read("A REST API to track books (title, author, year) and loans (book, borrower, due date)")


@pytest.fixture(scope="module")
def notes(read: Callable[[str], Spec]) -> Spec:
    """Private notes."""
    return read("a web app where users sign up, log in and keep private notes with tags, searchable")


@pytest.fixture(scope="module")
def page(read: Callable[[str], Spec]) -> Spec:
    """A page with prices and a contact form."""
    return read("a landing page with a pricing table that switches monthly and yearly, and a contact form")


def added(before: Spec, after: Spec) -> list[str]:
    """The new requirements: id, kind and what they are about."""
    known = {requirement.id for requirement in before.requirements}
    found: list[str] = []
    for requirement in after.requirements:
        operation = requirement.operation
        if requirement.id in known:
            continue
        about = ".".join(part for part in (operation.entity, operation.field) if part) if operation else ""
        kind = operation.kind.value if operation else "-"
        found.append(f"{requirement.id} {kind} {about or (operation.topic if operation else '') or ''}".strip())
    return found


def test_a_field_joins_a_record(books: Spec, extend: Extend, check: Callable[[Spec], list[str]]) -> None:
    after = extend(books, "add a rating to books")
    assert added(books, after) == ["R15 validate book.rating"]
    assert after.entity("book").fields[-1] == DataField(
        name="rating", type=FieldType.INTEGER, required=False, minimum=1, maximum=5
    )
    assert [requirement.id for requirement in after.requirements[:14]] == [r.id for r in books.requirements]
    assert after.requirement("R2").text == "Add a book with title, author, year and rating."
    assert after.requirement("R3") == books.requirement("R3")
    assert after.modules[0].requirements == (*books.modules[0].requirements, "R15")
    assert after.modules[1:] == books.modules[1:]
    assert check(after) == []
    assert {"What range does the rating of a book have? Taken: 1 to 5."} <= set(after.questions)


def test_a_text_that_a_person_edited_stays(books: Spec, extend: Extend) -> None:
    edited = books.requirements[1].model_copy(update={"text": "Shelve a book."})
    spec = books.model_copy(update={"requirements": (books.requirements[0], edited, *books.requirements[2:])})
    assert extend(spec, "add a rating to books").requirement("R2").text == "Shelve a book."


def test_a_record_joins(books: Spec, extend: Extend, check: Callable[[Spec], list[str]]) -> None:
    after = extend(books, "add authors with name and country")
    assert [field.name for field in after.entity("author").fields] == ["name", "country"]
    assert [module.name for module in after.modules] == ["book", "loan", "author", "app"]
    assert after.modules[-1].depends_on == ("book", "loan", "author")
    assert len(added(books, after)) == 6
    assert check(after) == []


@pytest.mark.parametrize(
    ("instruction", "expected"),
    [
        ("add export to CSV", ["R15 export book", "R16 export loan"]),
        ("add a CSV export of loans", ["R15 export loan"]),
        ("users can search books", ["R15 search book"]),
        ("limit loans to 3 per borrower", ["R15 limit loan"]),
        ("at most 2 loans per book", ["R15 limit loan"]),
        ("sort books by year", ["R15 sort book.year"]),
        ("list loans by month", ["R15 filter loan.due_date"]),
        ("count loans per borrower", ["R15 report loan"]),
        ("book titles must be unique", ["R15 unique book.title"]),
        ("the year of a book must be at least 1450", ["R15 validate book.year"]),
        ("mark loans as returned", ["R15 validate loan.returned", "R16 set loan.returned"]),
        ("add genre to books and filter by genre", ["R15 create book.genre", "R16 filter book.genre"]),
        ("add an isbn (unique) to books", ["R15 create book.isbn", "R16 unique book.isbn"]),
        ("give loans a fee and notes", ["R15 validate loan.fee", "R16 create loan.notes"]),
        ("loans should have a required shelf number", ["R15 validate loan.shelf_number"]),
    ],
)
def test_wishes(books: Spec, extend: Extend, instruction: str, expected: list[str]) -> None:
    assert added(books, extend(books, instruction)) == expected


def test_relations(books: Spec, extend: Extend, check: Callable[[Spec], list[str]]) -> None:
    after = extend(books, "each loan belongs to a branch. branches have a name and a city.")
    field = after.entity("loan").field("branch")
    assert (field.references, field.required) == ("branch", False)
    assert after.modules[1].depends_on == ("book", "branch")
    assert check(after) == []
    comments = extend(books, "add comments to books")
    assert comments.entity("comment").field("book").references == "book"


def test_steps_build_on_steps(notes: Spec, extend: Extend, check: Callable[[Spec], list[str]]) -> None:
    spec = notes
    for instruction in (
        "users can archive notes",
        "add notebooks with a title; a note belongs to a notebook",
        "filter notes by notebook",
        "at most 100 notes per user",
    ):
        spec = extend(spec, instruction)
        assert check(spec) == [], instruction
    assert spec.entity("notebook").owned
    assert [requirement.id for requirement in spec.operations(OperationKind.LIMIT)] == [spec.requirements[-1].id]
    assert spec.slug == notes.slug


def test_sections_and_dimensions(page: Spec, extend: Extend, read: Callable[[str], Spec]) -> None:
    after = extend(page, "add testimonials, an FAQ and a newsletter signup")
    assert after.topics == ("hero", "pricing", "contact", "testimonials", "faq", "newsletter", "footer")
    assert added(page, after) == [
        *("R7 section testimonials", "R8 section faq", "R9 section newsletter"),
        "R10 form newsletter",
    ]
    library = read("a Python library for length unit conversion")
    grown = extend(library, "also convert mass, with a registry of units")
    assert added(library, grown) == ["R2 convert mass", "R3 registry"]
    assert grown.topics == ("length", "mass")


def test_what_cannot_be_done_is_named_beside_the_rest(books: Spec, extend: Extend) -> None:
    after = extend(books, "add a rating to books. send email reminders.")
    assert len(after.unsupported) == 1
    assert added(books, after) == ["R15 validate book.rating", "R16 -"]


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        ("frobnicate the wibbles", "'frobnicate the wibbles'"),
        ("make it blue", "'blue'"),
        ("send email reminders", "sending messages"),
        ("let people pay with Stripe", "payments"),
        ("remove the year from books", "does not remove"),
        ("rename loans to lendings", "does not rename"),
        ("books have a title", "nothing new"),
        ("borrower can't be empty", "nothing new"),
    ],
)
def test_refusals(books: Spec, extend: Extend, instruction: str, message: str) -> None:
    with pytest.raises(Refused) as raised:
        extend(books, instruction)
    assert message in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    "prompt",
    [
        "a REST API to track lending machines (name, year)",
        "a command line tool for expenses (amount, date)",
        "a web app where people sign up and keep recipes",
        "a landing page with a contact form",
        "a Python library for length unit conversion",
    ],
)
def test_what_it_says_it_reads_it_reads(supported: dict[str, list[str]], extend: Extend, prompt: str) -> None:
    spec = read_prompt(prompt, supported=supported)
    with pytest.raises(Refused) as raised:
        extend(spec, "make it nicer")
    examples = re.findall(r'"(.+?)"', raised.value.hint)
    assert examples
    for example in examples:
        assert len(extend(spec, example).requirements) > len(spec.requirements), example


def test_words_that_are_no_text(books: Spec, extend: Extend) -> None:
    with pytest.raises(UsageError, match="empty"):
        extend(books, " ")
    with pytest.raises(UsageError, match="control character"):
        extend(books, "add a \x00rating to books")


def test_a_profile_that_is_gone(books: Spec) -> None:
    with pytest.raises(Refused, match="no profile 'fastapi-service'"):
        extend_spec(books, "add a rating to books", supported={})


def test_what_a_profile_lacks_is_unsupported(books: Spec) -> None:
    after = extend_spec(books, "search books", supported={"fastapi-service": ["create"]})
    assert after.unsupported == ("Search books by text.",)


def test_a_spec_with_its_own_modules_keeps_them(supported: dict[str, list[str]], extend: Extend) -> None:
    spec = read_prompt("a CLI for boats (name, length in m)", supported=supported)
    renamed = spec.modules[0].model_copy(update={"title": "The fleet"})
    after = extend(spec.model_copy(update={"modules": (renamed, *spec.modules[1:])}), "search boats")
    assert after.modules[0].title == "The fleet"
    assert after.modules[0].requirements[-1] == after.requirements[-1].id
